"""Any odd value at any edge: it is refused in words or kept, and afterwards every list, page and answer to a
program is there, and the next job runs.

A real server, one worker, real requests; hypothesis thinks of the values.
"""

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from process_tree import RUN, SAMPLES, Tree, run_once, running
from visitor import get, post, post_json

from asyncinweb.errors import AsyncInWebError
from asyncinweb.queue.models import Job
from asyncinweb.tasks.registry import Request

LISTS = ("/", "/jobs", "/jobs.csv", "/jobs?q=x", "/tasks/echo")
ANSWERS = ("/jobs.json", "/api/v1/jobs", "/api/v1/tasks", "/healthz")

texts = st.one_of(
    st.sampled_from(
        ["", "\0", "a\0b", "\udce9", "\ud83d", "\u202egnp.exe", "\u2066", "\x1b[2J", "\x9b", "NaN", "../x"]
    ),
    st.text(st.characters(codec=None), max_size=20),
    st.sampled_from(["ä" * 70_000, "9" * 5_000, "[" * 3_000, "-0", "1e999"]),
)
numbers = st.one_of(
    st.sampled_from([10**400, -(10**400), 10**4_000, 2**63, -(2**63) - 1, 0, -1]),
    st.sampled_from([float("inf"), float("-inf"), float("nan"), 1e308, 5e-324, -0.0]),
    st.floats(),
    st.integers(),
)
times = st.one_of(
    st.datetimes().map(datetime.isoformat),
    st.sampled_from(
        [
            *("9999-12-31T23:59:59.999999Z", "9999-12-31T23:00:00-05:00", "0001-01-01T00:00:00+23:59"),
            *("2026-02-30T00:00:00Z", "1969-12-31T23:59:59Z", "2999-12-31T23:59:59Z", "24:00", "-1", "1e300"),
        ]
    ),
)
values = st.one_of(texts, numbers, times, st.none(), st.booleans())
nested = st.recursive(
    values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """A server with one worker: whatever harms it harms the next job."""
    tree = Tree(tmp_path_factory.mktemp("odd"), program=(*RUN, "--port", "0"), workers=1, max_worker_mb=1_000)
    # Rows that break its rules are what this is about.
    tree.is_sound = False
    with running(tree):
        yield tree


# --- the edges --------------------------------------------------------------------------------------------------


def by_api(tree: Tree, odd: Any) -> None:
    for facts in (
        {"arguments": {"words": odd}},
        {"arguments": {"number": odd, "share": odd}},
        {"arguments": odd},
        {"run_at": odd},
        {"priority": odd},
        {"unique_key": odd},
        {"task": odd},
    ):
        assert post_json(tree, "/api/v1/jobs", json.dumps({"task": "echo", **facts}))[0] < 500, facts


def by_form(tree: Tree, odd: Any) -> None:
    text = as_text(odd).encode(errors="surrogatepass")
    for name in ("words", "number", "share", "when", "form-at", "form-key", text):
        assert post(tree, "/tasks/echo", **{"words": "x"}, pairs=[(name, text)]).status < 500, name


def by_python(tree: Tree, odd: Any) -> None:
    task = SAMPLES["echo"]
    facts: tuple[dict[str, Any], ...] = (
        {"arguments": {"words": odd}},
        {"arguments": {"number": odd}},
        {"priority": odd},
        {"run_at": as_time(odd)},
        {"unique_key": odd},
    )
    for each in facts:
        with contextlib.suppress(AsyncInWebError):
            arguments = task.inputs.pack(each.pop("arguments", {}))
            prepared = task.using(**each)
            tree.client.submit(
                [Request(task, arguments, prepared.priority or 0, prepared.run_at, prepared.unique_key)]
            )


def by_shell(tree: Tree, odd: Any) -> None:
    text = as_text(odd).replace("\0", "").encode(errors="replace").decode()[:20_000]
    for arguments in (("submit", "echo", f"words={text}"), ("show", text or "x"), ("jobs", "--task", text)):
        done = run_once(*arguments, folder=tree.folder, settings=tree.settings)
        assert "Traceback" not in done.stderr, (arguments, done.stderr[-500:])


def in_a_function(where: str) -> Callable[[Tree, Any], None]:
    def use(tree: Tree, odd: Any) -> None:
        job = tree.run("be_odd", where=where, value=in_python(odd))
        assert job.claim_no == 1, job
        assert "ValueError" in job.error if where == "error" else job.reason != "crashed"

    return use


def in_a_row(tree: Tree, odd: Any) -> None:
    """As a hand, a faulty disk or a restored copy may leave it."""
    stored = (
        odd if isinstance(odd, (float, int)) and abs(odd) < 2**63 else as_text(odd).encode(errors="surrogatepass")
    )
    with tree.database.write() as connection:
        driver_connection: Any = connection.connection.dbapi_connection
        driver_connection.execute("PRAGMA ignore_check_constraints=ON")
        for column in Job.__table__.columns:
            if column.name in ("id", "slug"):
                continue
            others = ", ".join(
                each.name for each in Job.__table__.columns if each.name not in ("id", "slug", column.name)
            )
            for value in (stored, as_text(odd).encode(errors="replace").decode()):
                with contextlib.suppress(sqlite3.IntegrityError):
                    driver_connection.execute(
                        f"INSERT INTO asyncinweb_jobs (slug, {column.name}, {others})"
                        f" SELECT hex(randomblob(11)), ?, {others} FROM asyncinweb_jobs WHERE unique_key IS NULL"
                        " AND idempotency_key IS NULL ORDER BY id LIMIT 1",
                        (value,),
                    )
        driver_connection.execute("PRAGMA ignore_check_constraints=OFF")


EDGES: dict[str, Callable[[Tree, Any], None]] = {
    "API": by_api,
    "form": by_form,
    "Python": by_python,
    "shell": by_shell,
    "row": in_a_row,
    **{
        where: in_a_function(where)
        for where in (
            *(
                "progress",
                "progress text",
                "error",
                "log",
                "file name",
                "file",
                "result",
                "key of a result",
                "print",
            ),
        )
    },
}


def as_text(odd: Any) -> str:
    try:
        return odd if isinstance(odd, str) else str(odd)
    except ValueError:  # longer than Python prints
        return "9" * 5_000


def as_time(odd: Any) -> Any:
    with contextlib.suppress(TypeError, ValueError):
        return datetime.fromisoformat(odd)
    return odd


def in_python(odd: Any) -> str:
    """An expression in ASCII that gives the value."""
    if isinstance(odd, float):
        return f"float('{odd}')"
    if isinstance(odd, int) and abs(odd) > 10**100:
        return hex(odd)
    if isinstance(odd, list):
        return f"[{', '.join(map(in_python, odd))}]"
    if isinstance(odd, dict):
        return "{" + ", ".join(f"{in_python(key)}: {in_python(value)}" for key, value in odd.items()) + "}"
    return ascii(odd)


# --- the property -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("edge", EDGES)
@settings(
    deadline=None, max_examples=4, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(odd=nested)
def test_an_odd_value_at_an_edge_harms_nothing_after_it(served: Tree, edge: str, odd: Any) -> None:
    EDGES[edge](served, odd)

    for path in LISTS:
        assert get(served, path)[0] == 200, path
    for path in ANSWERS:
        status, said = get(served, path)
        assert status == 200, path
        json.loads(said, parse_constant=pytest.fail)
    newest = json.loads(get(served, "/jobs.json")[1])["jobs"][:1]
    for job in newest:
        assert get(served, f"/jobs/{job['slug']}")[0] == 200
        assert get(served, f"/api/v1/jobs/{job['slug']}")[0] == 200
    after = served.run("add", a=1)
    assert (after.state, after.claim_no) == ("completed", 1)
    assert "Traceback" not in served.server_log


def test_the_shell_lists_whatever_was_left(served: Tree) -> None:
    for arguments in (("jobs", "--limit", "10000"), ("jobs", "--limit", "10000", "--json")):
        done = run_once(*arguments, folder=served.folder, settings=served.settings)
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), arguments
    # SQLite's own check finds rows that break the rules of the table.
    found = run_once("check", folder=served.folder, settings=served.settings)
    assert (found.returncode in (0, 3), "Traceback" in found.stderr) == (True, False)
