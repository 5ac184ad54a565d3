"""Inputs that are more than a line of text: durations, sets, models, JSON, secrets and files."""

import json
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretStr
from test_inputs import inputs_of, inputs_with, messages

from asyncinweb.errors import BadArguments, TaskDefinitionError
from asyncinweb.tasks.inputs.durations import read_duration, show_duration
from asyncinweb.tasks.inputs.fields import FormField
from asyncinweb.tasks.inputs.model import Inputs
from asyncinweb.tasks.inputs.stored_arguments import in_words
from asyncinweb.tasks.inputs.uploaded import Accept, UploadedFile

DEEP = "[" * 10_000 + "]" * 10_000


@dataclass
class Address:
    street: Annotated[str, Field(min_length=1, description="With the number.")]
    city: str = "Bremen"
    since: date | None = None
    is_business: bool = False


class Limits(BaseModel):
    low: float = 0.5
    all: list[float] = Field(default_factory=list)
    count: int = 0
    options: dict[str, Any] = Field(default_factory=dict)


def from_form(inputs: Inputs, **texts: list[str]) -> dict[str, object]:
    """What the function gets for a form that was sent."""
    return inputs.from_json(inputs.to_json(inputs.from_texts(texts)))


def refused(inputs: Inputs, texts: dict[str, list[str]], files: dict[str, list[object]] | None = None) -> Any:
    with pytest.raises(BadArguments) as error:
        inputs.pack(inputs.from_texts(texts, files))
    return error.value.messages


# --- times and durations ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hint", "texts", "value"),
    [
        (time, ["18:30"], time(18, 30)),
        (time, ["18:30:05"], time(18, 30, 5)),
        (timedelta, ["1 h 30 min"], timedelta(minutes=90)),
        (timedelta, ["90"], timedelta(seconds=90)),
        (timedelta, ["1:30:00"], timedelta(minutes=90)),
        (timedelta, ["PT45S"], timedelta(seconds=45)),
        (timedelta | None, [""], None),
        (set[int], ["1\n2\n2"], {1, 2}),
        (set[Literal["a", "b"]], ["b", "a"], {"a", "b"}),
        (list[bool], ["yes\nno"], [True, False]),
        (bool | None, ["on"], True),
        (bool | None, ["false"], False),
        (bool | None, [""], None),
        (dict[str, int], ['{"a": 1}'], {"a": 1}),
        (Any, ["[1, null, 2.5]"], [1, None, 2.5]),
    ],
)
def test_what_a_form_sends_means_a_value(hint: Any, texts: list[str], value: object) -> None:
    assert from_form(inputs_with(hint), value=texts) == {"value": value}


@pytest.mark.parametrize("text", ["soon", "1 fortnight", "1:75", "h", "1 h x", "9999999999 days"])
def test_a_text_that_is_no_duration_is_refused_with_an_example(text: str) -> None:
    assert "1 h 30 min" in refused(inputs_with(timedelta), {"value": [text]})["value"]


def test_a_limit_of_a_duration_is_told_in_words() -> None:
    inputs = inputs_with(Annotated[timedelta, Field(le=timedelta(hours=5))])

    message = refused(inputs, {"value": ["6 h"]})["value"]

    assert message == "must be at most 5 hours, not 6 h"
    assert "5 h" in message
    assert inputs.fields[0].maximum == "5 h"


@given(st.timedeltas(timedelta(days=-10_000), timedelta(days=10_000)))
def test_a_duration_is_read_as_it_is_shown(duration: timedelta) -> None:
    assert read_duration(show_duration(duration)) == duration


def test_a_set_is_stored_the_same_whatever_its_order() -> None:
    inputs = inputs_with(set[str])

    assert inputs.to_json({"value": {"b", "a", "c"}}) == inputs.to_json({"value": ["c", "a", "b"]})
    assert inputs.to_json({"value": {"b", "a"}}) == '{"value":["a","b"]}'


def test_the_number_of_items_is_limited() -> None:
    inputs = inputs_with(Annotated[list[int], Field(min_length=1, max_length=2)])

    assert refused(inputs, {"value": ["1\n2\n3"]}) == {"value": "must have at most 2 values, not 3"}
    assert refused(inputs, {"value": [""]}) == {"value": "must have at least 1 value"}


# --- models -----------------------------------------------------------------------------------------------------


def test_a_model_is_a_group_of_fields_with_their_own_limits_and_help() -> None:
    (group,) = inputs_with(Annotated[Address, Field(title="Where to")]).fields

    assert (group.kind, group.label, group.required) == ("group", "Where to", True)
    assert [(leaf.name, leaf.kind, leaf.required) for leaf in group.members] == [
        ("value.street", "text", True),
        ("value.city", "text", False),
        ("value.since", "date", False),
        ("value.is_business", "checkbox", False),
    ]
    assert group.members[0].help == "With the number."
    assert group.members[1].default == ("Bremen",)


