"""Tasks, their inputs and outputs. Pure: no database, no Flask, no processes."""
