"""Each file in examples/ is run, as its first line says."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_tasks_of_an_example_load_and_need_no_arguments(example: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "asyncinweb", "tasks", "--json", "--tasks", str(example)],
        check=True,
        capture_output=True,
        text=True,
    )

    tasks = json.loads(answer.stdout)
    assert tasks
    assert [task["name"] for task in tasks if task["arguments"].get("required")] == []


def test_a_greeting_can_be_called_like_any_function() -> None:
    spec = importlib.util.spec_from_file_location("greetings", EXAMPLES[0].parent / "greetings.py")
    assert spec is not None
    assert spec.loader is not None
    greetings = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(greetings)

    assert greetings.greet("Ada", times=1, tone="formal") == "Good day, Ada! "
