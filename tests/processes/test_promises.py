"""What measures the promises: that it measures on a real server and says what is not kept.

How fast anything is, no test asserts: `python -m benchmarks.promises` finds out."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.findings import Finding
from benchmarks.promises import PROMISES, main

PERFORMANCE = Path(__file__).resolve().parents[2] / "docs" / "performance.md"


@pytest.mark.parametrize(("limit", "said", "exit_code"), [(1e9, "ok", 0), (0.0, "NOT KEPT", 1)])
def test_a_promise_is_measured_on_a_real_server_and_the_exit_code_is_the_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], limit: float, said: str, exit_code: int
) -> None:
    monkeypatch.setitem(PROMISES, "start_message", replace(PROMISES["start_message"], limit=limit))

    code = main(["start_message", "--rounds", "1"])

    (row,) = [line for line in capsys.readouterr().out.splitlines() if "`start_message`" in line]
    assert (code, row.split("|")[-2].strip()) == (exit_code, said)


def test_the_median_is_judged_unless_each_figure_must_be_within_the_limit() -> None:
    of_rounds = replace(PROMISES["start_message"], limit=1.0)
    of_each = replace(PROMISES["reads_under_lock"], limit=1.0)

    assert Finding(of_rounds, [0.1, 0.9, 5.0]).is_kept
    assert not Finding(of_rounds, [0.1, 1.1, 5.0]).is_kept
    assert not Finding(of_each, [0.1, 0.9, 5.0]).is_kept


def test_every_promise_stands_in_the_document_with_its_limit() -> None:
    rows = PERFORMANCE.read_text()

    assert [
        name for name, each in PROMISES.items() if f"`{name}` | {each.words} | {each.limit:g}" not in rows
    ] == []
