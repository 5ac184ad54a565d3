"""The outputs of tasks: how a returned value becomes a stored result."""
