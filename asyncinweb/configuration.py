"""Reads the settings: from options, then the environment, then asyncinweb.toml, then the defaults."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from asyncinweb.errors import SettingError, nearest
from asyncinweb.settings import Settings
from asyncinweb.validation_messages import VALIDATION_MESSAGES

PREFIX = "ASYNCINWEB_"
FILE = "asyncinweb.toml"
# The setting that opens a server to everyone must not come from a file or an environment that someone else made.
ONLY_TYPED = "insecure_no_auth"
# Among settings, only lists can be too short.
SETTING_MESSAGES = {**VALIDATION_MESSAGES, "too_short": "must name at least one"}


@dataclass(frozen=True)
class Configuration:
    """The settings, and where each one came from: "option", "environment", "asyncinweb.toml", "default"."""

    settings: Settings
    origins: Mapping[str, str]


def read_settings(options: Mapping[str, object] | None = None) -> Configuration:
    """Settings from `options` (None means not given), environment, asyncinweb.toml in the working folder.

    SettingError names the wrong value, where it was set, and the nearest valid name or the cure.
    """
    values: dict[str, object] = {}
    origins = dict.fromkeys(Settings.model_fields, "default")
    for origin, given in ((FILE, _from_file()), ("environment", _from_environment()), ("option", options or {})):
        for name, value in given.items():
            if name not in Settings.model_fields:
                raise SettingError(
                    f"Unknown setting {name!r} ({_place(origin, name)}).{nearest(name, Settings.model_fields)} "
                    "To list all settings: asyncinweb config"
                )
            if name == ONLY_TYPED and origin != "option":
                raise SettingError(
                    f"{name} ({_place(origin, name)}) only works as an option: --{name.replace('_', '-')}"
                )
            if value is not None:
                values[name], origins[name] = value, origin
    try:
        return Configuration(Settings.model_validate(values), origins)
    except ValidationError as error:
        raise SettingError(_in_words(error, origins)) from None


def _from_environment() -> Mapping[str, object]:
    return {
        variable[len(PREFIX) :].lower(): value
        for variable, value in os.environ.items()
        if variable.upper().startswith(PREFIX)
    }


def forget_secrets() -> None:
    """Take secrets out of the environment, so that no process started by us or by a task inherits them."""
    for variable in list(os.environ):
        if variable.upper() == f"{PREFIX}SECRET_KEY":
            del os.environ[variable]


def hand_on_to_programs(settings: Settings) -> None:
    """Lead programs that this process starts to the same store, wherever they run."""
    os.environ[f"{PREFIX}INSTANCE"] = str(settings.instance)
    os.environ[f"{PREFIX}DATABASE_URL"] = f"sqlite:///{settings.database_path}"


def _from_file() -> Mapping[str, object]:
    if not Path(FILE).is_file():
        return {}
    try:
        return tomllib.loads(Path(FILE).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"Cannot read {FILE}: {error}.") from None


def _place(origin: str, name: str) -> str:
    if origin == "environment":
        return f"environment variable {PREFIX}{name.upper()}"
    return f"option {name}" if origin == "option" else f"key in {origin}"


def _in_words(error: ValidationError, origins: Mapping[str, str]) -> str:
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else "settings"
    message = SETTING_MESSAGES.get(first["type"], "").format(**first.get("ctx", {}))
    message = f"it {message}" if message else first["msg"].removeprefix("Value error, ")
    return f"{name} = {first['input']!r} ({origins.get(name, 'default')}) isn't valid: {message}."
