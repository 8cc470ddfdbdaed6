"""Pickles that forge what NumPy believes, or that would become far more than they are."""

import pickle
import struct
import subprocess
import sys
import time

import numpy as np
import pytest

from tfmeta import UserError
from tfmeta.reading.pickled_arrays import read_pickled_arrays, read_pickled_images

_ARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
_FINISH = b"(K\x01K\x02\x85%b\x89%btb"  # of two numbers


def dtype(name=b"u1", state=b"K\x03X\x01\x00\x00\x00|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00"):
    return (
        b"cnumpy\ndtype\nX"
        + struct.pack("<I", len(name))
        + name
        + b"\x89\x88\x87R("
        + state
        + b"tb"
    )


def array(of_dtype, content=b"C\x02\x01\x02"):
    return _ARRAY + _FINISH % (of_dtype, content)


def pickled(*values):
    return (
        b"\x80\x03}"
        + b"".join(
            b"X\x01\x00\x00\x00" + b"abcd"[n : n + 1] + v + b"s" for n, v in enumerate(values)
        )
        + b"."
    )


STATE = b"K\x03X\x01\x00\x00\x00|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK"
SIXTEEN = b"C\x10" + b"A" * 16
PICKLES = {
    "flags that make bytes into pointers": pickled(array(dtype(state=STATE + b"\x3f"), SIXTEEN)),
    "an item size of another dtype": pickled(
        array(dtype(b"u1", b"K\x03X\x01\x00\x00\x00|NNNK\x08K\x08K\x00"), SIXTEEN)
    ),
    "an array of objects": pickled(array(dtype(b"O8"), b"]")),
    "an array of objects, as bytes": pickled(array(dtype(b"O"), SIXTEEN)),
    "fields in a dtype": pickled(
        array(dtype(b"V8", b"K\x03X\x01\x00\x00\x00|N)}K\x08K\x01K\x10"), SIXTEEN)
    ),
    "fewer bytes than the shape has": pickled(array(dtype(b"f8"))),
    "a scalar of pointers": pickled(
        b"cnumpy.core.multiarray\nscalar\n" + dtype(state=STATE + b"\x3f") + SIXTEEN + b"\x86R"
    ),
    "a buffer of pointers": pickled(
        b"cnumpy.core.numeric\n_frombuffer\n("
        + SIXTEEN
        + dtype(state=STATE + b"\x3f")
        + b"K\x02\x85X\x01\x00\x00\x00CtR"
    ),
    "an array of negative size": pickled(
        _ARRAY + b"(K\x01J\xff\xff\xff\xff\x85" + dtype() + b"\x89C\x00tb"
    ),
    "a state of something else": pickled(b"]N}X\x01\x00\x00\x00xK\x01s\x86b"),
    "an object made by its class": pickled(b"cnumpy\nndarray\n(K\x05t\x81"),
    "a class of a registry": b"\x80\x02\x82\x01.",
    "a persistent object": b"Px\n.",
    "a memo of four billion places": b"\x80\x02}r\xff\xff\xff\xff",
    "a text of four gigabytes": b"\x80\x03X\xff\xff\xff\xff.",
    "bytes of exabytes": b"\x80\x04\x8e" + b"\xff" * 7 + b"\x0f.",
    "a bytearray of terabytes": b"\x80\x05\x96" + struct.pack("<Q", 2**42) + b".",
    "a frame of exabytes": b"\x80\x04\x95" + b"\xff" * 7 + b"\x0f.",
    "a hundred thousand lists in each other": b"\x80\x02}X\x01\x00\x00\x00a"
    + b"]" * 100_000
    + b"a" * 99_999
    + b"s.",
}


@pytest.mark.attack(
    "a pickle of arrays with forged dtypes, sizes, classes or counts",
    "refused in one line; arrays are made from plain numbers alone",
)
@pytest.mark.parametrize("kind", PICKLES)
def test_forged(kind, tmp_path):
    (tmp_path / "x.pkl").write_bytes(PICKLES[kind])
    started = time.monotonic()
    with pytest.raises(UserError, match=r"cannot read .*x\.pkl: .*; expected a whole pickle"):
        read_pickled_arrays(tmp_path / "x.pkl")
    assert time.monotonic() - started < 5


def test_the_forged_flags_are_dangerous_elsewhere(tmp_path):
    """To NumPy, they make of sixteen letters two pointers to objects, and it follows them."""
    (tmp_path / "x.pkl").write_bytes(PICKLES["flags that make bytes into pointers"])
    code = f"import pickle; repr(pickle.load(open({str(tmp_path / 'x.pkl')!r}, 'rb')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode != 0


@pytest.mark.attack(
    "lists that hold each other ten to the power of twenty times, as labels", "refused"
)
def test_lists_that_hold_each_other(tmp_path):
    labels = [0]
    for _ in range(20):
        labels = [labels] * 10
    content = {"data": np.zeros((1, 2, 2, 3), np.uint8), "labels": labels}
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(content))
    for keys in (("data", "labels"), ("labels", "data")):
        with pytest.raises(UserError, match="does not hold what is expected"):
            read_pickled_images(tmp_path / "x.pkl", keys)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "name", ["b1", "i1", "<i2", ">i4", "i8", "u1", ">u2", "u4", "f2", ">f4", "f8"]
)
def test_plain_arrays_are_read(name, protocol, tmp_path):
    values = np.array([[0, 1, 1], [1, 0, 1]], name)
    content = {"c": values, "f": np.asfortranarray(values), "one": values[0, 1], "again": values}
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(content, protocol))
    read = read_pickled_arrays(tmp_path / "x.pkl")
    for key, expected in content.items():
        assert read[key].dtype == expected.dtype
        np.testing.assert_array_equal(read[key], expected)
