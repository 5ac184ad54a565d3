"""Tasks that say where their file is, in each way in which a function can."""

import logging
import warnings
from pathlib import Path

from asyncinweb import UploadedFile, current_job, task


@task
def give_back(file: UploadedFile, way: str) -> object:
    match way:
        case "file":
            return file
        case "path":
            return file.path
        case "open":
            return open(file, "rb")  # noqa: PTH123 - as an author would write it
        case "list":
            return [file, file]
        case "fields":
            return {"name": file, "size": 1}
    return str(file.path)


@task
def speak(file: UploadedFile) -> dict[str, object]:
    print("reading", file.path)
    warnings.warn("an old file", stacklevel=1)
    current_job.progress(1, 2, f"in {file.path}")
    try:
        open(file.path.parent / "missing" / "x.csv")  # noqa: SIM115, PTH123
    except OSError:
        logging.exception("not there")
    return {"path": file.path.parent, "lines": [str(file.path)]}


@task
def fail(file: UploadedFile) -> None:
    settings = Path("/usr") / "share" / "x.cfg"
    raise OSError(f"cannot identify image file {str(file.path)!r} in {settings}")
