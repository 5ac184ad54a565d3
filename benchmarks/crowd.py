"""Many open pages, kept by a separate process: each polls at its own pace, over one connection."""

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

# What a browser sends along.
HEADERS = (
    "HX-Request: true\r\nCookie: asyncinweb_visitor=AAAAAAAAAAAAAAAAAAAAAA\r\nSec-Fetch-Site: same-origin\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: text/html\r\nAccept-Encoding: gzip, deflate, br\r\n"
)


def request_of(port: int, path: str) -> bytes:
    """What an open page sends to poll for news."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n{HEADERS}\r\n".encode()


@contextmanager
def open_pages(port: int, path: str, pages: int, every_seconds: float) -> Iterator[None]:
    """This many pages that have all polled once and keep polling. Every poll must be answered with 204."""
    spawn = multiprocessing.get_context("spawn")
    hears, says = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_look, args=(port, request_of(port, path), pages, every_seconds, says))
    process.start()
    try:
        assert hears.poll(120), "not every page was answered"
        hears.recv()
        yield
        assert process.is_alive(), "a page was not answered with 204"
    finally:
        process.kill()
        process.join()


def _look(port: int, request: bytes, pages: int, every_seconds: float, says: Connection) -> None:
    """The main function of the process."""
    asyncio.run(_look_from_all(port, request, pages, every_seconds, says))


async def _look_from_all(port: int, request: bytes, pages: int, every_seconds: float, says: Connection) -> None:
    now = asyncio.get_running_loop().time()
    looked = [asyncio.Event() for _ in range(pages)]
    async with asyncio.TaskGroup() as group:
        for number, each in enumerate(looked):
            group.create_task(_page(port, request, now + number / pages * every_seconds, every_seconds, each))
        for each in looked:
            await each.wait()
        says.send(True)


async def _page(port: int, request: bytes, due: float, every_seconds: float, looked: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        await asyncio.sleep(due - loop.time())
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 204"), head
        looked.set()
        due = max(due + every_seconds, loop.time())
