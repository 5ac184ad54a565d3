"""What a row stores of a returned value, as programs read it. Knows nothing of tables."""

from typing import Any

from asyncinweb.queue.damaged_rows import stored_json


def value_in(stored: str | None) -> Any:
    """The value in JSON's own types; for a value stored as a file, facts about that file."""
    return None if stored is None else _value(stored_json(stored))


def _value(facts: dict[str, Any]) -> Any:
    if "parts" in facts:
        values = {part["part"]: _value(part) for part in facts["parts"]}
        return list(values.values()) if facts.get("is_numbered") else values
    if "file" in facts:
        return {key: facts[key] for key in ("file", "name", "media_type", "bytes") if key in facts}
    return facts["value"]
