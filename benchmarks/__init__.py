"""Measurements that take long: run by hand as `python -m benchmarks.NAME`, never as part of the tests."""

import sys
from pathlib import Path

# The folder of the helpers that start the real program for tests.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "processes"))
