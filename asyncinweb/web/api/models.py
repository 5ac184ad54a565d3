"""What the API takes and gives, as pydantic models: requests are checked by them, answers are made of them, and
openapi.json is written from them."""

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from asyncinweb.states import Reason, State

MOST_LISTED = 200
LONGEST_WAIT_SECONDS = 25.0
MOST_PRIORITY = 1_000_000

UtcText = Annotated[str, Field(description="UTC, ending in Z.", json_schema_extra={"format": "date-time"})]
Key = Annotated[str, Field(min_length=1, max_length=200)]


class Given(BaseModel):
    """What a program sends: nothing that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class JobRequest(Given):
    """A request to run a task once."""

    task: str = Field(description="The task's name, as GET /tasks lists it.")
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="By the parameters' names; a parameter that is left out has its default."
    )
    priority: int | None = Field(
        None,
        ge=-MOST_PRIORITY,
        le=MOST_PRIORITY,
        description="At most the task's own priority, which is the default: a job may step back, not push in.",
    )
    run_at: AwareDatetime | None = Field(
        None, description="Do not start before, such as 2026-11-24T18:00:00Z. A time in the past means now."
    )
    unique_key: Key | None = Field(
        None,
        description="At most one unfinished job of yours has this key; a second one is answered with the first.",
    )


class JobsQuery(Given):
    """Which jobs to list."""

    state: State | None = Field(None, description="Only jobs in this state.")
    task: str | None = Field(None, description="Only jobs of this task.")
    mine: bool = Field(False, description="Only your own jobs.")
    after: str | None = Field(None, description="Only jobs older than the one with this slug.")
    limit: int = Field(50, ge=1, le=MOST_LISTED, description="How many at most.")


class JobQuery(Given):
    """How to ask for one job."""

    wait: float = Field(
        0.0,
        ge=0,
        le=86_400,
        allow_inf_nan=False,
        description=f"Seconds to wait for the job's end, at most {LONGEST_WAIT_SECONDS:g}; then ask again. Only "
        "a few requests wait at once; one more is answered at once, with Retry-After.",
    )


class ResultQuery(Given):
    """Which result to fetch."""

    so_far: bool = Field(False, description="Of a job that is not completed, its partial result instead of a 404.")


class LogQuery(Given):
    """Where to read a log from."""

    after: int = Field(0, ge=0, le=2**63 - 1, description="Byte to start from: `next` of the last answer.")
    claim: int | None = Field(
        None, description="`claim` of the last answer: when another attempt has begun, its log is read from 0."
    )


class Progress(BaseModel):
    """How far a job is, in its own units."""

    done: float | None
    total: float | None
    text: str | None


class JobFacts(BaseModel):
    """What is known of a job."""

    slug: str
    task: str
    arguments: dict[str, Any]
    state: State
    reason: Reason | None = Field(description="Why it failed.")
    error: str | None
    progress: Progress
    attempts: int
    priority: int
    place: int | None = Field(description="1 for the job that starts next; null unless it is queued.")
    created_at: UtcText
    run_at: UtcText | None
    started_at: UtcText | None
    finished_at: UtcText | None
    owner: str = Field(description="Equal for jobs of the same visitor or program.")
    rerun_of: str | None = Field(description="Slug of the job that this one repeats.")
    url: str = Field(description="Its page.")


class ListedJob(JobFacts):
    """A job as lists have it: without its result, and with the beginning of long arguments."""

    arguments_cut: bool = Field(description="True if `arguments` lacks something; the job itself has all of them.")


class WholeJob(JobFacts):
    """A job."""

    result: Any = Field(
        description="What the task returned; for a result that is kept as a file, what is known of that file."
    )
    partial_result: Any = Field(
        description="As `result`: what a running task has yielded last; of one that failed or was stopped, what "
        "it had so far. null for any other job."
    )


class JobList(BaseModel):
    """Jobs, newest first."""

    jobs: list[ListedJob]
    next: str | None = Field(description="Address of the next, older page; null on the last one.")


class KnownTask(BaseModel):
    """A task that can be run."""

    name: str
    title: str
    help: str
    priority: int
    arguments: dict[str, Any] = Field(description="JSON Schema of `arguments`.")


class TaskList(BaseModel):
    """All tasks."""

    tasks: list[KnownTask]


class LogPart(BaseModel):
    """Part of the log of a job's last attempt."""

    claim: int = Field(description="Which attempt it is: grows with each.")
    text: str
    next: int = Field(description="Byte to go on from.")
    dropped: int = Field(description="Bytes before this part that are missing because the log was too long.")
    is_complete: bool = Field(description="True if nothing will follow.")


class Problem(BaseModel):
    """Why there is no answer (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    reference: str = Field("", description="Find it in the server's log.")
    errors: dict[str, str] = Field({}, description="What is wrong, by the name of the field.")
