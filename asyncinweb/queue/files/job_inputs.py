"""A job's inputs besides its row: uploaded files and secrets. They are put into its folder before a worker can see
the row, and deleted again if the job is not stored. Like the rest of the folder, they are deleted with the job."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from asyncinweb.errors import DatabaseUnusable
from asyncinweb.identity import new_slug
from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.tasks.inputs.arguments import Arguments, share, sync_folder
from asyncinweb.tasks.inputs.uploaded import is_stored_file


def inputs_folder(folder: JobFolder) -> Path:
    """Where a job's uploaded files and secrets are, if it has any."""
    return folder.path / "given"


def input_files(folder: JobFolder, arguments: str) -> dict[Path, str]:
    """Where the uploaded files of these stored arguments are, and what their visitor called them."""
    if '"sha256"' not in arguments:
        return {}
    found, level = {}, [json.loads(arguments)]
    while level:
        value = level.pop()
        if is_stored_file(value):
            found[inputs_folder(folder) / value["sha256"]] = value["name"]
        elif isinstance(value, (dict, list)):
            level += value.values() if isinstance(value, dict) else value
    return found


class JobInputs:
    """The folders made for jobs that are being stored."""

    def __init__(self, instance: Path) -> None:
        self._instance = instance
        self._made: list[JobFolder] = []

    def keep(self, arguments: Arguments) -> str:
        """Keep files and secrets for a new job. The slug it must get, "" if there is nothing to keep."""
        if arguments.is_all_in_row:
            return ""
        folder = self._new_folder()
        arguments.keep_in(inputs_folder(folder), self._instance)
        return folder.slug

    def share(self, slug: str) -> str:
        """Share the inputs of the job `slug` with a new one. The new slug, "" if there is nothing to share."""
        source = inputs_folder(JobFolder(self._instance, slug))
        if not source.is_dir():
            return ""
        folder = self._new_folder()
        target = inputs_folder(folder)
        target.mkdir(mode=0o700)
        for file in source.iterdir():
            share(file, target / file.name)
        sync_folder(target)
        return folder.slug

    def remove_unused(self, slugs: Iterable[str]) -> None:
        """Delete the folders created for jobs that are not among these."""
        used = set(slugs)
        for folder in self._made:
            if folder.slug not in used:
                folder.remove()
        self._made = []

    def _new_folder(self) -> JobFolder:
        folder = JobFolder(self._instance, new_slug())
        self._made.append(folder)
        folder.make()
        return folder


@contextmanager
def job_inputs(instance: Path) -> Iterator[JobInputs]:
    """Deletes the folders of jobs that were not stored. DatabaseUnusable if the instance folder cannot take
    them."""
    made = JobInputs(instance)
    try:
        yield made
    except OSError as error:
        raise DatabaseUnusable(f"Cannot store the job's files in {instance}: {error}") from None
    finally:
        made.remove_unused(())
