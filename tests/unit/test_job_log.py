"""The log of an attempt: appended at once, read by offset, bounded."""

import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.queue.files.job_log import SEGMENTS, LogPiece, LogWriter, kept_parts, log_size, read_log, read_part

MUCH = 1_000_000


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    return JobFolder(tmp_path, "slug-of-a-job")


def written(folder: JobFolder, *pieces: bytes, claim_no: int = 1, max_bytes: int = MUCH) -> JobFolder:
    writer = LogWriter(folder, claim_no, max_bytes)
    for piece in pieces:
        writer.write(piece)
    writer.close()
    return folder


def read_all(folder: JobFolder, limit: int, claim_no: int = 1) -> list[LogPiece]:
    pieces, after = [], 0
    while (piece := read_log(folder, claim_no, after, limit)).text:
        assert piece.next_offset > after
        pieces.append(piece)
        after = piece.next_offset
    return pieces


def test_a_log_that_is_not_there_reads_as_empty(folder: JobFolder) -> None:
    assert read_log(folder, 1, 0, MUCH) == LogPiece(b"", 0, 0)
    assert log_size(folder, 1) == 0


def test_what_is_written_can_be_read_at_once_before_the_log_is_closed(folder: JobFolder) -> None:
    writer = LogWriter(folder, 1, MUCH)

    writer.write(b"first\n")
    first = read_log(folder, 1, 0, MUCH)
    writer.write(b"second\n")
    second = read_log(folder, 1, first.next_offset, MUCH)
    writer.close()

    assert first == LogPiece(b"first\n", 6, 0)
    assert second == LogPiece(b"second\n", 13, 0)
    assert log_size(folder, 1) == 13


def test_reading_from_the_end_says_that_there_is_nothing_more(folder: JobFolder) -> None:
    written(folder, b"first\n")

    assert read_log(folder, 1, 6, MUCH) == LogPiece(b"", 6, 0)


def test_a_piece_ends_with_a_line_where_one_has_ended(folder: JobFolder) -> None:
    written(folder, b"first\nsecond\nthird\n")

    pieces = read_all(folder, limit=14)

    assert [piece.text for piece in pieces] == ["first\nsecond\n", "third\n"]


def test_a_line_longer_than_a_piece_is_read_in_parts(folder: JobFolder) -> None:
    written(folder, b"x" * 25 + b"\n")

    assert [len(piece.text) for piece in read_all(folder, limit=10)] == [10, 10, 6]


@pytest.mark.parametrize("limit", [4, 5, 6, 7])
def test_a_long_line_is_never_cut_inside_a_character(folder: JobFolder, limit: int) -> None:
    text = "aäöü€𝄞" * 5
    written(folder, text.encode())

    assert "".join(piece.text for piece in read_all(folder, limit)) == text


def test_bytes_that_are_no_text_are_shown_as_replacement_characters(folder: JobFolder) -> None:
    written(folder, b"a\xffb\n")

    assert read_log(folder, 1, 0, MUCH).text == "a\ufffdb\n"


def test_a_flood_costs_the_middle_and_says_how_many_bytes(folder: JobFolder) -> None:
    lines = [f"line {number:04d}\n".encode() for number in range(1_000)]
    written(folder, *lines, max_bytes=1_000)

    pieces = read_all(folder, limit=MUCH)

    kept = "".join(piece.text for piece in pieces)
    assert kept.startswith("line 0000\nline 0001\n")
    assert kept.endswith("line 0998\nline 0999\n")
    assert len(pieces) == 2
    assert pieces[0].dropped == 0
    assert pieces[1].dropped == 10_000 - len(kept)
    assert log_size(folder, 1) == 10_000


def test_a_log_never_takes_more_room_than_its_limit(folder: JobFolder) -> None:
    largest = 0
    writer = LogWriter(folder, 1, 800)

    for _ in range(500):
        writer.write(b"x" * 37)
        largest = max(largest, sum(path.stat().st_size for path in folder.path.iterdir()))
    writer.close()

    assert 800 - 800 // SEGMENTS <= largest <= 800


def test_a_reader_that_was_left_behind_by_a_flood_goes_on_after_the_gap(folder: JobFolder) -> None:
    writer = LogWriter(folder, 1, 80)
    writer.write(b"x" * 49 + b"\n")
    behind = read_log(folder, 1, 0, MUCH)
    writer.write(b"y" * 499 + b"\n")

    piece = read_log(folder, 1, behind.next_offset, MUCH)
    writer.close()

    assert behind.next_offset == 50
    assert piece.dropped > 400
    assert 50 + piece.dropped + len(piece.text) == piece.next_offset == 550


def test_a_log_can_be_read_while_a_flood_removes_parts_of_it(folder: JobFolder) -> None:
    writer, ends = LogWriter(folder, 1, 80), threading.Event()

    def flood() -> None:
        while not ends.is_set():
            writer.write(b"x" * 50)

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        for _ in range(300):
            size = log_size(folder, 1)
            read_log(folder, 1, max(0, size - 40), 40)
    finally:
        ends.set()
        thread.join()


def test_what_is_kept_of_a_flood_is_two_unbroken_parts(folder: JobFolder) -> None:
    written(folder, b"x" * 1_000, max_bytes=80)

    first, last = kept_parts(folder, 1)

    assert (first.start, first.stop, last.stop) == (0, 40, 1_000)
    assert 30 <= len(last) <= 40
    assert read_part(folder, 1, range(last.start, last.start + 25)) == b"x" * 25
    assert read_part(folder, 1, range(35, 60)) == b"x" * 5


def test_two_claims_of_a_job_have_logs_side_by_side(folder: JobFolder) -> None:
    first, second = LogWriter(folder, 1, MUCH), LogWriter(folder, 11, MUCH)

    first.write(b"a")
    second.write(b"b")
    first.write(b"a")
    first.close()
    second.close()

    assert read_log(folder, 1, 0, MUCH).text == "aa"
    assert read_log(folder, 11, 0, MUCH).text == "b"


def test_nobody_else_on_this_computer_may_read_a_log(folder: JobFolder) -> None:
    written(folder, b"secret\n")

    (path,) = folder.path.iterdir()

    assert path.stat().st_mode & 0o077 == 0
    assert folder.path.stat().st_mode & 0o077 == 0


@settings(max_examples=60)
@given(
    pieces=st.lists(st.text("ab\nä€", min_size=1, max_size=30).map(str.encode), max_size=12),
    limit=st.integers(4, 60),
)
def test_whatever_is_written_is_read_piece_by_piece_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], limit: int
) -> None:
    folder = written(JobFolder(tmp_path_factory.mktemp("log"), "slug"), *pieces)

    read = read_all(folder, limit)

    assert "".join(piece.text for piece in read).encode() == b"".join(pieces)
    assert all(piece.dropped == 0 for piece in read)
