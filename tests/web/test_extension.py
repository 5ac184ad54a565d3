"""The same pages inside somebody's Flask app, which stays as it is."""

import stat
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
import web_tasks
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import OperationalError
from web_room import OURS, Reader, Room, close, one, soup, words

from asyncinweb.errors import AsyncInWebError, SettingError
from asyncinweb.extension import AsyncInWeb
from asyncinweb.queue.stores.sqlite import sqlite_url
from asyncinweb.settings import Settings
from asyncinweb.tasks.registry import registry


@pytest.fixture
def host(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """An app of somebody, with a page and settings of its own."""
    monkeypatch.setattr(registry, "tasks", dict(web_tasks.TASKS))
    host = Flask("host", instance_path=str(settings.instance / "host"))
    host.test_client_class = Reader
    host.add_url_rule("/", "index", lambda: "the host's page")
    host.config.update(
        ASYNCINWEB_INSTANCE=str(settings.instance), ASYNCINWEB_TASKS="asyncinweb.tasks", ASYNCINWEB_POLL_SECONDS=2
    )
    return host


def test_the_pages_are_under_the_prefix_with_settings_from_the_apps_config(host: Flask) -> None:
    AsyncInWeb(host, url_prefix="/slow")
    client = host.test_client()

    response = client.post("/slow/tasks/picture", headers=OURS)
    shown = soup(client.get(response.location))

    assert response.location.startswith("/slow/jobs/")
    assert one(shown, "#stop")["action"].startswith("/slow/jobs/")
    for element in shown.select("link[href], script[src]"):
        assert client.get(str(element.get("href") or element.get("src"))).status_code == 200
    assert one(soup(client.get("/slow/")), "#last-jobs")["hx-trigger"] == "every 2s"
    close(host)


def test_the_hosts_own_pages_errors_and_templates_stay_as_they_are(host: Flask) -> None:
    undefined, filters = host.jinja_env.undefined, dict(host.jinja_env.filters)
    AsyncInWeb(host, url_prefix="/slow")
    client = host.test_client()

    assert client.get("/").text == "the host's page"
    assert "Content-Security-Policy" not in client.get("/").headers
    assert "asyncinweb" not in client.get("/nothing").text
    assert (host.jinja_env.undefined, host.jinja_env.filters) == (undefined, filters)
    close(host)


def test_our_pages_are_protected_inside_a_host_too(host: Flask) -> None:
    AsyncInWeb(host, url_prefix="/slow")
    client = host.test_client()

    refused = client.post("/slow/tasks/picture")
    missing = client.get("/slow/jobs/nothing")

    assert refused.status_code == 403
    assert words(one(soup(missing), "h1")) == "Page not found"
    for response in (refused, missing, client.get("/slow/")):
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    close(host)


def test_a_hosts_flask_sqlalchemy_is_shared(host: Flask, settings: Settings, tmp_path: Path) -> None:
    host.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path}/host.db"
    host.config["SQLALCHEMY_BINDS"] = {"asyncinweb": sqlite_url(settings.database_path)}
    db = SQLAlchemy(host)

    AsyncInWeb(host, url_prefix="/slow")

    assert host.extensions["asyncinweb"].db is db
    assert host.test_client().get("/slow/jobs").status_code == 200
    with host.app_context():
        assert db.session.scalar(text("PRAGMA query_only")) == 0
        assert db.session.scalar(text("PRAGMA query_only"), bind_arguments={"bind": db.engines["asyncinweb"]}) == 1
    close(host)


def test_a_host_need_not_know_our_bind(host: Flask, tmp_path: Path) -> None:
    host.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path}/host.db"
    db = SQLAlchemy(host)
    people = db.Table("people", db.Column("id", db.Integer, primary_key=True))

    AsyncInWeb(host, url_prefix="/slow")

    client = host.test_client()
    assert client.post("/slow/tasks/picture", headers=OURS).status_code == 303
    assert client.get("/slow/jobs").status_code == 200
    with host.app_context():
        db.create_all()
        db.session.execute(people.insert())
        db.session.commit()
        assert inspect(db.engine).get_table_names() == ["people"]
        assert "people" not in inspect(db.engines["asyncinweb"]).get_table_names()
    close(host)


def test_a_host_whose_engines_cannot_be_added_to_is_told_what_to_write(host: Flask, tmp_path: Path) -> None:
    class Closed(SQLAlchemy):
        @property
        def engines(self) -> Mapping[str | None, Engine]:
            return MappingProxyType(super().engines)

    host.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path}/host.db"
    Closed(host)

    with pytest.raises(
        AsyncInWebError, match=r'Before db.init_app\(app\), add: .*SQLALCHEMY_BINDS"\] = {"asyncinweb"'
    ):
        AsyncInWeb(host)


def test_a_host_whose_bind_names_another_file_is_refused(host: Flask, tmp_path: Path) -> None:
    host.config["SQLALCHEMY_BINDS"] = {"asyncinweb": f"sqlite:///{tmp_path}/other.db"}
    SQLAlchemy(host)

    with pytest.raises(AsyncInWebError, match=r"other\.db"):
        AsyncInWeb(host)


def test_a_setting_that_does_not_exist_is_named(host: Flask) -> None:
    host.config["ASYNCINWEB_POLL_SECOND"] = 1

    with pytest.raises(SettingError, match="Did you mean 'poll_seconds'"):
        AsyncInWeb(host)


def test_one_object_serves_several_apps(host: Flask, settings: Settings, tmp_path: Path) -> None:
    extension = AsyncInWeb(settings=settings, url_prefix="/slow")
    other = Flask("other", instance_path=str(tmp_path / "other"))

    for app in (host, other):
        extension.init_app(app)

    assert vars(extension) == {"_settings": settings, "_url_prefix": "/slow"}
    assert all(app.test_client().get("/slow/").status_code == 200 for app in (host, other))
    close(host)
    close(other)


def test_the_instance_folder_is_made_for_its_owner_only(host: Flask, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "instance"
    AsyncInWeb(host, settings=Settings(instance=folder, tasks=("asyncinweb.tasks",)), url_prefix="/slow")

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    close(host)


def test_what_the_pages_read_with_cannot_write(app: Flask, room: Room) -> None:
    room.submit()

    with app.app_context():
        db = app.extensions["asyncinweb"].db
        bind = {"bind": db.engines["asyncinweb"]}
        with pytest.raises(OperationalError, match="readonly"):
            db.session.execute(text("DELETE FROM asyncinweb_jobs"), bind_arguments=bind)
