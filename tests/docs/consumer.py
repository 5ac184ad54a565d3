"""What an author writes, for type checkers: each comment `type: ignore` stands for an error they must find."""

from datetime import UTC, datetime
from typing import Annotated, assert_type

from flask import Flask
from pydantic import Field

from asyncinweb import AsyncInWeb, Job, Task, UploadedFile, current_job, task, track


@task
def double(number: int, times: int = 1) -> int:
    for each in track(range(times)):
        assert_type(each, int)
        number *= 2
    return number


@task(timeout=600, max_attempts=3, memory_mb=200)
async def count(table: UploadedFile, size: Annotated[int, Field(ge=1)] = 3) -> list[str]:
    current_job.progress(1, 2, "reading")
    current_job.save_file("copy.csv", table.path)
    return [table.name] * size


def use(app: Flask) -> None:
    AsyncInWeb(app)
    assert_type(double(2), int)
    assert_type(double.enqueue(2, times=3), Job)
    assert_type(double.enqueue_many([{"number": 1}]), list[Job])
    assert_type(double.using(priority=1, run_at=datetime.now(UTC)).enqueue(number=2), Job)
    double("two")  # type: ignore
    double.enqueue(2, tmies=3)  # type: ignore
    double.using(unique_key="k").enqueue("two")  # type: ignore
    task(timout=600)  # type: ignore
    task(on_crash="again")  # type: ignore
    current_job.progress("half")  # type: ignore


def title_of(any_task: Task[..., object]) -> str:
    return any_task.title


title_of(double)
title_of(count)
