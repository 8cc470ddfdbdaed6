"""The settings of a run for TensorBoard's HParams tab, with which it compares runs.

TensorBoard finds a run's settings and its end in two messages, `SessionStartInfo` and
`SessionEndInfo` of tensorboard/plugins/hparams/{plugin_data,api}.proto. Without an `Experiment`
message it puts together the columns of all runs by itself, so that runs of several algorithms stand
in one table; the numbers beside them are the last of each scalar.
"""

from typing import Any

import tensorflow as tf

from tfmeta.training.board import wire
from tfmeta.training.board.summaries import write_for_plugin

_PLUGIN = "hparams"
_START, _END = "_hparams_/session_start_info", "_hparams_/session_end_info"
# Settings on which no result depends. HParams shows five columns: those that differ, then others.
_NOT_SHOWN = {
    *("checkpoint_seconds", "data_dir", "diagnosis_share", "learner.vectorised", "log_every"),
    *("profile_steps", "strategy", "tpu", "tpu_project", "tpu_zone"),
}
_SUCCESS, _FAILURE = 1, 2  # of the enum Status


def write_start(name: str, settings: dict[str, Any], seconds: float) -> None:
    """The settings of a run.

    Args:
        name: of the run.
        settings: flat ones, as config.json has them; those that are None are left out, and those
            that say where and how a run is computed.
        seconds: of the start, since 1970.
    """
    fields = [
        wire.message(1, wire.text(1, key) + wire.message(2, _value(value)))
        for key, value in settings.items()
        if value is not None and key not in _NOT_SHOWN
    ]
    start = b"".join(fields) + wire.text(4, name) + wire.real(5, seconds)
    _write(_START, wire.message(3, start))


def write_end(*, is_finished: bool, seconds: float) -> None:
    """That training has ended, since 1970 `seconds`, as planned or not."""
    end = wire.whole(1, _SUCCESS if is_finished else _FAILURE) + wire.real(2, seconds)
    _write(_END, wire.message(4, end))


def _write(tag: str, content: bytes) -> None:
    nothing = tf.zeros(())  # the plugin reads the metadata alone
    write_for_plugin(tag, _PLUGIN, nothing, content)


def _value(value: Any) -> bytes:
    """A `google.protobuf.Value`; lists and the like become texts."""
    if isinstance(value, bool):
        return wire.whole(4, int(value))
    if isinstance(value, int | float):
        return wire.real(2, float(value))
    return wire.text(3, str(value))
