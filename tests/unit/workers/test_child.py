"""What a child does before it has begun."""

import subprocess
import sys

import pytest

WAIT = """
from multiprocessing import Pipe

from asyncinweb.workers.process.child import wait_for_go

supervisors, mine = Pipe()
if {has_spoken}:
    mine.send("ready")
supervisors.close()
wait_for_go(mine)
"""


@pytest.mark.parametrize("has_spoken", [True, False])
def test_a_child_whose_supervisor_has_gone_ends_without_a_traceback(has_spoken: bool) -> None:
    script = WAIT.format(has_spoken=has_spoken)

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
