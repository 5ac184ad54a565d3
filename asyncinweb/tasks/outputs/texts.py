"""Values for reading: nothing, text, Markdown, numbers, and anything that JSON can express."""

from decimal import Decimal

from asyncinweb.tasks.outputs.jsonable import jsonable, warning_about
from asyncinweb.tasks.outputs.return_value import ReturnValue, json_bytes, text_value, utf8


class Markdown(str):
    """Text that its page shows as Markdown. Return it from a task: `return Markdown("# Done")`."""

    __slots__ = ()


def nothing(value: object) -> ReturnValue | None:
    """None."""
    return ReturnValue("none", "application/json", "json", b"null") if value is None else None


def markdown(value: object) -> ReturnValue | None:
    """Text marked as Markdown."""
    return ReturnValue("markdown", "text/markdown", "md", utf8(value)) if isinstance(value, Markdown) else None


def text(value: object) -> ReturnValue | None:
    """Any other text."""
    return text_value(value) if isinstance(value, str) else None


def number(value: object) -> ReturnValue | None:
    """A number or a truth value of Python's own."""
    return anything(value) if isinstance(value, (int, float, Decimal)) else None


def anything(value: object) -> ReturnValue:
    """A number of a library, a value that has words of its own as text, anything else as JSON."""
    odd: list[str] = []
    plain = jsonable(value, odd)
    is_number = isinstance(plain, (int, float)) or isinstance(value, (int, Decimal))
    if is_number and not odd and not isinstance(plain, bool):
        return ReturnValue("number", "application/json", "json", json_bytes(plain))
    if isinstance(plain, str) and not odd:
        return text_value(plain)
    return ReturnValue("json", "application/json", "json", json_bytes(plain), warning_about(odd))
