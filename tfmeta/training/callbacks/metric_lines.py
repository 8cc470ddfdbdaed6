"""The lines of metrics.jsonl."""

from tfmeta.training.callbacks.run_callback import Logs, RunCallback


class MetricLines(RunCallback):
    """Writes a line at the end of each window: what the callbacks before have put in the logs.

    All of it is a function of the settings and the step, so that a run that was killed and resumed
    has the same bytes as one that was not. What depends on the clock goes to TensorBoard alone.
    """

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if failure := self.state.failure:
            line = {"step": failure.step, "loss": None, "learning_rate": self.learning_rate}
            told = {name: logs[name] for name in ("progress",) if name in logs}  # for a replay
            self.state.run.metrics.append({**line, **told, "not_finite": failure.what})
        else:
            self.state.run.metrics.append({"step": self.state.step, **logs})
