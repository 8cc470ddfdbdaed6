"""What the callbacks of a run have in common."""

from typing import Any

import keras

from tfmeta.training.run_state import RunState

Logs = Any  # what Keras hands to a callback: a dict of numbers, or None


class RunCallback(keras.callbacks.Callback):
    """One job at the ends of windows; an epoch of Keras is a window of steps here.

    Args:
        state: of the run, which all of its callbacks share.
    """

    def __init__(self, state: RunState):
        super().__init__()
        self.state = state

    @property
    def learning_rate(self) -> float:
        """Of the optimizer, now."""
        return float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))

    def close(self) -> None:
        """Gives back what it holds, such as an open file; called once, however training ends."""
