"""The file that `tfmeta optima` writes: tasks, the weights that solve them, their provenance."""

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta import files, strict_json
from tfmeta.episodes.episode import Episode
from tfmeta.errors import UserError, described
from tfmeta.named_code import from_file
from tfmeta.user_files import AnyPath, check_expansion, check_file

_EXAMPLES = Episode._fields
_WEIGHT = "weight/"  # before the name of a weight; the tensors of an episode have no such prefix
_FLOAT = 4  # bytes
_BATCH = 256  # records to read at once
_FACTS = {  # that a provenance needs
    "num_tasks": int,
    "shapes": dict,
    "pipeline": str,
    "pipeline_options": dict,
    "data_dir": str | None,
    "target_scale": dict,
}
_PROVENANCE = "provenance"  # the one feature of the first record


@dataclass(frozen=True)
class Optima:
    """Solved tasks, in memory.

    Attributes:
        provenance: how the tasks were solved, as JSON can hold it. Its `shapes` are those of each
            tensor of one task, by the tensor's name in the file.
        episodes: an Episode of arrays `(tasks, ...)`.
        weights: `{name: (tasks, ...)}`, the weights that solve each task.
    """

    provenance: dict[str, Any]
    episodes: Episode
    weights: dict[str, Any]


def write(path: AnyPath, optima: Optima) -> None:
    """Writes a TFRecord file, whole or not at all: the provenance, then one record per task.

    Raises:
        UserError: if there is something at `path` already, another process writes it, or it can't
            be written.
    """
    with files.locked(path):
        write_locked(path, optima)


def write_locked(path: AnyPath, optima: Optima) -> None:
    """Like `write`, for a caller that already has the lock of `path`."""
    files.check_free(path)
    tensors = _named(optima)
    shapes = {name: list(values.shape[1:]) for name, values in tensors.items()}
    provenance = {**optima.provenance, "shapes": shapes}
    with files.whole(path) as partial, tf.io.TFRecordWriter(str(partial)) as writer:
        writer.write(_record({_PROVENANCE: json.dumps(provenance).encode()}))
        for row in zip(*tensors.values(), strict=True):
            writer.write(_record(dict(zip(tensors, row, strict=True))))


def read_provenance(path: AnyPath) -> dict[str, Any]:
    """How the file was made, without the tasks.

    Raises:
        UserError: if it is missing, damaged, or no file of `tfmeta optima`.
    """
    if not isinstance(path, str | os.PathLike) or not Path(path).exists():
        raise UserError(
            f"received pipeline.file={path}, and there is no such file; expected one that "
            "`tfmeta optima RUN_DIR --output FILE` made. (To evaluate without it, name the "
            "pipeline that it was made from: tfmeta evaluate RUN_DIR --pipeline NAME)"
        )
    check_file(path)
    try:
        first = next(iter(tf.data.TFRecordDataset(str(path)).take(1))).numpy()
        features = tf.train.Example.FromString(first).features.feature
        provenance = strict_json.loads(features[_PROVENANCE].bytes_list.value[0])
        _check(provenance)
    except (
        *(StopIteration, IndexError, ValueError, TypeError, KeyError, AttributeError),
        *(tf.errors.OpError, _decode_error()),
    ) as e:
        raise _damaged(path, f"its first record is no provenance ({described(e)})") from e
    return from_file(provenance, path)


