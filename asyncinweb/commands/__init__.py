"""What the shell can ask and do while the server runs, or without it. Loaded only when such a command is typed."""
