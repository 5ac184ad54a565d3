"""Looking after an installation: backup, restore, checks, retention."""
