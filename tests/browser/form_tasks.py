"""Tasks for the browser tests of forms: files, a model, a secret, a duration."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from pydantic import Field, SecretStr

from asyncinweb import Accept, UploadedFile, task


@dataclass
class Sender:
    name: Annotated[str, Field(min_length=1)]
    city: str = "Bremen"


@task
def count_lines(
    table: Annotated[UploadedFile, Accept(".csv", max_mb=1)],
    sender: Sender,
    times: Annotated[int, Field(ge=1, le=9)] = 1,
    pause: timedelta = timedelta(seconds=0),
    pictures: Annotated[list[UploadedFile], Field(max_length=3)] = [],  # noqa: B006 - as an author would write it
    password: SecretStr | None = None,
) -> str:
    """Count the lines of a table."""
    with open(table) as lines:  # noqa: PTH123 - as an author would write it
        count = sum(1 for _ in lines)
    secret = password.get_secret_value() if password else ""
    return f"{table.name}: {count} lines for {sender.name} of {sender.city}, secret of {len(secret)}"
