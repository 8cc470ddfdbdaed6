"""Layers that change with the progress of the run."""

from tfmeta.training.callbacks.run_callback import Logs, RunCallback
from tfmeta.training.layer_schedule import scheduled_layers, tell_progress


class LayerProgress(RunCallback):
    """Tells layers with a method `training_progress` how much of the run is done.

    That is a share from 0 to 1, of the steps or of the minutes, before each window. If there are
    such layers it goes into the logs, so that `tfmeta replay` tells them the same.
    """

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._told = self.state.progress if scheduled_layers(self.model) else None
        tell_progress(self.model, self._told)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self._told is not None:
            logs["progress"] = self._told
