"""A short soak with every run of the tests, a longer one where SOAK_SECONDS says so, and a long one by
`python -m benchmarks.soak --minutes 10`."""

import os
from pathlib import Path

from benchmarks.soak import soak


def test_everything_at_once_leaves_the_invariants_and_the_server_as_they_were(tmp_path: Path) -> None:
    done = soak(tmp_path, seconds=float(os.environ.get("SOAK_SECONDS", "8"))).done

    assert {"submit", "kill -9", "backup", "prune", "lock", "page 200"} <= set(done)
    assert done["innocent jobs checked"] > 0, done
    assert done["cancel: asked"] + done["cancel: cancelled"] > 0, done
