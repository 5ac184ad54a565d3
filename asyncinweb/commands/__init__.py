"""The shell's other commands, with or without a running server. Loaded only when one is typed."""
