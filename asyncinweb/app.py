"""create_app(): the stand-alone app, in which every response is ours."""

from flask import Flask
from flask.sessions import SessionInterface, SessionMixin
from flask.wrappers import Request

from asyncinweb import configuration
from asyncinweb.extension import AsyncInWeb
from asyncinweb.settings import Settings
from asyncinweb.web import error_pages
from asyncinweb.web.forms.uploads import MAX_TEXT_BYTES
from asyncinweb.web.http.proxy import ProxyHeaders
from asyncinweb.web.secret_key import secret_key
from asyncinweb.web.security import add_headers, refuse_foreign_names, refuse_other_sites


class NoSession(SessionInterface):
    """No Flask session. Flask would look for its cookie, and prepare to sign it, in every request, which is a
    tenth of the cost of a poll without news."""

    def open_session(self, app: Flask, request: Request) -> SessionMixin:
        return self.make_null_session(app)


def create_app(settings: Settings | None = None) -> Flask:
    """The Flask app for these settings, or for those in the environment and asyncinweb.toml.

    Raises what `AsyncInWeb.init_app` raises.
    """
    settings = settings or configuration.read_settings().settings
    app = Flask(__name__, static_folder=None, template_folder=None, instance_path=str(settings.instance))
    # Forms of tasks that take files have their own limit.
    app.config["MAX_CONTENT_LENGTH"] = MAX_TEXT_BYTES
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_TEXT_BYTES
    app.session_interface = NoSession()
    app.before_request(refuse_foreign_names)
    app.before_request(refuse_other_sites)
    app.after_request(add_headers)
    error_pages.register(app)
    AsyncInWeb(app, settings=settings)
    app.secret_key = secret_key(settings)
    app.wsgi_app = ProxyHeaders(app.wsgi_app, settings.trusted_proxy)  # type: ignore[method-assign]
    return app
