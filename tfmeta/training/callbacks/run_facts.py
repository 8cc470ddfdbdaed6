"""What a run is, for TensorBoard: its settings, and which of its numbers stand in one chart."""

import time

from tfmeta.episodes.target_kind import KINDS
from tfmeta.training.board import hparams
from tfmeta.training.board.custom_charts import write_charts
from tfmeta.training.board.event_writer import EventWriter
from tfmeta.training.board.markdown_tables import table
from tfmeta.training.board.summaries import write_scalar, write_text
from tfmeta.training.callbacks.run_callback import Logs, RunCallback
from tfmeta.training.named_numbers import with_ways
from tfmeta.training.run_state import RunState

_METRICS = "|".join(kind.metric for kind in KINDS.values())
# By the beginnings of the tags that Diagnosis and TensorBoardEvents write.
_CHARTS = {
    "query loss after so many inner steps": [r"query_loss.*"],
    "query accuracy, error or return after so many inner steps": [rf"query_({_METRICS}).*"],
    "loss: support against query": [r"(support|query)_loss.*"],
    "accuracy, error or return: support against query": [rf"(support|query)_({_METRICS}).*"],
    "size of the inner update, by layer": [r"inner_update/.*"],
    "length of the meta-gradient, by layer": [r"gradient_norm/.*"],
    "milliseconds per step, and waiting for data": [r"time/.*"],
}


class RunFacts(RunCallback):
    """Writes a run's settings under its own name, and with what it ended.

    Args:
        state: of the run.
        events: of the run.
    """

    def __init__(self, state: RunState, events: EventWriter):
        super().__init__(state)
        self._events = events
        self._is_begun = False

    def on_train_begin(self, logs: Logs = None) -> None:
        if self._is_begun:  # `fit` is called for each length of windows
            return
        self._is_begun = True
        settings = self.state.plan.settings.to_flat()
        name = self.state.run.path.resolve().name
        with self._events.at(self.state.step):
            hparams.write_start(name, settings, time.time())
            write_charts("how tasks are learned", _CHARTS)
            rows = [(key, "" if value is None else value) for key, value in settings.items()]
            write_text("run/settings", f"**{name}**\n\n{table(('setting', 'value'), rows)}")

    def on_train_end(self, logs: Logs = None) -> None:
        state, plan = self.state, self.state.plan
        if state.is_over:
            with self._events.at(state.step):
                if best := state.run.best:
                    name = with_ways(plan.source.target_kind.metric, plan.task_shape, plan)
                    write_scalar(f"final/best_validation_{name}", best[1])
                hparams.write_end(is_finished=state.is_finished, seconds=time.time())
