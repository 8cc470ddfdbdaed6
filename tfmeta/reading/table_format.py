"""Rows with categories and missing numbers, prepared as in training. Imports no TensorFlow."""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tfmeta import typed_fields as typed
from tfmeta.errors import UserError, counted, listed
from tfmeta.reading.category_texts import BLANKS, category_texts, unseen_words
from tfmeta.reading.example_parts import ExampleParts, columns
from tfmeta.reading.example_reader import ExampleReader
from tfmeta.reading.format_registry import FORMATS
from tfmeta.reading.input_format import InputFormat, Spoilt
from tfmeta.reading.row_reader import RowReader
from tfmeta.reading.text_columns import check_unicode

if TYPE_CHECKING:
    from tfmeta.reading.prepared import Prepared
    from tfmeta.reading.tables import Table

MOST_CATEGORIES = 1_000  # of a column
_DRAWN_MISSING = 0.25  # share of the values in random examples
Columns = Mapping[str, Any]  # by the columns' names, of any shape: float32, or texts as bytes


@dataclass(frozen=True)
class TableFormat(InputFormat):
    """Columns of numbers and of categories. See `InputFormat`.

    A prepared example is a vector. A category has one place for values that are not in its
    vocabulary, and one for each that is: 1 where it is the value, else 0. A number has one place.
    If it may be missing, a second place says whether it is; its mean then stands in the first.

    Attributes:
        columns: names, in the order in which the network takes them.
        answers, task: as in `RowFormat`.
        categories: the vocabulary of each column of texts.
        missing: what stands in place of a missing number, by column. None: nothing may be missing.
            Else a missing category counts as one that is not in the vocabulary.
    """

    kind = "table"
    noun = "rows"
    suffix = FORMATS["table"].suffix
    required: ClassVar = {
        "columns": typed.TEXTS,
        "answers": typed.TEXTS,
        "task": typed.or_null(typed.TEXT),
        "categories": typed.OBJECT,
        "missing": typed.or_null(typed.OBJECT),
    }

    limits: ClassVar = FORMATS["table"].limits

    columns: tuple[str, ...]
    answers: tuple[str, ...]
    task: str | None = None
    categories: dict[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    missing: dict[str, float] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        for name in ("columns", "answers"):  # they are lists if they come from JSON
            object.__setattr__(self, name, tuple(getattr(self, name)))
        known = {name: tuple(words) for name, words in self.categories.items()}
        object.__setattr__(self, "categories", known)
        for name, words in known.items():
            _check_vocabulary(name, words)
        for name, value in (self.missing or {}).items():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not abs(value) <= float(np.finfo(np.float32).max):
                raise ValueError(f"received missing={{{name!r}: {value!r}}}; expected a number")
        odd = {*known, *(self.missing or {})} - {*self.columns} | {*known} & {*(self.missing or {})}
        if odd:
            raise ValueError(f"{listed(sorted(odd))}: expected each to be a number or a category")
        if len({*self.endings.values()}) < len(self.columns):
            raise ValueError(f"two of the columns are called alike: {listed(self.columns, 20)}")

    # What a prepared example is

    @property
    def features(self) -> tuple[str, ...]:  # type: ignore[override]
        """The names of the numbers in a prepared example."""
        return tuple(name for column in self.columns for name in self._names_of(column))

    def _names_of(self, column: str) -> list[str]:
        """The names of a column's places."""
        if column in self.categories:
            return [f"{column}=?", *(f"{column}={word}" for word in self.categories[column])]
        return [column, f"{column} is missing"] if column in (self.missing or {}) else [column]

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.features),)

    @property
    def category_places(self) -> dict[str, tuple[int, ...]]:
        """The numbers, from 0, of the places in a prepared example that belong to each category."""
        return {column: tuple(self.places[column]) for column in self.categories}

    @property
    def gap_places(self) -> tuple[int, ...]:
        """The numbers, from 0, of the places in a prepared example that say what was missing."""
        return tuple(self.places[column][1] for column in self.missing or {})

    @cached_property
    def places(self) -> dict[str, range]:
        """The numbers, from 0, of the places of each column in a prepared example."""
        ends = np.cumsum([0, *(len(self._names_of(column)) for column in self.columns)]).tolist()
        return {c: range(*ends[n : n + 2]) for n, c in enumerate(self.columns)}

    def parts(self, encoded: Any, example: Any, background: Any) -> ExampleParts:
        """The columns, each with all places that it has in an example."""
        del encoded
        places = {column: list(places) for column, places in self.places.items()}
        return columns(np.asarray(example), np.asarray(background), places)

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns that are read as text, even where they look like numbers."""
        return tuple(self.categories)

    @cached_property
    def endings(self) -> dict[str, str]:
        """By column, what its inputs' names end in: `_hours` of `x_hours`."""
        return {name: "_" + re.sub(r"\W", "_", name, flags=re.ASCII) for name in self.columns}

    def examples(self, table: "Table") -> np.ndarray:
        """The prepared examples of a table, float32 `(rows, *shape)`.

        Raises:
            UserError: if a column is absent, or a value is missing or is no number where it must be
                one; it names the column and the first rows.
        """
        parts = []
        self._check_gaps(table)
        for name in self.columns:
            if name in self.categories:
                parts.append(self._placed(name, table))
            else:
                parts.append(self._filled(name, table))
        return np.concatenate(parts, 1)

    def unseen(self, table: "Table") -> list[str]:
        """The columns with categories that the model does not know, with these, in words."""
        known = self.categories.items()
        found = {name: unseen_words(table.columns[name], words) for name, words in known}
        return [f"{name}: {words}" for name, words in found.items() if words]

    def _check_gaps(self, table: "Table") -> None:
        """Refuses gaps in columns for which nothing stands in their place, all in one message."""
        filled = self.missing or {}
        whole = [name for name in self.columns if name not in {*self.categories, *filled}]
        if not whole:
            return
        try:
            table.numbers(whole)
        except UserError as error:
            has_gaps = np.isnan(table.numbers(whole, may_be_missing=True)).any()
            if self.missing is None or not has_gaps:
                raise
            alone = f"gaps in {listed(list(filled), 20)} alone" if filled else "no gap in a number"
            raise UserError(f"{error}; the model fills in {alone}") from error

    def _filled(self, name: str, table: "Table") -> np.ndarray:
        """A column of numbers, `(rows, 1)`, or with its indicator `(rows, 2)`."""
        if name not in (self.missing or {}):
            return table.numbers([name])
        values = table.numbers([name], may_be_missing=True)
        is_missing = np.isnan(values)
        mean = np.float32((self.missing or {})[name])
        return np.concatenate([np.where(is_missing, mean, values), np.float32(is_missing)], 1)

    def _placed(self, name: str, table: "Table") -> np.ndarray:
        """A column of categories, `(rows, 1 + vocabulary)`."""
        words = self.categories[name]
        texts = category_texts(table.columns[name], words)
        check_unicode(texts.tolist(), name, table.rows)
        if self.missing is None and (rows := np.flatnonzero(texts == "")).size:
            raise UserError(
                f"{table.path} has no {name} in {table.rows.where(rows.tolist())}. Fill it in, or "
                "drop what has none; a model that was made with --missing mean takes it"
            )
        places = {word: place for place, word in enumerate(words, 1)}
        return np.eye(1 + len(words), dtype=np.float32)[[places.get(text, 0) for text in texts]]

    # As JSON, and how files are read

    def to_dict(self) -> dict[str, Any]:
        fields = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}
        return {**fields, "categories": {n: [*words] for n, words in self.categories.items()}}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "TableFormat":
        return cls(**fields)

    def reader(self, input_shape: tuple[int, ...], target_size: int | None) -> ExampleReader:
        return RowReader(input_shape, target_size, self)

    def prepared(self, examples: Any) -> "Prepared":
        from tfmeta.reading.prepared_columns import PreparedColumns

        return PreparedColumns(examples, names=self.features)

    # In a graph

    @property
    def encoded_types(self) -> dict[str, str]:
        return {
            ending: "string" if column in self.categories else "float32"
            for column, ending in self.endings.items()
        }

    def within_limits(self, inputs: dict[str, Any], limits: Mapping[str, int]) -> dict[str, Any]:
        from tfmeta.reading import table_graph

        return table_graph.within_limits(inputs, limits["request_rows"], len(self.columns))

    def prepare_limited(self, limited: dict[str, Any], *, name: str) -> Any:
        from tfmeta.reading import table_graph

        named = {column: limited[name + ending] for column, ending in self.endings.items()}
        return table_graph.prepared(self, named, name)

    @property
    def paddings(self) -> dict[str, Any]:
        return {
            ending: self.categories[column][0].encode() if column in self.categories else 0.0
            for column, ending in self.endings.items()
        }

    @property
    def spoilt_inputs(self) -> Spoilt:
        spoilt = {"not in UTF-8": lambda text: b"\xff" + text}
        if self.missing is None:
            spoilt["empty"] = lambda text: b" "
        return {self.endings[column]: spoilt for column in self.categories}

    def may_be_nan(self, name: str) -> bool:
        return any(name.endswith(self.endings[column]) for column in self.missing or {})

    # For exports

    def draw_inputs(
        self, rng: Any, shape: tuple[int, ...], draw_numbers: Callable[[], Any]
    ) -> dict[str, Any]:
        drawn: dict[str, Any] = {}
        prepared, places = draw_numbers(), {name: i for i, name in enumerate(self.features)}
        for column, ending in self.endings.items():
            is_missing = rng.random(shape) < _DRAWN_MISSING
            if column in self.categories:
                words = [b"?", *(word.encode() for word in self.categories[column])]
                drawn[ending] = np.array(words, object)[rng.integers(0, len(words), shape)]
                continue
            numbers = np.float32(prepared[..., places[column]])
            may_be = column in (self.missing or {})
            drawn[ending] = np.where(is_missing, np.float32(np.nan), numbers) if may_be else numbers
        return drawn

    def admitted(self, inputs: list[Any]) -> dict[str, int]:
        return {"request_rows": sum(each.size for each in inputs) // len(self.columns)}

    def description(self) -> str:
        rows = "".join(f"\n- `{name}`" for name in self.features)
        numbers = [f"`{name}`" for name in self.missing or {}]
        filled = f" A missing number of {listed(numbers, 20)} is NaN." if numbers else ""
        if self.missing is not None:
            filled += " A missing text is empty."
        inputs = ", ".join(f"`x{each}`" for each in self.endings.values())
        texts = listed(self.texts, 20) or "No column"
        return (
            f"The signatures that end in `{self.suffix}` take one input per column: {inputs} (of a "
            f"learner with `support_` or `query_` before it). {texts}: texts; the others: numbers."
            f"{filled} They are prepared in the graph as in training. The other signatures take "
            f"what comes of it, {len(self.features)} numbers per row:\n{rows}"
        )

    def shown(self) -> dict[str, Any]:
        return {
            ending: self.categories[column][0] if column in self.categories else 1.5
            for column, ending in self.endings.items()
        }


def _check_vocabulary(name: str, words: tuple[str, ...]) -> None:
    if not all(isinstance(word, str) and word.strip(BLANKS) == word != "" for word in words):
        raise ValueError(
            f"received categories={{{name!r}: {list(words)[:5]}}}; expected texts without white "
            "space around them"
        )
    if not 1 <= len({*words}) == len(words) <= MOST_CATEGORIES:
        raise ValueError(
            f"received {counted(len(words), 'value')} of the category {name}; expected 1 to "
            f"{MOST_CATEGORIES:,}, each once. Leave the column out, or name fewer values"
        )
