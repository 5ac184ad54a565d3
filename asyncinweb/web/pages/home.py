"""The home page: the tasks, and the visitor's recent jobs. And the choice between light and dark."""

from urllib.parse import urlsplit

from flask import Response, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from asyncinweb.queue.listing import Filters, list_jobs
from asyncinweb.queue.reading import usual_seconds
from asyncinweb.web import visitors
from asyncinweb.web.forms.form import blank_form
from asyncinweb.web.installation import installation
from asyncinweb.web.job_status.forecast import forecast_of
from asyncinweb.web.pages.job_list import JobListPage, listing
from asyncinweb.web.shared import fragment, pages, read_session, render, see_other, unchanged, wants_fragment

LAST_JOBS = 5
THEMES = ("auto", "light", "dark")
YEAR = 365 * 86_400


@pages.get("/")
def home() -> str | Response:
    """The tasks, the first one ready to run, and the visitor's recent jobs."""
    jobs = _last_jobs()
    if wants_fragment():
        if request.args.get("v") == jobs.version:
            return unchanged()
        return fragment(render("jobs/strip.html", jobs=jobs))
    tasks = installation().registry.visible
    return render(
        "home.html",
        jobs=jobs,
        first=blank_form(tasks[0]) if tasks else None,
        forecast=forecast_of(tasks[0]) if tasks else None,
        others=tasks[1:],
        usual={task.name: usual_seconds(read_session(), task.name) for task in tasks[1:]},
        searched=installation().settings.tasks,
    )


def _last_jobs() -> JobListPage:
    mine = Filters(owner=visitors.listed_owner(visitors.current(), mine=True))
    return listing(list_jobs(read_session(), mine, limit=LAST_JOBS))


@pages.post("/theme")
def theme() -> AnyResponse:
    """Remember light or dark, and go back to the page where it was chosen."""
    response = see_other(_same_site(request.headers.get("Referer", "")))
    chosen = request.form.get("theme", "")
    if chosen in THEMES:
        response.set_cookie("asyncinweb_theme", chosen, max_age=YEAR, httponly=True, samesite="Lax")
    return response


def _same_site(address: str) -> str:
    parts = urlsplit(address)
    if parts.netloc != request.host or not parts.path.startswith("/") or parts.path.startswith("//"):
        return url_for("asyncinweb.home")
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
