"""Sends large files to the program under test, as a form and as a program do."""

import http.client
import os
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

from process_tree import Tree

MB = 1_000_000
# A file of tasks: one that takes a file.
TASKS = """
from asyncinweb import UploadedFile, task

@task
def measure(file: UploadedFile) -> int:
    return file.path.stat().st_size
"""
HEAD = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="large.bin"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n"
)
JOB = b'--x\r\nContent-Disposition: form-data; name="job"\r\n\r\n{"task": "measure"}\r\n'
TAIL = b"\r\n--x--\r\n"


@dataclass(frozen=True)
class Answer:
    """What an upload was answered with."""

    status: int
    location: str
    page: str


def upload(site: Tree, megabytes: int) -> Answer:
    """Send a file of this size, as a form does."""
    return send(site, "/tasks/measure", {"Origin": site.url}, HEAD, megabytes, os.urandom(MB))


def upload_by_program(site: Tree, megabytes: int, key: str, piece: bytes) -> Answer:
    """Send a file of this size, as a program does."""
    return send(site, "/api/v1/jobs", {"Idempotency-Key": key}, JOB + HEAD, megabytes, piece)


def send(site: Tree, path: str, headers: dict[str, str], head: bytes, megabytes: int, piece: bytes) -> Answer:
    """Send a file that consists of so many pieces of a megabyte, one at a time."""
    with closing(http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=60)) as connection:
        connection.putrequest("POST", path)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.putheader("Content-Type", "multipart/form-data; boundary=x")
        connection.putheader("Content-Length", str(len(head) + megabytes * MB + len(TAIL)))
        connection.endheaders(head)
        for _ in range(megabytes):
            connection.send(piece)
        connection.send(TAIL)
        response = connection.getresponse()
        return Answer(response.status, response.getheader("Location") or "", response.read().decode())
