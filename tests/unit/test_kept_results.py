"""Where a result is kept: in the row, or in a file named by its claim."""

import json
from pathlib import Path

import pytest

from asyncinweb.errors import AsyncInWebError
from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.queue.results import MAX_RESULT_IN_ROW, keep_result
from asyncinweb.tasks.outputs.shapes import to_return_value


@pytest.mark.parametrize(
    "value", ["text", "", "größer", 7, 2.5, True, None, [1, "a"], {"a": {"b": None}}, "x" * MAX_RESULT_IN_ROW]
)
def test_a_small_value_is_kept_in_the_row_as_it_was(tmp_path: Path, value: object) -> None:
    folder = JobFolder(tmp_path, "slug")

    kept = json.loads(keep_result(folder, 1, to_return_value(value)))

    assert kept["value"] == value
    assert "file" not in kept
    assert not folder.path.exists()


@pytest.mark.parametrize("value", ["x" * (MAX_RESULT_IN_ROW + 1), ["x" * MAX_RESULT_IN_ROW], b"\0", b"GIF89a"])
def test_a_large_or_binary_value_is_kept_in_a_file_named_by_its_claim(tmp_path: Path, value: object) -> None:
    folder = JobFolder(tmp_path, "slug")
    output = to_return_value(value)

    kept = json.loads(keep_result(folder, 3, output))

    assert "value" not in kept
    assert kept["file"] == f"result-3.{output.suffix}"
    assert (folder.path / kept["file"]).read_bytes() == output.data
    assert kept["bytes"] == len(output.data)


def test_a_returned_file_is_copied_and_stays_where_it_is(tmp_path: Path) -> None:
    given = tmp_path / "given.csv"
    given.write_bytes(b"a,b\n" * 1_000_000)
    folder = JobFolder(tmp_path, "slug")

    kept = json.loads(keep_result(folder, 2, to_return_value(given)))

    assert (kept["file"], kept["name"], kept["bytes"]) == ("result-2.csv", "given.csv", 4_000_000)
    assert (folder.path / kept["file"]).read_bytes() == given.read_bytes()


def test_a_returned_file_that_has_gone_is_an_error_in_words_and_not_waited_for(tmp_path: Path) -> None:
    given = tmp_path / "given.csv"
    given.write_text("a")
    output = to_return_value(given)
    given.unlink()

    with pytest.raises(AsyncInWebError, match=r"Cannot read the returned file .*given\.csv"):
        keep_result(JobFolder(tmp_path, "slug"), 1, output)


def test_a_warning_of_the_output_is_kept(tmp_path: Path) -> None:
    kept = json.loads(keep_result(JobFolder(tmp_path, "slug"), 1, to_return_value([object])))

    assert kept["warning"] == "Kept as text because JSON can't represent it: type."
