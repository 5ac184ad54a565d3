"""What a row keeps of a returned value, as programs read it. Knows no tables."""

import json
from typing import Any


def value_in(stored: str | None) -> Any:
    """The value in JSON's own types; of one that is kept as a file, what is known of that file."""
    if stored is None:
        return None
    facts = json.loads(stored)
    if "parts" in facts:
        return {part["part"]: _value(part) for part in facts["parts"]}
    return _value(facts)


def _value(facts: dict[str, Any]) -> Any:
    if "file" in facts:
        return {key: facts[key] for key in ("file", "media_type", "bytes")}
    return facts["value"]
