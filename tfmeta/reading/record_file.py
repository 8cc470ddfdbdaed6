"""Images on disk that are read one by one, for data that does not fit in memory.

A folder with two files. `examples.tfrecord` has one record per image: its uint8 pixels, already
resized for the network, compressed by zlib. `index.npz` says where each record is, and has the
images' shape and the facts that were found while they were read. An episode reads only its own
images. The pixels are the same as they would be in memory, and so are the episodes.
"""

import atexit
import json
import os
import shutil
import time
import weakref
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta import files, strict_json
from tfmeta.reading.npz_files import read_npz
from tfmeta.user_files import AnyPath

_RECORDS, _INDEX = "examples.tfrecord", "index.npz"
_HEAD, _FOOT = 12, 4  # bytes that TFRecord puts before and after a record's own
_QUIET_SECONDS = 0.2  # without a read; one read takes much less
CACHE_HINT = "Name another folder by TFMETA_CACHE, or leave pipeline.stream out"
_LEVEL = 1  # of zlib; higher levels save a little on disk and cost more at every read


class _Reads:
    """Makes sure that no thread of tf.data is in Python when the interpreter ends.

    If a script still holds an iterator at its end, the interpreter deletes it while it holds its
    lock, and waits for the iterator's threads. A thread that waits for that lock, to read, would
    wait for ever.
    """

    def __init__(self) -> None:
        self._last, self._is_over = 0.0, False

    def begin(self) -> None:
        self._last = time.monotonic()
        if self._is_over:
            raise RuntimeError("the interpreter ends")

    def end(self) -> None:
        """Refuses every read from now on, and waits until no thread asks for one."""
        self._is_over = True
        while time.monotonic() - self._last < _QUIET_SECONDS:
            time.sleep(_QUIET_SECONDS / 5)


_reads = _Reads()
atexit.register(_reads.end)


class RecordFile:
    """Reads examples by their numbers; `ClassIndex` uses it like an array.

    Args:
        folder: a folder that `write_records` made.

    Attributes:
        shape: `(examples, height, width, channels)`.
        dtype: uint8.
        facts: what was stored with the examples.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, folder: AnyPath):
        index = read_npz(Path(folder) / _INDEX)
        self._starts, self._sizes = index["starts"], index["sizes"]
        self.shape = (len(self._starts), *index["shape"].tolist())
        self.facts = strict_json.loads(str(index["facts"]))
        self._file = os.open(Path(folder) / _RECORDS, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def num_bytes(self) -> int:
        """The size on disk."""
        return int(self._sizes.sum())

    def __getitem__(self, positions: Any) -> np.ndarray:
        """Like an array's: one example, or the examples at an array or a slice of positions."""
        positions = np.arange(len(self))[positions]
        flat = [
            np.frombuffer(zlib.decompress(each), np.uint8)
            for each in self._read(positions.reshape(-1))
        ]
        return np.reshape(flat, (*positions.shape, *self.shape[1:]))

    def gather(self, positions: Any) -> tf.Tensor:
        """In the graph: int32 `(...)` -> uint8 `(..., height, width, channels)`."""
        compressed = tf.numpy_function(self._read, [tf.reshape(positions, [-1])], tf.string)
        pixels = tf.io.decode_raw(tf.io.decode_compressed(compressed, "ZLIB"), tf.uint8)
        return tf.reshape(pixels, tf.concat([tf.shape(positions), self.shape[1:]], 0))

    def _read(self, positions: Any) -> np.ndarray:
        _reads.begin()
        # By `pread`, which several threads may call at once, and which maps no page into memory.
        places = zip(self._sizes[positions].tolist(), self._starts[positions].tolist(), strict=True)
        return np.array([os.pread(self._file, *place) for place in places], object)


def write_records(
    folder: AnyPath, batches: Iterable[np.ndarray], facts: Callable[[], dict[str, Any]]
) -> RecordFile:
    """Stores images, whole or not at all, and opens them. The caller holds the folder's lock.

    Args:
        folder: the folder to make.
        batches: iterable of uint8 `(images, height, width, channels)`, one or more.
        facts: a function without arguments, called after the last batch; it returns what to store
            with the images, as JSON can hold it.
    """
    folder = Path(folder)
    with files.appearing(folder, CACHE_HINT) as partial:
        sizes: list[int] = []
        shape: tuple[int, ...] | None = None
        with files.writing(folder, CACHE_HINT):
            partial.mkdir(parents=True)
            writer = tf.io.TFRecordWriter(str(partial / _RECORDS))
        with writer:
            for batch in batches:  # this reads images too, whose errors are no errors of writing
                shape = batch.shape[1:]
                with files.writing(folder, CACHE_HINT):
                    sizes += [_write(writer, image) for image in batch]
                    writer.flush()
        lengths = np.array(sizes, np.int64)
        starts = np.cumsum(lengths + _HEAD + _FOOT) - lengths - _FOOT
        content: dict[str, Any] = {"starts": starts, "sizes": lengths, "shape": shape}
        content["facts"] = json.dumps(facts())
        with files.writing(folder, CACHE_HINT):
            np.savez(partial / _INDEX, **content)
            shutil.rmtree(folder, ignore_errors=True)
    return RecordFile(folder)


def _write(writer: Any, image: Any) -> int:
    """Writes a record; returns its size."""
    record = zlib.compress(np.ascontiguousarray(image).tobytes(), _LEVEL)
    writer.write(record)
    return len(record)


def cache_folder() -> Path:
    """Where records are kept: in `TFMETA_CACHE`, else in the user's folder for caches."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("TFMETA_CACHE") or Path(caches) / "tfmeta")
