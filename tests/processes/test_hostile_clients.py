"""Clients that mean harm, or are simply many, against the real web server."""

import asyncio
import http.client
import json
import re
import select
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import urlencode, urlsplit

import pytest
from process_tree import RUN, Tree, wait_until

from asyncinweb.web.api.long_poll import MOST_WAITING
from asyncinweb.web.security import POLICY

OURS = {"Sec-Fetch-Site": "same-origin"}
FORM = {**OURS, "Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
Address = tuple[str, int]
# Seconds between two looks of a page: half of what pages do.
PAUSE = 2.5
# So many rounds of looks take 20 s. Measured: a submit among 300 pages takes 30 ms, and is over within one round.
MOST_ROUNDS = 8


@pytest.fixture
def address(tree: Tree) -> Address:
    return address_of(tree)


def address_of(tree: Tree) -> Address:
    parts = urlsplit(tree.url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


def ask(
    address: Address,
    method: str,
    path: str,
    body: str | bytes = b"",
    headers: dict[str, str] | None = None,
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection(*address, timeout=60)
    try:
        connection.request(method, path, body or None, headers or {})
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def answered(connections: list[socket.socket]) -> list[socket.socket]:
    """Those on which the server has sent something, or which it has closed."""
    return select.select(connections, [], [], 0)[0]


def jobs_of(tree: Tree, task: str) -> int:
    (row,) = tree.rows("SELECT count(*) AS number FROM asyncinweb_jobs WHERE task = :task", task=task)
    return int(row["number"])


# --- answers of the web server itself ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"GARBAGE\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nBad Header\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 300_000 + b"\r\n\r\n", 431),
        (b"POST /theme HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST /theme HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /theme HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999999\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"GET /\x00\xff HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET / HTTP/1.0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 400),
        (b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", 400),
        (b"BREW /theme HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        (b"TRACE / HTTP/1.1\r\nHost: localhost\r\nX: mirror\r\n\r\n", 405),
    ],
)
def test_what_the_web_server_refuses_has_the_headers_and_our_words(
    address: Address, sent: bytes, code: int
) -> None:
    with socket.create_connection(address, 30) as connection:
        connection.sendall(sent)
        response = http.client.HTTPResponse(connection)
        response.begin()
        body = response.read().decode()

    assert response.status == code
    assert response.headers["Content-Security-Policy"] == POLICY
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Server"] is None
    assert "<h1" in body
    assert "waitress" not in body
    assert "mirror" not in body


@pytest.mark.parametrize(
    ("sent", "answers"),
    [
        (b"GET /healthz HTTP/1.1\r\n", [b"HTTP/1.1 200 OK"]),
        (b"POST /theme HTTP/1.1\r\nContent-Length: 999999999999\r\n", [b"HTTP/1.1 413 Request Entity Too Large"]),
        (b"POST /theme HTTP/1.1\r\nContent-Length: 4\r\n", [b"HTTP/1.1 100 Continue", b"HTTP/1.1 403 FORBIDDEN"]),
    ],
)
def test_only_who_has_something_to_send_is_asked_to_go_on(
    address: Address, sent: bytes, answers: list[bytes]
) -> None:
    with socket.create_connection(address, 60) as connection, connection.makefile("rb") as heard:
        connection.sendall(sent + b"Host: localhost\r\nExpect: 100-continue\r\n\r\n")
        lines = [heard.readline().strip()]
        if len(answers) > 1:
            assert heard.readline() == b"\r\n"
            connection.sendall(b"a=1&")
            lines.append(heard.readline().strip())

    assert lines == answers


# --- the same request many times at once ------------------------------------------------------------------------


def test_twenty_equal_posts_of_a_form_are_one_job(tree: Tree, address: Address) -> None:
    before = jobs_of(tree, "add")
    body = urlencode({"a": 1, "form-key": "the-same-form-key-twenty"})
    headers = {**FORM, "Cookie": f"asyncinweb_visitor={'B' * 22}"}

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: ask(address, "POST", "/tasks/add", body, headers)[0], range(20)))

    assert {answer.status for answer in answers} == {303}
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert jobs_of(tree, "add") == before + 1


def test_twenty_equal_posts_of_a_program_are_one_job_and_other_values_a_conflict(
    tree: Tree, address: Address
) -> None:
    before = jobs_of(tree, "add")
    headers = {**JSON, "Idempotency-Key": "twenty"}

    def post(a: int) -> http.client.HTTPResponse:
        body = json.dumps({"task": "add", "arguments": {"a": a}})
        return ask(address, "POST", "/api/v1/jobs", body, headers)[0]

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(post, [1] * 20))

    assert {answer.status for answer in answers} == {201}
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert post(2).status == 409
    assert jobs_of(tree, "add") == before + 1


