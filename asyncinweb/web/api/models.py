"""The API's requests and answers as pydantic models, which also produce openapi.json."""

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from asyncinweb.states import Reason, State

MOST_LISTED = 200
LONGEST_WAIT_SECONDS = 25.0
MOST_PRIORITY = 1_000_000

UtcText = Annotated[str, Field(description="UTC, ending in Z.", json_schema_extra={"format": "date-time"})]
Key = Annotated[str, Field(min_length=1, max_length=200)]


class Given(BaseModel):
    """A request from a program, without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class JobRequest(Given):
    """A request to run a task once."""

    task: str = Field(description="The task's name, as GET /tasks lists it.")
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="By parameter name. A parameter that you leave out has its default."
    )
    priority: int | None = Field(
        None,
        ge=-MOST_PRIORITY,
        le=MOST_PRIORITY,
        description="The default, and the highest you can set, is the task's own priority.",
    )
    run_at: AwareDatetime | None = Field(
        None, description="Earliest start, such as 2026-11-24T18:00:00Z. A time in the past means now."
    )
    unique_key: Key | None = Field(
        None,
        description="Only one of your unfinished jobs can have this key. A second request returns the first job.",
    )


class JobsQuery(Given):
    """Which jobs to list."""

    state: State | None = Field(None, description="Only jobs in this state.")
    task: str | None = Field(None, description="Only jobs of this task.")
    mine: bool = Field(False, description="Only your own jobs.")
    after: str | None = Field(None, description="Only jobs older than the one with this slug.")
    limit: int = Field(50, ge=1, le=MOST_LISTED, description="Maximum number of jobs.")


class JobQuery(Given):
    """How to ask for one job."""

    wait: float = Field(
        0.0,
        ge=0,
        le=86_400,
        allow_inf_nan=False,
        description=f"Seconds to wait for the job to end, at most {LONGEST_WAIT_SECONDS:g}. Then ask again. Only "
        "a few requests can wait at the same time. Any more are answered right away, with Retry-After.",
    )


class ResultQuery(Given):
    """Which result to fetch."""

    so_far: bool = Field(False, description="For an unfinished job, return its partial result instead of a 404.")


class LogQuery(Given):
    """Where to read a log from."""

    after: int = Field(0, ge=0, le=2**63 - 1, description="Byte to start from: `next` from the last answer.")
    claim: int | None = Field(
        None,
        description="`claim` from the last answer. If a new attempt has begun since, reading starts at 0.",
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
    place: int | None = Field(description="1 for the job that starts next. Null unless the job is queued.")
    created_at: UtcText
    run_at: UtcText | None
    started_at: UtcText | None
    finished_at: UtcText | None
    owner: str = Field(description="The same for all jobs of one visitor or program.")
    rerun_of: str | None = Field(description="Slug of the job that this one is a rerun of.")
    damaged: list[str] = Field(
        description="Fields whose stored values can't be read. Ignore the values given for them."
    )
    url: str = Field(description="The job's page.")


class ListedJob(JobFacts):
    """A job as lists have it: without its result, and with the beginning of long arguments."""

    arguments_cut: bool = Field(description="True if `arguments` was shortened. The job itself has all of them.")


class WholeJob(JobFacts):
    """A job."""

    result: Any = Field(
        description="What the task returned. For a result that is stored as a file: facts about that file."
    )
    partial_result: Any = Field(
        description="As `result`: what a running task has yielded last; of one that failed or was stopped, what "
        "it had so far. null for any other job."
    )


class JobList(BaseModel):
    """Jobs, newest first."""

    jobs: list[ListedJob]
    next: str | None = Field(description="Address of the next page, with older jobs. Null on the last page.")


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

    claim: int = Field(description="Identifies the attempt. Each new attempt has a higher number.")
    text: str
    next: int = Field(description="Byte to continue from.")
    dropped: int = Field(description="Bytes missing before this part because the log got too long.")
    is_complete: bool = Field(description="True if nothing more will follow.")


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    reference: str = Field("", description="Identifies the error in the server's log.")
    errors: dict[str, str] = Field({}, description="What is wrong, by field name.")
