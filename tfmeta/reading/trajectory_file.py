"""The parts of a file of logged trajectories, checked one by one. Imports no TensorFlow."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from tfmeta.errors import UserError, counted, listed
from tfmeta.reading.file_rows import FileRows
from tfmeta.reading.frames import TABLES, frame_columns
from tfmeta.reading.npz_files import DAMAGED, read_npz
from tfmeta.reading.number_checks import check_finite, unfit_with_hint
from tfmeta.reading.prepared_columns import lost_in_float32
from tfmeta.reading.text_columns import text_per_row

NEXT = "next_observations"
TERMINALS = "terminals"
_DEFAULTS = ["observations", "actions", NEXT]
_NUMBER = "biuf"  # kinds of NumPy's dtypes


@dataclass(frozen=True)
class TrajectoryNames:
    """What the parts of a file are called.

    Attributes:
        observations, actions, next_observations: an array of an NPZ; of a table the columns, as a
            list or a text with commas, in which `joint_*` stands for all columns that begin so.
        trajectory, condition: the array or column that names it, for each row.
        terminals: whether an episode ended in a row; the file may lack it.
    """

    observations: Any = "observations"
    actions: Any = "actions"
    next_observations: Any = NEXT
    trajectory: str = "trajectory"
    condition: str = "condition"
    terminals: str = TERMINALS


class TrajectoryFile:
    """The columns of a file, under the names that a user may give them.

    Args:
        path: of the file, for messages.
        columns: what it holds.
        names: of its parts.

    Attributes:
        path: the file.
        rows: the names of its rows, for messages.
        observations: float64 `(rows, size)`.

    Raises:
        UserError: if it has no observations that are good numbers.
    """

    def __init__(self, path: Path, columns: dict[str, Any], names: TrajectoryNames):
        self.path, self._columns = path, columns
        self._is_npz = path.suffix.lower() not in TABLES  # or other arrays
        found = self._found(names.observations)
        first = self._columns[found[0]] if found else np.zeros(0)
        self.rows = FileRows(path, len(first) if first.ndim else 0)
        self.observations = self.numbers(names.observations, "observations")

    def pinned(self, names: TrajectoryNames) -> dict[str, list[str]]:
        """The columns by name, in the order in which a network takes them; none of an NPZ.

        Another file may have its columns in another order.
        """
        if self._is_npz:
            return {}
        found = {
            "observations": self._found(names.observations),
            "actions": self._found(names.actions),
            NEXT: self.names_of_next(names),
        }
        return {option: columns for option, columns in found.items() if columns}

    def names_of_next(self, names: TrajectoryNames) -> list[str]:
        """The columns of next observations, in the order of the observations; none if one is away.

        Raises:
            UserError: if both are all columns that begin so, and go on differently.
        """
        found = self._found(names.next_observations)
        begins = [self._beginning(each) for each in (names.observations, names.next_observations)]
        if not found or None in begins:
            return found
        this, after = (str(begin) for begin in begins)
        wanted = [after + name.removeprefix(this) for name in self._found(names.observations)]
        if odd := sorted(set(found) ^ set(wanted)):
            raise UserError(
                f"the columns {this}* and {after}* of {self.path} do not go on alike: "
                f"{listed(odd)}; expected a next observation for each observation"
            )
        return wanted

    def has(self, name: Any) -> bool:
        """Whether the file has what an option names."""
        return bool(self._found(name))

    def numbers(self, given: Any, option: str) -> np.ndarray:
        """Float64 `(rows, size)`, because small changes of large numbers would be lost in float32.

        Raises:
            UserError: if there are none, they are not one vector of finite numbers per row, or
                float32 can't tell the rows apart.
        """
        found = self._found(given) or self._refuse_missing(given, option)
        self._check_lengths(found)
        columns = [self._columns[name] for name in found]
        named = zip(found, columns, strict=True)
        unfit = [
            f"{n} ({unfit_with_hint(c, self.rows)})"
            for n, c in named
            if c.dtype.kind not in _NUMBER
        ]
        if unfit:
            raise UserError(
                f"{option} of {self.path} that are not numeric: {listed(unfit)}; make them numbers,"
                f" or name others with --set pipeline.{option}=A,B"
            )
        is_array = len(columns) == 1 and columns[0].ndim == 2
        if not is_array and any(c.ndim != 1 for c in columns):
            raise UserError(
                f"{option} of {self.path} have the shapes {[c.shape for c in columns]}; expected "
                "one vector per row, (rows, size)"
            )
        values = columns[0] if is_array else np.stack(columns, 1)
        if not values.size:
            raise UserError(f"{option} of {self.path} have shape {values.shape}; expected some")
        with np.errstate(over="ignore"):  # what float32 can't hold is refused
            narrow = values.astype(np.float32)
        advice = "A window can't have gaps: fill them in, or leave the trajectory out"
        check_finite(narrow, found, self.rows, missing=advice)
        wide = values.astype(np.float64)
        if (lost := lost_in_float32(wide)).size:
            raise UserError(
                f"{option} of {self.path} differ by so little that float32 loses it: number "
                f"{listed((lost + 1).tolist())}, counted from 1; subtract what the values have in "
                "common, or leave them out"
            )
        return wide

    def texts(self, name: str, option: str) -> np.ndarray:
        """A text for each row, `(rows,)`."""
        if name not in self._columns:
            self._refuse_missing(name, option)
        self._check_lengths([name])
        values = self._columns[name]
        return text_per_row(values, name, option, self.rows, instead="the trajectory")

    def condition_of_each(
        self, name: str, by_trajectory: np.ndarray, trajectory: np.ndarray
    ) -> np.ndarray:
        """The condition of each trajectory, which must be the same in all of its rows."""
        texts = self.texts(name, "condition")
        _, first = np.unique(trajectory, return_index=True)
        conditions = texts[first]
        other = np.flatnonzero(texts != conditions[trajectory])
        if len(other):
            row = other[0]
            raise UserError(
                f"trajectory {by_trajectory[trajectory[row]]} of {self.path} has the conditions "
                f"{conditions[trajectory[row]]} and, in {self.rows.where([row])}, {texts[row]}; "
                "expected one condition per trajectory. Give each piece a trajectory of its own"
            )
        return conditions

    def refuse_terminals(self, name: str, going_on: np.ndarray, names: np.ndarray) -> None:
        """Refuses trajectories that go on after a row in which an episode ended.

        Args:
            name: of the array; a file may lack it if it is the default one.
            going_on: the rows after which their trajectory goes on.
            names: of each row's trajectory.
        """
        if name == TERMINALS and name not in self._columns:
            return
        if name not in self._columns:
            self._refuse_missing(name, TERMINALS)
        self._check_lengths([name])
        values = np.asarray(self._columns[name])
        if (
            values.ndim != 1
            or values.dtype.kind not in _NUMBER
            or not np.isin(values, (0, 1)).all()
        ):
            raise UserError(
                f"{name} of {self.path} is {values.dtype} of shape {values.shape}; expected true "
                "or false (0 or 1) for each row"
            )
        ended = going_on[values[going_on] == 1]
        if len(ended):
            number = len(np.unique(names[ended]))
            raise UserError(
                f"{counted(number, 'trajectory')} of {self.path} {'goes' if number == 1 else 'go'} "
                f"on after a terminal row, the first {names[ended[0]]} after "
                f"{self.rows.where(ended[:1])}; a window must not hold two episodes. Give what "
                "comes after it a trajectory of its own"
            )

    def _found(self, given: Any) -> list[str]:
        """The names of the columns that an option means; none if one of them is missing."""
        if self._is_npz:
            name = given[0] if isinstance(given, list | tuple) and len(given) == 1 else given
            return [str(name)] if str(name) in self._columns else []
        names = self._patterns(given)
        found: list[str] = []
        for name in names:
            begin = name.removesuffix("*")
            more = [c for c in self._columns if c.startswith(begin)] if begin != name else [name]
            if not more or any(each not in self._columns for each in more):
                return []
            found += more
        return found

    def _patterns(self, given: Any) -> list[str]:
        """The names, some of which may end in a star, in which a table's option consists."""
        if given in _DEFAULTS and given not in self._columns:
            return [f"{given.removesuffix('s')}_*"]  # the default
        names = given if isinstance(given, list | tuple) else str(given).split(",")
        return [str(each).strip() for each in names]

    def _beginning(self, given: Any) -> str | None:
        """With what the columns begin that a table's option means; None if they are named."""
        patterns = [] if self._is_npz else self._patterns(given)
        is_one = len(patterns) == 1 and patterns[0].endswith("*")
        return patterns[0].removesuffix("*") if is_one else None

    def _refuse_missing(self, given: Any, option: str) -> NoReturn:
        noun = "array" if self._is_npz else "column"
        asked = listed(given) if isinstance(given, list | tuple) else given
        if not self._is_npz and given in _DEFAULTS:
            asked = f"{option.removesuffix('s')}_*"
        raise UserError(
            f"{self.path} has no {noun} {asked!r}; it has: {listed(list(self._columns), 20)}. Name "
            f"yours with --set pipeline.{option}=NAME"
        )

    def _check_lengths(self, names: Sequence[str]) -> None:
        """Refuses columns of other lengths than the observations."""
        number = len(self.rows)
        shapes = {name: self._columns[name].shape for name in names}
        if other := [
            f"{name}: {shape}" for name, shape in shapes.items() if shape[:1] != (number,)
        ]:
            raise UserError(
                f"{self.path} has {counted(number, 'row')} of observations, but the shapes "
                f"{listed(other)}; expected one value or vector per row in each"
            )


def read_columns(path: Path, names: TrajectoryNames) -> dict[str, Any]:
    """The arrays of an NPZ, or the columns of a CSV or Parquet file.

    Raises:
        UserError: if it can't be read.
    """
    try:
        if path.suffix.lower() == ".npz":
            return read_npz(path)
        return frame_columns(path, (names.trajectory, names.condition))
    except ImportError as error:
        raise UserError(
            f"reading {path} needs pandas and pyarrow ({error}): pip install 'tfmeta[tables]'. "
            "An NPZ file needs neither"
        ) from error
    except (*DAMAGED, Warning) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(
            f"cannot read {path}: {str(error).strip() or type(error).__name__}; expected a whole "
            f"{path.suffix} file of numbers and texts"
        ) from error
