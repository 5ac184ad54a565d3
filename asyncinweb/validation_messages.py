"""What a wrong value must be instead, for each kind of error that pydantic tells apart, wherever it is read.

A message follows the name of its field and has no full stop: `Width` + `must be at least 32`.
"""

import re
from collections.abc import Mapping
from typing import Any

WHOLE_NUMBER = "must be a whole number, such as 12"
DATE = "must be a date, such as 2026-11-23"
DATE_AND_TIME = "must be a date and time, such as 2026-11-23T18:30"
DURATION = "must be a duration, such as 1 h 30 min"

VALIDATION_MESSAGES = {
    "missing": "is required",
    "extra_forbidden": "isn't a known field",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "int_parsing": WHOLE_NUMBER,
    "int_parsing_size": "is too large",
    "int_from_float": WHOLE_NUMBER,
    "int_type": WHOLE_NUMBER,
    "float_parsing": "must be a number, such as 3.5",
    "float_type": "must be a number, such as 3.5",
    "decimal_parsing": "must be a number, such as 3.50",
    "finite_number": "must be a finite number",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "bool_parsing": "must be yes or no",
    "bool_type": "must be yes or no",
    "string_type": "must be text",
    "string_unicode": "contains half of a character (a lone surrogate)",
    "string_too_short": "must be at least {min_length} characters",
    "string_too_long": "must be at most {max_length} characters",
    "too_short": "must be at least {min_length} characters",
    "too_long": "must be at most {max_length} characters",
    "string_pattern_mismatch": "must match the pattern {pattern}",
    "date_from_datetime_parsing": DATE,
    "date_parsing": DATE,
    "datetime_from_date_parsing": DATE_AND_TIME,
    "datetime_parsing": DATE_AND_TIME,
    "timezone_aware": "must have a time zone, such as 2026-11-24T18:00:00Z",
    "time_parsing": "must be a time, such as 18:30",
    "time_delta_parsing": DURATION,
    "time_delta_type": DURATION,
    "dict_type": 'must be a JSON object, such as {{"name": 1}}',
}
# How a message begins that follows the name of its field without a colon.
BEGINNINGS = ("must ", "should ", "is ", "isn't ", "has ", "contains ", "can't ", "doesn't ", "takes ")


def requirement(kind: str, facts: Mapping[str, Any], words: str) -> str:
    """The message for a kind of error. `words` are pydantic's own, for a kind that is not listed."""
    if kind in VALIDATION_MESSAGES:
        return VALIDATION_MESSAGES[kind].format(**facts)
    if words.startswith("Input should "):
        return words.removeprefix("Input ")
    return f"isn't valid: {words.removeprefix('Value error, ').removeprefix('Assertion failed, ')}"


def about(name: str, message: str) -> str:
    """A message with the name of its field: `Width must be at least 32`."""
    return f"{name} {message}" if message.startswith(BEGINNINGS) else f"{name}: {message}"


def alone(message: str) -> str:
    """A message as it stands beside its field: `Must be at least 32`, `Required`, `Not valid JSON`."""
    message = re.sub("^is ", "", re.sub("^isn't ", "not ", message))
    return message[:1].upper() + message[1:]
