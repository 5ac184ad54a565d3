"""The cases in which waitress would treat a connection differently from what we want.

Requests that it refuses before the app sees them (the body is too large or has no room, or it is not HTTP) get the
words and headers of our own pages. A connection stays open after an answer without a body, which most polls get.
"""

import json
import logging
from contextlib import suppress
from typing import Any

from waitress.buffers import OverflowableBuffer
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import Error

from asyncinweb.web.error_pages import WORDS
from asyncinweb.web.problem_json import MEDIA_TYPE, facts_of
from asyncinweb.web.security import HEADERS

log = logging.getLogger(__name__)

# The web process serves only our app, so its addresses have no prefix.
API = "/api/"

PAGE = """<!doctype html>
<html lang="en" class="asyncinweb">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>{heading}</title>
  <meta name="color-scheme" content="light dark">
  <link rel="stylesheet" href="/static/asyncinweb/app.css">
</head>
<body>
  <main id="main">
    <section id="error" class="card error-page" role="alert" tabindex="-1" autofocus>
      <p class="code">{code}</p>
      <h1>{heading}</h1>
      <p>{sentence}</p>
      <p><a class="button" href="/">Go to the home page</a></p>
    </section>
  </main>
</body>
</html>
"""


class NoRoom(Error):  # type: ignore[misc]  # waitress has no types
    """The disk has no room for the request's body."""

    code = 503
    reason = "Service Unavailable"


class Body(OverflowableBuffer):  # type: ignore[misc]
    """A request's body, on disk if it is large. If the disk has no room, the body is received and dropped, because
    a browser shows no answer to a request it could not finish sending."""

    is_dropped = False

    def append(self, data: bytes) -> None:
        if self.is_dropped:
            return
        try:
            super().append(data)
        except OSError as error:
            log.error("Cannot store a request body: %s", error)
            self.is_dropped = True
            # The rest cannot be written, so it cannot be flushed either; the file is closed anyway.
            with suppress(OSError):
                self.close()


class RequestParser(HTTPRequestParser):  # type: ignore[misc]
    """Reads a request with such a body."""

    error: Error | None

    def received(self, data: bytes) -> int:
        is_new = self.body_rcv is None
        consumed: int = super().received(data)
        receiver = self.body_rcv
        if receiver is not None and is_new:
            # The headers end here; none of the body has been read yet.
            receiver.buf = Body(self.adj.inbuf_overflow)
        elif receiver is not None and receiver.buf.is_dropped and self.error is None:
            self.error = NoRoom("")
        if self.completed:
            # Refused by its headers, or without a body: answer at once. If we asked for the body, the sender would
            # wait for us, and we for the sender.
            self.expect_continue = False
        return consumed


class Refusal(ErrorTask):  # type: ignore[misc]
    """Answers a request that waitress refuses, and closes the connection."""

    def execute(self) -> None:
        error: Any = self.request.error
        words = WORDS.get(error.code, WORDS[400])
        if getattr(self.request, "path", "").startswith(API):
            media_type = MEDIA_TYPE
            body = json.dumps(facts_of(error.code, words.heading, words.sentence)).encode()
        else:
            media_type = "text/html; charset=utf-8"
            body = PAGE.format(code=error.code, heading=words.heading, sentence=words.sentence).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.extend([*HEADERS.items(), ("Content-Type", media_type)])
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Answer(WSGITask):  # type: ignore[misc]
    """Answers a request through the app."""

    def set_close_on_finish(self) -> None:
        # waitress closes the connection after every answer without a length, but 204 and 304 need none.
        ends_by_itself = not self.has_body and self.version == "1.1"
        if ends_by_itself and self.request.headers.get("CONNECTION", "").lower() != "close":
            return
        super().set_close_on_finish()


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection that uses these three."""

    parser_class = RequestParser
    task_class = Answer
    error_task_class = Refusal
