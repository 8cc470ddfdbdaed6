"""How runs and exports record their kind of input. Imports no TensorFlow."""

from collections.abc import Iterable
from typing import Any

from tfmeta import typed_fields as typed
from tfmeta.errors import UserError
from tfmeta.named_code import import_named
from tfmeta.reading.format_registry import FORMATS
from tfmeta.reading.input_format import InputFormat
from tfmeta.reading.row_format import PLAIN

_IMAGE = "image_format"  # null is written for it where the examples are no images


def format_class(kind: str) -> type[InputFormat]:
    """The class of a kind."""
    found: type[InputFormat] = import_named(FORMATS[kind].path, "input format")
    return found


def to_record(input_format: InputFormat) -> dict[str, Any]:
    """The format as an entry of a JSON object, under a key that names its kind."""
    record: dict[str, Any] = {_IMAGE: None}
    if input_format != PLAIN:  # plain numbers need no entry
        record[f"{input_format.kind}_format"] = input_format.to_dict()
    return record


def from_record(record: dict[str, Any], what: str) -> InputFormat:
    """The format in an object that `to_record` added to.

    Args:
        record: the object, which may have other keys.
        what: the object's name in error messages.

    Raises:
        UserError: if the entry is damaged.
    """
    keys = {f"{kind}_format" for kind in FORMATS} & record.keys() | {_IMAGE}
    typed.checked(record, dict.fromkeys(sorted(keys), typed.or_null(typed.OBJECT)), what)
    found = [kind for kind in FORMATS if record.get(f"{kind}_format") is not None]
    if not found:
        return PLAIN
    key = f"{found[0]}_format"
    if len(found) > 1:
        raise UserError(
            f"{what} is damaged: it has {key} and {found[1]}_format; expected one of them",
            exit_status=1,
        )
    format_of_kind = format_class(found[0])
    fields = typed.checked(record[key], format_of_kind.required, f"{what}: {key}")
    try:
        return format_of_kind.from_dict(fields)
    except (TypeError, ValueError) as error:
        raise UserError(f"{what} is damaged: {key}: {error}", exit_status=1) from error


def check_shape(input_format: InputFormat, input_shape: Iterable[int], what: str) -> None:
    """Raises UserError if a record has another shape than its format."""
    shape, told = input_format.shape, list(input_shape)
    if shape is not None and list(shape) != told:
        raise UserError(
            f"{what} is damaged: {input_format.kind}_format is {list(shape)} and input_shape "
            f"{told}; expected the same",
            exit_status=1,
        )
