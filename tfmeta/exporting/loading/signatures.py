"""What the signatures of a loaded model take and return."""

from dataclasses import dataclass

import numpy as np

# By number in tensorflow.DataType; an object array holds strings.
DTYPES = {
    number: np.dtype(code)
    for number, code in {
        1: "f4", 2: "f8", 3: "i4", 4: "u1", 5: "i2", 6: "i1",
        7: "O", 9: "i8", 10: "?", 17: "u2", 22: "u4", 23: "u8",
    }.items()
}  # fmt: skip


@dataclass(frozen=True)
class TensorInfo:
    """A tensor of the graph ("op:0"); a size of None is any size, a shape of None any shape."""

    name: str
    dtype: np.dtype
    shape: tuple[int | None, ...] | None

    def __str__(self) -> str:
        dtype = "string" if self.dtype.hasobject else str(self.dtype)
        return f"{dtype} of any shape" if self.shape is None else f"{dtype}{list(self.shape)}"


@dataclass(frozen=True)
class Signature:
    """What one signature takes and returns, by key."""

    inputs: dict[str, TensorInfo]
    outputs: dict[str, TensorInfo]
