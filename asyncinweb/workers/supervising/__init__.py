"""The parent of the workers: starting, watching, replacing and stopping them, rescue, and what falls due."""
