"""Children that a job lost because everything was told to stop at once, as systemd does it by default.

The function takes their end for an answer and fails, or carries on as if their work was done.
"""

import contextlib
import signal
from dataclasses import dataclass
from pathlib import Path

from asyncinweb.tasks.outcome import Failed, Released
from asyncinweb.tasks.outputs.return_value import ReturnValue
from asyncinweb.workers.process.processes import children_of_this, identity_of
from asyncinweb.workers.running.runner import Ending

try:
    import resource
except ImportError:  # no such figures on this system
    resource = None  # type: ignore[assignment]


@dataclass(frozen=True)
class _Child:
    pid: int
    started: str
    # What SIGTERM does to it: it ends it, or a handler of its own decides.
    has_handler: bool


class ChildrenAtStop:
    """One per worker, used in its main thread; `remember` also in another."""

    def __init__(self) -> None:
        self._before: object = None
        self._latest: object = None
        self._seen: list[_Child] = []
        self._has_just_lost_one = False

    def begin(self) -> None:
        """A job begins: no child of it has ended."""
        self._seen, self._has_just_lost_one = [], False
        self._before = self._latest = _reaped_children()

    def remember(self) -> None:
        """Now and then: children that had ended at the last time did so for reasons of their own."""
        self._before, self._latest = self._latest, _reaped_children()

    def look(self) -> None:
        """Note, when everything is asked to stop, which children there are and whether one has just ended."""
        # The signal may have reached a child first, and its end the function.
        self._has_just_lost_one = self._has_just_lost_one or self._before != _reaped_children()
        with contextlib.suppress(OSError):
            self._seen += [child for pid in children_of_this() if (child := _child(pid)) is not None]

    def judge(self, ending: Ending) -> Ending:
        """The ending, or Released if the end of a child may be behind it. Where a handler of the child's decided,
        only if the job has failed. Call it before what the job has left is killed."""
        has_failed = isinstance(ending, Failed) and ending.reason in ("error", "unserialisable")
        if not has_failed and not isinstance(ending, ReturnValue):
            return ending
        gone = [child for child in self._seen if not _is_there(child)]
        self._seen = []
        is_lost = self._has_just_lost_one or any(has_failed or not child.has_handler for child in gone)
        return Released() if is_lost else ending


def _reaped_children() -> object:
    """Changes with each child whose end has been waited for. 1.5 us."""
    return None if resource is None else resource.getrusage(resource.RUSAGE_CHILDREN)


def _child(pid: int) -> _Child | None:
    """A child that SIGTERM can have an effect on, dead or alive; None for others."""
    masks = _signal_masks(pid)
    bit = 1 << (signal.SIGTERM - 1)
    if masks.get("SigIgn", 0) & bit:
        return None
    identity = identity_of(pid)
    has_handler = bool((masks.get("SigCgt", 0) | masks.get("SigBlk", 0)) & bit)
    return _Child(pid, "" if identity is None else identity.pid_started, has_handler)


def _is_there(child: _Child) -> bool:
    identity = identity_of(child.pid)
    return identity is not None and identity.pid_started == child.started


def _signal_masks(pid: int) -> dict[str, int]:
    """proc(5), /proc/pid/status."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in lines if line.startswith("Sig"))
    return {name: int(mask, 16) for name, mask in pairs if name != "SigQ"}
