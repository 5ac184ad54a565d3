"""`python -m asyncinweb`: the same commands as `asyncinweb`."""

from asyncinweb.cli import main

if __name__ == "__main__":
    main()
