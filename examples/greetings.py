"""Two tasks of one's own. Start them with: python run.py --tasks examples/greetings.py"""

import time
from typing import Annotated, Literal

from pydantic import Field

from asyncinweb import current_job, task, track


@task(timeout=60)
def greet(
    name: Annotated[str, Field(max_length=80, description="Who is to be greeted?")] = "world",
    times: Annotated[int, Field(ge=1, le=20)] = 5,
    tone: Literal["friendly", "formal"] = "friendly",
) -> str:
    """Greet somebody, slowly.

    Takes half a second for each greeting, so that there is something to watch.
    """
    greeting = {"friendly": "Hello", "formal": "Good day"}[tone]
    for number in track(range(times)):
        time.sleep(0.5)
        print(f"{number + 1}. {greeting}, {name}!")
    return f"{greeting}, {name}! " * times


@task(max_attempts=3, retry_on=ConnectionError, backoff=1)
def fetch_prices() -> list[dict[str, object]]:
    """Fetch prices from a shop that answers at the second try."""
    if current_job.attempt == 1:
        raise ConnectionError("the shop did not answer")
    return [{"article": "tea", "price": 3.5}, {"article": "coffee", "price": 4.2}]
