"""The six states of a job, the reasons for which it can fail, and the arrows between the states.

    scheduled --falls due--> queued --claim--> processing --finish--> completed
        |                      |                   |------fail----> failed (or scheduled: try again)
        |                      |                   |----release---> queued (we stopped it)
        '-------cancel---------'------------------>'-------------> cancelled

`failed`, `completed` and `cancelled` are final: such a row never changes again.
"""

from typing import Final, Literal, get_args

State = Literal["scheduled", "queued", "processing", "completed", "failed", "cancelled"]
Reason = Literal[
    "error",
    "timeout",
    "crashed",
    "memory",
    "result_too_large",
    "unserialisable",
    "bad_arguments",
]
# Why an attempt ended although its job went on: also because we stopped it.
AttemptReason = Reason | Literal["interrupted"]
CrashPolicy = Literal["rerun", "fail"]

STATES: Final[tuple[State, ...]] = get_args(State)
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)
ATTEMPT_REASONS: Final[tuple[AttemptReason, ...]] = (*REASONS, "interrupted")
FINAL: Final[tuple[State, ...]] = ("completed", "failed", "cancelled")
# A job that waits has not begun this attempt, and a completed one has its result.
SHOW_PARTIAL_RESULTS: Final[tuple[State, ...]] = ("processing", "failed", "cancelled")
WAITING: Final[tuple[State, ...]] = ("scheduled", "queued")
# What may follow a state; None: the job does not exist yet. Only queued -> processing raises `claim_no`, by one.
ARROWS: Final[frozenset[tuple[State | None, State]]] = frozenset(
    {
        (None, "queued"),
        (None, "scheduled"),
        ("scheduled", "queued"),
        ("scheduled", "cancelled"),
        ("queued", "processing"),
        ("queued", "cancelled"),
        ("processing", "queued"),
        ("processing", "scheduled"),
        ("processing", "completed"),
        ("processing", "failed"),
        ("processing", "cancelled"),
    }
)
