"""A visitor of the program under test: asks and submits over HTTP as a browser does."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from process_tree import Tree

from asyncinweb.webserver import THREADS


def get(tree: Tree, path: str, seconds: float = 40.0) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(tree.url + path, timeout=seconds) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def size_of(tree: Tree, path: str) -> int:
    """How many bytes a download has."""
    with urllib.request.urlopen(tree.url + path, timeout=120) as answer:
        return sum(len(piece) for piece in iter(lambda: answer.read(1_000_000), b""))


def post(
    tree: Tree, path: str, pairs: Sequence[tuple[object, object]] = (), **fields: object
) -> http.client.HTTPResponse:
    """A form as a browser on the same site sends it; redirects are not followed. pairs: further fields."""
    site = urlsplit(tree.url)
    connection = http.client.HTTPConnection(site.hostname or "", site.port, timeout=40)
    try:
        body = urlencode([*fields.items(), *pairs], doseq=True)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": tree.url,
            "Sec-Fetch-Site": "same-origin",
        }
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer
    finally:
        connection.close()


def post_json(tree: Tree, path: str, body: str) -> tuple[int, str]:
    """What a program sends to the API."""
    request = urllib.request.Request(
        tree.url + path, body.encode(), {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=40) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def submit_page(tree: Tree, task: str, **fields: object) -> str:
    answer = post(tree, f"/tasks/{task}", **fields)
    assert answer.status == 303, answer.status
    return slug_of(answer)


def slug_of(answer: http.client.HTTPResponse) -> str:
    """The job that a submitted form became."""
    return str(answer.getheader("Location")).rstrip("/").rpartition("/")[2]


def answers(tree: Tree) -> bool:
    try:
        return get(tree, "/healthz", 1.0)[0] == 200
    except OSError:
        return False


def web_process(tree: Tree) -> int:
    """The one child of the supervisor that waits for visitors."""
    children = [pid for pid in tree.processes() if parent_of(pid) == tree.process.pid]
    (pid,) = [pid for pid in children if pid not in tree.workers() and listens(pid)]
    return pid


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def listens(pid: int) -> bool:
    """True for a child with as many threads as the web server has, whether workers are registered yet or not."""
    return len(list(Path(f"/proc/{pid}/task").iterdir())) >= THREADS


def health(tree: Tree) -> tuple[int, str]:
    """What /healthz says: its status, and the problem it names."""
    status, said = get(tree, "/healthz")
    answer: Any = json.loads(said)
    return status, answer.get("problem", "")
