"""Async requests to a server, several at a time, with progress and retries.

Needs: pip install httpx
Start it with: python run.py --tasks examples/fetch.py
"""

import asyncio
import json
from typing import Annotated

import httpx
from pydantic import Field

from asyncinweb import current_job, task

AT_ONCE = 5
TRIES = 4


@task(timeout=300, title="Collect prices")
async def collect_prices(
    articles: Annotated[int, Field(ge=1, le=500)] = 40,
    shop: Annotated[
        str, Field(description="Address of the server. Leave it empty to use one that this job starts.")
    ] = "",
) -> list[dict[str, object]]:
    """Collect the price of each article from a shop.

    The shop is often busy and answers 503; then the request is tried again.
    """
    if shop:
        return await fetched(shop, articles)
    server = await asyncio.start_server(busy_shop, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()[:2]
        return await fetched(f"http://{host}:{port}", articles)


async def fetched(shop: str, articles: int) -> list[dict[str, object]]:
    slots, done = asyncio.Semaphore(AT_ONCE), 0
    async with httpx.AsyncClient(base_url=shop, timeout=10) as client:

        async def fetch(number: int) -> dict[str, object]:
            nonlocal done
            async with slots:
                price = await price_of(client, number)
            done += 1
            current_job.progress(done, articles, "prices fetched")
            return {"article": number, "price": price}

        return await asyncio.gather(*(fetch(number) for number in range(1, articles + 1)))


async def price_of(client: httpx.AsyncClient, number: int) -> float:
    """The price, after as many tries as it takes, with pauses that double."""
    for attempt in range(TRIES):
        answer = await client.get(f"/articles/{number}")
        if answer.status_code != 503:
            answer.raise_for_status()
            return float(answer.json()["price"])
        print(f"Article {number}: the shop is busy, trying again.")
        await asyncio.sleep(0.1 * 2**attempt)
    raise ConnectionError(f"The shop gave no price for article {number} in {TRIES} tries.")


# --- a shop to try it with --------------------------------------------------------------------------------------

asked: dict[str, int] = {}


async def busy_shop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers one request, and every third article only at the second try."""
    path = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].decode()
    number = int(path.rpartition("/")[2])
    asked[path] = asked.get(path, 0) + 1
    await asyncio.sleep(0.05)
    is_busy = number % 3 == 0 and asked[path] == 1
    body = json.dumps({"price": 2 + number % 7 / 2}).encode()
    status = b"503 Service Unavailable" if is_busy else b"200 OK"
    writer.write(b"HTTP/1.1 %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (status, len(body), body))
    await writer.drain()
    writer.close()
