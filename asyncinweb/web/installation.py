"""What the extension has put into a Flask app, and how a request finds it."""

from collections import deque
from dataclasses import dataclass, field

from flask import current_app
from flask_sqlalchemy import SQLAlchemy
from jinja2 import Environment

from asyncinweb.queue.client import Client
from asyncinweb.queue.estimates import UsualTimes
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.settings import Settings
from asyncinweb.tasks.registry import Registry

NAME = "asyncinweb"


@dataclass(frozen=True)
class Installation:
    """What the extension put into one Flask app."""

    settings: Settings
    database: Database
    client: Client
    registry: Registry
    db: SQLAlchemy
    templates: Environment
    usual_times: UsualTimes = field(default_factory=UsualTimes)
    # What was found damaged in the database since the start: no answer finds all of it again.
    damage_seen: deque[str] = field(default_factory=lambda: deque(maxlen=1))


def installation() -> Installation:
    """The installation that answers this request."""
    found: Installation = current_app.extensions[NAME]
    return found
