"""What the tests of the pages do over and over: submit, claim and settle by the real verbs, and read pages."""

import contextlib
import itertools
import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bs4 import BeautifulSoup, Tag
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from asyncinweb.identity import Identity, new_slug
from asyncinweb.queue.claims import Claim, ClaimScope
from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.queue.files.job_log import LogWriter
from asyncinweb.queue.models import Job
from asyncinweb.queue.partial_results import keep_partial_result, report_partial_result
from asyncinweb.queue.process_registry import RegisteredTask, register_supervisor, register_tasks, register_worker
from asyncinweb.queue.reading import find_job
from asyncinweb.queue.results import keep_result
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.queue.submitting import NewJob, enqueue
from asyncinweb.queue.transitions import claim, finish, report
from asyncinweb.tasks.outputs.return_value import ReturnValue
from asyncinweb.tasks.outputs.shapes import to_return_value
from asyncinweb.tasks.registry import Task
from asyncinweb.web.visitors import owner_of_token

# A browser's cookie, and what its jobs are stored under.
TOKEN = "A" * 22
OWNER = owner_of_token(TOKEN)
# What a browser says about a form on our own page.
OURS = {"Sec-Fetch-Site": "same-origin"}
HTMX = {"HX-Request": "true"}


class Reader(FlaskClient):
    """A browser that reads every answer to its end, so that no file stays open."""

    def open(self, *args: Any, buffered: bool = True, **kwargs: Any) -> TestResponse:
        return super().open(*args, buffered=buffered, **kwargs)


def close(app: Flask) -> None:
    """Close what the app has open."""
    installation = app.extensions["asyncinweb"]
    installation.database.close()
    with app.app_context():
        for engine in installation.db.engines.values():
            engine.dispose()


@dataclass
class Room:
    """The queue behind an app, as workers see it."""

    app: Flask

    @property
    def database(self) -> Database:
        return self.app.extensions["asyncinweb"].database

    def perform(self, verb: Callable[..., Any], *facts: Any) -> Any:
        with self.database.write() as connection:
            return verb(connection, *facts)

    def submit(self, task: str = "picture", arguments: str | None = None, **facts: Any) -> Job:
        tasks = self.app.extensions["asyncinweb"].registry
        if arguments is None:
            given = {"name": "Ann", "count": 1} if task == "everything" else {}
            arguments = tasks[task].inputs.to_json(given) if task in tasks else "{}"
        new = NewJob(**{"task": task, "arguments": arguments, "owner": OWNER, **facts})
        return self.perform(enqueue, new)[0]

    def start(self, task: str = "picture", **facts: Any) -> Claim:
        """A job that is being worked on."""
        job = self.submit(task, **facts)
        held = self.claim(task)
        assert held.job_id == job.id
        return held

    def claim(self, task: str = "picture") -> Claim:
        held = self.perform(claim, ClaimScope([task], "worker-1"))
        assert isinstance(held, Claim)
        return held

    def report(self, held: Claim, done: float, total: float | None, words: str) -> None:
        assert self.perform(report, held, done, total, words)

    def complete(self, value: object = "a result", task: str = "picture", **facts: Any) -> Claim:
        """A job that has returned this value."""
        held = self.start(task, **facts)
        self.finish(held, value)
        return held

    def finish(self, held: Claim, value: object, in_file: bool = False) -> None:
        """Settle it as a worker does. `in_file`: as if it were too large for the row."""
        output = value if isinstance(value, ReturnValue) else to_return_value(value)
        folder = self.folder(held.slug)
        facts = json.loads(keep_result(folder, held.claim_no, output))
        if in_file:
            del facts["value"]
            facts["file"] = folder.write_result(f"{held.claim_no}", output.suffix, output.data)
        assert self.perform(finish, held, json.dumps(facts))

    def show_so_far(self, held: Claim, value: object, number: int = 1) -> None:
        """Write what a running job has yielded, as its worker does."""
        kept = keep_partial_result(self.folder(held.slug), held.claim_no, number, to_return_value(value))
        assert self.perform(report_partial_result, held, number, kept)

    def folder(self, slug: str) -> JobFolder:
        return JobFolder(self.app.extensions["asyncinweb"].settings.instance, slug)

    def write_log(self, held: Claim) -> LogWriter:
        return LogWriter(self.folder(held.slug), held.claim_no, 10_000_000)

    def add_worker(self, tasks: Iterable[str] | None = None, number: int = 1) -> None:
        """A living worker that has loaded these tasks (by default those of the app), with the app's limits."""
        installation, identity = self.app.extensions["asyncinweb"], Identity("host", "boot", number, "start")
        loaded, of_owner = installation.registry.tasks, installation.settings.max_running_per_owner
        limits = {name: task.options.concurrency for name, task in loaded.items()}
        names = loaded if tasks is None else tasks
        self.perform(register_supervisor, f"supervisor-{number}", identity, None, 1, of_owner)
        self.perform(register_worker, f"worker-{number}", f"supervisor-{number}", identity)
        facts = [RegisteredTask(name, name.title(), limits.get(name)) for name in names]
        self.perform(register_tasks, f"supervisor-{number}", facts)

    def job(self, slug: str) -> Job:
        with self.database.read() as session:
            job = find_job(session, slug)
            assert job is not None
            return job

    def jobs(self) -> list[str]:
        """Slugs of all jobs, oldest first."""
        with self.database.read() as session:
            return list(session.scalars(text("SELECT slug FROM asyncinweb_jobs ORDER BY id")))

    def content(self) -> list[tuple[Any, ...]]:
        """Every job as the database has it."""
        with self.database.read() as session:
            return [tuple(row) for row in session.execute(text("SELECT * FROM asyncinweb_jobs ORDER BY id"))]

    def change(self, sql: str, **values: object) -> None:
        """Change rows as nobody else can."""
        with self.database.write() as connection:
            connection.execute(text(sql), values)

    def damage(self, slug: str, column: str, odd: str, table: str = "asyncinweb_jobs") -> bool:
        """Put a value into a column of a job's row, past every check. `odd` is SQL. False if SQLite refuses it."""
        of_job = (
            "slug = ?"
            if table == "asyncinweb_jobs"
            else "job_id = (SELECT id FROM asyncinweb_jobs WHERE slug = ?)"
        )
        with self.database.write() as connection:
            driver_connection: Any = connection.connection.dbapi_connection
            driver_connection.execute("PRAGMA ignore_check_constraints=ON")
            try:
                driver_connection.execute(f"UPDATE {table} SET {column} = {odd} WHERE {of_job}", (slug,))
            except (sqlite3.IntegrityError, sqlite3.DataError):
                return False
            finally:
                driver_connection.execute("PRAGMA ignore_check_constraints=OFF")
        return True

    def damaged_copies(self, slug: str, columns: Sequence[str], values: Sequence[str]) -> dict[str, str]:
        """Older copies of a job, each with one of these values in one of these columns, by their slugs. What
        SQLite refuses is left out."""
        made = {}
        with self.database.write() as connection:
            driver_connection: Any = connection.connection.dbapi_connection
            driver_connection.execute("PRAGMA ignore_check_constraints=ON")
            others = {column.name for column in Job.__table__.columns} - {"id", "slug"}
            for column, value in itertools.product(columns, values):
                copied = ", ".join(sorted(others - {column}))
                copy = new_slug()
                with contextlib.suppress(sqlite3.IntegrityError, sqlite3.DataError):
                    driver_connection.execute(
                        f"INSERT INTO asyncinweb_jobs (id, slug, {column}, {copied})"
                        f" SELECT (SELECT min(id) - 1 FROM asyncinweb_jobs), ?, {value}, {copied}"
                        " FROM asyncinweb_jobs WHERE slug = ?",
                        (copy, slug),
                    )
                    made[copy] = f"{column} = {value}"
            driver_connection.execute("PRAGMA ignore_check_constraints=OFF")
        return made

    def has_run(self, seconds: list[float], task: str = "picture") -> None:
        """The task has run so often, and each run took so long."""
        for each in seconds:
            slug = self.complete(task=task).slug
            self.change(
                "UPDATE asyncinweb_jobs SET started_at = finished_at - :seconds WHERE slug = :slug",
                seconds=each,
                slug=slug,
            )

    def limit(self, task: str, concurrency: int) -> None:
        """At most so many of this task run at once."""
        tasks = self.app.extensions["asyncinweb"].registry.tasks
        tasks[task] = Task(tasks[task].function, replace(tasks[task].options, concurrency=concurrency))

    def make_older(self, slug: str, seconds: float) -> None:
        """Move a job's times back, as nobody else can."""
        self.change(
            "UPDATE asyncinweb_jobs SET created_at = created_at - :seconds,"
            " started_at = started_at - :seconds WHERE slug = :slug",
            seconds=seconds,
            slug=slug,
        )


