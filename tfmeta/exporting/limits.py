"""The most that one request to an export may hold, which bounds what an answer costs."""

import operator
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from tfmeta.errors import UserError
from tfmeta.exporting.contract import QUERY_X, SUPPORT_Y, X


def _limit(default: int, meaning: str) -> Any:
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True)
class RequestLimits:
    """The graph refuses a larger request by the limit's name, before it does the work.

    The number of an image's pixels is read from the beginning of its file. If the server merges
    requests, the limits hold for the merged request.

    Raises:
        UserError: if a limit is not a whole number above 0.
    """

    image_pixels: int = _limit(25_000_000, "pixels in an encoded image, height times width")
    image_bytes: int = _limit(25_000_000, "bytes in an encoded image")
    request_images: int = _limit(10_000, "encoded images in a request, all its tasks together")
    request_pixels: int = _limit(500_000_000, "pixels in all images of a request together")
    support_rows: int = _limit(1_000, "examples in a task's support set, padding included")
    queries: int = _limit(5_000, "queries per task")

    def __post_init__(self) -> None:
        for name, value in self.to_dict().items():
            is_whole = hasattr(value, "__index__") and not isinstance(value, bool)
            if not is_whole or not 1 <= value < 2**62:
                raise UserError(
                    f"received the limit {name}={value!r}; expected a whole number above 0"
                )
            object.__setattr__(self, name, operator.index(value))  # NumPy's are no JSON

    @classmethod
    def from_dict(cls, limits: dict[str, Any]) -> "RequestLimits":
        """The limits that a user names; the others have their defaults."""
        if not isinstance(limits, dict):
            raise UserError(f"received limits={limits!r}; expected a dictionary of limits")
        known = cls.meanings()
        unknown = sorted(map(str, limits.keys() - known.keys()))
        if unknown:
            raise UserError(
                f"received the limits {', '.join(unknown)}; expected some of: {', '.join(known)}"
            )
        return cls(**limits)

    @classmethod
    def meanings(cls) -> dict[str, tuple[str, int]]:
        """`{name: (what it limits, default)}`."""
        defaults = cls().to_dict()
        return {each.name: (each.metadata["meaning"], defaults[each.name]) for each in fields(cls)}

    def to_dict(self) -> dict[str, int]:
        return asdict(self)

    def check_admit(self, requests: Mapping[str, Any], image_format: Any) -> None:
        """Raises UserError if an export's own warm-up requests exceed the limits.

        Args:
            requests: `{signature: (inputs, outputs)}`, NumPy arrays.
            image_format: how images are read; None if the examples are no images.
        """
        needed = dict.fromkeys(self.to_dict(), 0)
        for inputs, _ in requests.values():
            files = [
                file for value in inputs.values() if value.dtype.hasobject for file in value.flat
            ]
            pixels = image_format.height * image_format.width if files else 0
            of_request = {
                "image_pixels": pixels,
                "image_bytes": max(map(len, files), default=0),
                "request_images": len(files),
                "request_pixels": len(files) * pixels,
                "support_rows": inputs[SUPPORT_Y].shape[1] if SUPPORT_Y in inputs else 0,
                "queries": inputs[QUERY_X].shape[1]
                if QUERY_X in inputs
                else len(inputs.get(X, ())),
            }
            needed = {name: max(needed[name], of_request[name]) for name in needed}
        for name, number in needed.items():
            if getattr(self, name) < number:
                raise UserError(
                    f"received the limit {name}={getattr(self, name)}; expected at least {number}, "
                    "which the export's own warm-up request has"
                )