def read(path: AnyPath) -> Optima:
    """Reads the file, and checks it against its own provenance.

    Raises:
        UserError: as `read_provenance`, or if tasks are missing, damaged, or not finite.
    """
    provenance = read_provenance(path)
    shapes, expected = provenance["shapes"], provenance["num_tasks"]
    size = _FLOAT * sum(math.prod(shape) for shape in shapes.values())
    check_expansion(path, size * max(expected, _BATCH), os.path.getsize(path))
    # Flat, so that a list whose length does not fit the shape fails here, with its name.
    layout = {
        name: tf.io.FixedLenFeature([math.prod(shape)], tf.float32)
        for name, shape in shapes.items()
    }
    dataset = tf.data.TFRecordDataset(str(path)).skip(1).batch(_BATCH)
    parts: dict[str, list[np.ndarray]] = {name: [] for name in shapes}
    try:
        for batch in dataset.map(lambda records: tf.io.parse_example(records, layout)):
            for name, values in batch.items():
                parts[name].append(values.numpy())
    except (tf.errors.OpError, UnicodeDecodeError) as error:  # its message quotes the record
        raise _damaged(path, f"a record can't be read ({type(error).__name__})") from error
    found = sum(len(rows) for rows in parts["support_x"])
    if found != expected:
        raise _damaged(path, f"it holds {found} tasks; its provenance says {expected}")
    tensors = {
        name: np.concatenate(rows).reshape(-1, *shapes[name]) for name, rows in parts.items()
    }
    infinite = [name for name, values in tensors.items() if not np.isfinite(values).all()]
    if infinite:
        raise _damaged(path, f"{infinite[0]} holds values that are not finite")
    weights = {
        name.removeprefix(_WEIGHT): values
        for name, values in tensors.items()
        if name.startswith(_WEIGHT)
    }
    return Optima(provenance, Episode(*(tensors[name] for name in _EXAMPLES)), weights)


def _check(provenance: dict[str, Any]) -> None:
    """Raises TypeError, KeyError or ValueError if a provenance lacks something that is read."""
    facts = {"target_scale": {}, **provenance}  # older files have no scale
    for name, kind in _FACTS.items():
        if not isinstance(facts[name], kind):
            raise TypeError(f"{name} is {facts[name]!r:.40}")
    if not set(_EXAMPLES) <= set(provenance["shapes"]):
        raise ValueError("it has no examples")
    for shape in provenance["shapes"].values():
        if not all(type(size) is int and size >= 0 for size in shape):
            raise ValueError(f"it has a shape {shape!r:.40}")


def weight_shapes(provenance: dict[str, Any]) -> dict[str, Any]:
    """`{name: shape}` of the weights in the file."""
    return {
        name.removeprefix(_WEIGHT): tuple(shape)
        for name, shape in provenance["shapes"].items()
        if name.startswith(_WEIGHT)
    }


def check_network(provenance: dict[str, Any], function: Any) -> None:
    """Compares a network with the one whose weights a file holds.

    Args:
        provenance: of the file.
        function: a NetworkFunction.

    Raises:
        UserError: if a weight has another name or shape; the message has both networks' weights.
    """
    expected = weight_shapes(provenance)
    shapes = [tuple(w.shape) for w in function.weights()]
    received = dict(zip(function.weight_names, shapes, strict=True))
    if received != expected:
        raise UserError(
            f"the network's weights are {_listed(received)}; those of the optima are "
            f"{_listed(expected)}. Train with the network of the run that the file was made from: "
            "the same --set network=... and --set network.NAME=..."
        )


def _named(optima: Optima) -> dict[str, Any]:
    weights = {_WEIGHT + name: values for name, values in optima.weights.items()}
    return {**dict(zip(_EXAMPLES, optima.episodes, strict=True)), **weights}


def _record(values: Any) -> tf.Tensor:
    features = {
        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        if isinstance(value, bytes)
        else tf.train.Feature(float_list=tf.train.FloatList(value=value.ravel()))
        for name, value in values.items()
    }
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def _decode_error() -> Any:
    from google.protobuf.message import DecodeError

    return DecodeError


def _damaged(path: AnyPath, reason: str) -> UserError:
    return UserError(
        f"{path} is damaged or no file of tfmeta optima: {reason}. Make it again: "
        "tfmeta optima RUN_DIR --output FILE",
        exit_status=1,
    )


def _listed(shapes: Any) -> str:
    return ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in shapes.items())
