"""Which devices a run uses."""

import contextlib
from typing import Any

import tensorflow as tf

from tfmeta.errors import UserError

NAMES = ("auto", "single", "mirrored", "multiworker", "tpu")


def scope(name: str, meta_batch: int) -> contextlib.AbstractContextManager[Any]:
    """The context in which a learner is made.

    Args:
        name: "single"; "mirrored" for every GPU (or every logical CPU device); "auto" for
            mirrored where there are several GPUs, else single.
        meta_batch: tasks per step, which the devices share evenly.

    Raises:
        UserError: if there is no such strategy yet, or the tasks can't be shared evenly.
    """
    if name not in NAMES:
        raise UserError(f"unknown strategy {name!r}; expected one of: {', '.join(NAMES)}")
    if name in ("multiworker", "tpu"):
        raise UserError(
            f"strategy {name} is not there yet; expected auto, single or mirrored in this version"
        )
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if name == "single" or (name == "auto" and len(devices) == 1):
        return contextlib.nullcontext()
    if name == "auto" and devices[0].device_type == "CPU":
        return contextlib.nullcontext()
    if meta_batch % len(devices):
        raise UserError(
            f"received a meta-batch of {meta_batch} for {len(devices)} devices; expected a multiple"
        )
    return tf.distribute.MirroredStrategy([d.name for d in devices]).scope()
