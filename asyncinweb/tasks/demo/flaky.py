"""An import whose connection breaks twice: the demo of retries. The server is made up, the sums are real."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Annotated

from pydantic import Field

from asyncinweb.tasks.current import current_job
from asyncinweb.tasks.registry import task

FAILING_ATTEMPTS = (1, 2)
ROWS_PER_PAGE = 50
# How long a page of rows takes from a distant server.
SECONDS_PER_PAGE = 0.2
REGIONS = ("north", "east", "south", "west")


@task(max_attempts=4, retry_on=ConnectionError, backoff=(1, 2, 4), timeout=300)
def flaky_import(
    rows: Annotated[int, Field(ge=1, le=5000, title="Rows", description="How many orders to import.")] = 500,
) -> dict[str, object]:
    """Import orders over an unreliable connection.

    The connection drops on the first two attempts, on purpose. The third attempt, a few seconds later, gets
    through without anyone doing anything. The orders are made up. The result adds them up by region.
    """
    totals: Counter[str] = Counter()
    imported = rejected = 0
    for page in _pages(rows):
        for order in map(json.loads, page):
            if order["cents"] <= 0:
                rejected += 1
                print(f"Rejected order {order['number']}: its amount is {order['cents'] / 100:.2f}.")
                continue
            totals[order["region"]] += order["cents"]
            imported += 1
        current_job.progress(imported + rejected, rows, "orders imported")
    return {
        "imported": imported,
        "rejected": rejected,
        "total": sum(totals.values()) / 100,
        "by region": {region: totals[region] / 100 for region in REGIONS},
    }


def _pages(rows: int) -> Iterator[list[str]]:
    """Pages of orders, one JSON text for each, as a server would send them. ConnectionError halfway, at first."""
    attempt = current_job.attempt
    print(f"Connecting to the order server (attempt {max(attempt, 1)}).")
    chance = Random(rows)
    for first in range(0, rows, ROWS_PER_PAGE):
        time.sleep(SECONDS_PER_PAGE)
        if attempt in FAILING_ATTEMPTS and first + ROWS_PER_PAGE > rows / 2:
            raise ConnectionError(
                f"The order server closed the connection after {first} of {rows} orders (attempt {attempt})."
            )
        yield [_order(number, chance) for number in range(first + 1, min(first + ROWS_PER_PAGE, rows) + 1)]


def _order(number: int, chance: Random) -> str:
    """About one order in a hundred has no amount, which the import has to notice."""
    cents = 0 if chance.random() < 0.01 else round(chance.lognormvariate(8.5, 0.8))
    return json.dumps({"number": number, "region": chance.choice(REGIONS), "cents": cents})
