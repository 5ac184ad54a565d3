"""Running one task once, and turning every way a function can end into one value. Knows no database."""

import asyncio
import errno
import logging
import random
import traceback
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from asyncinweb.errors import BadArguments, JobInterruption
from asyncinweb.one_process import OneProcess
from asyncinweb.queue.files.job_inputs import inputs_folder
from asyncinweb.tasks.clean_values import clean_text
from asyncinweb.tasks.current import running_as
from asyncinweb.tasks.outcome import Cancelled, Failed, Released, Unstarted
from asyncinweb.tasks.outputs.return_value import ReturnValue
from asyncinweb.tasks.registry import Options, Task
from asyncinweb.workers.running import async_calls, calling, event_loop
from asyncinweb.workers.running.calling import call
from asyncinweb.workers.running.interruption import Interruption
from asyncinweb.workers.running.memory import memory_limit
from asyncinweb.workers.running.missing_files import cure_for
from asyncinweb.workers.running.running_job import RunningJob
from asyncinweb.workers.running.snapshots import Encoder, Snapshot
from asyncinweb.workers.running.source_lines import author_line

log = logging.getLogger(__name__)

MAX_ERROR = 1_000
# For a message, before its line breaks and spaces are removed.
MOST_READ = 10 * MAX_ERROR
MAX_TRACEBACK = 50_000
# A year: much further ahead, dates may no longer exist.
LONGEST_BACKOFF_SECONDS = 366 * 86_400.0

# The frames that lead to the function, which readers of its traceback don't need.
OUR_FILES = {each.__file__ for each in (calling, async_calls, event_loop, asyncio.base_events)} | {__file__}

Ending = ReturnValue | Failed | Cancelled | Released | Unstarted


def run(task: Task[..., object], arguments: str, job: RunningJob, interruption: Interruption) -> Ending:
    """Call the task with these stored arguments. Returns its value, or the reason why there is none; never raises.

    Visitors read the answer, so it names no path on this server.
    """
    ending = _run(task, arguments, job, interruption)
    if not isinstance(ending, ReturnValue):
        # Here, because what the author's objects leave behind meanwhile is put back when this returns.
        job.finish_partial_results(is_stopped=not isinstance(ending, Failed) or ending.reason == "timeout")
    if not isinstance(ending, Failed):
        return ending
    details = ending.traceback and job.hidden_paths.in_text(ending.traceback)
    return replace(ending, error=job.hidden_paths.in_error(ending.error), traceback=details)


def _run(task: Task[..., object], arguments: str, job: RunningJob, interruption: Interruption) -> Ending:
    if job.held.damaged:
        columns = ", ".join(job.held.damaged)
        return Failed("bad_arguments", f"The job's stored record is damaged ({columns}), so it wasn't started.")
    try:
        with OneProcess():
            values = task.inputs.from_json(arguments, inputs_folder(job.folder))
    except BadArguments as error:
        return Failed("bad_arguments", f"The inputs no longer fit the task: {error}")
    interruption.begin(job)
    try:
        with (
            running_as(job),
            memory_limit(task.options.memory_mb, job, interruption),
            interruption.armed(),
            event_loop.tasks_of_job(job.log, interruption.shield),
            OneProcess(),
        ):
            job.start()
            returned = call(task.function, values, job, interruption)
    except BaseException as error:
        return _ending_of(error, interruption, task, job)
    return _output_of(returned, job.encoder)


def _output_of(returned: Snapshot, encoder: Encoder) -> Ending:
    try:
        with OneProcess():
            value = returned.return_value(encoder)
    except BaseException as error:
        # Looking at a value can run the author's code too.
        return Failed("unserialisable", f"The result can't be stored: {_sentence(error)}", _traceback_text(error))
    return _within(encoder.most_bytes, value)


def _within(max_result_bytes: int, value: ReturnValue) -> Ending:
    if value.size <= max_result_bytes:
        return value
    return Failed(
        "result_too_large",
        f"The result is {value.size / 1e6:.1f} MB, and the limit is {max_result_bytes / 1e6:g} MB. "
        "Save it as a file with current_job.save_file, or raise max_result_mb.",
    )


