"""Importing the modules and files that define tasks. This is the only module that imports by a given name, and the
names come from the settings, never from the database."""

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Sequence
from pathlib import Path

from asyncinweb.errors import AsyncInWebError, BadArguments, TaskDefinitionError, TaskLoadError, nearest
from asyncinweb.one_process import OneProcess
from asyncinweb.tasks.import_guard import loading
from asyncinweb.tasks.inputs.json_text import text_fault
from asyncinweb.tasks.registry import Registry, Task, registry


def load(sources: Sequence[str]) -> Registry:
    """Import the modules or files with tasks and check every task's signature.

    A source is a dotted module name or the path of a .py file. Raises TaskLoadError naming source, file
    and line, or TaskDefinitionError, also for a job that is enqueued meanwhile.
    """
    with loading():
        for source in sources:
            _import(source)
    for each in registry.tasks.values():
        _check(each)
    return registry


def _check(task: Task[..., object]) -> None:
    """Read the signature, and check that pages can show the task's texts, and that a task started by the clock
    needs no arguments."""
    inputs = task.inputs
    for text in (task.title, task.help):
        if fault := text_fault(text):
            raise TaskDefinitionError(f"{task.name}: its title or description {text!r} {fault} ({task.location})")
    if task.options.cron is not None:
        try:
            inputs.to_json({})
        except BadArguments as error:
            raise TaskDefinitionError(
                f"{task.name}: a task with cron needs a default for every parameter ({error}; {task.location})"
            ) from None


def _import(source: str) -> None:
    try:
        if source.endswith(".py"):
            _import_file(Path(source))
        else:
            _make_importable(Path.cwd())
            with OneProcess():
                importlib.import_module(source)
    except AsyncInWebError:
        raise
    except ModuleNotFoundError as error:
        if error.name is not None and (source == error.name or source.startswith(f"{error.name}.")):
            raise TaskLoadError(
                f"There is no module {source!r} to load tasks from (looked in {Path.cwd()} and the "
                "installed packages). For a file, give its path: --tasks my_tasks.py"
            ) from None
        raise TaskLoadError(_import_failure(source, error)) from error
    except (Exception, SystemExit) as error:
        raise TaskLoadError(_import_failure(source, error)) from error


def _import_file(path: Path) -> None:
    if not path.is_file():
        others = [str(each) for each in path.parent.glob("*.py")]
        raise TaskLoadError(
            f"There is no file {path} to load tasks from (looked in {Path.cwd()}).{nearest(str(path), others)}"
        )
    name = path.stem
    there = _origin_of(name)
    if there is not None and there != path.resolve():
        # Code that imports that module later would get this file instead.
        raise TaskLoadError(
            f"Cannot load {path}: there is already another module called {name!r}. Rename the file."
        )
    if name in sys.modules:
        return
    _make_importable(path.resolve().parent)
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with OneProcess():
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


def _origin_of(name: str) -> Path | None:
    """The file of the module with this name, loaded or not; a non-existent path if the module has no file."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    return None if spec is None else Path(spec.origin or name).resolve()


def _make_importable(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _import_failure(source: str, error: BaseException) -> str:
    """One line: what failed, and the last line of the author's own code that was reached."""
    if isinstance(error, SyntaxError):
        where = f"{error.filename}:{error.lineno}"
    else:
        frames = inspect.getinnerframes(error.__traceback__) if error.__traceback__ else []
        own = [frame for frame in frames if "importlib" not in frame.filename and frame.filename != __file__]
        where = f"{own[-1].filename}:{own[-1].lineno}" if own else source
    # The full text of a syntax error repeats the place.
    message = " ".join(str(error.msg if isinstance(error, SyntaxError) else error).split())
    return f"Cannot import {source}: {type(error).__name__}: {message} ({where})"
