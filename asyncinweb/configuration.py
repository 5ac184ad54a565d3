"""Reading the settings from outside: options, then environment, then asyncinweb.toml, then the defaults."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from asyncinweb.errors import SettingError, nearest
from asyncinweb.settings import Settings

PREFIX = "ASYNCINWEB_"
FILE = "asyncinweb.toml"


@dataclass(frozen=True)
class Configuration:
    """The settings, and where each one came from: "option", "environment", "asyncinweb.toml", "default"."""

    settings: Settings
    origins: Mapping[str, str]


class _Sources(Settings, BaseSettings):
    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=PREFIX, toml_file=FILE, enable_decoding=False
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def read_settings(options: Mapping[str, object] | None = None) -> Configuration:
    """Settings from `options` (None means not given), environment, asyncinweb.toml in the working folder.

    SettingError names the wrong value, where it stands, and the nearest valid name or the cure.
    """
    given = {name: value for name, value in (options or {}).items() if value is not None}
    origins = _origins(given)
    try:
        read = _Sources(**given)  # type: ignore[arg-type]  # pydantic checks what the options really are
    except ValidationError as error:
        raise SettingError(_in_words(error, origins)) from None
    settings = Settings(**{name: getattr(read, name) for name in Settings.model_fields})
    return Configuration(settings, {name: origins.get(name, "default") for name in Settings.model_fields})


def _origins(options: Mapping[str, object]) -> dict[str, str]:
    origins = dict.fromkeys(_file_keys(), FILE)
    for variable in os.environ:
        if variable.upper().startswith(PREFIX):
            name = variable[len(PREFIX) :].lower()
            _known(name, f"environment variable {variable}")
            origins[name] = "environment"
    for name in options:
        _known(name, f"option {name}")
        origins[name] = "option"
    return origins


def _file_keys() -> list[str]:
    if not Path(FILE).is_file():
        return []
    try:
        keys = list(tomllib.loads(Path(FILE).read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"{FILE} cannot be read: {error}.") from None
    for name in keys:
        _known(name, f"key in {FILE}")
    return keys


def _known(name: str, where: str) -> None:
    if name not in Settings.model_fields:
        raise SettingError(
            f"Unknown setting {name!r} ({where}).{nearest(name, Settings.model_fields)} "
            "All settings: asyncinweb config"
        )


def _in_words(error: ValidationError, origins: Mapping[str, str]) -> str:
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else "settings"
    message = first["msg"].removeprefix("Value error, ")
    return f"{name} = {first['input']!r} ({origins.get(name, 'default')}) is not possible: {message}."
