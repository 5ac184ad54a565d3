"""From a function's signature to validated arguments: one pydantic model, used alike by forms, API and shell."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model

from asyncinweb.errors import BadArguments, TaskDefinitionError, nearest
from asyncinweb.tasks.fields import SUPPORTED, FormField, UnsupportedHint, form_field

CONFIG = ConfigDict(extra="forbid", allow_inf_nan=False, populate_by_name=False, validate_default=True)


@dataclass(frozen=True)
class Inputs:
    """The parameters of one task."""

    task: str
    signature: inspect.Signature
    model: type[BaseModel]
    fields: tuple[FormField, ...]

    @classmethod
    def of(cls, function: Callable[..., object], task: str, location: str) -> "Inputs":
        """Read the signature. TaskDefinitionError names task, parameter, file and line."""
        signature = inspect.signature(function)
        try:
            hints = get_type_hints(function, include_extras=True)
        except (NameError, TypeError) as error:
            raise TaskDefinitionError(f"{task}(): a type hint cannot be read: {error} ({location})") from None
        parameters = signature.parameters.values()
        for parameter in parameters:
            _refuse_unsupported(parameter, hints, task, location)
        # Numbered names with the parameter's name as alias, since a parameter may be called `copy` or `json`,
        # which a pydantic model has for itself.
        members: dict[str, Any] = {
            f"field_{number}": (
                Annotated[hints[parameter.name], Field(alias=parameter.name)],
                ... if parameter.default is parameter.empty else parameter.default,
            )
            for number, parameter in enumerate(parameters)
        }
        model = create_model(task, __config__=CONFIG, **members)
        fields = tuple(
            form_field(each.name, hints[each.name], each.default, each.default is each.empty)
            for each in parameters
        )
        return cls(task, signature, model, fields)

    def bind(self, *args: object, **kwargs: object) -> dict[str, object]:
        """Positional and named arguments as one dict, as a call of the function would take them."""
        try:
            return dict(self.signature.bind_partial(*args, **kwargs).arguments)
        except TypeError as error:
            raise BadArguments(self.task, {"arguments": str(error)}) from None

    def to_json(self, arguments: Mapping[str, object]) -> str:
        """Validated arguments, defaults filled in, as the JSON that is stored. Raises BadArguments."""
        try:
            return self.model.model_validate(dict(arguments)).model_dump_json(by_alias=True)
        except ValidationError as error:
            raise BadArguments(self.task, self._in_words(error)) from None

    def from_json(self, stored: str) -> dict[str, object]:
        """The arguments to call the function with. Raises BadArguments if the function has changed since."""
        try:
            values = self.model.model_validate_json(stored)
        except ValidationError as error:
            raise BadArguments(self.task, self._in_words(error)) from None
        return {field.name: getattr(values, f"field_{number}") for number, field in enumerate(self.fields)}

    def from_texts(self, texts: Mapping[str, Sequence[str]]) -> dict[str, object]:
        """Arguments from what a form or a shell sent, to be given to `to_json`.

        A parameter that was not sent keeps its default. Unknown names stay, so that they are refused by name.
        """
        known = {field.name: field for field in self.fields}
        return {
            name: known[name].read(values) if name in known else list(values) for name, values in texts.items()
        }

    def to_texts(self, stored: str) -> dict[str, tuple[str, ...]]:
        """What a form shows for stored arguments; the defaults if the function has changed since."""
        try:
            values = self.from_json(stored)
        except BadArguments:
            return {field.name: field.default for field in self.fields}
        return {field.name: field.show(values[field.name]) for field in self.fields}

    def _in_words(self, error: ValidationError) -> dict[str, str]:
        names = [field.name for field in self.fields]
        messages: dict[str, str] = {}
        for each in error.errors(include_url=False):
            where = [str(part) for part in each["loc"]]
            name = where[0] if where else "arguments"
            messages.setdefault(name, _message(each["type"], each["msg"], each["input"], each.get("ctx", {})))
            if each["type"] == "extra_forbidden":
                messages[name] = f"is no parameter of {self.task}.{nearest(name, names)}"
        return messages


def _refuse_unsupported(
    parameter: inspect.Parameter, hints: Mapping[str, object], task: str, location: str
) -> None:
    where = f"{task}(): parameter {parameter.name!r}"
    if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
        raise TaskDefinitionError(f"{where} is {parameter.kind.description}; a form needs a name ({location})")
    if parameter.name not in hints:
        raise TaskDefinitionError(f"{where} has no type hint; give it one of {SUPPORTED} ({location})")
    try:
        form_field(parameter.name, hints[parameter.name], None, True)
    except UnsupportedHint as error:
        raise TaskDefinitionError(
            f"{where} has the type hint {error}, which no form field shows; use {SUPPORTED} ({location})"
        ) from None
    if parameter.default is not parameter.empty:
        _refuse_wrong_default(parameter, hints[parameter.name], f"{where} ({location})")


def _refuse_wrong_default(parameter: inspect.Parameter, hint: Any, where: str) -> None:
    try:
        TypeAdapter(hint, config=CONFIG).validate_python(parameter.default)
    except ValidationError as error:
        raise TaskDefinitionError(
            f"{where} has the default {parameter.default!r}, which its own hint refuses: "
            f"{error.errors()[0]['msg']}"
        ) from None


def _message(kind: str, message: str, value: object, facts: Mapping[str, Any]) -> str:
    """A validation error as a visitor wants to read it: the value and the cure."""
    shown = repr(value) if len(repr(value)) <= 60 else repr(value)[:57] + "…"
    if kind == "missing" or value is None:
        return "is missing; please fill it in"
    if kind == "string_too_long":
        return f"is too long: {len(str(value))} characters, at most {facts['max_length']} are allowed"
    wish = WISHES.get(kind)
    if wish is None:
        return f"{shown}: {message[:1].lower()}{message[1:]}"
    return f"{shown} is not possible: {wish.format(**facts)}"


WISHES = {
    "greater_than_equal": "it must be at least {ge}",
    "greater_than": "it must be more than {gt}",
    "less_than_equal": "it must be at most {le}",
    "less_than": "it must be less than {lt}",
    "int_parsing": "a whole number is needed, such as 12",
    "int_from_float": "a whole number is needed, such as 12",
    "int_type": "a whole number is needed, such as 12",
    "float_parsing": "a number is needed, with a point such as 3.5",
    "float_type": "a number is needed, with a point such as 3.5",
    "decimal_parsing": "a number is needed, with a point such as 3.50",
    "finite_number": "an ordinary number is needed, neither infinite nor NaN",
    "literal_error": "choose one of {expected}",
    "enum": "choose one of {expected}",
    "bool_parsing": "yes or no is needed",
    "bool_type": "yes or no is needed",
    "string_type": "a text is needed",
    "string_too_short": "at least {min_length} characters are needed",
    "string_pattern_mismatch": "it must match {pattern}",
    "date_from_datetime_parsing": "a date is needed, such as 2026-11-23",
    "date_parsing": "a date is needed, such as 2026-11-23",
    "datetime_from_date_parsing": "a date and time is needed, such as 2026-11-23T18:30",
    "datetime_parsing": "a date and time is needed, such as 2026-11-23T18:30",
}
