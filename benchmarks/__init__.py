"""What takes long to find out: run by hand as `python -m benchmarks.NAME`, never by the tests alone."""

import sys
from pathlib import Path

# Where the helpers stand that start the real program for tests.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "processes"))
