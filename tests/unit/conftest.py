"""The registry of tasks belongs to the process; each test here gets an empty one."""

from collections.abc import Iterator

import pytest

from asyncinweb.tasks.registry import registry


@pytest.fixture
def empty_registry() -> Iterator[None]:
    """For tests that define tasks: none before, and afterwards those that were there."""
    before = dict(registry.tasks)
    registry.tasks.clear()
    yield
    registry.tasks.clear()
    registry.tasks.update(before)
