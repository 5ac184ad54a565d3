"""The key that signs what browsers store. It is part of the web room, because no process that runs tasks may know
it."""

import os
import secrets
from pathlib import Path

from asyncinweb.errors import CannotStart
from asyncinweb.settings import Settings

KEY_BYTES = 32


def secret_key(settings: Settings) -> str:
    """The setting, or the key in instance/secret.key, which the first start creates. Raises CannotStart."""
    path = settings.instance / "secret.key"
    try:
        return settings.secret_key.get_secret_value() or _made_once(path)
    except OSError as error:
        raise CannotStart(f"Cannot read or create the secret key {path}: {error.strerror}.") from None


def _made_once(path: Path) -> str:
    if not path.exists():
        _make(path)
    path.chmod(0o600)
    key = path.read_text(encoding="ascii").strip()
    if len(key) < KEY_BYTES:
        raise CannotStart(
            f"The secret key in {path} is incomplete. Delete the file; the next start creates a new one."
        )
    return key


def _make(path: Path) -> None:
    """Write a new key to another file and rename that, unless another start was faster: so no process ever reads
    half a key, and all get the same one."""
    own = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="ascii") as file:  # noqa: PTH123 - a descriptor, for its mode
            file.write(secrets.token_urlsafe(KEY_BYTES))
            file.flush()
            os.fsync(descriptor)
        try:
            path.hardlink_to(own)
        except FileExistsError:
            return
    finally:
        own.unlink()