def test_the_function_gets_the_object() -> None:
    texts = {"value.street": ["Main St 1"], "value.city": ["Ulm"], "value.since": ["2026-01-02"]}
    expected = Address("Main St 1", "Ulm", date(2026, 1, 2))

    assert from_form(inputs_with(Address), **texts) == {"value": expected}
    assert from_form(inputs_with(Limits), **{"value.low": ["2"], "value.options": ['{"a": 1}']}) == {
        "value": Limits(low=2, options={"a": 1})
    }


def test_a_model_given_from_a_program_is_stored_like_one_from_a_form() -> None:
    inputs = inputs_with(Address)

    assert inputs.to_json({"value": Address("A")}) == inputs.to_json(inputs.from_texts({"value.street": ["A"]}))


def test_an_optional_model_left_empty_is_none() -> None:
    inputs = inputs_with(Address | None, None)
    empty = {"value.street": [""], "value.city": [""], "value.since": [""], "value.is_business": [""]}

    assert from_form(inputs, **empty) == {"value": None}
    assert from_form(inputs) == {"value": None}


def test_errors_in_a_model_name_the_member() -> None:
    inputs = inputs_with(Address)

    assert refused(inputs, {"value.street": [""], "value.since": ["soon"]}) == {
        "value.street": "is required",
        "value.since": "must be a date, such as 2026-11-23, not 'soon'",
    }


def test_a_default_object_fills_the_members() -> None:
    inputs = inputs_with(Address, Address("Main St 1", is_business=True))

    assert inputs.defaults() == {
        "value.street": ("Main St 1",),
        "value.city": ("Bremen",),
        "value.since": (),
        "value.is_business": ("on",),
    }


def test_a_model_comes_back_into_its_form_as_it_was() -> None:
    inputs = inputs_with(Address)
    stored = inputs.to_json({"value": Address("A", "B", date(2026, 1, 2), True)})

    assert inputs.to_json(inputs.from_texts(inputs.to_texts(stored))) == stored
    assert ("Value: Street", "A") in in_words(inputs.fields, stored)


@pytest.mark.parametrize("number", ["nan", "inf"])
def test_a_number_in_a_model_is_an_ordinary_one(number: str) -> None:
    for name in ("value.low", "value.all"):
        assert "must be a finite number" in refused(inputs_with(Limits), {name: [number]})[name]


def test_a_whole_number_in_a_model_has_64_bits() -> None:
    found = refused(inputs_with(Limits), {"value.count": [str(10**30)]})

    assert found == {
        "value.count": f"must be at most 9,223,372,036,854,775,807, not {10**30}",
    }


def test_a_model_inside_a_model_is_refused_at_the_start() -> None:
    @dataclass
    class Order:
        to: Address
        notes: list[str] = field(default_factory=list)

    with pytest.raises(TaskDefinitionError, match=r"report\(\).*'value'.*Order with Address inside.*tasks.py:7"):
        inputs_with(Order)


# --- JSON -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "isn't valid JSON (line 1, column 2): property names need double quotes"),
        ("[1,\n2", "isn't valid JSON (line 2, column 2): a comma is missing"),
        (DEEP, "nested too deeply"),
        ("[" * 51 + "]" * 51, "nested too deeply"),
        ("[NaN]", "NaN"),
        ("[-Infinity]", "-Infinity"),
        ("[1e999]", "contains infinity or NaN"),
        (f"[{10**30}]", "beyond 9,223,372,036,854,775,807"),
        ("9" * 5000, "digits"),
        ('"\\ud800"', "lone surrogate"),
        ('{"\\ud800": 1}', "lone surrogate"),
        ('["\\u0000"]', "NUL"),
    ],
)
def test_json_that_could_not_be_kept_is_refused_in_words(text: str, words: str) -> None:
    for hint in (Any, dict[str, Any]):
        message = refused(inputs_with(hint), {"value": [text]})["value"]
        assert words in message
        assert len(message) < 200


@pytest.mark.parametrize(
    "value", [float("nan"), 10**30, "\ud800", "a\0b", object(), json.loads("[" * 60 + "]" * 60)]
)
def test_json_from_a_program_is_refused_by_the_same_rules(value: object) -> None:
    messages(inputs_with(Any), value=value)


def test_json_of_the_wrong_shape_is_refused() -> None:
    assert "JSON object" in refused(inputs_with(dict[str, int]), {"value": ["[1]"]})["value"]
    assert "value" in refused(inputs_with(dict[str, int]), {"value": ['{"a": "b"}']})


