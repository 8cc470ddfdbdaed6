"""Which columns of a user's table a pipeline takes. Imports no TensorFlow."""

from dataclasses import asdict, dataclass
from typing import Any

from tfmeta import typed_fields as typed

_FIELDS = {
    "features": typed.TEXTS,
    "answers": typed.TEXTS,
    "task": typed.or_null(typed.TEXT),
}


@dataclass(frozen=True)
class RowFormat:
    """The columns of a table whose rows are examples.

    Attributes:
        features: names, in the order in which the network takes the features.
        answers: the name of the column of the classes; if targets are values, one name per value.
        task: the name of the column that says which task a row belongs to; None if there is none.
    """

    features: tuple[str, ...]
    answers: tuple[str, ...]
    task: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The format as JSON can hold it."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, fields: Any, what: str) -> "RowFormat":
        """Reads what `to_dict` made; an error calls it `what`."""
        fields = typed.checked(fields, _FIELDS, what)
        return cls(tuple(fields["features"]), tuple(fields["answers"]), fields["task"])
