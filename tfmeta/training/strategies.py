"""Which devices a run uses."""

import contextlib
import functools
from typing import Any

import tensorflow as tf

from tfmeta.errors import UserError
from tfmeta.training import workers
from tfmeta.training.cluster import cluster_for

NAMES = ("auto", "single", "mirrored", "multiworker", "tpu")


def scope(name: str, meta_batch: int) -> contextlib.AbstractContextManager[Any]:
    """The context in which a learner is made.

    Args:
        name: "single"; "mirrored" for every GPU (or every logical CPU device) of this machine;
            "multiworker" for those of every worker that TF_CONFIG names; "auto" for multiworker if
            TF_CONFIG names several, else for mirrored where there are several GPUs, else single.
        meta_batch: tasks per step, which the devices share evenly.

    Raises:
        UserError: if there is no such strategy yet, the tasks can't be shared evenly, or the other
            workers can't be reached.
    """
    if name not in NAMES:
        raise UserError(f"unknown strategy {name!r}; expected one of: {', '.join(NAMES)}")
    if name == "tpu":
        raise UserError(
            f"strategy {name} is not there yet; expected auto, single, mirrored or multiworker in "
            "this version"
        )
    if cluster_for(name) is not None:
        found = workers.start(name, {}, say=lambda line: None)
        replicas = found.strategy.num_replicas_in_sync
        _check_shares(meta_batch, replicas, f"devices of {found.number} workers")
        return found.strategy.scope()
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if name == "single" or (name == "auto" and len(devices) == 1):
        return contextlib.nullcontext()
    if name == "auto" and devices[0].device_type == "CPU":
        return contextlib.nullcontext()
    _check_shares(meta_batch, len(devices), "devices")
    if len(devices) == 1:
        return contextlib.nullcontext()
    return _mirrored(tuple(device.name for device in devices)).scope()


def _check_shares(meta_batch: int, replicas: int, of: str) -> None:
    if meta_batch % replicas:
        raise UserError(
            f"received a meta-batch of {meta_batch} for {replicas} {of}; expected a multiple: "
            f"--meta-batch {-(-meta_batch // replicas) * replicas}"
        )


@functools.cache  # a second one for the same devices would disturb the first
def _mirrored(devices: tuple[str, ...]) -> tf.distribute.Strategy:
    return tf.distribute.MirroredStrategy(devices)
