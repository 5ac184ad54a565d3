"""Reading CSV files as people have them: which encoding, which separator, and rows with cells of any length."""
