"""The tasks of `python run.py`: small, but real work. Importing this package registers them."""

# The order of the imports is the order on the home page.
# isort: off
from asyncinweb.tasks.demo import julia
from asyncinweb.tasks.demo import route
from asyncinweb.tasks.demo import csv_checkup
from asyncinweb.tasks.demo import words
from asyncinweb.tasks.demo import flaky
from asyncinweb.tasks.demo import waiting

# isort: on

__all__ = ["csv_checkup", "flaky", "julia", "route", "waiting", "words"]
