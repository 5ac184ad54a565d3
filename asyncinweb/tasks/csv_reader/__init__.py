"""Reading CSV files as people have them: the encoding, the separator, and rows with cells of any length."""
