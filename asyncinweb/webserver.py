"""The web process: waitress in front of the Flask app, on a socket that the supervisor holds."""

import os
import signal
import socket
import sys
import tempfile
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any

from flask import Flask
from waitress.server import create_server

from asyncinweb.app import create_app
from asyncinweb.errors import AsyncInWebError
from asyncinweb.logs import configure_log
from asyncinweb.queue.files.instance import make_private
from asyncinweb.settings import Settings
from asyncinweb.web.api import long_poll
from asyncinweb.web.forms.uploads import MAX_TEXT_BYTES
from asyncinweb.web.http.waitress_channel import Channel
from asyncinweb.workers.process.child import Ready, Refused, wait_for_go

THREADS = 8
# Every open tab counts for waitress: with its default of 100, the 99th gets no answer.
CONNECTIONS = 1000
# A body up to this factor above the limit is received in full and then refused, because a browser shows no answer
# to a request it could not finish sending. A larger one is refused by its Content-Length.
LARGEST_BODY_FACTOR = 2


def serve_web(settings: Settings, listener: socket.socket, ready: Connection) -> None:
    """The whole life of the web process: what the supervisor starts."""
    os.setsid()
    signal.signal(signal.SIGTERM, _stop)
    configure_log()
    try:
        app = create_app(settings)
        # The folder where waitress keeps what it receives: the system's may be small, or in memory.
        make_private(settings.instance / "incoming")
        tempfile.tempdir = str(settings.instance / "incoming")
    except AsyncInWebError as error:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        ready.send(Refused(str(error), error.exit_code))
        return
    server = server_of(app, listener, settings)
    ready.send(Ready("web", tuple(app.extensions["asyncinweb"].registry.tasks)))
    wait_for_go(ready)
    server.run()


def server_of(app: Flask, listener: socket.socket, settings: Settings) -> Any:
    """A waitress server for this app, not yet running."""
    # Under many connections waitress's own thread starves at Python's default of 5 ms (measured: 382 against 1,020
    # requests per second with 64 connections).
    sys.setswitchinterval(0.0005)
    server = create_server(
        app,
        sockets=[listener],
        threads=THREADS,
        connection_limit=CONNECTIONS,
        asyncore_use_poll=True,
        ident=None,
        max_request_body_size=LARGEST_BODY_FACTOR * (settings.max_upload_bytes + MAX_TEXT_BYTES),
        # `web.http.proxy` decides about them.
        clear_untrusted_proxy_headers=False,
    )
    server.channel_class = Channel
    return server


def _stop(number: int, frame: FrameType | None) -> None:
    # Only once: a second signal must not interrupt the end of the process.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    long_poll.closing.set()
    # This makes waitress end its loop and its threads.
    raise SystemExit(0)
