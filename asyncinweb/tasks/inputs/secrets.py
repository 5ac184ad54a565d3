"""The secrets among a task's arguments: stored in the job's folder, not in its row, and put back for the call."""

import inspect
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from asyncinweb.tasks.inputs.fields import FormField

SECRETS = "secrets.json"


class SecretFields:
    """The secret parameters of one task, and the secret members of models that are parameters."""

    def __init__(self, fields: Sequence[FormField], signature: inspect.Signature) -> None:
        self.fields = fields
        self._signature = signature

    def taken_from(self, value_of: Callable[[str], Any]) -> dict[str, str]:
        """The secrets among validated arguments, by field name."""
        found = {field.name: value_of(field.name) for field in self.fields}
        return {name: value.get_secret_value() for name, value in found.items() if value is not None}

    def put_back(self, stored: str, folder: Path | None) -> str:
        """The stored JSON with its secrets in place: those in the job's folder, otherwise the defaults, as for a
        job that a schedule has started."""
        secrets, whole = self._defaults() | read_secrets(folder), json.loads(stored)
        for field in self.fields:
            name, _, member = field.name.partition(".")
            holder = whole.get(name) if member else whole
            if not isinstance(holder, dict) or holder.get(field.key) is None:
                continue
            if field.name in secrets:
                holder[field.key] = secrets[field.name]
            else:
                del holder[field.key]
        return json.dumps(whole)

    def _defaults(self) -> dict[str, str]:
        found = {}
        for field in self.fields:
            name, _, member = field.name.partition(".")
            default = self._signature.parameters[name].default
            value = getattr(default, member, None) if member else default
            if isinstance(value, (str, SecretStr)):
                found[field.name] = value if isinstance(value, str) else value.get_secret_value()
        return found


def read_secrets(folder: Path | None) -> dict[str, str]:
    """The secrets in a job's folder; none if there are none."""
    if folder is None or not (folder / SECRETS).is_file():
        return {}
    secrets: dict[str, str] = json.loads((folder / SECRETS).read_text(encoding="utf-8"))
    return secrets
