"""Users' tables: NPZ, CSV and Parquet files become columns of text and of numbers."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tfmeta import strict_json
from tfmeta.errors import UserError, counted, listed, which_are
from tfmeta.reading.column_names import columns_in_words, leaving_out
from tfmeta.reading.file_rows import FileRows
from tfmeta.reading.frames import TABLES, frame_columns
from tfmeta.reading.npz_files import DAMAGED as DAMAGED_NPZ
from tfmeta.reading.npz_files import read_npz, with_examples
from tfmeta.reading.number_checks import check_finite, unfit_with_hint
from tfmeta.reading.prepared_columns import lost_in_float32
from tfmeta.reading.text_columns import text_per_row

SUFFIXES = (".npz", *TABLES)
_LEAST_IN_FLOAT64 = 1e-12  # least ratio of a column's range to its values; float64 rounds by 1e-16
_MISSING = ("NAType", "NaTType")  # of pandas, whose own comparisons are neither true nor false
# What NumPy and pandas raise for a file that is damaged, or that its name calls another kind.
_DAMAGED = (*DAMAGED_NPZ, Warning)


def find_file(pipeline: str, data_dir: Any, file: Any, suffixes: Any = SUFFIXES) -> Path:
    """The file that holds a pipeline's data.

    Args:
        pipeline: the name of the pipeline, for messages.
        data_dir: the file, or a folder that holds exactly one.
        file: the name of that one, if there are several.
        suffixes: the suffixes that such a file may have.

    Raises:
        UserError: if the file is missing, or the folder holds none or several.
    """
    kinds = f"{', '.join(suffixes[:-1])} or {suffixes[-1]}"
    if data_dir is None and file is None:
        raise UserError(f"{pipeline} needs its data: --data-dir FILE ({kinds}), or its folder")
    path = Path(data_dir or ".")
    if file is not None:
        if path.is_file():
            raise UserError(
                f"received pipeline.file={file} and --data-dir {path}, which is a file itself; "
                "expected one of them, or a folder as --data-dir"
            )
        path /= str(file)
    if path.is_dir():
        found = [p for p in sorted(path.glob("[!.]*.*")) if p.suffix.lower() in suffixes]
        if len(found) != 1:
            raise UserError(
                f"{path} holds {counted(len(found), 'file')} of {kinds}, expected one: "
                f"{listed([p.name for p in found]) or 'put yours there'}. Choose with --set "
                "pipeline.file=NAME"
            )
        path = found[0]
    if path.suffix.lower() not in suffixes and path.exists():
        raise UserError(f"received the file {path}; expected {kinds}")
    if not path.is_file():
        raise UserError(f"there is no file {path}; name yours with --data-dir FILE ({kinds})")
    return path


def names_in(value: Any) -> list[str]:
    """Column names: a list of them, or text with commas, as in `--set pipeline.features=a,b`.

    A list may also be a text, in JSON, for names that have commas.
    """
    if isinstance(value, str) and value.startswith("["):
        with contextlib.suppress(ValueError):
            value = strict_json.loads(value)
    if isinstance(value, list | tuple):
        return [str(name) for name in value]
    return [name.strip() for name in str(value).split(",")]


@dataclass(frozen=True)
class Table:
    """The content of a file; messages name its lines, or count its rows from 1.

    Attributes:
        path: the file.
        columns: `{name: (rows,)}`, numbers or objects; for an NPZ its arrays, `(rows, ...)`.
        is_npz: whether its features are the array `x`.
    """

    path: Path
    columns: dict[str, Any]
    is_npz: bool

    @cached_property
    def rows(self) -> FileRows:
        """The names of the rows."""
        return FileRows(self.path, len(self.columns["x"] if self.is_npz else self._any_column))

    @property
    def _any_column(self) -> Any:
        return next(iter(self.columns.values()))

    def text(self, name: str, option: str) -> np.ndarray:
        """The values of a column as text, `(rows,)`, without white space around them.

        Args:
            name: of the column.
            option: the option of the pipeline that chose the column.

        Raises:
            UserError: if there is no such column, or a value is missing.
        """
        return text_per_row(self._column(name, option), name, option, self.rows)

    def features(self, names: list[str]) -> np.ndarray:
        """Like `numbers`, but float64 if float32 would lose digits in which rows differ.

        Raises:
            UserError: as `numbers`, or if not even float64 can hold the digits.
        """
        narrow = self.numbers(names, "features")
        wide = [self.columns[name] for name in names]
        if all(np.can_cast(values.dtype, np.float32) for values in wide):
            return narrow
        rounded = [
            name
            for name, values in zip(names, wide, strict=True)
            if values.dtype.kind in "iu" and _lost_in_float64(values)
        ]
        if rounded:
            raise UserError(
                f"{listed(rounded)} of {self.path} has whole numbers above 2^53 that differ by so "
                "little that float64 can't tell them apart; subtract what they have in common, or "
                "leave an identifier out"
            )
        wide = [values.astype(np.float64) for values in wide]
        is_array = len(names) == 1 and wide[0].ndim > 1
        together = wide[0] if is_array else np.stack(wide, 1)
        return together if lost_in_float32(together).size else narrow

    def numbers(
        self, names: Sequence[str], option: str | None = None, *, may_be_missing: bool = False
    ) -> np.ndarray:
        """The numbers in columns, float32 `(rows, columns)`, or in one array, `(rows, ...)`.

        Args:
            names: of the columns.
            option: the option of the pipeline that chose the columns; None if the user can't choose
                others.
            may_be_missing: whether NaN is a good value.

        Raises:
            UserError: if a column is missing, or holds anything other than finite numbers.
        """
        columns = [self._column(name, option) for name in names]
        named = list(zip(names, columns, strict=True))
        rows = self.rows
        odd = [(n, c) for n, c in named if c.dtype.kind not in "biuf"]
        if odd and self.is_npz:
            raise UserError(
                f"{self.path} holds {odd[0][0]} of {odd[0][1].dtype} and shape {odd[0][1].shape}; "
                "expected numbers that are real"
            )
        if odd:
            unfit = [f"{n} ({unfit_with_hint(c, rows)})" for n, c in odd]
            others = f", or choose others with --set pipeline.{option}=A,B" if option else ""
            if option == "features":
                others = f", or leave them out: {leaving_out([n for n, _ in odd])}"
                others += ", or take texts as categories: --set pipeline.categories=auto"
            raise UserError(
                f"{which_are(len(unfit), 'column', self.path)} not numeric: "
                f"{listed(unfit)}; make them numbers{others}"
            )
        with np.errstate(over="ignore"):  # numbers that float32 can't hold are refused below
            columns = [values.astype(np.float32, copy=False) for values in columns]
        is_array = len(names) == 1 and columns[0].ndim > 1
        values = columns[0] if is_array else np.stack(columns, 1)

        is_filled = option == "features" and not self.is_npz
        other_way = ", or fill in the mean: --set pipeline.missing=mean" if is_filled else ""
        missing = f"Fill in what is missing, or drop it{other_way}"
        check_finite(values, names, rows, missing=None if may_be_missing else missing)
        return values

    def _column(self, name: str, option: str | None) -> Any:
        if name not in self.columns:
            raise UserError(
                f"{self.path} has no {'array' if self.is_npz else 'column'} {name!r}; it has: "
                f"{columns_in_words(list(self.columns))}. Name yours with --set "
                f"pipeline.{option}=NAME"
            )
        values = self.columns[name]
        rows = len(self.columns["x"]) if self.is_npz else len(values)
        if values.ndim < 1 or len(values) != rows:
            raise UserError(
                f"{name} of {self.path} has shape {values.shape}; expected "
                f"{counted(rows, 'row')}, as x has"
            )
        return values


def table_of(columns: Any) -> Table:
    """A table from values by the names of the columns, or from a dictionary per row.

    A value may be None if it is missing.

    Raises:
        UserError: if it is neither, there are no rows, or columns differ in length.
    """
    what, is_by_name = "the given table", isinstance(columns, Mapping)
    rows = [] if is_by_name else list(columns)
    if not is_by_name and not all(isinstance(row, Mapping) for row in rows):
        raise UserError(
            f"received {type(columns).__name__} of other things than dictionaries; expected values "
            "by the names of the columns, or a dictionary per row. Of a pandas DataFrame: "
            'frame.to_dict("list")'
        )
    if not is_by_name:
        names = dict.fromkeys(name for row in rows for name in row)
        columns = {name: [row.get(name) for row in rows] for name in names}
    if nested := [name for name, values in columns.items() if isinstance(values, Mapping)]:
        raise UserError(
            f"received a dictionary as the column {nested[0]}; expected a list of its values, as "
            'frame.to_dict("list") makes of a pandas DataFrame'
        )
    found = {str(name): _column_of(values) for name, values in columns.items()}
    lengths = {name: len(values) for name, values in found.items()}
    if not any(lengths.values()):
        raise UserError("received a table without rows; expected some")
    if len({*lengths.values()}) > 1:
        bunch = ". Of what scikit-learn loads: (b.data, b.target)" if "data" in lengths else ""
        raise UserError(f"received columns of the lengths {lengths}; expected one length{bunch}")
    return Table(Path(what), found, is_npz=False)


def _column_of(values: Any) -> np.ndarray:
    """A column of numbers, in which NaN is missing, else of objects."""
    is_one = isinstance(values, str | bytes) or not hasattr(values, "__iter__")
    each = [values] if is_one or getattr(values, "ndim", 1) == 0 else list(values)
    each = [None if type(value).__name__ in _MISSING else value for value in each]
    if all(value is None or isinstance(value, int | float | np.number) for value in each):
        return np.array([np.nan if value is None else value for value in each])
    column = np.empty(len(each), object)
    column[:] = each
    return column


def _lost_in_float64(values: np.ndarray) -> bool:
    """Whether float64 would round whole numbers by much of the difference between them."""
    spread = values.max(0).astype(object) - values.min(0).astype(object)
    size = np.maximum(np.abs(values.max(0).astype(object)), np.abs(values.min(0).astype(object)))
    return bool(np.any((spread > 0) & (spread < size * _LEAST_IN_FLOAT64)))


def read_table(path: Path, *, text: Any) -> Table:
    """Reads a file.

    Args:
        path: what `find_file` returned.
        text: names of the columns that are text even where they look like numbers: "007".

    Raises:
        UserError: if it can't be read, or holds no rows.
    """
    is_npz = path.suffix.lower() == ".npz"
    try:
        columns = with_examples(read_npz(path)) if is_npz else frame_columns(path, text)
    except ImportError as error:
        raise UserError(
            f"reading {path} needs pandas and pyarrow ({error}): pip install 'tfmeta[tables]'. "
            "An NPZ file of numbers and a .jsonl file of texts need neither"
        ) from error
    except _DAMAGED as error:
        if isinstance(error, UserError):
            raise
        whole = "one header and rows"
        if is_npz:
            whole = "arrays of numbers or text, none of objects, and so examples of one shape"
            if "allow_pickle" in str(error):
                raise UserError(
                    f"cannot read {path}: it holds an array of objects, as NumPy makes of "
                    "examples of several shapes; expected arrays of numbers or text. Bring the "
                    "examples to one shape, as by cutting them or filling them up with zeros, and "
                    "give np.array a dtype"
                ) from error
        raise UserError(
            f"cannot read {path}: {str(error).strip() or type(error).__name__}; expected a whole "
            f"{path.suffix} file with {whole}"
        ) from error
    if is_npz and ("x" not in columns or columns["x"].ndim < 1):
        raise UserError(f"{path} has no array x of examples; it has: {listed(list(columns), 20)}")
    if not len(columns["x"] if is_npz else next(iter(columns.values()), [])):
        raise UserError(f"{path} holds no rows; expected some")
    return Table(path, columns, is_npz)