def post(client: FlaskClient, task: str, data: dict[str, object], **headers: str) -> TestResponse:
    """Send the form of a task."""
    return client.post(f"/tasks/{task}", data=data, headers={**OURS, **headers})


def soup(response: TestResponse) -> BeautifulSoup:
    return BeautifulSoup(response.text, "html.parser")


def page(client: FlaskClient, path: str, **kwargs: Any) -> BeautifulSoup:
    """A page that must be there."""
    response = client.get(path, **kwargs)
    assert response.status_code == 200, response.text
    return soup(response)


def one(root: BeautifulSoup | Tag, selector: str) -> Tag:
    """The one element that the selector finds."""
    found = root.select(selector)
    assert len(found) == 1, f"{len(found)} elements are {selector}"
    return found[0]


def words(element: Tag) -> str:
    """What a reader sees of it, with single spaces."""
    return " ".join(element.get_text(" ").split())


def job_part(client: FlaskClient, slug: str) -> Tag:
    """What changes on a job's page."""
    return one(page(client, f"/jobs/{slug}"), "#job")


def sentence(client: FlaskClient, slug: str) -> str:
    """What a job's page says of its state."""
    part = job_part(client, slug)
    return f"{words(one(part, '.state'))}: {words(one(part, '#sentence'))}"


def filled(form: Tag) -> dict[str, Any]:
    """What a browser sends for a form as it stands."""
    sent: dict[str, list[str]] = {}
    for field in form.select("input[name], textarea[name], select[name]"):
        kind = field.get("type")
        if kind == "file" or (kind in ("checkbox", "radio") and not field.has_attr("checked")):
            continue
        if field.name == "select":
            chosen = field.select("option[selected]") or field.select("option")[:1]
            values = [str(option["value"]) for option in chosen]
        elif field.name == "textarea":
            values = [field.get_text().removeprefix("\n")]
        else:
            values = [str(field.get("value", "on"))]
        sent.setdefault(str(field["name"]), []).extend(values)
    return dict(sent)
