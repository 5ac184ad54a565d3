"""From a function's signature to validated arguments: one pydantic model, used by forms, API and shell alike."""

import functools
import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, get_type_hints

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    WrapSerializer,
    create_model,
)
from pydantic_core import PydanticSerializationError

from asyncinweb.errors import BadArguments, TaskDefinitionError
from asyncinweb.tasks.inputs.arguments import Arguments
from asyncinweb.tasks.inputs.fields import ABSENT, Files, FormField, Texts
from asyncinweb.tasks.inputs.json_text import fault_of, text_fault
from asyncinweb.tasks.inputs.messages import in_words
from asyncinweb.tasks.inputs.number_limits import each_of, odd_number_in
from asyncinweb.tasks.inputs.secrets import SecretFields
from asyncinweb.tasks.inputs.stored_arguments import to_texts
from asyncinweb.tasks.inputs.type_hints import SUPPORTED, Parameter, UnsupportedHint, form_field, is_set
from asyncinweb.tasks.inputs.uploaded import FOLDER

CONFIG = ConfigDict(extra="forbid", allow_inf_nan=False, populate_by_name=False, validate_default=True)
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def _in_order(values: Any, handler: SerializerFunctionWrapHandler) -> list[Any]:
    # The order of a set differs between processes, but the same request must give the same text.
    return sorted(handler(values), key=str)


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
            hints = _hints_of_parameters(function)
        except (NameError, AttributeError, SyntaxError, TypeError) as error:
            raise TaskDefinitionError(
                f"{task}(): cannot read a parameter's type hint: {error}. The form is made from it, so import "
                f"it outside `if TYPE_CHECKING:` ({location})"
            ) from None
        fields = tuple(
            _checked_field(parameter, hints, task, location) for parameter in signature.parameters.values()
        )
        return cls(task, signature, _model_of(task, signature, hints), fields)

    @functools.cached_property
    def leaves(self) -> Mapping[str, FormField]:
        """The fields that have their own control, by name."""
        return {leaf.name: leaf for field in self.fields for leaf in field.leaves}

    @property
    def takes_files(self) -> bool:
        """True if a form of this task can contain files."""
        return any(leaf.kind == "file" for leaf in self.leaves.values())

    def bind(self, *args: object, **kwargs: object) -> dict[str, object]:
        """Positional and named arguments as one dict, as in a call of the function."""
        try:
            return dict(self.signature.bind_partial(*args, **kwargs).arguments)
        except TypeError as error:
            raise BadArguments(self.task, {"arguments": str(error)}) from None

    # --- into the store and out of it ---------------------------------------------------------------------------

    def pack(self, arguments: Mapping[str, object]) -> Arguments:
        """Validated arguments, defaults filled in, as they are stored. Raises BadArguments.

        A file is an UploadedFile or a path object; a text is refused, so that no outside caller can name a file on
        this computer.
        """
        faults = self._json_faults(arguments)
        try:
            values = self.model.model_validate(dict(arguments))
        except ValidationError as error:
            raise BadArguments(self.task, {**in_words(error, self.task, self.fields), **faults}) from None
        faults = {**self._odd_numbers(values), **faults}
        if faults:
            raise BadArguments(self.task, faults)
        stored = self._dumped(values)
        if not self._kept_beside:
            return Arguments(stored)
        files = tuple(file for value in self._values_of(values, "file") for file in each_of(value))
        return Arguments(stored, files, self._secrets.taken_from(lambda name: self._value(values, name)))

    def to_json(self, arguments: Mapping[str, object]) -> str:
        """What the row stores of `pack`: without secrets, and files only by name and digest."""
        return self.pack(arguments).json

    def from_json(self, stored: str, folder: Path | None = None) -> dict[str, object]:
        """The arguments to call the function with. folder: where the job's files and secrets are.

        Raises BadArguments if the function has changed since, or if a file is missing.
        """
        try:
            whole = self._secrets.put_back(stored, folder) if self._secrets.fields else stored
            values = self.model.model_validate_json(whole, context={FOLDER: folder} if folder else None)
        except ValidationError as error:
            raise BadArguments(self.task, in_words(error, self.task, self.fields)) from None
        except (ValueError, TypeError, AttributeError, RecursionError):
            raise BadArguments(self.task, {"arguments": "can't be read"}) from None
        return {field.name: getattr(values, f"field_{number}") for number, field in enumerate(self.fields)}

    # --- from a form or a shell, and back -----------------------------------------------------------------------

    def from_texts(self, texts: Texts, files: Files | None = None) -> dict[str, object]:
        """Arguments from what a form or a shell sent, for `pack`.

        files: by field name. A parameter that was not sent keeps its default. Unknown names stay, so that they are
        refused by name.
        """
        files = files or {}
        read = {field.name: field.read_from(texts, files) for field in self.fields}
        known = {name: value for name, value in read.items() if value is not ABSENT}
        unknown = [name for name in (*texts, *files) if name not in self.leaves]
        return known | {name: list(texts.get(name, ())) for name in unknown}

    def defaults(self) -> dict[str, Sequence[str]]:
        """What an untouched form shows, by the name of the control."""
        return {name: leaf.default for name, leaf in self.leaves.items()}

    def to_texts(self, stored: str) -> dict[str, Sequence[str]]:
        """What a form shows for stored arguments; the default where the function has changed since."""
        return self.defaults() | to_texts(self.fields, stored)

    # --- inside -------------------------------------------------------------------------------------------------

    @functools.cached_property
    def _secrets(self) -> SecretFields:
        fields = [leaf for leaf in self.leaves.values() if leaf.kind == "secret"]
        return SecretFields(fields, self.signature)

    @functools.cached_property
    def _kept_beside(self) -> bool:
        return self.takes_files or bool(self._secrets.fields)

    @functools.cached_property
    def _json_fields(self) -> Sequence[tuple[FormField, FormField]]:
        return [(field, leaf) for field in self.fields for leaf in field.leaves if leaf.kind == "json"]

    @functools.cached_property
    def _odd_fields(self) -> Sequence[FormField]:
        """The fields in which pydantic accepts odd numbers: a nested model has its own rules for floats."""
        return [
            leaf
            for name, leaf in self.leaves.items()
            if leaf.kind == "integer" or (leaf.kind == "number" and "." in name)
        ]

    def _json_faults(self, arguments: Mapping[str, object]) -> dict[str, str]:
        """Faults in JSON fields that pydantic would accept, or fail on."""
        faults = {}
        for field, leaf in self._json_fields:
            value = arguments.get(field.name)
            if fault := fault_of(value if field is leaf else _member(value, leaf.key)):
                faults[leaf.name] = fault
        return faults

    def _odd_numbers(self, values: BaseModel) -> dict[str, str]:
        found = {leaf.name: odd_number_in(leaf, self._value(values, leaf.name)) for leaf in self._odd_fields}
        return {name: fault for name, fault in found.items() if fault}

    def _dumped(self, values: BaseModel) -> str:
        try:
            stored = values.model_dump_json(by_alias=True)
        except (PydanticSerializationError, ValueError, RecursionError) as error:
            raise BadArguments(self.task, {"arguments": f"can't be stored as JSON: {error}"}) from None
        if NUL.search(stored):
            raise BadArguments(self.task, self._with_nul(stored))
        return stored

    def _with_nul(self, stored: str) -> dict[str, str]:
        return {
            name: text_fault("\0") for name, value in json.loads(stored).items() if NUL.search(json.dumps(value))
        }

    def _values_of(self, values: BaseModel, kind: str) -> Iterator[Any]:
        for name, leaf in self.leaves.items():
            if leaf.kind == kind:
                yield self._value(values, name)

    def _value(self, values: BaseModel, name: str) -> Any:
        attribute, member = self._attributes[name]
        value = getattr(values, attribute)
        return getattr(value, member, None) if member else value

    @functools.cached_property
    def _attributes(self) -> Mapping[str, tuple[str, str]]:
        """Where the model stores a leaf's value: the attribute, and its member."""
        return {
            leaf.name: (f"field_{number}", "" if leaf is field else leaf.key)
            for number, field in enumerate(self.fields)
            for leaf in field.leaves
        }