# --- too much ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "headers", "body"),
    [
        ("/tasks/add", FORM, b"a=" + b"1" * 10_000_000),
        ("/api/v1/jobs", JSON, b'{"task": "add", "arguments": {"a": "' + b"1" * 10_000_000 + b'"}}'),
    ],
    ids=["form", "api"],
)
def test_ten_megabytes_are_refused_in_words(
    tree: Tree, address: Address, path: str, headers: dict[str, str], body: bytes
) -> None:
    before = jobs_of(tree, "add")

    response, words = ask(address, "POST", path, body, headers)

    assert response.status == 413
    assert b"Nothing was started" in words
    assert jobs_of(tree, "add") == before


# --- behind a proxy ---------------------------------------------------------------------------------------------


def test_only_a_trusted_proxy_says_who_asks(start: Callable[..., Tree], address: Address) -> None:
    behind = start(program=(*RUN, "--port", "0"), trusted_proxy="127.0.0.1").wait_until_started()
    body = json.dumps({"task": "add", "arguments": {"a": 1}})
    forwarded = {**JSON, "X-Forwarded-For": "192.0.2.7", "X-Real-IP": "192.0.2.7"}

    _, believed = ask(address_of(behind), "POST", "/api/v1/jobs", body, forwarded)
    _, dropped = ask(address, "POST", "/api/v1/jobs", body, forwarded)

    assert json.loads(believed)["owner"] == "program:192.0.2.7"
    assert json.loads(dropped)["owner"] == "program:127.0.0.1"


# --- many connections -------------------------------------------------------------------------------------------


def test_idle_connections_and_slow_bodies_keep_nobody_waiting(address: Address) -> None:
    slow = b"POST /tasks/add HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\na=1"
    idle: list[socket.socket] = []
    with ExitStack() as connections:
        for number in range(170):
            connection = connections.enter_context(socket.create_connection(address, 30))
            if number < 20:
                connection.sendall(slow)
            idle.append(connection)

        response, _ = ask(address, "GET", "/healthz")

        assert response.status == 200
        assert answered(idle) == [], "all of them are still open"


def test_a_submit_is_quick_while_three_hundred_pages_poll(tree: Tree, address: Address) -> None:
    slug = tree.submit("nap", seconds=6)
    shown = ask(address, "GET", f"/jobs/{slug}")[1].decode()
    found = re.search(r'hx-get="([^"]+/status[^"]*)"', shown)
    assert found
    poll = found[1].replace("&amp;", "&")

    looks = asyncio.run(_submit_among(address, poll, 300))

    assert looks < MOST_ROUNDS * 300


async def _submit_among(address: Address, poll: str, pages: int) -> int:
    """How many looks for news of so many pages are answered before a submit is, when all have looked once."""
    looks: Counter[str] = Counter()
    looked = [asyncio.Event() for _ in range(pages)]
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_page(address, poll, number / pages * PAUSE, each, looks))
            for number, each in enumerate(looked)
        ]
        for each in looked:
            await each.wait()
        before = looks.total()
        body = json.dumps({"task": "add", "arguments": {"a": 1}})
        response, _ = await asyncio.to_thread(ask, address, "POST", "/api/v1/jobs", body, JSON)
        meanwhile = looks.total() - before
        for task in tasks:
            task.cancel()
    assert response.status == 201
    return meanwhile