def test_json_is_shown_as_it_was() -> None:
    inputs = inputs_with(dict[str, Any])
    stored = inputs.to_json({"value": {"name": "Zoë", "list": list(range(40))}})

    assert inputs.to_json(inputs.from_texts(inputs.to_texts(stored))) == stored


@pytest.mark.parametrize("hint", [str, list[str], Annotated[str, Field(max_length=5000)], Address])
def test_a_text_with_nul_or_half_a_character_is_refused_in_words(hint: Any) -> None:
    name = "value.street" if hint is Address else "value"
    for text in ("a\0b", "\ud800"):
        (message,) = refused(inputs_with(hint), {name: [text]}).values()
        assert "NUL" in message or "surrogate" in message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_any_json_is_kept_exactly_or_refused(value: object) -> None:
    inputs = inputs_with(Any)
    told: dict[str, str] = {}
    try:
        kept = inputs.from_json(inputs.to_json({"value": value}))
    except BadArguments as error:
        told = error.messages

    assert told.keys() == {"value"} or kept == {"value": value}


# --- secrets ----------------------------------------------------------------------------------------------------


@dataclass
class Login:
    user: str
    password: SecretStr


def report(
    login: Login, token: Annotated[SecretStr, Field(min_length=12)], spare: SecretStr | None = None
) -> None: ...


SECRET = {"login.user": ["ann"], "login.password": ["hunter2"], "token": ["a long secret text"]}


def test_a_secret_reaches_the_function_and_stands_in_nothing_that_is_stored_or_shown(tmp_path: Path) -> None:
    inputs = inputs_of(report)
    packed = inputs.pack(inputs.from_texts(SECRET))
    packed.keep_in(tmp_path / "given", tmp_path)

    arguments: Any = inputs.from_json(packed.json, tmp_path / "given")

    assert arguments["token"].get_secret_value() == "a long secret text"
    assert arguments["login"].password.get_secret_value() == "hunter2"
    assert arguments["spare"] is None
    for shown in (packed.json, repr(packed), in_words(inputs.fields, packed.json), inputs.to_texts(packed.json)):
        assert "hunter2" not in str(shown)
        assert "a long secret" not in str(shown)
    assert ("Token", "(secret)") in in_words(inputs.fields, packed.json)
    assert (tmp_path / "given" / "secrets.json").stat().st_mode & 0o077 == 0


def test_a_wrong_secret_is_refused_without_being_repeated() -> None:
    messages = refused(inputs_of(report), {**SECRET, "token": ["hunter2"]})

    assert set(messages) == {"token"}
    assert "12 characters" in messages["token"]
    assert "hunter2" not in str(messages)


def test_an_empty_secret_is_missing_or_none() -> None:
    assert refused(inputs_of(report), {**SECRET, "token": [""], "spare": [""]}) == {"token": "is required"}


def test_a_secret_whose_file_is_gone_has_its_default_or_is_missing(tmp_path: Path) -> None:
    packed = inputs_of(report).pack(inputs_of(report).from_texts(SECRET))

    with pytest.raises(BadArguments, match="token"):
        inputs_of(report).from_json(packed.json, tmp_path)
    with_default = inputs_with(SecretStr, SecretStr("from the code"))
    (value,) = with_default.from_json(with_default.to_json({}), tmp_path).values()
    assert isinstance(value, SecretStr)
    assert value.get_secret_value() == "from the code"


# --- files ------------------------------------------------------------------------------------------------------


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
        "must be a .csv file, not 'test_more_inputs.py'"
        in messages(inputs, value=[table, Path(__file__)])["value"]
    )


def test_too_many_files_are_told_as_files(table: Path) -> None:
    inputs = inputs_with(Annotated[list[UploadedFile], Field(max_length=1)])

    assert messages(inputs, value=[table, table]) == {"value": "must have at most 1 file, not 2"}


def test_a_missing_file_is_asked_for() -> None:
    assert refused(inputs_with(UploadedFile), {}, {"value": []}) == {"value": "is required"}
    assert from_form(inputs_with(UploadedFile | None, None)) == {"value": None}


def test_a_suffix_without_a_dot_is_refused_where_it_is_written() -> None:
    with pytest.raises(ValueError, match=r"starts with a dot.*'csv'"):
        Accept("csv")


# --- what must not change ---------------------------------------------------------------------------------------


def test_a_moment_with_seconds_is_shown_with_them() -> None:
    assert inputs_with(datetime, datetime(2026, 1, 2, 3, 4, 5)).defaults() == {"value": ("2026-01-02T03:04:05",)}
