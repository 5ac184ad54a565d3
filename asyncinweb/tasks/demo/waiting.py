"""Doing nothing for a while: the tutorial's slow function, and the one behind its page /hello."""

import time
from random import randint
from typing import Annotated

from pydantic import Field

from asyncinweb.tasks.current import track
from asyncinweb.tasks.registry import task

SHORTEST, LONGEST = 1, 10
# Short, so that a cancelled wait ends at once and the bar moves evenly.
STEPS_PER_SECOND = 10


@task(timeout=60)
def long_wait(
    seconds: Annotated[
        int | None,
        Field(
            ge=SHORTEST,
            le=LONGEST,
            title="Seconds",
            description="How long to wait. Leave it empty for a random time.",
        ),
    ] = None,
) -> str:
    """Wait for a while.

    Does nothing for 1 to 10 seconds. Stands in for any slow function.
    """
    seconds = _wait(seconds)
    return f"Waited {seconds} second{'' if seconds == 1 else 's'}."


@task(hidden=True, timeout=60)
def hello(
    name: Annotated[str, Field(max_length=100, title="Name", description="Who to greet in the log.")] = "visitor",
) -> str:
    """Say hello after a while.

    Waits for a random time between 1 and 10 seconds. The result is the number of seconds.
    """
    print(f"Hello, {name}!")
    return str(_wait(None))


def _wait(seconds: int | None) -> int:
    """Sleep for this many seconds (None: a random number), and return how many it was."""
    if seconds is None:
        seconds = randint(SHORTEST, LONGEST)
    print(f"Waiting for {seconds} s.")
    for _ in track(range(seconds * STEPS_PER_SECOND), text="waiting"):
        time.sleep(1 / STEPS_PER_SECOND)
    return seconds
