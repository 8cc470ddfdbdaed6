"""The most that one request to an export may hold, which bounds what an answer costs."""

import operator
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tfmeta.errors import UserError
from tfmeta.exporting.contract import EXAMPLES, QUERY_X, SUPPORT_Y, X
from tfmeta.reading.format_registry import FORMATS, Limit

if TYPE_CHECKING:
    from tfmeta.reading.input_format import InputFormat

# Those of every model; each kind of input has its own beside them.
_COMMON: dict[str, Limit] = {
    "support_rows": (1_000, "examples in a task's support set, padding included"),
    "queries": (5_000, "queries per task"),
}


class RequestLimits(Mapping[str, int]):
    """The graph refuses a larger request by the limit's name, before it does the work.

    What an encoded example costs is read from its beginning. If the server merges requests, the
    limits hold for the merged request.

    Args:
        **limits: those that differ from their defaults, by the names in `meanings`.

    Raises:
        UserError: if there is no such limit, or it is not a whole number above 0.
    """

    def __init__(self, **limits: Any):
        known = self.meanings()
        if unknown := sorted(limits.keys() - known.keys()):
            raise UserError(
                f"received the limits {', '.join(unknown)}; expected some of: {', '.join(known)}"
            )
        for name, value in limits.items():
            is_whole = hasattr(value, "__index__") and not isinstance(value, bool)
            if not is_whole or not 1 <= value < 2**62:
                raise UserError(
                    f"received the limit {name}={value!r}; expected a whole number above 0"
                )
        self._given = {name: operator.index(value) for name, value in limits.items()}
        self._limits = {name: default for name, (_, default) in known.items()} | self._given

    @classmethod
    def from_dict(cls, limits: dict[str, Any]) -> "RequestLimits":
        """The limits that a user names; the others have their defaults."""
        if not isinstance(limits, dict):
            raise UserError(f"received limits={limits!r}; expected a dictionary of limits")
        return cls(**{str(name): value for name, value in limits.items()})

    @classmethod
    def meanings(cls, input_format: "InputFormat | None" = None) -> dict[str, tuple[str, int]]:
        """`{name: (what it limits, default)}`; of one format, or of all."""
        kinds = [input_format.kind] if input_format else FORMATS
        every = {n: each for kind in kinds for n, each in FORMATS[kind].limits.items()} | _COMMON
        return {name: (meaning, default) for name, (default, meaning) in every.items()}

    def __getitem__(self, name: str) -> int:
        return self._limits[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._limits)

    def __len__(self) -> int:
        return len(self._limits)

    def of(self, input_format: "InputFormat") -> dict[str, int]:
        """Those that concern a model whose input is of this format.

        Raises:
            UserError: if the user has named another one.
        """
        known = self.meanings(input_format)
        if others := sorted(self._given.keys() - known.keys()):
            raise UserError(
                f"received the limits {', '.join(others)}, and the model takes "
                f"{input_format.noun}; expected some of: {', '.join(known)}"
            )
        return {name: self[name] for name in known}

    def check_admit(self, requests: Mapping[str, Any], input_format: "InputFormat") -> None:
        """Raises UserError if an export's own warm-up requests exceed the limits.

        Args:
            requests: `{signature: (inputs, outputs)}`, NumPy arrays.
            input_format: of the examples.
        """
        limits = self.of(input_format)
        needed = dict.fromkeys(limits, 0)
        for inputs, _ in requests.values():
            endings = input_format.encoded_types
            names = [name + ending for name in EXAMPLES for ending in endings]
            encoded = [inputs[name] for name in names if name in inputs]
            of_request = {
                **input_format.admitted(encoded),
                "support_rows": inputs[SUPPORT_Y].shape[1] if SUPPORT_Y in inputs else 0,
                "queries": inputs[QUERY_X].shape[1]
                if QUERY_X in inputs
                else len(inputs.get(X, ())),
            }
            needed = {name: max(least, of_request.get(name, 0)) for name, least in needed.items()}
        for name, number in needed.items():
            if limits[name] < number:
                raise UserError(
                    f"received the limit {name}={limits[name]}; expected at least {number}, "
                    "which the export's own warm-up request has"
                )
