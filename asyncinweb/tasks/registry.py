"""`@task`, and the registry of tasks.

A task is an ordinary function with options; nothing here runs one or knows a database. `enqueue` passes a request
to the function given to `connect`, so that this room depends on none above it.
"""

import functools
import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Generic, ParamSpec, Protocol, TypeVar, overload

from cronsim import CronSim, CronSimError

from asyncinweb.errors import AsyncInWebError, BadArguments, TaskDefinitionError, UnknownTask
from asyncinweb.states import CrashPolicy
from asyncinweb.tasks.import_guard import refuse_while_loading
from asyncinweb.tasks.inputs.arguments import Arguments
from asyncinweb.tasks.inputs.model import Inputs
from asyncinweb.tasks.request_limits import faults_of

if TYPE_CHECKING:
    from asyncinweb.queue.models import Job

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
Backoff = Sequence[float] | Callable[[int], float]


@dataclass(frozen=True)
class Options:
    """The options of `@task(...)`. Times in seconds."""

    title: str = ""
    timeout: float | None = None
    max_attempts: int = 1
    retry_on: tuple[type[BaseException], ...] = ()
    backoff: Backoff = (5.0, 30.0, 120.0, 600.0)
    on_crash: CrashPolicy = "rerun"
    concurrency: int | None = None
    priority: int = 0
    memory_mb: int | None = None
    fresh_process: bool = False
    keep_days: float | None = None
    cron: str | None = None
    hidden: bool = False


@dataclass(frozen=True)
class Request:
    """A request to run a task once: validated arguments, when and how. BadArguments where no queue could keep
    that."""

    task: "Task[..., object]"
    arguments: Arguments
    priority: int = 0
    run_at: datetime | None = None
    unique_key: str | None = None

    def __post_init__(self) -> None:
        faults = faults_of(self.priority, self.run_at, self.unique_key)
        if faults:
            raise BadArguments(self.task.name, faults)


class Submit(Protocol):
    """Stores requests as jobs, in order, in one transaction."""

    def __call__(self, requests: Sequence[Request]) -> "list[Job]": ...


class Task(Generic[P, R_co]):
    """A function that can be run as a job. Calling it calls the function, here and now."""

    def __init__(self, function: Callable[P, R_co], options: Options) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.name = function.__name__
        self.options = options

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        return self.function(*args, **kwargs)

    def __reduce__(self) -> str:
        """Pickled by its qualified name, like the function it stands for, so that process pools can use it."""
        return self.function.__qualname__

    def __repr__(self) -> str:
        return f"<Task {self.name} from {self.location}>"

    @functools.cached_property
    def inputs(self) -> Inputs:
        """The function's parameters as validated fields. TaskDefinitionError for a hint that forms do not
        support."""
        return Inputs.of(self.function, self.name, self.location)

    @property
    def file(self) -> str:
        """The file that defines the function."""
        file: str = inspect.unwrap(self.function).__code__.co_filename
        return file

    @property
    def location(self) -> str:
        """`file:line` of the function, for error messages."""
        return f"{self.file}:{inspect.unwrap(self.function).__code__.co_firstlineno}"

    @functools.cached_property
    def title(self) -> str:
        """What visitors read: the option, otherwise the docstring's first line, otherwise the name in words."""
        first_line = inspect.cleandoc(self.function.__doc__ or "").partition("\n")[0].rstrip(".")
        return self.options.title or first_line or self.name.replace("_", " ").capitalize()

    @property
    def help(self) -> str:
        """The docstring after its first line."""
        return inspect.cleandoc(self.function.__doc__ or "").partition("\n")[2].strip()

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> "Job":
        """Store a job that runs this task with these arguments, and return it.

        Raises BadArguments, QuotaReached, DatabaseBusy. Committed when it returns.
        """
        return Submission(self).enqueue(*args, **kwargs)

    def enqueue_many(self, arguments: Iterable[Mapping[str, object]]) -> "list[Job]":
        """Store one job for each dict of arguments, all or none, in one transaction."""
        return Submission(self).enqueue_many(arguments)

    def using(
        self, *, priority: int | None = None, run_at: datetime | None = None, unique_key: str | None = None
    ) -> "Submission[P, R_co]":
        """The same task with another priority, a start time (aware), or a key that at most one
        unfinished job may have: enqueueing a second one returns the first."""
        if isinstance(run_at, datetime) and run_at.tzinfo is None:
            raise AsyncInWebError(
                f"{self.name}: run_at={run_at!r} has no time zone; pass an aware datetime, "
                "such as datetime.now(UTC) + timedelta(hours=1)."
            )
        return Submission(self, priority, run_at, unique_key)


@dataclass(frozen=True)
class Submission(Generic[P, R_co]):
    """A task and how to enqueue it; made by `Task.using`."""

    task: Task[P, R_co]
    priority: int | None = None
    run_at: datetime | None = None
    unique_key: str | None = None

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> "Job":
        """As `Task.enqueue`."""
        arguments = self.task.inputs.bind(*args, **kwargs)
        return _submit([self._request(arguments)])[0]

    def enqueue_many(self, arguments: Iterable[Mapping[str, object]]) -> "list[Job]":
        """As `Task.enqueue_many`."""
        return _submit([self._request(each) for each in arguments])

    def _request(self, arguments: Mapping[str, object]) -> Request:
        return Request(
            task=self.task,
            arguments=self.task.inputs.pack(arguments),
            priority=self.task.options.priority if self.priority is None else self.priority,
            run_at=self.run_at,
            unique_key=self.unique_key,
        )


