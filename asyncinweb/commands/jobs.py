"""Commands about jobs: submitting, finding, following and stopping them."""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from asyncinweb.commands.command_context import CommandContext, as_json, in_instance, print_json, with_tasks
from asyncinweb.errors import AsyncInWebError, BadArguments
from asyncinweb.logs import harmless
from asyncinweb.queue.as_json import in_utc, job_as_json, listed_job_as_json
from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.queue.files.job_log import read_log
from asyncinweb.queue.listing import Filters, list_jobs
from asyncinweb.queue.models import Job
from asyncinweb.queue.reading import find_job
from asyncinweb.queue.snapshot import is_starting_workers, places_of
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.states import STATES
from asyncinweb.tasks.clean_values import json_text
from asyncinweb.tasks.loading import load
from asyncinweb.tasks.registry import Request, Task

LOG_CHUNK = 100_000


@click.command("submit")
@click.argument("task")
@click.argument("arguments", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--wait", is_flag=True, help="Wait until the job ends. Exit code 1 unless it completes.")
@with_tasks
@in_instance
@as_json
def submit_command(
    task: str,
    arguments: tuple[str, ...],
    wait: bool,
    tasks: tuple[str, ...],
    instance: Path | None,
    as_json: bool,
) -> None:
    """Submit a job, such as: asyncinweb submit julia width=300. Give files by path: file=@orders.csv."""
    context = CommandContext(instance, tasks)
    found = load(context.settings.tasks)[task]
    texts, files = _pairs(found, arguments)
    packed = found.inputs.pack(found.inputs.from_texts(texts, files))
    database = context.database()
    (job,) = context.client(database).submit([Request(found, packed, found.options.priority)])
    if wait:
        _warn_if_nobody_works(database, context.settings.lease_seconds)
        job = job.wait()
    _print_job(context, database, job.slug, as_json=as_json)
    if wait and job.state != "completed":
        raise click.exceptions.Exit(1)


def _pairs(
    task: Task[..., object], arguments: tuple[str, ...]
) -> tuple[Mapping[str, list[str]], Mapping[str, list[Path]]]:
    """Texts and files by parameter. A file is written as `file=orders.csv` or `file=@orders.csv`."""
    texts: dict[str, list[str]] = {}
    files: dict[str, list[Path]] = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not equals:
            raise BadArguments(task.name, {argument: "isn't in the form key=value"})
        leaf = task.inputs.leaves.get(name)
        if leaf is not None and leaf.kind == "file":
            path = value.removeprefix("@")
            files.setdefault(name, []).extend([Path(path)] if path else [])
        else:
            texts.setdefault(name, []).append(value)
    return texts, files


def _warn_if_nobody_works(database: Database, lease_seconds: float) -> None:
    with database.read() as session:
        is_somebody_there = is_starting_workers(session.connection(), lease_seconds)
    if not is_somebody_there:
        click.echo("No worker is running, so the job has to wait. To start one: asyncinweb worker", err=True)


def _find(database: Database, slug: str) -> Job:
    with database.read() as session:
        return _found(session, slug)


def _found(session: Session, slug: str) -> Job:
    job = find_job(session, slug)
    if job is None:
        raise AsyncInWebError(f"There is no job {slug!r}. To list jobs: asyncinweb jobs")
    return job


def _print_job(context: CommandContext, database: Database, slug: str, *, as_json: bool) -> None:
    with database.read() as session:
        job = _found(session, slug)
        facts = job_as_json(job, _places(session, [job], context).get(job.id))
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        if value is not None:
            words = value if isinstance(value, str) else json_text(value, ensure_ascii=False)
            click.echo(harmless(f"{name:12} {words}"))


def _places(session: Session, jobs: Sequence[Job], context: CommandContext) -> dict[int, int]:
    return places_of(session.connection(), jobs, context.settings.lease_seconds)


@click.command("jobs")
@click.option("--state", type=click.Choice(STATES), help="Only jobs in this state.")
@click.option("--task", help="Only jobs of this task.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Maximum number of jobs."
)
@in_instance
@as_json
def jobs_command(state: Any, task: str | None, limit: int, instance: Path | None, as_json: bool) -> None:
    """List jobs, newest first."""
    context = CommandContext(instance)
    with context.known_database().read() as session:
        page = list_jobs(session, Filters(state, task), limit=limit)
        places = _places(session, page.jobs, context) if as_json else {}
        facts = [listed_job_as_json(job, places.get(job.id)) for job in page.jobs] if as_json else []
    # Print only now: output to a pager may take as long as a person reads, and an open read transaction keeps the
    # write-ahead log from being emptied.
    if as_json:
        print_json(facts)
        return
    for job in page.jobs:
        line = f"{job.slug}  {job.state:10}  {in_utc(job.created_at)}  {job.task}  {job.error or ''}"
        click.echo(harmless(line.rstrip()))


@click.command("show")
@click.argument("slug")
@in_instance
@as_json
def show_command(slug: str, instance: Path | None, as_json: bool) -> None:
    """Show one job."""
    context = CommandContext(instance)
    _print_job(context, context.known_database(), slug, as_json=as_json)


@click.command("log")
@click.argument("slug")
@click.option("-f", "follow", is_flag=True, help="Follow the log until the job ends.")
@in_instance
def log_command(slug: str, follow: bool, instance: Path | None) -> None:
    """Print a job's log."""
    context = CommandContext(instance)
    database, folder = context.known_database(), JobFolder(context.settings.instance, slug)
    offset, claim_no, pause = 0, 0, threading.Event()
    while True:
        job = _find(database, slug)
        if job.claim_no != claim_no:
            offset, claim_no = 0, job.claim_no
        piece = read_log(folder, claim_no, offset, LOG_CHUNK)
        if piece.dropped:
            click.echo(f"[… {piece.dropped} bytes dropped …]")
        click.echo(harmless(piece.text, keep="\n\t"), nl=False)
        if piece.next_offset == offset and (job.is_final or not follow):
            return
        if piece.next_offset == offset:
            pause.wait(0.2)
        offset = piece.next_offset


@click.command("cancel")
@click.argument("slug")
@in_instance
@as_json
def cancel_command(slug: str, instance: Path | None, as_json: bool) -> None:
    """Cancel a waiting job, or ask a running one to stop."""
    context = CommandContext(instance)
    database = context.known_database()
    state = _find(database, slug).state
    answer = context.client(database).cancel(slug)
    if answer == "refused":
        raise AsyncInWebError(f"Job {slug} has already ended ({state}).")
    if as_json:
        _print_job(context, database, slug, as_json=as_json)
    else:
        click.echo("cancelled" if answer == "cancelled" else "asked to stop")


@click.command("rerun")
@click.argument("slug")
@in_instance
@as_json
def rerun_command(slug: str, instance: Path | None, as_json: bool) -> None:
    """Run a job again, as a new job with the same arguments."""
    context = CommandContext(instance)
    database = context.known_database()
    _find(database, slug)
    job = context.client(database).rerun(slug, owner="")
    if job is None:
        raise AsyncInWebError(f"Job {slug} has just been deleted.")
    if as_json:
        _print_job(context, database, job.slug, as_json=as_json)
    else:
        click.echo(job.slug)
