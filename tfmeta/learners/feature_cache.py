"""Features of examples, each computed once per network and kept on disk."""

import contextlib
import hashlib
import json
import re
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfmeta import files
from tfmeta.errors import UserError
from tfmeta.learners.execution import has_accelerator
from tfmeta.learners.replicas import share_of
from tfmeta.networks.text_encoder import of_less_padding
from tfmeta.reading.images import to_unit
from tfmeta.reading.record_file import cache_folder
from tfmeta.runtime import usable_cores

HINT = "Name another folder by TFMETA_CACHE"
_BATCH = 32  # per device or core, from and to the disk
_PART = 4  # images whose largest layers stay in a core's own memory and are not asked of the system
_WAIT_SECONDS = 60
_MOST_MARKS = 500  # SQLite before 3.32 takes 999 in a query
_COMPARED = 4  # kept features that are computed again
# Rounding, even of bfloat16, makes less; other code of a layer makes more.
_MOST_APART = 0.05


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
    renamed or moved file costs nothing, and a changed one is computed anew. Neither shows the code
    of a layer. So the first few that are found are computed again; if one is another, the features
    are of other code, and all of them are computed anew.

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
        UserError: if the cache can't be written, or a feature is not finite.
    """
    size = network.output_shape[-1]
    rows = np.arange(len(examples)) if rows is None else rows
    found = np.zeros((len(rows), size), np.float32)
    run, parts = _in_parts(network, strategy or tf.distribute.get_strategy())
    size_of_batch = parts * _BATCH
    path = Path(folder or cache_folder()) / "features" / f"{digest_of_network(network)}.sqlite"
    with _opened(path) as cache:
        kept = _KeptFeatures(cache, run, size)
        for start in range(0, len(rows), size_of_batch):
            batch = np.ascontiguousarray(examples[rows[start : start + size_of_batch]])
            found[start : start + len(batch)] = kept.of(batch)
            cache.commit()
            if on_progress:
                on_progress(min(start + size_of_batch, len(rows)), len(rows))
    return found


def _in_parts(
    network: keras.Model, strategy: tf.distribute.Strategy
) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
    """The network as a function of arrays, and the number of devices or cores that compute it."""
    is_on_tpu = isinstance(strategy, tf.distribute.TPUStrategy)
    read = None if is_on_tpu else of_less_padding(network)
    read = read or partial(network, training=False)
    run = tf.function(  # what the cache lacks of a batch has any number of rows
        lambda x: read(to_unit(x)), autograph=False, reduce_retracing=True
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


class _KeptFeatures:
    """What is kept of a network, to which it adds.

    Args:
        cache: where it is kept.
        run: computes the features of examples.
        size: numbers of an example's features.
    """

    def __init__(
        self, cache: sqlite3.Connection, run: Callable[[np.ndarray], np.ndarray], size: int
    ):
        self._cache, self._run, self._size = cache, run, size
        self._is_compared = False

    def of(self, batch: np.ndarray) -> list[np.ndarray]:
        """The features of each example, computed if they are not kept."""
        keys = [_key(example) for example in batch]
        known = self._known(keys)
        if known and not self._is_compared:
            self._is_compared = True
            if self._are_of_other_code(batch, keys, known):
                self._cache.execute("delete from features")
                known = {}
        missing = [i for i, key in enumerate(keys) if key not in known]
        if missing:
            known |= self._added([keys[i] for i in missing], batch[missing])
        return [known[key] for key in keys]

    def _added(self, keys: list[str], examples: np.ndarray) -> dict[str, np.ndarray]:
        """Computes the features of examples, and keeps them by their keys."""
        new = dict(zip(keys, self._computed(examples), strict=True))
        pairs = [(key, _packed(value)) for key, value in new.items()]
        self._cache.executemany("insert or replace into features values (?, ?)", pairs)
        return new

    def _known(self, keys: list[str]) -> dict[str, np.ndarray]:
        """The features that are kept whole, by their keys."""
        known: dict[str, np.ndarray | None] = {}
        for start in range(0, len(keys), _MOST_MARKS):
            some = keys[start : start + _MOST_MARKS]
            marks = ",".join("?" * len(some))
            rows = self._cache.execute(
                f"select example, f from features where example in ({marks})", some
            )
            known |= {key: _unpacked(value, self._size) for key, value in rows}
        return {key: value for key, value in known.items() if value is not None}

    def _are_of_other_code(
        self, batch: np.ndarray, keys: list[str], known: dict[str, np.ndarray]
    ) -> bool:
        """Whether the first few that are kept are not what the network makes."""
        rows = [i for i, key in enumerate(keys) if key in known][:_COMPARED]
        kept, new = np.stack([known[keys[i]] for i in rows]), self._computed(batch[rows])
        apart, scale = (np.linalg.norm(each, axis=-1) for each in (kept - new, new))
        return bool(np.any(apart > _MOST_APART * scale))

    def _computed(self, examples: np.ndarray) -> np.ndarray:
        features = self._run(examples).astype(np.float32)
        bad = np.flatnonzero(~np.isfinite(features).all(1))
        if len(bad):
            raise UserError(
                f"received a network whose features of {len(bad)} of {len(features)} examples are "
                "not all finite; expected numbers. Its weights may be damaged, or it may divide by "
                "what is zero for these examples"
            )
        return features


def _key(example: np.ndarray) -> str:
    """SHA-256 over an example; its shape tells images of one size from those of another."""
    digest = hashlib.sha256(f"{example.dtype}{example.shape}".encode())
    digest.update(example.tobytes())
    return digest.hexdigest()


def _packed(features: np.ndarray) -> bytes:
    content = features.tobytes()
    return content + zlib.crc32(content).to_bytes(4, "little")


def _unpacked(value: Any, size: int) -> np.ndarray | None:
    """What was packed; None if it is damaged, which SQLite does not notice, or is not finite."""
    if not isinstance(value, bytes) or len(value) != 4 * size + 4:
        return None
    features = np.frombuffer(value, np.float32, size)
    return features if _packed(features) == value and np.isfinite(features).all() else None


def digest_of_network(network: keras.Model) -> str:
    """SHA-256 over a network's layers and weights."""
    entries = keras.saving.serialize_keras_object(network)
    config = json.dumps(entries, sort_keys=True, default=str)
    for number, name in enumerate(dict.fromkeys(_automatic_names(entries))):
        config = config.replace(json.dumps(name), f'"layer {number}"')
    digest = hashlib.sha256(config.encode())
    for weight in network.get_weights():
        digest.update(f"{weight.dtype}{weight.shape}".encode())
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()


def _automatic_names(entry: Any) -> Iterator[str]:
    """Names that Keras made of a class and a number: how many there were before.

    A user's own name stays: it may be a word that means something elsewhere, such as "relu".
    """
    if isinstance(entry, dict):
        class_name, config = entry.get("class_name"), entry.get("config")
        name = config.get("name") if isinstance(config, dict) else None
        if isinstance(class_name, str) and isinstance(name, str):
            plain = re.sub(r"(_\d+)?$", "", name, count=1).replace("_", "")
            if plain == re.sub(r"\W|_", "", class_name).lower():
                yield name
    for each in entry.values() if isinstance(entry, dict) else entry:
        if isinstance(each, dict | list | tuple):
            yield from _automatic_names(each)
