"""Start everything: the web server and the workers, in one process tree. `--help` lists the options."""

import signal
import sys

if __name__ == "__main__":
    # Until the program listens itself, Ctrl-C ends it without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        from asyncinweb.cli import main
    except ModuleNotFoundError as error:
        sys.stderr.write(
            f"The package {error.name!r} is not installed. Type: python3 -m venv .venv && "
            ".venv/bin/pip install -e . && .venv/bin/python run.py\n"
        )
        sys.exit(2)
    main(["run", *sys.argv[1:]])
