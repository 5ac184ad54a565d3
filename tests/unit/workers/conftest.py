"""A real job in a folder, and the real runner for it."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from asyncinweb.queue.claims import Claim
from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.tasks.registry import Options, Task
from asyncinweb.workers.process.started_claim import StartedClaim
from asyncinweb.workers.process.working_folder import WorkingFolder
from asyncinweb.workers.running.interruption import Interruption
from asyncinweb.workers.running.runner import Ending, run
from asyncinweb.workers.running.running_job import RunningJob

MEGABYTE = 1_000_000


@pytest.fixture
def interruption() -> Iterator[Interruption]:
    before = signal.getsignal(signal.SIGUSR1)
    yield Interruption()
    signal.signal(signal.SIGUSR1, before)


@pytest.fixture
def make_job(tmp_path: Path, interruption: Interruption) -> Callable[[int], RunningJob]:
    """The job in its nth attempt, with a megabyte for its result."""

    def make_job(attempt: int) -> RunningJob:
        held = Claim(1, 1, "slug", attempt=attempt)
        folder, working = JobFolder(tmp_path, "slug"), WorkingFolder(tmp_path, tmp_path)
        return RunningJob(held, folder, working, interruption, MEGABYTE, MEGABYTE, StartedClaim())

    return make_job


@pytest.fixture
def job(make_job: Callable[[int], RunningJob]) -> RunningJob:
    return make_job(1)


@pytest.fixture
def run_task(job: RunningJob, interruption: Interruption) -> Callable[..., Ending]:
    def run_task(function: Callable[..., object], arguments: str = "{}", **options: Any) -> Ending:
        return run(Task(function, Options(**{"timeout": 60.0, **options})), arguments, job, interruption)

    return run_task
