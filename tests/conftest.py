"""What all tests share."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

# No test asserts a time: a busy machine may take long.
settings.register_profile("asyncinweb", deadline=None)
settings.load_profile("asyncinweb")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Let every report travel between test processes: what a test has logged may hold characters that UTF-8 has
    no bytes for."""
    report = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report
