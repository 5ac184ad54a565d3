"""The cost of a poll without news, compared with a bare Flask view: python -m benchmarks.polls [--rounds N].

A real `run.py` is polled as open pages poll it, and so is a Flask app with one view and one SELECT through
Flask-SQLAlchemy, on the same database and under waitress with the same settings. Their rounds alternate. What
counts is the processor time that a server spends on an answer, because other programs may load the machine.
"""

import argparse
import multiprocessing
import os
import re
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from process_tree import RUN, Tree
from sqlalchemy import text
from visitor import get, web_process

from asyncinweb.logs import configure_log
from asyncinweb.queue.stores.sqlite import sqlite_url
from asyncinweb.settings import Settings
from asyncinweb.webserver import server_of
from benchmarks.crowd import request_of

CONNECTIONS = 16
LOOKS = 480
# The share of the bare view's requests that we answer in the same time.
GOAL = 0.8


@dataclass
class Server:
    """A polled server, and the cost of each round, in microseconds per answer."""

    pid: int
    port: int
    path: Callable[[], str]
    processor: list[float] = field(default_factory=list)
    elapsed: list[float] = field(default_factory=list)

    def look(self, looks: int) -> None:
        """One round."""
        path = self.path()
        began, used = time.perf_counter(), processor_seconds(self.pid)
        poll(self.port, path, looks)
        self.processor.append((processor_seconds(self.pid) - used) / looks * 1e6)
        self.elapsed.append((time.perf_counter() - began) / looks * 1e6)


def poll(port: int, path: str, looks: int) -> None:
    """This many requests over connections that stay open; each must be answered with 204."""
    request = request_of(port, path)
    with ExitStack() as stack:
        pages = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(CONNECTIONS)]
        for _ in range(looks // CONNECTIONS):
            for page in pages:
                page.sendall(request)
            for page in pages:
                answer = page.recv(65_536)
                assert answer.startswith(b"HTTP/1.1 204"), answer
                assert answer.endswith(b"\r\n\r\n"), answer


def processor_seconds(pid: int) -> float:
    """The processor time of a process's threads, to the nanosecond."""
    used = (Path(task, "schedstat").read_text().split()[0] for task in Path(f"/proc/{pid}/task").iterdir())
    return sum(map(int, used)) / 1e9


# --- the bare view ----------------------------------------------------------------------------------------------


def serve_bare(database: Path, ready: Connection) -> None:
    """A whole process."""
    configure_log()
    app = Flask("bare")
    app.config["SQLALCHEMY_DATABASE_URI"] = sqlite_url(database)
    db = SQLAlchemy(app)

    @app.get("/jobs/<slug>/status")
    def status(slug: str) -> tuple[str, int]:
        found = "SELECT state, claim_no FROM asyncinweb_jobs WHERE slug = :slug"
        db.session.execute(text(found), {"slug": slug}).one()
        return "", 204

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = server_of(app, listener, Settings())
        ready.send(listener.getsockname()[1])
        server.run()


@contextmanager
def bare_server(database: Path, slug: str) -> Iterator[Server]:
    spawn = multiprocessing.get_context("spawn")
    hears, says = spawn.Pipe(duplex=False)
    process = spawn.Process(target=serve_bare, args=(database, says), daemon=True)
    process.start()
    try:
        yield Server(process.pid or 0, hears.recv(), lambda: f"/jobs/{slug}/status?v=1")
    finally:
        process.kill()
        process.join()


# --- ours -------------------------------------------------------------------------------------------------------


def running_job(tree: Tree) -> str:
    """A job in the middle of its run: nothing about it will change for an hour."""
    slug = tree.submit("nap", seconds=3600)
    tree.wait_for(slug, "processing")
    tree.change(
        "UPDATE asyncinweb_jobs SET created_at = created_at - 60, started_at = started_at - 60,"
        " reported_at = :later WHERE slug = :slug",
        slug=slug,
        later=time.time() + 3600,
    )
    return slug


def waiting_job(tree: Tree) -> str:
    """The next job in the queue."""
    slug = tree.submit("add", a=1)
    tree.change("UPDATE asyncinweb_jobs SET created_at = created_at - 60 WHERE slug = :slug", slug=slug)
    return slug


def next_look(tree: Tree, page: str) -> Callable[[], str]:
    """Finds out what a page opened now will ask for."""

    def found() -> str:
        (path,) = re.findall(r'hx-get="([^"]*[?&;]v=[^"]*)"', get(tree, page)[1])
        return str(path).replace("&amp;", "&")

    return found


# --- the table --------------------------------------------------------------------------------------------------


def table(ours: dict[str, Server], bare: Server) -> str:
    """A line for each: medians of the rounds, and the ratio to the bare view in the same round."""
    lines = [f"{'':14}{'us/answer':>10}{'us/elapsed':>11}{'ratio to bare: min':>20}{'median':>8}{'max':>6}"]
    for name, server in {"bare view": bare, **ours}.items():
        ratios = [theirs / mine for theirs, mine in zip(bare.processor, server.processor, strict=True)]
        lines.append(
            f"{name:14}{statistics.median(server.processor):10.0f}{statistics.median(server.elapsed):11.0f}"
            f"{min(ratios):20.2f}{statistics.median(ratios):8.2f}{max(ratios):6.2f}"
        )
    return "\n".join(lines)


def measure(folder: Path, rounds: int, looks: int) -> tuple[dict[str, Server], Server]:
    """All servers in turn, this many times."""
    tree = Tree(folder, program=(*RUN, "--port", "0"), workers=1, poll_seconds=5)
    try:
        tree.wait_until_started()
        slug, next_slug = running_job(tree), waiting_job(tree)
        pid, port = web_process(tree), urlsplit(tree.url).port or 0
        pages = {"running job": f"/jobs/{slug}", "waiting job": f"/jobs/{next_slug}", "list of jobs": "/jobs"}
        ours = {name: Server(pid, port, next_look(tree, page)) for name, page in pages.items()}
        with bare_server(tree.database.path, slug) as bare:
            servers: Sequence[Server] = (bare, *ours.values())
            for server in servers:
                poll(server.port, server.path(), CONNECTIONS * 10)
            for _ in range(rounds):
                for server in servers:
                    server.look(looks)
        return ours, bare
    finally:
        tree._sweep()
        tree.process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=25)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="asyncinweb-polls-") as folder:
        ours, bare = measure(Path(folder), arguments.rounds, LOOKS)
    sys.stdout.write(f"load of the machine {os.getloadavg()[0]:.1f}\n{table(ours, bare)}\n")
    sys.stdout.write(f"goal: {GOAL} for a running job\n")


if __name__ == "__main__":
    main()
