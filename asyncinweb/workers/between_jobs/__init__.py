"""What a job leaves behind, and putting it back before the next one. docs/writing-tasks.md has the table."""
