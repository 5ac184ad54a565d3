"""An external program, with its output live in the log and a stop that stops it.

Start it with: python run.py --tasks examples/command.py
"""

import subprocess
import sys
from typing import Annotated

from pydantic import Field

from asyncinweb import current_job, task

# What you would run: ffmpeg, rsync, a compiler. Here it is a small program that counts.
PROGRAM = """
import sys, time
for step in range(1, int(sys.argv[1]) + 1):
    time.sleep(0.3)
    print(f"step {step} of {sys.argv[1]}")
"""


@task(timeout=600, title="Run a program")
def run_program(steps: Annotated[int, Field(ge=1, le=100)] = 10) -> str:
    """Run an external program and follow its output.

    If you stop the job, the program is stopped, too.
    """
    last = ""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(steps)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as program:
        assert program.stdout is not None
        try:
            for number, line in enumerate(program.stdout, start=1):
                last = line.strip()
                print(last)  # to the job's log, at once
                current_job.progress(number, steps, last)
        except BaseException:
            # Stopped, or out of time: end the program first. What doesn't end is killed with the job.
            program.terminate()
            raise
    if program.returncode:
        raise RuntimeError(f"The program failed with exit code {program.returncode}. Its last line: {last}")
    return f"The program finished. Its last line: {last}"
