"""Files as inputs: the function gets a path and a name, and nobody can name a file of this computer."""

import json
from pathlib import Path
from typing import Annotated, Any

import pytest
from inputs_room import from_form, inputs_with, messages, refused
from pydantic import Field

from asyncinweb.errors import BadArguments
from asyncinweb.tasks.inputs.fields import FormField
from asyncinweb.tasks.inputs.stored_arguments import in_words
from asyncinweb.tasks.inputs.uploaded import Accept, UploadedFile


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "orders.CSV"
    path.write_text("a,b\n1,2\n")
    return path


def test_the_function_gets_a_path_and_the_name(table: Path, tmp_path: Path) -> None:
    inputs = inputs_with(UploadedFile)
    packed = inputs.pack({"value": table})
    packed.keep_in(tmp_path / "given", tmp_path / "instance")
    table.unlink()

    (file,) = inputs.from_json(packed.json, tmp_path / "given").values()

    assert isinstance(file, UploadedFile)
    assert (file.name, file.suffix, file.size) == ("orders.CSV", ".csv", 8)
    assert file.path.read_text() == "a,b\n1,2\n"
    with open(file) as opened:  # noqa: PTH123 - that is the test
        assert opened.readline() == "a,b\n"
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert in_words(inputs.fields, packed.json) == [("Value", "orders.CSV (8 bytes)")]


def test_a_file_that_is_in_the_instance_folder_is_shared_not_copied(table: Path, tmp_path: Path) -> None:
    packed = inputs_with(UploadedFile).pack({"value": table})

    packed.keep_in(tmp_path / "given", tmp_path)

    assert (tmp_path / "given" / packed.files[0].sha256).samefile(table)


@pytest.mark.parametrize("value", ["/etc/hostname", {"name": "x", "size": 1, "sha256": "0" * 64}, b"abc", 5])
def test_who_sends_arguments_as_json_can_name_no_file_of_this_computer(value: object) -> None:
    assert "must be a file" in messages(inputs_with(UploadedFile), value=value)["value"]


def test_a_stored_file_cannot_lead_out_of_the_jobs_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    stored = json.dumps({"value": {"name": "x", "size": 1, "sha256": "../secret"}})

    with pytest.raises(BadArguments, match="must be a file"):
        inputs_with(UploadedFile).from_json(stored, tmp_path / "given")


def test_a_file_that_is_gone_is_told_by_its_name(table: Path, tmp_path: Path) -> None:
    packed = inputs_with(UploadedFile).pack({"value": table})

    with pytest.raises(BadArguments, match=r"is no longer available \(orders.CSV\)"):
        inputs_with(UploadedFile).from_json(packed.json, tmp_path)
    assert "can't be read" in messages(inputs_with(UploadedFile), value=tmp_path / "nothing.csv")["value"]


def test_limits_of_a_file_are_part_of_the_field_and_checked(table: Path) -> None:
    hint = Annotated[UploadedFile, Accept(".csv", ".txt", max_mb=0.000005)]
    inputs = inputs_with(hint)

    assert inputs.fields[0].accept.suffixes == (".csv", ".txt")
    assert messages(inputs, value=table) == {"value": "must be at most 5 bytes ('orders.CSV' is larger)"}
    assert messages(inputs_with(Annotated[UploadedFile, Accept(".png")]), value=table) == {
        "value": "must be a .png file, not 'orders.CSV'"
    }


@pytest.mark.parametrize(
    "hint",
    [
        Annotated[list[UploadedFile], Field(max_length=2), Accept(".csv", max_mb=1)],
        list[Annotated[UploadedFile, Accept(".csv", max_mb=1)]],
    ],
)
def test_a_list_of_files_has_limits_for_each(hint: Any, table: Path) -> None:
    inputs = inputs_with(hint)
    (form_field,) = inputs.fields

    assert isinstance(form_field, FormField)
    assert (form_field.kind, form_field.multiple, form_field.accept.max_bytes) == ("file", True, 1_000_000)
    assert [file.name for file in inputs.pack({"value": [table, table]}).files] == ["orders.CSV"] * 2
    assert (
        "must be a .csv file, not 'test_file_inputs.py'"
        in messages(inputs, value=[table, Path(__file__)])["value"]
    )


def test_too_many_files_are_told_as_files(table: Path) -> None:
    inputs = inputs_with(Annotated[list[UploadedFile], Field(max_length=1)])

    assert messages(inputs, value=[table, table]) == {"value": "must have at most 1 file, not 2"}


def test_a_missing_file_is_asked_for() -> None:
    assert refused(inputs_with(UploadedFile), {}, {"value": []}) == {"value": "is required"}
    assert from_form(inputs_with(UploadedFile | None, None)) == {"value": None}


def test_a_suffix_without_a_dot_is_refused_where_it_is_written() -> None:
    with pytest.raises(ValueError, match=r"must start with a dot.*'csv'"):
        Accept("csv")
