"""Secrets reach the function, and stand in nothing that is stored or shown."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
from inputs_room import inputs_of, inputs_with, refused
from pydantic import Field, SecretStr

from asyncinweb.errors import BadArguments
from asyncinweb.tasks.inputs.stored_arguments import in_words


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