def _hints_of_parameters(function: Callable[..., object]) -> dict[str, Any]:
    """Ignores the return hint, whose name may be known only to type checkers."""
    own = inspect.unwrap(function)
    annotations = {name: hint for name, hint in own.__annotations__.items() if name != "return"}
    holder = SimpleNamespace(__annotations__=annotations, __type_params__=getattr(own, "__type_params__", ()))
    return get_type_hints(holder, getattr(own, "__globals__", {}), include_extras=True)


def _model_of(task: str, signature: inspect.Signature, hints: Mapping[str, Any]) -> type[BaseModel]:
    # Numbered names with the parameter's name as alias, because a parameter may be called `copy` or `json`, which
    # pydantic models use themselves.
    members: dict[str, Any] = {}
    for number, parameter in enumerate(signature.parameters.values()):
        hint = hints[parameter.name]
        if is_set(hint):
            hint = Annotated[hint, WrapSerializer(_in_order, when_used="json-unless-none")]
        default = ... if parameter.default is parameter.empty else parameter.default
        members[f"field_{number}"] = (Annotated[hint, Field(alias=parameter.name)], default)
    return create_model(task, __config__=CONFIG, **members)


def _checked_field(
    parameter: inspect.Parameter, hints: Mapping[str, object], task: str, location: str
) -> FormField:
    where = f"{task}(): parameter {parameter.name!r}"
    if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
        raise TaskDefinitionError(
            f"{where} is {parameter.kind.description}, but a form needs named parameters ({location})"
        )
    if parameter.name not in hints:
        raise TaskDefinitionError(f"{where} has no type hint; add one of {SUPPORTED} ({location})")
    required = parameter.default is parameter.empty
    hint = hints[parameter.name]
    try:
        # With its default only after checking that it is valid, because it may have to be taken apart.
        plain = form_field(Parameter(parameter.name, hint, default=None, required=True))
        _refuse_odd_texts(plain, f"{where} ({location})")
        if not required:
            _refuse_wrong_default(parameter, hint, f"{where} ({location})")
        field = form_field(Parameter(parameter.name, hint, None if required else parameter.default, required))
    except UnsupportedHint as error:
        raise TaskDefinitionError(
            f"{where} has the type hint {error}, which forms do not support; use {SUPPORTED} ({location})"
        ) from None
    _refuse_odd_texts(field, f"{where} ({location})")
    if not required:
        _refuse_odd_default(field, parameter.default, f"{where} ({location})")
    return field


def _refuse_odd_texts(field: FormField, where: str) -> None:
    for text in (text for each in (field, *field.members) for text in each.texts):
        if fault := text_fault(text):
            raise TaskDefinitionError(f"{where} has the text {text!r}, which {fault}")


def _refuse_odd_default(field: FormField, default: object, where: str) -> None:
    for leaf in field.leaves:
        fault = odd_number_in(leaf, default if leaf is field else _member(default, leaf.key))
        if fault:
            raise TaskDefinitionError(
                f"{where} has a default that a form would refuse: {fault}. To allow it, use Field(ge=, le=)"
            )


def _refuse_wrong_default(parameter: inspect.Parameter, hint: Any, where: str) -> None:
    checking = create_model("default", __config__=CONFIG, value=(hint, ...))
    try:
        checking.model_validate({"value": parameter.default})
    except ValidationError as error:
        raise TaskDefinitionError(
            f"{where} has the default {parameter.default!r}, which its own type hint refuses: "
            f"{error.errors()[0]['msg']}"
        ) from None


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
