"""Files of weights in PyTorch's first format that ask for more than arrays, or for others' memory.

Each has the digest that is expected of it: the digest is the first wall, and these are about the
second.
"""

from collections import OrderedDict

import numpy as np
import pytest
from torch_files import Storage, Tensor, named, written

import tfmeta
from tfmeta.reading.torch_weights import read_torch_weights

ROWS = np.arange(12, dtype="<f4")


class Call:
    """Pickled as a call of a function."""

    def __init__(self, function, *arguments):
        self.what = function, arguments

    def __reduce__(self):
        return self.what


def refusal(path, state, arrays=None):
    digest = written(path, state, arrays or {})
    with pytest.raises(tfmeta.UserError) as refused:
        read_torch_weights(path, sha256=digest)
    return str(refused.value)


@pytest.mark.attack(
    "a file of weights that names a function to call", "refused by its name, and nothing is called"
)
@pytest.mark.parametrize("name", ["os.system", "torch.load", "torch._utils._rebuild_tensor"])
def test_a_file_that_asks_for_something_else_is_refused(name, tmp_path):
    call = Call(named(*name.rsplit(".", 1)), f"touch {tmp_path / 'ran'}")
    assert f"it asks for {name}; expected tensors alone" in refusal(tmp_path / "w", {"x": call})
    assert not (tmp_path / "ran").exists()


@pytest.mark.attack(
    "a tensor in a file of weights that reaches beyond its numbers", "refused before it is read"
)
@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        (8, (4, 3), (3, 1)),
        (-1, (2,), (1,)),
        (0, (2,), (100,)),
        (11, (2,), (-12,)),
        (0, (2**40,), (0,)),
        (0, (13,), (0,)),
        (0, (2**62, 2**62), (0, 0)),
    ],
)
def test_no_tensor_reaches_beyond_its_numbers(offset, shape, strides, tmp_path):
    storage = Storage(named("torch", "FloatStorage"), "a", 12)
    state = {"x": Tensor(storage, offset, shape, strides, False, OrderedDict())}
    assert "w is damaged" in refusal(tmp_path / "w", state, {"a": ROWS})


@pytest.mark.attack(
    "a file of weights that promises more numbers than it has", "refused; no room is made for them"
)
@pytest.mark.parametrize("size", [13, 2**60, -5])
def test_no_more_numbers_are_believed_than_there_are(size, tmp_path):
    class Liar:
        def tobytes(self):
            return ROWS.tobytes()

    Liar.size = size
    storage = Storage(named("torch", "FloatStorage"), "a", 12)
    state = {"x": Tensor(storage, 0, (12,), (1,), False, OrderedDict())}
    assert "w is damaged" in refusal(tmp_path / "w", state, {"a": Liar()})