@dataclass
class Registry:
    """Tasks by name. Each process has one registry, filled by `@task`."""

    tasks: dict[str, Task[..., object]] = field(default_factory=dict)

    def add(self, task: Task[..., object]) -> None:
        """Refuses a second task of the same name, unless it is the same function imported again."""
        known = self.tasks.get(task.name)
        if known and known.location != task.location:
            raise TaskDefinitionError(
                f"Two tasks are called {task.name!r}: {known.location} and {task.location}. Rename one."
            )
        self.tasks[task.name] = task

    def __getitem__(self, name: str) -> Task[..., object]:
        """The task of this name; UnknownTask names the nearest one."""
        try:
            return self.tasks[name]
        except KeyError:
            raise UnknownTask(name, self.tasks) from None

    def __contains__(self, name: str) -> bool:
        return name in self.tasks

    def __len__(self) -> int:
        return len(self.tasks)

    @property
    def visible(self) -> list[Task[..., object]]:
        """The tasks that visitors can start from a page, in the order of definition."""
        return [task for task in self.tasks.values() if not task.options.hidden]


registry = Registry()

# A year, a century: dates further ahead may not exist.
MOST = {"timeout": 366 * 86_400, "keep_days": 36_500, "max_attempts": 1_000_000}


class Decorator:
    """What `task(...)` with options returns: makes a function a task and keeps its signature."""

    def __init__(self, options: dict[str, object]) -> None:
        self._options = options

    def __call__(self, function: Callable[P, R], /) -> Task[P, R]:
        if not hasattr(inspect.unwrap(function), "__code__"):
            raise TaskDefinitionError(f"@task on {function!r}: only a function written with def can be a task.")
        made = Task(function, _checked(function.__name__, self._options))
        registry.add(made)
        return made


@overload
def task(function: Callable[P, R], /) -> Task[P, R]: ...
@overload
def task(
    *,
    title: str = "",
    timeout: float | None = None,
    max_attempts: int = 1,
    retry_on: type[BaseException] | tuple[type[BaseException], ...] = (),
    backoff: float | Backoff = (5.0, 30.0, 120.0, 600.0),
    on_crash: CrashPolicy = "rerun",
    concurrency: int | None = None,
    priority: int = 0,
    memory_mb: int | None = None,
    fresh_process: bool = False,
    keep_days: float | None = None,
    cron: str | None = None,
    hidden: bool = False,
) -> Decorator: ...
def task(function: Callable[P, R] | None = None, /, **options: object) -> Task[P, R] | Decorator:
    """Make a function a task: `@task` or `@task(timeout=600, max_attempts=3)`.

    title: title for visitors. timeout: seconds until the function is stopped. max_attempts: tries if
    it raises; retry_on: only for these exceptions (default: any Exception). backoff: pauses in seconds
    between tries, a number, a list, or a function of the attempt. on_crash: "rerun" once if its process
    dies, or "fail". concurrency: how many of it may run at once. priority: larger goes first.
    memory_mb: memory it may hold beyond what its process held before. fresh_process: run it in a new process.
    keep_days: keep its finished jobs that long. cron: start it by the clock (UTC), e.g. "0 6 * * 1-5".
    hidden: do not show it on the home page. TaskDefinitionError for an invalid option.
    """

    decorator = Decorator(options)
    return decorator(function) if function is not None else decorator


def _checked(name: str, given: dict[str, object]) -> Options:
    """Options from the keyword arguments of `@task`, or a TaskDefinitionError that names the option."""
    try:
        options = Options(**given)  # type: ignore[arg-type]  # the overload of `task` has checked the types
    except TypeError as error:
        raise TaskDefinitionError(f"@task on {name}: {error}.") from None
    if isinstance(options.retry_on, type):
        options = replace(options, retry_on=(options.retry_on,))
    if isinstance(options.backoff, (int, float)):
        options = replace(options, backoff=(float(options.backoff),))
    _refuse_nonsense(name, options)
    return options


def _refuse_nonsense(name: str, options: Options) -> None:
    for option in ("timeout", "max_attempts", "concurrency", "memory_mb", "keep_days"):
        value = getattr(options, option)
        most = MOST.get(option, math.inf)
        if value is not None and not (isinstance(value, (int, float)) and 0 < value <= most and value < math.inf):
            limit = "" if most == math.inf else f" and at most {most:,}"
            raise TaskDefinitionError(f"@task on {name}: {option}={value!r} must be more than 0{limit}.")
    for option, fault in faults_of(options.priority, None, None).items():
        raise TaskDefinitionError(f"@task on {name}: {option}={getattr(options, option)!r} {fault}.")
    if options.on_crash not in ("rerun", "fail"):
        raise TaskDefinitionError(f'@task on {name}: on_crash={options.on_crash!r} must be "rerun" or "fail".')
    if not callable(options.backoff) and not options.backoff:
        raise TaskDefinitionError(f"@task on {name}: backoff is empty; give at least one pause in seconds.")
    if options.cron is not None:
        next_cron_time(options.cron, datetime(2026, 1, 1), name)


def next_cron_time(expression: str, after: datetime, name: str) -> datetime:
    """The first time after `after` that the cron expression names."""
    try:
        return next(CronSim(expression, after))
    except (CronSimError, StopIteration) as error:
        raise TaskDefinitionError(
            f"@task on {name}: cron={expression!r} isn't a cron expression ({error or 'it is never due'}); "
            'use five fields, such as "30 6 * * 1-5".'
        ) from None


_connected: Submit | None = None


def connect(submit: Submit) -> None:
    """Set where `enqueue` sends requests."""
    global _connected
    _connected = submit


def _submit(requests: Sequence[Request]) -> "list[Job]":
    for request in requests:
        refuse_while_loading(request.task.name)
    if _connected is None:
        raise AsyncInWebError("No database is connected; import asyncinweb before asyncinweb.tasks.registry.")
    return _connected(requests)
