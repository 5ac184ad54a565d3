"""What comes out of a task: how a returned value becomes a stored result."""
