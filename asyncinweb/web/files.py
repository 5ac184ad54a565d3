"""Downloads: a job's result and the files it saved. What could run in a browser is never shown, only saved."""

import io
import mimetypes
from pathlib import Path

from flask import Response, abort, send_file

from asyncinweb.web.results import stored_result
from asyncinweb.web.shared import folder_of, job_or_404, pages

SAFE_IMAGES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
# A drawing brings its own styles; everything else in a download stays dead.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"


@pages.get("/jobs/<slug>/result")
def result(slug: str) -> Response:
    """What the task returned, as a file."""
    job = job_or_404(slug)
    stored = stored_result(job)
    if stored is None:
        abort(404, "This job has no result.")
    name = f"{job.task}-{job.slug[:6].strip('-_')}.{stored.suffix}"
    if stored.path is None:
        return _download(io.BytesIO(stored.data()), stored.media_type, name)
    return _existing(stored.path, stored.media_type, name)


@pages.get("/jobs/<slug>/files/<name>")
def saved_file(slug: str, name: str) -> Response:
    """A file the job saved, found by its name among those there are."""
    job = job_or_404(slug)
    file = next((file for file in folder_of(job).saved(job.claim_no) if file.name == name), None)
    if file is None:
        abort(404, f"This job has no file {name!r}.")
    return _existing(file.path, mimetypes.guess_type(name)[0] or "application/octet-stream", name)


def _existing(path: Path, media_type: str, name: str) -> Response:
    if not path.is_file():
        abort(404, "The file is no longer there.")
    return _download(path, media_type, name)


def _download(data: Path | io.BytesIO, media_type: str, name: str) -> Response:
    """Send it to be saved, or to be shown if it is a picture that can do no harm."""
    response = send_file(
        data,
        mimetype=media_type,
        as_attachment=media_type not in SAFE_IMAGES,
        download_name=name,
        conditional=isinstance(data, Path),
    )
    response.headers["Content-Security-Policy"] = POLICY
    return response
