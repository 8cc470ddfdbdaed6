"""What a user says about categories and missing numbers in a table. Imports no TensorFlow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfmeta import strict_json
from tfmeta.errors import UserError, counted, listed, which_are
from tfmeta.reading.category_texts import (
    category_texts,
    refuse_numbers,
    what_they_look_like,
    without_point,
)
from tfmeta.reading.column_names import leaving_out
from tfmeta.reading.prepared_columns import lost_in_float32
from tfmeta.reading.row_format import PLAIN, RowFormat
from tfmeta.reading.table_format import MOST_CATEGORIES, TableFormat
from tfmeta.reading.tables import Table, read_table

AUTO, MEAN = "auto", "mean"
_MOST_LOST = 1e-3  # of a column's deviation, by rounding to float32


@dataclass(frozen=True)
class TableOptions:
    """How columns become numbers; without options, all of them must be numbers.

    Args:
        missing: "mean": a missing number is replaced by the mean of the training rows, and beside
            it stands whether it was missing, also in a column where no training row lacks it; a
            missing category counts as unknown. Or what stands in place of a missing number, by
            column.
        categories: "auto": every column that holds texts is a category, with the values of the
            training rows; most of them may not look like numbers or dates. Or the values by
            column, a list or "auto".

    Raises:
        UserError: if an option is something else.
    """

    missing: Any = None
    categories: Any = None

    def __post_init__(self) -> None:
        if self.missing not in (None, MEAN) and not isinstance(self.missing, dict):
            raise UserError(
                f"received pipeline.missing={self.missing!r}; expected mean, or numbers by column: "
                """--set 'pipeline.missing={"age": 30}'"""
            )
        if self.categories not in (None, AUTO) and not isinstance(self.categories, dict):
            raise UserError(
                f"received pipeline.categories={self.categories!r}; expected auto, or values by "
                """column: --set 'pipeline.categories={"colour": ["red", "blue"]}'"""
            )

    @property
    def are_used(self) -> bool:
        return self.missing is not None or self.categories is not None

    def read(self, path: Path, text: Sequence[str]) -> Table:
        """As `read_table`; categories are text, even where they look like numbers.

        Raises:
            UserError: as `read_table`, or if an NPZ file is read with one of the options.
        """
        declared = [*self.categories] if isinstance(self.categories, dict) else []
        table = read_table(path, text=(*text, *declared))
        if self.are_used and table.is_npz:
            raise UserError(
                f"received pipeline.missing={self.missing!r} and pipeline.categories="
                f"{self.categories!r} for {path}; expected a CSV or Parquet file, whose columns "
                "have names"
            )
        if self.categories != AUTO:
            return table
        return read_table(path, text=(*text, *_texts_of(table, [*table.columns])))

    def check(self, table: Table, names: Sequence[str]) -> None:
        """Raises UserError if a feature can't be a number or a category; it says what helps."""
        given = [each for each in (self.missing, self.categories) if isinstance(each, dict)]
        if unknown := [name for each in given for name in each if name not in names]:
            raise UserError(
                f"received options for the columns {listed(unknown)}; expected some of the "
                f"features of {table.path}: {listed(names, 20)}"
            )
        chosen = self._chosen(table, names)
        if self.categories == AUTO:
            _refuse_numbers(table, [*chosen])
        numbers = [name for name in names if name not in chosen]
        if isinstance(self.categories, dict) and (texts := _texts_of(table, numbers)):
            every = _naming({**self.categories, **dict.fromkeys(texts, AUTO)})
            raise UserError(
                f"{which_are(len(texts), 'column', table.path)} neither numeric nor among the "
                f"categories: {listed(texts)}; make them numbers, or leave them out: "
                f"{leaving_out(texts)}, or name all categories: {every}"
            )
        if numbers:
            table.numbers(numbers, "features", may_be_missing=self.missing is not None)

    def applied(
        self,
        table: Table,
        names: Sequence[str],
        in_training: np.ndarray,
        *,
        answers: Sequence[str],
        task: str | None = None,
    ) -> tuple[np.ndarray, RowFormat | TableFormat]:
        """The examples of a table as the network takes them, and their format.

        What the options leave open is taken from the training rows.

        Args:
            table: what `read` returned.
            names: the columns of the features.
            in_training: `(rows,)`, which rows are in the training split.
            answers, task: as in `RowFormat`.

        Raises:
            UserError: if an option names another column, the training rows leave it open, or a
                value can't be a number or differs too little.
        """
        if not self.are_used:
            plain = PLAIN if table.is_npz else RowFormat(tuple(names), tuple(answers), task)
            return table.features([*names]), plain
        self.check(table, names)
        categories = self._vocabularies(table, names, in_training)
        numbers = [name for name in names if name not in categories]
        missing = self._replacements(table, numbers, in_training)
        try:
            found = TableFormat(tuple(names), tuple(answers), task, categories, missing)
        except ValueError as error:
            raise UserError(f"{table.path} can't be read with these options: {error}") from error
        x = found.examples(table)
        fine = [found.features[place] for place in lost_in_float32(x)]
        if lost := [name for name in fine if name in numbers and _is_rounded(table.columns[name])]:
            raise UserError(
                f"float32 loses digits of {listed(lost)} of {table.path}, whose values differ by "
                "little of their size, and with categories or missing a row is float32; subtract "
                "what the values have in common, or leave the column out: "
                f"{leaving_out(lost[:1])}"
            )
        return x, found

    def pinned(self, row_format: RowFormat | TableFormat) -> dict[str, Any]:
        """The options with which other data is prepared as this was."""
        if not isinstance(row_format, TableFormat):
            return {}
        record = row_format.to_dict()
        names = {"features": "columns", "missing": "missing", "categories": "categories"}
        return {option: record[name] for option, name in names.items()}

    def _chosen(self, table: Table, names: Sequence[str]) -> dict[str, Any]:
        """The categories, and what the user says of the values of each."""
        if self.categories != AUTO:
            return self.categories or {}
        return dict.fromkeys(_texts_of(table, names), AUTO)

    def _vocabularies(
        self, table: Table, names: Sequence[str], in_training: np.ndarray
    ) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for name, words in self._chosen(table, names).items():
            if words != AUTO:
                is_list = isinstance(words, list | tuple)
                found[name] = tuple(map(str, words)) if is_list else (str(words),)
                continue
            texts = {*category_texts(table.columns[name])[in_training].tolist()} - {""}
            seen = sorted({*map(without_point, texts)})
            if not 1 <= len(seen) <= MOST_CATEGORIES:
                raise UserError(
                    f"{name} of {table.path} has {counted(len(seen), 'value')} in the training "
                    f"rows; expected 1 to {MOST_CATEGORIES:,} of a category. Leave the column out: "
                    f"{leaving_out([name])}"
                )
            found[name] = tuple(seen)
        return found

    def _replacements(
        self, table: Table, numbers: Sequence[str], in_training: np.ndarray
    ) -> dict[str, float] | None:
        if self.missing != MEAN:
            return self.missing
        found: dict[str, float] = {}
        for name in numbers:
            values = np.float64(table.numbers([name], may_be_missing=True)[:, 0])
            known = values[in_training & ~np.isnan(values)]
            if not len(known):
                raise UserError(
                    f"{name} of {table.path} has no number in the training rows, so there is no "
                    f"mean. Leave the column out: {leaving_out([name])}"
                )
            found[name] = float(known.mean())
        return found


def _texts_of(table: Table, names: Sequence[str]) -> list[str]:
    """Those of some columns that are there and not all numbers."""
    there = [name for name in names if name in table.columns]
    return [name for name in there if table.columns[name].dtype.kind == "O"]


def _refuse_numbers(table: Table, names: Sequence[str]) -> None:
    """Raises UserError if most texts in a column look like numbers or dates."""
    found = {name: what_they_look_like(table.columns[name]) for name in names}
    if odd := {name: alike for name, alike in found.items() if alike}:
        surely = [name for name in names if name not in odd or name == next(iter(odd))]
        naming = _naming(dict.fromkeys(surely, AUTO))
        refuse_numbers(odd, table.columns, table.rows, naming)


def _naming(categories: Mapping[str, Any]) -> str:
    """What the user types for these categories."""
    return f"--set 'pipeline.categories={strict_json.dumps(categories)}'"


def _is_rounded(values: np.ndarray) -> bool:
    """Whether float32 is off by much of what makes the values differ; a year is exact."""
    wide = values.astype(np.float64)
    off = np.abs(wide - wide.astype(np.float32))
    return bool(np.nanmax(off) > _MOST_LOST * np.nanstd(wide))
