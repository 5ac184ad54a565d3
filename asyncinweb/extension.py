"""AsyncInWeb(app): the pages, the database and the client inside another Flask app."""

from collections.abc import Mapping

from flask import Flask, request, url_for
from flask_sqlalchemy import SQLAlchemy
from jinja2 import Environment, StrictUndefined
from sqlalchemy import Engine, create_engine

from asyncinweb import configuration
from asyncinweb.errors import AsyncInWebError
from asyncinweb.queue import client
from asyncinweb.queue.client import Client
from asyncinweb.queue.columns import BIND_KEY
from asyncinweb.queue.files.instance import make_instance
from asyncinweb.queue.stores.file_identity import check_at_every_use
from asyncinweb.queue.stores.sqlite import WEB, Database, prepare_reader, sqlite_url
from asyncinweb.settings import Settings
from asyncinweb.tasks import loading
from asyncinweb.web import error_pages
from asyncinweb.web.api import jobs as api_jobs
from asyncinweb.web.api import openapi as api_description
from asyncinweb.web.api import tasks as api_tasks
from asyncinweb.web.assets import asset
from asyncinweb.web.body_limits import refuse_broken_form
from asyncinweb.web.filters import FILTERS
from asyncinweb.web.forms.form import KEY_FIELD
from asyncinweb.web.forms.start_time import START_FIELD
from asyncinweb.web.forms.uploads import REMOVE_FIELD
from asyncinweb.web.installation import NAME, Installation
from asyncinweb.web.pages import downloads, health, home, job_export, job_list, jobs, logs, tasks, tutorial
from asyncinweb.web.security import add_headers, refuse_other_sites
from asyncinweb.web.shared import pages

PREFIX = "ASYNCINWEB_"
# Importing a module of views adds them to the blueprint.
VIEWS = (
    home,
    tasks,
    job_list,
    job_export,
    jobs,
    logs,
    downloads,
    tutorial,
    health,
    api_tasks,
    api_jobs,
    api_description,
)

pages.before_request(refuse_other_sites)
pages.before_request(refuse_broken_form)
pages.after_request(add_headers)
error_pages.register(pages)


class AsyncInWeb:
    """The extension. All state is in `app.extensions["asyncinweb"]`, so one object serves several apps.

    settings: by default, ASYNCINWEB_<NAME> in `app.config`, then the environment and asyncinweb.toml.
    url_prefix: where the pages are, such as "/jobs".
    """

    def __init__(
        self, app: Flask | None = None, *, settings: Settings | None = None, url_prefix: str = ""
    ) -> None:
        self._settings = settings
        self._url_prefix = url_prefix
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Open the database, load the tasks, add the pages.

        Raises SettingError, TaskLoadError, TaskDefinitionError, DatabaseUnusable. A host app decides itself which
        host names it answers to: see Flask's TRUSTED_HOSTS.
        """
        settings = self._settings or settings_of(app.config)
        make_instance(settings.instance)
        database = client.open_database(settings, WEB)
        registry = loading.load(settings.tasks)
        own_client = Client(database, settings.max_queued_per_owner, settings.instance)
        client.use(own_client)
        db = connected_flask_sqlalchemy(app, database)
        installation = Installation(settings, database, own_client, registry, db, templates_of(app))
        app.extensions[NAME] = installation
        app.register_blueprint(pages, url_prefix=self._url_prefix or None)


def settings_of(config: Mapping[str, object]) -> Settings:
    """Settings from ASYNCINWEB_<NAME> in a Flask config, which take precedence over the environment and the
    file."""
    options = {key[len(PREFIX) :].lower(): value for key, value in config.items() if key.startswith(PREFIX)}
    return configuration.read_settings(options).settings


def connected_flask_sqlalchemy(app: Flask, database: Database) -> SQLAlchemy:
    """The host's Flask-SQLAlchemy or a bare one of our own, reading our database under our bind key."""
    with app.app_context():
        if "sqlalchemy" in app.extensions:
            db: SQLAlchemy = app.extensions["sqlalchemy"]
            engine = _engine_of_host(db, database)
        else:
            binds = app.config.setdefault("SQLALCHEMY_BINDS", {})
            binds[BIND_KEY] = {"url": sqlite_url(database.path), "module": driver_of(database)}
            db = SQLAlchemy()
            db.init_app(app)
            engine = db.engines[BIND_KEY]
        prepare_reader(engine, WEB.busy_seconds)
        check_at_every_use(engine)
        # Earlier connections would lack the pragmas, and could write.
        engine.dispose()
    return db


def _engine_of_host(db: SQLAlchemy, database: Database) -> Engine:
    cure = f'app.config["SQLALCHEMY_BINDS"] = {{"{BIND_KEY}": "{sqlite_url(database.path)}"}}'
    if BIND_KEY not in db.engines:
        _add_engine(db, database)
    if BIND_KEY not in db.engines:
        raise AsyncInWebError(
            f"Flask-SQLAlchemy is already set up without our database. Before db.init_app(app), add: {cure}"
        )
    engine = db.engines[BIND_KEY]
    if getattr(engine.dialect.dbapi, "Connection", None) is not getattr(driver_of(database), "Connection", None):
        raise AsyncInWebError(
            f"SQLALCHEMY_BINDS[{BIND_KEY!r}] must use the SQLite module that writes, or locks are lost: "
            f'{{"url": "{sqlite_url(database.path)}", "module": pysqlite3.dbapi2}}'
        )
    if engine.url.database != str(database.path):
        raise AsyncInWebError(
            f"SQLALCHEMY_BINDS[{BIND_KEY!r}] names {engine.url.database!r}, but the settings name "
            f"{str(database.path)!r}. Before db.init_app(app), add: {cure}"
        )
    return engine


def _add_engine(db: SQLAlchemy, database: Database) -> None:
    """Add our engine to the host's own, as if SQLALCHEMY_BINDS had named it."""
    engines = db.engines
    # Flask-SQLAlchemy does not promise that this dict can be changed.
    if isinstance(engines, dict):
        engines[BIND_KEY] = create_engine(sqlite_url(database.path), module=driver_of(database))


def driver_of(database: Database) -> object:
    """The SQLite module that writes. Two modules on one file in one process would undo each other's locks."""
    with database.read() as session:
        return session.get_bind().dialect.dbapi


def templates_of(app: Flask) -> Environment:
    """The app's template environment with our filters, strict about names, leaving the app's own as it is."""
    environment = app.jinja_env.overlay(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters = {**app.jinja_env.filters, **FILTERS}
    environment.globals = {
        **app.jinja_env.globals,
        "asset": asset,
        "KEY_FIELD": KEY_FIELD,
        "REMOVE_FIELD": REMOVE_FIELD,
        "START_FIELD": START_FIELD,
        "url_for": url_for,
        "request": request,
    }
    return environment
