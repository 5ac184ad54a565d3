"""Running one job in a worker: calling the function, watching and stopping it, keeping what it returns."""
