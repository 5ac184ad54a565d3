"""An app on a real database file for each test, with the tasks of `web_tasks` and nobody else's."""

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import web_tasks
from flask import Flask
from flask.testing import FlaskClient
from web_room import TOKEN, Reader, Room, close

from asyncinweb import clock
from asyncinweb.app import create_app
from asyncinweb.settings import Settings
from asyncinweb.tasks.registry import registry


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path, empty_database_file: Path) -> Settings:
    """A test may give others, by an indirect parameter."""
    others = getattr(request, "param", {})
    instance = tmp_path / "instance"
    instance.mkdir()
    shutil.copy(empty_database_file, instance / "asyncinweb.db")
    return Settings(instance=instance, tasks=("asyncinweb.tasks",), durability="normal", poll_seconds=5, **others)


@pytest.fixture
def app(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    monkeypatch.setattr(registry, "tasks", dict(web_tasks.TASKS))
    app = create_app(settings)
    app.test_client_class = Reader
    yield app
    close(app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that has been here before."""
    client = app.test_client()
    client.set_cookie("asyncinweb_visitor", TOKEN)
    return client


@pytest.fixture
def room(app: Flask) -> Room:
    return Room(app)


@pytest.fixture
def program(app: Flask) -> FlaskClient:
    """A program: no cookie, no page."""
    return app.test_client(use_cookies=False)


@pytest.fixture
def instance(app: Flask) -> Path:
    found: Settings = app.extensions["asyncinweb"].settings
    return found.instance


@pytest.fixture
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The program's clock stands still: no test sees the end of a second, a minute or a day."""
    moment = clock.now()
    monkeypatch.setattr(clock, "now", lambda: moment)
    return moment
