"""Rows of numbers, and which columns of a user's table they are. Imports no TensorFlow."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tfmeta import typed_fields as typed
from tfmeta.reading.example_reader import ExampleReader
from tfmeta.reading.input_format import InputFormat
from tfmeta.reading.row_reader import RowReader, as_numbers

if TYPE_CHECKING:
    from tfmeta.reading.prepared import Prepared
    from tfmeta.reading.tables import Table


@dataclass(frozen=True)
class RowFormat(InputFormat):
    """Numbers of any shape, which need no preparation. See `InputFormat`.

    Attributes:
        features: names of a table's columns, in the order in which the network takes the features;
            empty if the numbers have no names.
        answers: the name of the column of the classes; if targets are values, one name per value.
        task: the name of the column that says which task a row belongs to; None if there is none.
    """

    kind = "row"
    noun = "rows"
    required: ClassVar = {
        "features": typed.TEXTS,
        "answers": typed.TEXTS,
        "task": typed.or_null(typed.TEXT),
    }

    features: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    task: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of a table's columns that are features."""
        return self.features

    @property
    def gap_places(self) -> tuple[int, ...]:
        """As in `TableFormat`: none."""
        return ()

    @property
    def category_places(self) -> dict[str, tuple[int, ...]]:
        """The places in an example that belong to each category: there are none."""
        return {}

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns among them that are read as text: none."""
        return ()

    def unseen(self, table: "Table") -> list[str]:
        """The columns with categories that the model does not know: there are none."""
        del table
        return []

    def examples(self, table: "Table") -> Any:
        """The examples of a table, float32 or float64 `(rows, columns)`.

        Raises:
            UserError: if a value is missing or is no number; it names the column and the row.
        """
        table.numbers(self.features)
        return as_numbers(np.stack([table.columns[name] for name in self.features], 1))

    def to_dict(self) -> dict[str, Any]:
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "RowFormat":
        return cls(tuple(fields["features"]), tuple(fields["answers"]), fields["task"])

    def reader(self, input_shape: tuple[int, ...], target_size: int | None) -> ExampleReader:
        return RowReader(input_shape, target_size, self if self.features else None)

    def prepared(self, examples: Any) -> "Prepared":
        from tfmeta.reading.prepared_columns import PreparedColumns

        return PreparedColumns(examples)


PLAIN = RowFormat()  # numbers without names
