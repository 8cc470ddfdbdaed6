"""Pickles of arrays, of every protocol: read without running what is in them."""

import pickle

import numpy as np
import pytest

from tfmeta import UserError
from tfmeta.reading.pickled_arrays import read_pickled_arrays


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"cnumpy.core.multiarray\nfromfile\n.", r"asks for numpy\.core\.multiarray\.fromfile;"),
        (b"\x80\x04\x8c\x05numpy\x8c\x0acore.numpy\x93.", r"asks for numpy\.core\.numpy;"),
        (b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x05\x00\x00\x00rot13tR.", "encoded as rot13"),
        (pickle.dumps([1]), "holds a list; expected a dictionary of arrays"),
        (pickle.dumps({"a": np.arange(9)})[:-20], "cannot read .*expected a whole pickle of arr"),
        (b"", "cannot read .*expected a whole pickle of arrays"),
    ],
)
def test_other_pickles_are_refused(content, message, tmp_path):
    (tmp_path / "x.pkl").write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_pickled_arrays(tmp_path / "x.pkl")


def test_pickles_of_every_protocol_are_read(tmp_path):
    content = {"a": np.arange(6, dtype=np.uint8).reshape(2, 3), "b": np.int64(3), "c": ["d", 4]}
    content["e"] = np.asfortranarray(content["a"])
    for protocol in range(6):
        (tmp_path / "x.pkl").write_bytes(pickle.dumps(content, protocol))
        read = read_pickled_arrays(tmp_path / "x.pkl")
        assert {k: np.array(v).tolist() for k, v in read.items()} == {
            k: np.array(v).tolist() for k, v in content.items()
        }
        assert read["a"].dtype == np.uint8
        assert read["b"].dtype == np.int64


def test_pickles_of_python_2_are_read(tmp_path):
    # As cPickle of Python 2 writes {"data": np.array([1, 254], np.uint8)}, with its byte strings.
    dtype = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNN"
    dtype += 2 * b"J\xff\xff\xff\xff" + b"K\x00tb"
    made = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    array = made + b"(K\x01K\x02\x85" + dtype + b"\x89U\x02\x01\xfetb"
    (tmp_path / "x.pkl").write_bytes(b"\x80\x02}U\x04data" + array + b"s.")
    assert read_pickled_arrays(tmp_path / "x.pkl")["data"].tolist() == [1, 254]
