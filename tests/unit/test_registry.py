"""`@task`: a function stays a function, and what makes no sense is refused in words."""

import inspect
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from asyncinweb.errors import AsyncInWebError, BadArguments, TaskDefinitionError, UnknownTask
from asyncinweb.tasks import registry as module
from asyncinweb.tasks.registry import Registry, Request, Task, next_cron_time, registry, task

pytestmark = pytest.mark.usefixtures("empty_registry")


def define(**options: Any) -> Task[..., object]:
    @task(**options)
    def report(year: int = 2026) -> int:
        """Yearly report.

        With all the
        figures.
        """
        return year

    return report


@pytest.fixture
def submitted() -> Iterator[list[Request]]:
    """What `enqueue` hands over, in place of a database."""
    taken: list[Request] = []
    before = module._connected
    module.connect(lambda requests: taken.extend(requests) or [object()] * len(requests))
    yield taken
    module._connected = before


# --- a task is a function ---------------------------------------------------------------------------------------


def test_a_task_is_called_like_the_function_it_is() -> None:
    @task
    def add(a: int, b: int = 2) -> int:
        """Add."""
        return a + b

    assert add(1) == 3
    assert add(a=5, b=6) == 11
    assert (add.__name__, add.__doc__, add.__module__) == ("add", "Add.", __name__)
    assert str(inspect.signature(add)) == "(a: int, b: int = 2) -> int"


def test_a_task_with_options_is_called_like_the_function_it_is() -> None:
    report = define(timeout=5)

    assert report(7) == 7
    assert report.options.timeout == 5
    assert registry["report"] is report


def test_an_exception_of_the_function_comes_through_a_call() -> None:
    @task
    def divide(by: int) -> float:
        return 1 / by

    with pytest.raises(ZeroDivisionError):
        divide(0)


def test_title_and_help_come_from_the_docstring_the_option_or_the_name() -> None:
    @task
    def yearly_figures() -> None: ...

    assert (define().title, define().help) == ("Yearly report", "With all the\nfigures.")
    assert define(title="All of it").title == "All of it"
    assert (yearly_figures.title, yearly_figures.help) == ("Yearly figures", "")


def test_hidden_tasks_are_there_and_not_shown() -> None:
    hidden = define(hidden=True)

    assert registry.visible == []
    assert registry["report"] is hidden


# --- options ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"timeout": 0}, "timeout=0 must be more than 0"),
        ({"timeout": -1.5}, "timeout=-1.5"),
        ({"timeout": "5"}, "timeout='5'"),
        ({"max_attempts": 0}, "max_attempts=0"),
        ({"max_attempts": "3"}, "max_attempts='3'"),
        ({"concurrency": 0}, "concurrency=0"),
        ({"memory_mb": -1}, "memory_mb=-1"),
        ({"keep_days": 0}, "keep_days=0"),
        ({"on_crash": "retry"}, 'on_crash=\'retry\' must be "rerun" or "fail"'),
        ({"backoff": ()}, "backoff is empty"),
        ({"timeuot": 5}, "timeuot"),
        ({"cron": "every day"}, "cron='every day' isn't a cron expression"),
        ({"cron": "61 * * * *"}, "use five fields"),
        ({"cron": "0 0 30 2 *"}, "cron='0 0 30 2 *'"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_with_its_name_and_value(
    options: dict[str, object], words: str
) -> None:
    with pytest.raises(TaskDefinitionError) as refused:
        define(**options)

    assert "@task on report" in str(refused.value)
    assert words in str(refused.value)
    assert "report" not in registry


def test_single_values_of_options_are_made_into_several() -> None:
    options = define(retry_on=ValueError, backoff=5).options

    assert options.retry_on == (ValueError,)
    assert options.backoff == (5.0,)


def test_a_cron_expression_names_the_next_time() -> None:
    monday_evening = datetime(2026, 11, 23, 18, 30)

    assert next_cron_time("0 6 * * 1-5", monday_evening, "report") == datetime(2026, 11, 24, 6, 0)


# --- names ------------------------------------------------------------------------------------------------------


def test_two_functions_of_one_name_are_refused_with_both_places() -> None:
    first = define()

    with pytest.raises(TaskDefinitionError, match="Two tasks are called 'report'") as refused:

        @task
        def report() -> None: ...

    assert str(refused.value).count(__file__) == 2
    assert registry["report"] is first


def test_the_same_function_imported_again_takes_its_own_place() -> None:
    define()

    again = define()

    assert registry["report"] is again
    assert len(registry) == 1


def test_an_unknown_task_is_named_with_the_nearest_one() -> None:
    define()

    with pytest.raises(UnknownTask, match=r"There is no task 'reprot'\. Did you mean 'report'\?") as refused:
        _ = registry["reprot"]

    assert refused.value.name == "reprot"


# --- enqueue ----------------------------------------------------------------------------------------------------


def test_enqueue_hands_over_validated_arguments_with_the_defaults(submitted: list[Request]) -> None:
    report = define(priority=4)

    report.enqueue()
    report.enqueue(2027)
    report.enqueue(year="2028")

    assert [request.arguments.json for request in submitted] == ['{"year":2026}', '{"year":2027}', '{"year":2028}']
    assert [request.priority for request in submitted] == [4, 4, 4]


def test_using_says_how_to_enqueue_without_changing_the_task(submitted: list[Request]) -> None:
    report = define(priority=4)
    moment = datetime(2026, 11, 23, tzinfo=UTC)

    report.using(priority=0, run_at=moment, unique_key="nightly").enqueue(1)
    report.enqueue(2)

    first, second = submitted
    assert (first.priority, first.run_at, first.unique_key) == (0, moment, "nightly")
    assert (second.priority, second.run_at, second.unique_key) == (4, None, None)


def test_enqueue_many_hands_over_all_or_nothing(submitted: list[Request]) -> None:
    report = define()

    with pytest.raises(BadArguments, match="year"):
        report.enqueue_many([{"year": 1}, {"year": "x"}])
    after_the_wrong_one = list(submitted)
    report.enqueue_many([{"year": 1}, {}])

    assert after_the_wrong_one == []
    assert [request.arguments.json for request in submitted] == ['{"year":1}', '{"year":2026}']


@pytest.mark.parametrize(
    "call",
    [
        lambda report: report.enqueue("x"),
        lambda report: report.enqueue(1, 2),
        lambda report: report.enqueue(yaer=1),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_handed_over(
    submitted: list[Request], call: Callable[[Any], object]
) -> None:
    with pytest.raises(BadArguments):
        call(define())

    assert submitted == []


def test_a_start_without_a_time_zone_is_refused_with_the_cure() -> None:
    with pytest.raises(AsyncInWebError, match=r"report: run_at=.* has no time zone.*datetime\.now\(UTC\)"):
        define().using(run_at=datetime(2026, 11, 23))


def test_a_registry_of_its_own_shares_nothing_with_the_process() -> None:
    own = Registry()
    own.add(define())

    registry.tasks.clear()

    assert "report" in own
    assert "report" not in registry
