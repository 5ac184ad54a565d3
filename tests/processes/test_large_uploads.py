"""Large bodies at a real server: what they cost the web process, and what is said of those that are too large."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from process_tree import RUN, Tree, running
from uploading import MB, TASKS, upload, upload_by_program
from visitor import web_process

from asyncinweb.workers.process.processes import peak_memory_mb


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    folder = tmp_path_factory.mktemp("uploads")
    (folder / "measuring.py").write_text(TASKS)
    tree = Tree(folder, program=(*RUN, "--port", "0"), workers=1, tasks=str(folder / "measuring.py"))
    with running(tree):
        yield tree


def test_an_upload_of_100_mb_costs_the_web_process_less_than_20_mb_of_memory(site: Tree) -> None:
    assert upload(site, 1).status == 303
    web = web_process(site)
    before = peak_memory_mb(web) or 0

    response = upload(site, 100)
    slug = response.location.rsplit("/", 1)[-1]
    grown = (peak_memory_mb(web) or 0) - before

    assert response.status == 303
    assert f'"value": {100 * MB}' in site.wait_for(slug).result
    assert grown < 20
    assert files_in(site.instance / "uploads") == files_in(site.instance / "incoming") == []


def test_a_program_sends_100_mb_twice_as_one_job_for_less_than_20_mb_of_memory(site: Tree) -> None:
    piece = os.urandom(MB)
    assert upload_by_program(site, 1, "small", piece).status == 201
    web = web_process(site)
    before = peak_memory_mb(web) or 0

    first, again = (upload_by_program(site, 100, "large", piece) for _ in range(2))
    other = upload_by_program(site, 99, "large", piece)
    grown = (peak_memory_mb(web) or 0) - before

    assert (first.status, again.status, other.status) == (201, 201, 409)
    assert first.location == again.location
    slug = first.location.rsplit("/", 1)[-1]
    assert f'"value": {100 * MB}' in site.wait_for(slug).result
    assert grown < 20
    assert files_in(site.instance / "uploads") == files_in(site.instance / "incoming") == []
    assert {path.name for path in (site.instance / "jobs").glob("*/*")} <= every_slug(site)


def test_a_program_that_sends_too_much_is_refused_and_leaves_nothing(site: Tree) -> None:
    before = every_slug(site)

    answer = upload_by_program(site, 110, "too-large", os.urandom(MB))

    assert answer.status == 413
    assert '"status": 413' in answer.page
    assert every_slug(site) == before
    assert files_in(site.instance / "uploads") == files_in(site.instance / "incoming") == []


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def every_slug(site: Tree) -> set[str]:
    return {row["slug"] for row in site.rows("SELECT slug FROM asyncinweb_jobs")}


def test_a_body_above_the_limit_is_refused_in_words_and_leaves_nothing(site: Tree) -> None:
    before = len(site.rows("SELECT 1 FROM asyncinweb_jobs"))
    response = upload(site, 110)

    assert response.status == 413
    assert "The files are too large. The limit is 100 MB in total. Nothing was started." in response.page
    assert len(site.rows("SELECT 1 FROM asyncinweb_jobs")) == before


def test_an_upload_that_finds_the_disk_full_is_refused_and_leaves_nothing(
    start: Callable[..., Tree], tmp_path: Path, mount: Callable[..., None]
) -> None:
    (tmp_path / "measuring.py").write_text(TASKS)
    (tmp_path / "instance").mkdir()
    mount("-t", "tmpfs", "-o", "size=16m", "tmpfs", at=tmp_path / "instance")
    tree = start(program=(*RUN, "--port", "0"), tasks=tmp_path / "measuring.py").wait_until_started()

    # One that is larger than the disk, and one that has room only until it is put where it stays.
    refused = [upload(tree, megabytes) for megabytes in (40, 9)]
    refused += [upload_by_program(tree, megabytes, f"{megabytes}", os.urandom(MB)) for megabytes in (40, 9)]
    left = files_in(tree.instance / "uploads") + files_in(tree.instance / "incoming")
    accepted = upload(tree, 3)

    assert [answer.status for answer in refused] == [503] * 4
    assert all("Temporarily unavailable" in answer.page for answer in refused)
    assert ['"status": 503' in answer.page for answer in refused] == [False, False, True, True]
    assert left == []
    assert tree.rows("SELECT count(*) AS n FROM asyncinweb_jobs") == [{"n": 1}]
    tree.wait_for(accepted.location.rsplit("/", 1)[-1], "completed")
    assert tree.server_log.count("Cannot store a request body") == 2
    assert tree.server_log.count("cannot be kept") == 2
    assert "uncaptured" not in tree.server_log


def test_a_body_far_above_the_limit_is_refused_by_its_length_before_it_is_sent(site: Tree) -> None:
    place = urlsplit(site.url)
    with socket.create_connection((place.hostname, place.port), timeout=30) as connection:
        connection.sendall(
            f"POST /tasks/measure HTTP/1.1\r\nHost: {place.netloc}\r\nOrigin: {site.url}\r\n"
            f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {10_000 * MB}\r\n\r\n".encode()
        )
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
    head, _, page = answer.decode().partition("\r\n\r\n")

    assert head.startswith("HTTP/1.1 413 ")
    assert "Content-Security-Policy: default-src 'none'" in head
    assert '<section id="error"' in page
    assert "larger than this server accepts. Nothing was started." in page
