"""Files of weights in PyTorch's first format, put together as PyTorch does."""

import hashlib
import pickle
from collections import OrderedDict

import numpy as np
import pytest
from torch_files import Storage, Tensor, named, written

import tfmeta
from tfmeta.reading.torch_weights import read_torch_weights

ROWS = np.arange(12, dtype="<f4")


def test_tensors_are_read_with_their_offsets_and_strides(tmp_path):
    count = np.array([7], "<i8")
    storage = Storage(named("torch", "FloatStorage"), "a", 12)
    whole = Storage(named("torch", "LongStorage"), "b", 1)
    state = OrderedDict(
        turned=Tensor(storage, 0, (4, 3), (1, 4), False, OrderedDict()),
        part=Tensor(storage, 8, (2, 2), (2, 1), False, OrderedDict()),
        steps=Tensor(whole, 0, (), (), False, OrderedDict()),
    )
    digest = written(tmp_path / "w.pth", state, {"a": ROWS, "b": count})
    found = read_torch_weights(tmp_path / "w.pth", sha256=digest)
    np.testing.assert_array_equal(found["turned"], ROWS.reshape(3, 4).T)
    np.testing.assert_array_equal(found["part"], [[8, 9], [10, 11]])
    assert found["steps"] == 7


@pytest.mark.parametrize("cut", [0, 10, 100, -1])
def test_a_damaged_file_is_refused(cut, tmp_path):
    path = tmp_path / "w.pth"
    storage = Storage(named("torch", "FloatStorage"), "a", 12)
    written(path, {"x": Tensor(storage, 0, (3, 4), (4, 1), False, OrderedDict())}, {"a": ROWS})
    path.write_bytes(path.read_bytes()[:cut])
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(tfmeta.UserError, match=r"w\.pth is damaged \(.*\); install it again"):
        read_torch_weights(path, sha256=digest)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(tfmeta.UserError, match="cannot read the weights in"):
        read_torch_weights(tmp_path / "none.pth", sha256="")


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "w.pth"
    path.write_bytes(pickle.dumps(1))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(tfmeta.UserError, match="is not of PyTorch's first format"):
        read_torch_weights(path, sha256=digest)
