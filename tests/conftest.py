"""What the tests share: TensorFlow's set-up, Hypothesis's profile, and small data."""

import gc
import json
import os
import shutil
import tempfile
from pathlib import Path

import made_once
import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

import tfmeta

pytest_plugins = ["spent", "nightly", "quick", "whole_files"]

# Both before anything here imports TensorFlow.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TFMETA_RAISE", "1")  # an unforeseen error is seen, not told in one line
tfmeta.configure_runtime()
# As on other machines, where products are added up in other parts; see run_under_processors.sh.
_THREADS = int(os.environ.get("TFMETA_TEST_THREADS", 0))

# No deadline: the first call of a TensorFlow op is slow, and so is a busy machine.
settings.register_profile("tfmeta", deadline=None, max_examples=25, derandomize=True)
settings.load_profile("tfmeta")

_TINY_SPLITS = {"train": 8, "validation": 6, "test": 6}
_TINY_EXAMPLES = 12  # of each class
_TINY_GROUP = 4  # classes; groups cross no border between splits


def pytest_configure(config):
    if made_once.FOLDER not in os.environ:  # this process starts the workers, or there are none
        path = tempfile.mkdtemp(prefix="tfmeta-tests-")
        os.environ[made_once.FOLDER] = path
        os.environ["TFMETA_CACHE"] = str(Path(path) / "cache")
        config.add_cleanup(lambda: shutil.rmtree(path, ignore_errors=True))
    if not _THREADS:
        return
    from tensorflow.config import threading

    for kind in ("intra", "inter"):
        name = f"{kind}_op_parallelism_threads"
        getattr(threading, f"set_{name}")(_THREADS)
        assert getattr(threading, f"get_{name}")() == _THREADS


def pytest_collection_finish():
    """Collects garbage seldom, and not among what has been imported: it took 4% of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


@pytest.fixture(scope="session")
def omniglot_dir():
    """The TFDS folder that holds Omniglot, or a skip (TFMETA_REQUIRE_OMNIGLOT=1: a failure)."""
    folder = os.environ.get("TFDS_DATA_DIR")
    if folder and (Path(folder) / "omniglot" / "3.0.0" / "dataset_info.json").is_file():
        return folder
    reason = (
        f"no omniglot/3.0.0 in TFDS_DATA_DIR={folder}"
        if folder
        else "TFDS_DATA_DIR is not set; it should name the TFDS folder that holds omniglot/3.0.0"
    )
    if os.environ.get("TFMETA_REQUIRE_OMNIGLOT") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def float64():
    """Keras builds in float64, where finite differences leave errors of about 1e-9."""
    import keras

    # Its policy, once used, no longer follows floatx.
    for setting in (keras.config.set_floatx, keras.config.set_dtype_policy):
        setting("float64")
    keras.utils.set_random_seed(7)
    yield
    for setting in (keras.config.set_floatx, keras.config.set_dtype_policy):
        setting("float32")


@pytest.fixture(scope="session")
def tiny_source():
    """A ClassSource of noise, each class around a pattern of its own, for tests that must be fast.

    uint8 8x8x1; 8 classes for training, 6 each for validation and test, 12 examples a class,
    in groups of 4 classes or, at the end of a split, 2.
    """
    from tfmeta.episodes.class_index import ClassIndex
    from tfmeta.episodes.class_source import ClassSource
    from tfmeta.reading.image_format import ImageFormat

    rng = np.random.default_rng(0)
    num_classes = sum(_TINY_SPLITS.values())
    patterns = rng.integers(0, 256, (num_classes, 1, 8, 8, 1))
    noise = rng.integers(0, 256, (num_classes, _TINY_EXAMPLES, 8, 8, 1))
    splits, groups, first = {}, [], 0
    for split, size in _TINY_SPLITS.items():
        splits[split] = np.arange(first, first + size)
        groups += [10 * len(splits) + i // _TINY_GROUP for i in range(size)]
        first += size
    index = ClassIndex(
        ((3 * patterns + noise) // 4).astype(np.uint8).reshape(-1, 8, 8, 1),
        np.repeat(np.arange(num_classes), _TINY_EXAMPLES),
        splits,
        tuple(f"class{i:02d}" for i in range(num_classes)),
        np.array(groups),
    )
    return ClassSource("tiny", index, input_format=ImageFormat(8, 8))


@pytest.fixture
def kept_exports(monkeypatch):
    """`predict` and `verify` ask the process of `model_answers`, which keeps what it has loaded."""
    import model_answers

    from tfmeta import children

    def run(module, version, *, timeout, given=None):
        if module == "tfmeta.exporting.verifying.verifier":
            return json.dumps(model_answers.checked(version, optimize=False))
        assert module == "tfmeta.exporting.loading.answering"
        return model_answers.printed(version, given)

    monkeypatch.setattr(children, "run", run)


@pytest.fixture
def png_folder(tmp_path):
    """A support set: the subfolders apple, banana and cherry, with two 8x8 grey PNGs in each."""
    folder = tmp_path / "support"
    rng = np.random.default_rng(0)
    for name in ("banana", "cherry", "apple"):  # on purpose not in the order of their names
        (folder / name).mkdir(parents=True)
        for number in range(2):
            pixels = rng.integers(0, 256, (8, 8), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder
