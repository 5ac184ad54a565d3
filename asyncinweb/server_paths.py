"""Keeps paths on this server from visitors: those of the instance folder, of code, and in errors any other.

What an author writes as text of their own, such as a path in a result, stays as it is.
"""

import functools
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path, PurePath

# A path in a sentence: not the end of a word, of another path or of an address.
_BEFORE = r"(?<![\w/.:~-])"
_PATH = re.compile(_BEFORE + r"(?:/[\w.+@%=,~-]+){2,}")
_CODE = re.compile(_BEFORE.encode() + rb"/[^\s\"':]+\.py\b")


def without_server_paths(text: str) -> str:
    """An error or a traceback, with code named by its place in its package and any other file by its name."""
    return _PATH.sub(lambda found: _short(found[0]), text) if "/" in text else text


def _short(path: str) -> str:
    for root in _code_folders():
        if path.startswith(root):
            return path.removeprefix(root)
    # An address such as /api/jobs looks like a path too, but starts with no folder of this server.
    is_here = Path("/", path.split("/")[1]).is_dir()
    return PurePath(path).name if is_here else path


def _code_folders() -> tuple[str, ...]:
    """Where this process finds modules, the innermost first."""
    return _as_roots(tuple(sys.path))


@functools.lru_cache(maxsize=4)
def _as_roots(folders: tuple[str, ...]) -> tuple[str, ...]:
    roots = {f"{Path(folder).absolute()}/" for folder in folders}
    return tuple(sorted(roots - {"//"}, key=len, reverse=True))


@functools.lru_cache(maxsize=4)
def _instance_roots(instance: Path) -> tuple[bytes, ...]:
    """The folder as the settings name it, and as the system does."""
    return tuple(os.fsencode(f"{path}/") for path in (instance, instance.resolve()))


class HiddenPaths:
    """The paths of one job that its visitor reads otherwise: a file of its inputs by the visitor's own name."""

    def __init__(self, instance: Path, names: Mapping[Path, str]) -> None:
        """names: where the files of its inputs are, and what the visitor called them."""
        self.names = names
        own = {os.fsencode(path): name.encode("utf-8", "replace") for path, name in names.items()}
        self._words = own | dict.fromkeys(_instance_roots(instance), b"")

    def in_text(self, text: str) -> str:
        """Words of the job, such as its progress."""
        return self.in_bytes(os.fsencode(text)).decode("utf-8", "replace") if "/" in text else text

    def in_log(self, data: bytes) -> bytes:
        """Lines of its log, where Python's own warnings and tracebacks name code."""
        data = self.in_bytes(data)
        return _CODE.sub(lambda found: _short(os.fsdecode(found[0])).encode(), data) if b".py" in data else data

    def in_bytes(self, data: bytes) -> bytes:
        """Its result."""
        for path, name in self._words.items():
            if path in data:
                data = data.replace(path, name)
        return data

    def in_error(self, text: str) -> str:
        """An error or a traceback."""
        return without_server_paths(self.in_text(text))
