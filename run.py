"""Start everything: the web server and the workers, in one process tree. `--help` lists the options."""

import signal
import sys
from importlib.util import find_spec

# The dependencies in pyproject.toml, by import name. Some are only needed later, in other processes; if one is
# missing, we say so at once and in one line.
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
    # Until the program handles the signal itself, Ctrl-C ends it without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    missing = [name for name in REQUIRED if find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"Missing packages: {', '.join(missing)}. To install them and start: "
            "python3 -m venv .venv && .venv/bin/pip install -e . && .venv/bin/python run.py\n"
        )
        sys.exit(2)
    from asyncinweb.cli import main

    main(["run", *sys.argv[1:]])