def _ending_of(
    error: BaseException, interruption: Interruption, task: Task[..., object], job: RunningJob
) -> Ending:
    # Whatever a function raises after it was asked to stop counts as stopping.
    match interruption.asked:
        case "cancel":
            return Cancelled()
        case "release":
            return Released() if job.has_started else Unstarted()
        case "timeout":
            return _timed_out(error, task, job.attempt)
        case None:
            return _failure(error, task, job)


def _timed_out(error: BaseException, task: Task[..., object], attempt: int) -> Failed:
    return Failed(
        "timeout",
        f"The job was stopped at its time limit ({task.options.timeout:g} s).",
        _traceback_text(error),
        _pause_before_retry(task.options, attempt, TimeoutError()),
        author_line(error, task.file),
    )


def _failure(error: BaseException, task: Task[..., object], job: RunningJob) -> Failed:
    cure = cure_for(error, job.working_folder, Path(task.file))
    return Failed(
        "memory" if _is_about_memory(error) else "error",
        ". ".join(filter(None, (_sentence(error), cure))),
        _traceback_text(error),
        _pause_before_retry(task.options, job.attempt, error),
        author_line(error, task.file),
    )


def _is_about_memory(error: BaseException | None) -> bool:
    """True if memory was refused: to the function itself, or in an error that it has wrapped in its own."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        if isinstance(each, MemoryError) or (isinstance(each, OSError) and each.errno == errno.ENOMEM):
            return True
        seen.add(id(each))
        waiting += [each.__cause__, each.__context__]
        waiting += each.exceptions if isinstance(each, BaseExceptionGroup) else ()
    return False


def _pause_before_retry(options: Options, attempt: int, error: BaseException) -> float | None:
    """Seconds until the next try: up to a quarter more than the backoff, so that many failures spread out.

    None if there is no other try. Unless `retry_on` says otherwise, only an Exception gets one: `sys.exit` is
    intentional.
    """
    if attempt >= options.max_attempts or not isinstance(error, options.retry_on or Exception):
        return None
    try:
        pause = _backoff_seconds(options, attempt)
    except Exception as wrong:
        log.warning("Not trying again, because the task's backoff failed: %s", _sentence(wrong))
        return None
    return min(max(0.0, pause * random.uniform(1.0, 1.25)), LONGEST_BACKOFF_SECONDS)


def _backoff_seconds(options: Options, attempt: int) -> float:
    if callable(options.backoff):
        with OneProcess():
            return float(options.backoff(attempt))
    return options.backoff[min(attempt, len(options.backoff)) - 1]


def _sentence(error: BaseException) -> str:
    """The error as one line for the top of a page."""
    name = type(error).__name__
    words = _words_of(error)
    if isinstance(error, SystemExit):
        return f"The function called sys.exit({words})."
    if isinstance(error, MemoryError) and not words:
        words = "the job ran out of memory"
    if isinstance(error, JobInterruption):
        words = words or "raised by the function itself"
    line = " ".join(f"{name}: {words}".split()) if words else name
    return line if len(line) <= MAX_ERROR else line[: MAX_ERROR - 1] + "…"


def _words_of(error: BaseException) -> str:
    try:
        with OneProcess():
            return clean_text(str(error), MOST_READ).strip()
    except BaseException:  # an author's own class may raise anything, even SystemExit
        return "(its message can't be shown)"


def _traceback_text(error: BaseException) -> str:
    """The traceback from the task's own code on, without the middle if it is very long."""
    try:
        with OneProcess():
            text = "".join(traceback.format_exception(type(error), error, _own_part(error.__traceback__)))
    except BaseException as unprintable:
        return f"{type(error).__name__} (its traceback can't be shown: {type(unprintable).__name__})"
    if len(text) > MAX_TRACEBACK:
        half = MAX_TRACEBACK // 2
        text = f"{text[:half]}\n  […]\n{text[-half:]}"
    return clean_text(text, 2 * MAX_TRACEBACK)


def _own_part(part: TracebackType | None) -> TracebackType | None:
    """The frames after those that lead to the function."""
    own = part
    while own is not None and own.tb_frame.f_code.co_filename in OUR_FILES:
        own = own.tb_next
    return own or part
