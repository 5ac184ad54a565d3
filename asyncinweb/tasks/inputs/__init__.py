"""What goes into a task: type hints, fields, arguments, and how they are checked and stored."""
