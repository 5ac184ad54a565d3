"""Commands about the store: deleting old jobs, backups, checks, settings."""

import threading
from pathlib import Path

import click

from asyncinweb.commands.command_context import CommandContext, as_json, in_instance, print_json, with_tasks
from asyncinweb.queue.files.folder_lock import folder_lock
from asyncinweb.queue.files.instance import make_instance
from asyncinweb.queue.maintenance.backup import back_up
from asyncinweb.queue.maintenance.checks import Computer, check
from asyncinweb.queue.maintenance.restore import restore
from asyncinweb.queue.maintenance.retention import BATCH_SECONDS, clean
from asyncinweb.settings import Settings
from asyncinweb.tasks.loading import load
from asyncinweb.units import counted
from asyncinweb.workers.process import processes


@click.command("prune")
@in_instance
@as_json
def prune_command(instance: Path | None, as_json: bool) -> None:
    """Delete jobs that are past their retention period."""
    context = CommandContext(instance)
    jobs = folders = 0
    for cleaned in clean(context.known_database(), context.settings):
        jobs, folders = jobs + cleaned.jobs, folders + cleaned.folders
        if cleaned.jobs:
            # Other processes need the write lock too.
            threading.Event().wait(BATCH_SECONDS)
    if as_json:
        print_json({"jobs": jobs, "folders": folders})
        return
    gone = f" and {counted(folders, 'folder')} without a job" if folders else ""
    click.echo(f"Deleted {counted(jobs, 'job')}{gone}.")


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@click.option("--without-files", is_flag=True, help="Save only the database, without logs and job files.")
@in_instance
@as_json
def backup_command(file: Path, overwrite: bool, without_files: bool, instance: Path | None, as_json: bool) -> None:
    """Save the database and all job files to FILE, a ZIP file. The server can keep running."""
    context = CommandContext(instance)
    database, instance_folder = context.existing_database(), context.settings.instance
    kept = back_up(database, instance_folder, file.absolute(), overwrite=overwrite, with_files=not without_files)
    if as_json:
        print_json({"path": str(kept.path), "size": kept.size, "jobs": kept.jobs, "files": kept.files})
        return
    click.echo(
        f"{kept.path}: {counted(kept.jobs, 'job')}, {counted(kept.files, 'file')}, {kept.size / 1e6:.1f} MB"
    )


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@in_instance
@as_json
def restore_command(file: Path, instance: Path | None, as_json: bool) -> None:
    """Restore a backup, and keep the data it replaces. Stop the server first."""
    settings = CommandContext(instance).settings
    make_instance(settings.instance)
    with folder_lock(settings.instance):
        restored = restore(settings.database_path, settings.instance, file.absolute())
    if as_json:
        replaced = None if restored.replaced is None else str(restored.replaced)
        print_json({"jobs": restored.jobs, "files": restored.files, "replaced": replaced})
        return
    click.echo(f"Restored {counted(restored.jobs, 'job')} and {counted(restored.files, 'file')}.")
    if restored.replaced is not None:
        click.echo(f"The data that was there before is in {restored.replaced}")


@click.command("check")
@with_tasks
@in_instance
@as_json
def check_command(tasks: tuple[str, ...], instance: Path | None, as_json: bool) -> None:
    """Check the health of this installation. Exit code 0 even with warnings, 1 with an error."""
    context = CommandContext(instance, tasks)
    context.existing_database().close()
    computer = Computer(processes.this_host(), processes.is_alive)
    code, results = 0, []
    for result in check(context.settings, computer, lambda: load(context.settings.tasks)):
        code = max(code, result.exit_code)
        results.append({"subject": result.subject, "level": result.level, "words": result.words})
        if not as_json:
            click.echo(f"{result.level:8} {result.subject:16} {result.words}")
    if as_json:
        print_json(results)
    if code:
        raise click.exceptions.Exit(code)


@click.command("config")
@as_json
def config_command(as_json: bool) -> None:
    """Show all settings and where each one comes from."""
    configuration = CommandContext(None).configuration
    values = configuration.settings.model_dump(mode="json")
    if as_json:
        print_json(values)
        return
    for name, field in Settings.model_fields.items():
        click.echo(f"{name} = {values[name]!r}  ({configuration.origins[name]})\n    {field.description}")
