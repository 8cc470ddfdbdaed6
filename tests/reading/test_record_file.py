"""Images on disk that are read one by one."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.class_source import ClassSource
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.reading.record_file import RecordFile, write_records

IMAGES = np.random.default_rng(0).integers(0, 256, (50, 6, 5, 3), np.uint8)


@pytest.fixture
def records(tmp_path):
    return write_records(tmp_path / "records", [IMAGES[:20], IMAGES[20:]], lambda: {"of": "noise"})


def test_it_is_an_array_as_far_as_an_index_is_concerned(records):
    assert (len(records), records.shape, records.dtype) == (50, IMAGES.shape, IMAGES.dtype)
    assert records.facts == {"of": "noise"}
    for positions in (7, [3, 1], np.array([[4, 5], [49, 0]]), slice(10, 14), -1):
        assert np.array_equal(records[positions], IMAGES[positions])
    positions = tf.constant([[[4], [49]], [[0], [4]]])
    gathered = tf.function(records.gather)(positions).numpy()
    assert np.array_equal(gathered, IMAGES[positions.numpy()])


def test_any_reader_of_tfrecord_can_read_it(records, tmp_path):
    dataset = tf.data.TFRecordDataset(str(tmp_path / "records" / "examples.tfrecord"))
    pixels = [tf.io.decode_raw(tf.io.decode_compressed(r, "ZLIB"), tf.uint8) for r in dataset]
    assert np.array_equal(np.reshape(pixels, IMAGES.shape), IMAGES)


def test_it_is_whole_or_not_there(tmp_path):
    def batches():
        yield IMAGES[:3]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_records(tmp_path / "records", batches(), dict)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match=r"index\.npz"):
        RecordFile(tmp_path / "records")


def test_an_interpreter_ends_though_an_iterator_is_alive(tmp_path):
    """The threads of tf.data that read would else wait for a lock that is never given."""
    program = f"""
import numpy as np
from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.class_source import ClassSource
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.reading.record_file import write_records
images = np.zeros((600, 28, 28, 1), np.uint8)
records = write_records({str(tmp_path / "records")!r}, [images], dict)
index = ClassIndex(records, np.repeat(np.arange(30), 20), {{"train": np.arange(30)}}, ("c",) * 30)
source = ClassSource("zeros", index)
alive = iter(source.episodes("train", EpisodeShape(), num_tasks=64))
for _ in range(3):
    next(alive)
print("done", flush=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.stdout == "done\n", done.stderr
    assert done.returncode == 0


def test_pixels_are_not_held_in_memory(tmp_path):
    """16,000 images of 84x84x3 are 339 MB; reading from all of them adds a fraction of that."""
    rng = np.random.default_rng(0)
    chunk = rng.integers(0, 256, (500, 84, 84, 3), np.uint8)
    before = resident_bytes()
    records = write_records(tmp_path / "records", (chunk for _ in range(32)), dict)
    labels = np.repeat(np.arange(16), 1000)
    index = ClassIndex(records, labels, {"train": np.arange(16)}, tuple(map(str, range(16))))
    source = ClassSource("noise", index)
    episodes = source.episodes("train", EpisodeShape(5, 1, 15), num_tasks=2)
    for _ in episodes.take(150):
        pass
    assert resident_bytes() - before < 0.6 * np.prod(records.shape)


def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096
