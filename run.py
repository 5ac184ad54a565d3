"""Start everything: the web server and the workers, in one process tree. `--help` lists the options."""

import signal
import sys
from importlib.util import find_spec

# What pyproject.toml lists, by the names they are imported with. Some of them are only needed later, in other
# processes; where one is missing, that is said at once and in one line.
REQUIRED = (
    "flask",
    "flask_sqlalchemy",
    "sqlalchemy",
    "waitress",
    "click",
    "pydantic",
    "alembic",
    "cronsim",
    "markdown_it",
)

if __name__ == "__main__":
    # Until the program listens itself, Ctrl-C ends it without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    missing = [name for name in REQUIRED if find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"Not installed: {', '.join(missing)}. Type: python3 -m venv .venv && .venv/bin/pip install -e . && "
            ".venv/bin/python run.py\n"
        )
        sys.exit(2)
    from asyncinweb.cli import main

    main(["run", *sys.argv[1:]])
