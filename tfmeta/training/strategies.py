"""Which devices a run uses."""

import contextlib
import functools
from typing import Any

import tensorflow as tf

from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.errors import UserError, described
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.training import workers
from tfmeta.training.cluster import cluster_for

NAMES = ("auto", "single", "mirrored", "multiworker", "tpu")
NAMES_HERE = NAMES[:3]


def scope(
    name: str,
    meta_batch: int,
    *,
    tpu: str | None = None,
    zone: str | None = None,
    project: str | None = None,
) -> contextlib.AbstractContextManager[Any]:
    """The context in which a learner is made.

    Args:
        name: "single"; "mirrored" for every GPU (or every logical CPU device) of this machine;
            "multiworker" for those of every worker that TF_CONFIG names; "tpu" for the cores of a
            TPU; "auto" for multiworker if TF_CONFIG names several workers, else for mirrored where
            there are several GPUs, else single.
        meta_batch: tasks per step, which the devices share evenly.
        tpu, zone, project: of a TPU; see `Settings`.

    Raises:
        UserError: if there is no such strategy, the tasks can't be shared evenly, or the other
            workers or the TPU can't be reached.
    """
    if name not in NAMES:
        raise UserError(f"unknown strategy {name!r}; expected one of: {', '.join(NAMES)}")
    devices = _local_devices(name)
    _check_shares(meta_batch, len(devices) or 1)
    strategy = _strategy(name, devices, (tpu, zone, project))
    if strategy is None:
        return contextlib.nullcontext()
    _check_shares(meta_batch, strategy.num_replicas_in_sync)
    return strategy.scope()


def scope_of_this_machine(name: str) -> contextlib.AbstractContextManager[Any]:
    """The context in which a learner is loaded whose tasks this machine's devices share.

    Args:
        name: "single", "mirrored", or "auto" for mirrored where there are several GPUs.

    Raises:
        UserError: if it is none of them.
    """
    if name not in NAMES_HERE:
        raise UserError(
            f"received --strategy {name}; expected one of: {', '.join(NAMES_HERE)}. Workers and "
            "TPUs are for training"
        )
    strategy = _shared_by(_local_devices(name))
    return contextlib.nullcontext() if strategy is None else strategy.scope()


def _check_shares(meta_batch: int, replicas: int) -> None:
    if meta_batch % replicas:
        raise UserError(
            f"received a meta-batch of {meta_batch} for {replicas} devices; expected a multiple: "
            f"--meta-batch {-(-meta_batch // replicas) * replicas}"
        )


def check_learner(name: str, learner: MetaLearner, shape: EpisodeShape) -> None:
    """Raises UserError if a strategy can't train a learner, or not as one device would.

    Args:
        name: of the strategy.
        learner: that is to be trained, made in its scope.
        shape: of the training episodes.
    """
    if name == "tpu" and shape.varies:
        raise UserError(
            "received episodes of several sizes and strategy 'tpu', which compiles a step for one "
            "size; expected one number each for ways, shots and queries, or another strategy"
        )
    if name == "tpu" and learner.draws:
        raise UserError(
            "received a network with layers that draw random numbers and strategy 'tpu', which "
            "compiles them; XLA draws others for the same seed. Expected a network without them, "
            "or another strategy"
        )
    check_shared_out(learner, shape)


def check_shared_out(learner: MetaLearner, shape: EpisodeShape) -> None:
    """Raises UserError if a task's numbers would depend on the replica that it goes to."""
    replicas = learner.distribute_strategy.num_replicas_in_sync
    if replicas > 1 and shape.ways.varies and learner.sees_absent_classes:
        raise UserError(
            f"received {shape.ways} ways for {replicas} devices; {learner.method_name} learns a "
            "task otherwise beside tasks of more classes, so its numbers would depend on the "
            "devices. Expected one number of ways, or --strategy single"
        )


def _local_devices(name: str) -> list[Any]:
    """Those of this machine that share a step by themselves; none if there are not several."""
    if name in ("single", "tpu") or cluster_for(name) is not None:
        return []
    found = tf.config.list_logical_devices("GPU")
    if not found and name != "auto":
        found = tf.config.list_logical_devices("CPU")
    return found if len(found) > 1 else []


def _strategy(name: str, devices: list[Any], of_tpu: tuple[str | None, ...]) -> Any:
    """TensorFlow's; None for one device."""
    if name == "tpu":
        return _tpu(*of_tpu)
    if cluster_for(name) is not None:
        return workers.start(name, {}, say=lambda line: None).strategy
    return _shared_by(devices)


def _shared_by(devices: list[Any]) -> tf.distribute.Strategy | None:
    return _mirrored(tuple(device.name for device in devices)) if devices else None


@functools.cache  # a second one for the same devices would disturb the first
def _mirrored(devices: tuple[str, ...]) -> tf.distribute.Strategy:
    return tf.distribute.MirroredStrategy(devices)


@functools.cache  # starting it again would end what runs on it
def _tpu(name: str | None, zone: str | None, project: str | None) -> tf.distribute.Strategy:
    try:
        # On a machine with chips of its own the name is "local".
        options = {"zone": zone, "project": project}
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(name or "local", **options)
        if name not in (None, "local"):
            tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver)
    except Exception as error:  # Google's client raises errors of many kinds
        reason = described(error).partition(". ")[0]
        raise UserError(
            f"there is no TPU {name or 'on this machine'} to train on ({reason}); "
            "expected a TPU VM with TensorFlow's TPU build (tensorflow-tpu), or --tpu NAME and "
            "--set tpu_zone=ZONE tpu_project=PROJECT. Elsewhere choose --strategy auto",
            exit_status=1,
        ) from error
