"""Features of examples, each computed once per network and kept on disk."""

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfmeta import files
from tfmeta.errors import UserError
from tfmeta.keras_internals import layers_of
from tfmeta.learners.execution import has_accelerator
from tfmeta.learners.replicas import share_of
from tfmeta.reading.images import to_unit
from tfmeta.reading.record_file import cache_folder
from tfmeta.runtime import usable_cores

HINT = "Name another folder by TFMETA_CACHE"
_BATCH = 32  # per device or core, from and to the disk
_PART = 4  # images whose largest layers stay in a core's own memory and are not asked of the system
_WAIT_SECONDS = 60


def cached_features(
    network: keras.Model,
    examples: tf.Tensor,
    *,
    rows: np.ndarray | None = None,
    folder: Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    strategy: tf.distribute.Strategy | None = None,
) -> np.ndarray:
    """What a network makes of each example, in inference.

    A feature is found again by the bytes of the example and the network's layers and weights, so a
    renamed or moved file costs nothing, and a changed one is computed anew.

    Args:
        network: `(batch, ...) -> (batch, features)`.
        examples: `(examples, ...)`, an array or a `RecordFile`; uint8 is brought to 0..1.
        rows: numbers of the examples; None for all.
        folder: where the cache is; None for `cache_folder()`.
        on_progress: called with the number of examples done and of all of them.
        strategy: of the network; every device of this machine computes a part, or every core if
            there is one device.

    Returns:
        float32 `(rows, features)`.

    Raises:
        UserError: if the cache can't be written.
    """
    size = network.output_shape[-1]
    rows = np.arange(len(examples)) if rows is None else rows
    found = np.zeros((len(rows), size), np.float32)
    run, parts = _in_parts(network, strategy or tf.distribute.get_strategy())
    size_of_batch = parts * _BATCH
    path = Path(folder or cache_folder()) / "features" / f"{digest_of_network(network)}.sqlite"
    with _opened(path) as cache:
        for start in range(0, len(rows), size_of_batch):
            batch = np.ascontiguousarray(examples[rows[start : start + size_of_batch]])
            found[start : start + len(batch)] = _of_batch(cache, run, batch, size)
            cache.commit()
            if on_progress:
                on_progress(min(start + size_of_batch, len(rows)), len(rows))
    return found


def _in_parts(
    network: keras.Model, strategy: tf.distribute.Strategy
) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
    """The network as a function of arrays, and the number of devices or cores that compute it."""
    run = tf.function(  # what the cache lacks of a batch has any number of rows
        lambda x: network(to_unit(x), training=False), autograph=False, reduce_retracing=True
    )
    devices = share_of(strategy).count
    if devices == 1 and has_accelerator():
        return lambda batch: run(tf.constant(batch)).numpy(), 1
    if devices == 1:
        return _on_cores(run)

    @tf.function(autograph=False)
    def run_parts(parts: Any) -> Any:
        return strategy.experimental_local_results(strategy.run(run, args=(parts,)))

    def on_all(batch: np.ndarray) -> np.ndarray:
        filled = np.concatenate([batch, np.repeat(batch[-1:], -len(batch) % devices, 0)])
        each = iter(np.split(filled, devices))
        parts = strategy.experimental_distribute_values_from_function(
            lambda _: tf.constant(next(each))
        )
        return np.concatenate([part.numpy() for part in run_parts(parts)])[: len(batch)]

    return on_all, devices


def _on_cores(run: Any) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
    """Small parts, as many at once as there are cores.

    An operation alone has one thread (see `configure_runtime`).
    """
    cores = usable_cores()
    pool = ThreadPoolExecutor(cores)

    def on_all(batch: np.ndarray) -> np.ndarray:
        # Traced here, once: Keras keeps what tracing needs to know for each thread.
        spec = tf.TensorSpec((None, *batch.shape[1:]), batch.dtype)
        traced = run.get_concrete_function(spec)
        parts = map(tf.constant, np.array_split(batch, -(-len(batch) // _PART)))
        return np.concatenate([part.numpy() for part in pool.map(traced, parts)])

    return on_all, cores


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with files.writing(path, HINT):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=_WAIT_SECONDS)) as cache:
            cache.execute("create table if not exists features (example text primary key, f blob)")
            yield cache
    except sqlite3.Error as error:
        raise UserError(
            f"the cache of features {path} can't be used: {error}. Remove the file, or name "
            "another folder by TFMETA_CACHE",
            exit_status=1,
        ) from error


def _of_batch(cache: Any, run: Callable[..., Any], batch: Any, size: Any) -> list[Any]:
    keys = [hashlib.sha256(example.tobytes()).hexdigest() for example in batch]
    marks = ",".join("?" * len(keys))
    rows = cache.execute(f"select example, f from features where example in ({marks})", keys)
    known = {key: np.frombuffer(value, np.float32) for key, value in rows}
    known = {key: value for key, value in known.items() if len(value) == size}
    missing = [i for i, key in enumerate(keys) if key not in known]
    if missing:
        new = run(batch[missing]).astype(np.float32)
        known |= {keys[i]: value for i, value in zip(missing, new, strict=True)}
        pairs = [(keys[i], value.tobytes()) for i, value in zip(missing, new, strict=True)]
        cache.executemany("insert or replace into features values (?, ?)", pairs)
    return [known[key] for key in keys]


def digest_of_network(network: keras.Model) -> str:
    """SHA-256 over a network's layers and weights."""
    config = json.dumps(keras.saving.serialize_keras_object(network), sort_keys=True, default=str)
    # Keras numbers the names that a user did not choose, by how many there were before.
    names = dict.fromkeys(layer.name for layer in layers_of(network))
    for number, name in enumerate(names):
        config = config.replace(json.dumps(name), f'"layer {number}"')
    digest = hashlib.sha256(config.encode())
    for weight in network.get_weights():
        digest.update(f"{weight.dtype}{weight.shape}".encode())
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()
