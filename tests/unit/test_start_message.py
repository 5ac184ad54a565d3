"""What the start says and warns of."""

import pytest

from asyncinweb.settings import Settings
from asyncinweb.supervision import start_message


def settings(**given: object) -> Settings:
    return Settings(**{"tasks": ("my_tasks.py",), "instance": "/srv/jobs", **given})


def test_a_start_without_a_task_warns() -> None:
    lines = start_message(settings(), None, [], 1)

    assert "  warning   no tasks found; put @task above a function and name its file with --tasks" in lines


def test_an_ordinary_start_warns_of_nothing_even_on_an_old_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asyncinweb.queue.stores.driver_errors.sqlite_version", lambda: (3, 40, 1))

    assert not [line for line in start_message(settings(), None, ["a"], 1) if "warning" in line]


def test_the_start_message_says_how_many_and_where() -> None:
    lines = start_message(settings(grace_seconds=2.5), "http://127.0.0.1:8000", ["a", "b"], 2)

    assert lines[:3] == [
        "asyncinweb at http://127.0.0.1:8000",
        "  tasks     2 found in my_tasks.py: a, b",
        "  workers   2 processes",
    ]
    assert lines[-1] == "Press Ctrl-C to stop. Running jobs get 2.5 s to finish."


def test_a_start_for_the_network_says_so() -> None:
    lines = start_message(settings(host="0.0.0.0"), "http://0.0.0.0:8000", [], 1)

    assert "  sign-in   none, OPEN TO THE NETWORK" in lines
    assert "  tasks     0 found in my_tasks.py: none" in lines
    assert "  workers   1 process" in lines


def test_a_start_of_one_half_says_nothing_of_the_other_or_how_to_start_it() -> None:
    workers, web = start_message(settings(), None, [], 2), start_message(settings(), "http://x", [], 0)

    assert workers[0] == "asyncinweb workers"
    assert not [line for line in workers if "sign-in" in line]
    assert "  workers   none here; to start some: asyncinweb worker" in web
