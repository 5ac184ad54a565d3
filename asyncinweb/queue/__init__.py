"""The bridge: the tables of jobs, and the only code that changes them. No Flask."""