async def _page(address: Address, poll: str, delay: float, has_looked: asyncio.Event, looks: Counter[str]) -> None:
    await asyncio.sleep(delay)
    while True:
        reader, writer = await asyncio.open_connection(*address)
        try:
            writer.write(f"GET {poll} HTTP/1.1\r\nHost: localhost\r\nHX-Request: true\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        finally:
            writer.close()
        assert head.startswith(("HTTP/1.1 200", "HTTP/1.1 204")), head
        has_looked.set()
        looks["answered"] += 1
        await asyncio.sleep(PAUSE)


@pytest.mark.parametrize(("header", "stays"), [("keep-alive", True), ("close", False)])
def test_a_look_without_news_keeps_its_connection_if_it_may(
    tree: Tree, address: Address, header: str, stays: bool
) -> None:
    slug = tree.submit("add", a=1)
    tree.wait_for(slug, "completed")
    version = re.search(r'hx-get="([^"]+v=[^"]+)"', ask(address, "GET", "/")[1].decode())
    assert version
    connection = http.client.HTTPConnection(*address, timeout=60)

    connection.request(
        "GET", version[1].replace("&amp;", "&"), headers={"HX-Request": "true", "Connection": header}
    )
    response = connection.getresponse()
    response.read()

    assert response.status == 204
    assert (connection.sock is not None) == stays
    connection.close()


def test_slow_readers_of_large_downloads_leave_threads_for_everybody_else(tree: Tree, address: Address) -> None:
    files, table = (tree.run(task, megabytes=40).slug for task in ("save_noise", "give_table"))

    for path in (f"/jobs/{files}/files.zip", f"/jobs/{table}/result.csv"):
        with ExitStack() as connections:
            slow = [connections.enter_context(slow_reader(address, path)) for _ in range(12)]
            first_lines = Counter(line_of(each) for each in slow)

            # Their first lines are there, so that all have been begun or refused.
            assert first_lines == {b"HTTP/1.1 200 OK": 3, b"HTTP/1.1 503 SERVICE UNAVAILABLE": 9}
            assert ask(address, "GET", "/healthz")[0].status == 200
        # Who goes leaves the place to others.
        wait_until(lambda path=path: ask(address, "GET", path)[0].status == 200, what="a place")


@pytest.mark.parametrize("asked", ["", "Range: bytes=1-\r\n"])
def test_slow_readers_of_large_files_hold_no_thread(tree: Tree, address: Address, asked: str) -> None:
    path = f"/jobs/{tree.run('save_noise', megabytes=40).slug}/files/noise.bin"

    with ExitStack() as connections:
        slow = [connections.enter_context(slow_reader(address, path, asked)) for _ in range(12)]
        first_lines = {line_of(each) for each in slow}

        assert first_lines == ({b"HTTP/1.1 206 PARTIAL CONTENT"} if asked else {b"HTTP/1.1 200 OK"})
        assert ask(address, "GET", "/healthz")[0].status == 200


def test_a_part_of_a_large_file_is_that_part(tree: Tree, address: Address) -> None:
    slug = tree.run("save_noise", megabytes=40).slug
    (saved,) = tree.job_folder(slug).saved(1)
    whole = saved.path.read_bytes()

    for asked, part in (
        ("bytes=0-", whole),
        ("bytes=1000001-", whole[1_000_001:]),
        ("bytes=5-30000004", whole[5:30_000_005]),
        ("bytes=-7", whole[-7:]),
        ("bytes=39999999-99999999", whole[-1:]),
    ):
        response, body = ask(address, "GET", f"/jobs/{slug}/files/noise.bin", headers={"Range": asked})
        assert (response.status, response.headers["Content-Length"]) == (206, str(len(part)))
        assert body == part
    head, body = ask(address, "HEAD", f"/jobs/{slug}/files/noise.bin", headers={"Range": "bytes=5-9"})
    assert (head.status, head.headers["Content-Length"], body) == (206, "5", b"")


def slow_reader(address: Address, path: str, headers: str = "") -> socket.socket:
    """Asks for this, and reads next to nothing of it."""
    connection = socket.socket()
    connection.settimeout(60)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(address)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode())
    return connection


def line_of(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(1), b"\r"))


# --- waiting for the end of a job -------------------------------------------------------------------------------


@pytest.fixture
def long_job(tree: Tree) -> Iterator[str]:
    slug = tree.submit("nap", seconds=60)
    yield slug
    tree.client.cancel(slug)
    tree.wait_for(slug, "cancelled")


def test_programs_that_wait_leave_threads_for_everybody_else(address: Address, long_job: str) -> None:
    with ExitStack() as connections:
        waiting = [connections.enter_context(socket.create_connection(address, 30)) for _ in range(12)]
        for each in waiting:
            each.sendall(f"GET /api/v1/jobs/{long_job}?wait=25 HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        wait_until(
            lambda: len(answered(waiting)) == 12 - MOST_WAITING, what="all but a few to be answered at once"
        )

        response, _ = ask(address, "GET", "/healthz")

        assert response.status == 200
        assert len(answered(waiting)) == 12 - MOST_WAITING, "those few still wait"
