"""What a task can find out about the program that runs it."""

import json
from collections.abc import Callable

from process_tree import Tree

SECRET = "a-secret-key-that-no-task-may-know"


def test_no_secret_and_no_descriptor_reaches_a_task_or_the_programs_it_starts(start: Callable[..., Tree]) -> None:
    tree = start(secret_key=SECRET).wait_until_started()
    slug = tree.submit("look_around")
    tree.wait_for(slug, "completed")

    seen = tree.result(slug)["value"]

    assert SECRET not in json.dumps(seen)
    assert "ASYNCINWEB_SECRET_KEY" not in seen["started_with"]
    # The worker needs the database; the programs that a task starts do not get it.
    assert any(path.endswith("asyncinweb.db") for path in seen["opened"])
    assert not [each for each in seen["child"] if "socket:" in each or str(tree.instance) in each], seen["child"]
    assert len(seen["child"]) <= 4, seen["child"]
