"""The inputs of tasks: type hints, fields, arguments, and how they are checked and stored."""
