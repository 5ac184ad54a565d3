"""A worker's own threads: whatever stops one is logged, and it goes on."""

import logging
import threading

import pytest
from waiting import wait_until

from asyncinweb.workers.process.background import start_background_thread


@pytest.mark.parametrize("error", [ValueError("half \udce9"), MemoryError(), SystemExit(3), KeyboardInterrupt()])
def test_a_thread_goes_on_behind_any_error_and_the_log_names_it(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    turns = threading.Semaphore(0)
    enough = threading.Event()

    def turn() -> None:
        turns.release()
        if enough.wait(0.01):
            enough.clear()
            raise error

    with caplog.at_level(logging.ERROR):
        start_background_thread("errs", turn)
        enough.set()
        wait_until(lambda: any("errs" in line and type(error).__name__ in line for line in caplog.messages))
        while turns.acquire(blocking=False):
            pass
        assert turns.acquire(timeout=60)
