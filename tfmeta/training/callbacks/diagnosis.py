"""What learning a task does to the learner, for TensorBoard."""

import time

import numpy as np
import tensorflow as tf

from tfmeta.evaluation.adaptation import Adaptation
from tfmeta.training.board.event_writer import EventWriter
from tfmeta.training.board.projector import write_projector
from tfmeta.training.board.samples import write_samples
from tfmeta.training.board.summaries import (
    write_animation,
    write_histogram,
    write_picture,
    write_scalar,
)
from tfmeta.training.callbacks.run_callback import Logs, RunCallback
from tfmeta.training.diagnosis_parts import DiagnosisParts
from tfmeta.training.named_numbers import with_ways
from tfmeta.training.run_state import RunState

_FIRST_SECONDS = 1.0  # that a diagnosis is taken to cost before there was one
_LEAST_SECONDS = 10.0  # of a run that has one at its end whatever it costs
_MOST_LAYERS = 40  # that have a line each


class Diagnosis(RunCallback):
    """Writes how the learner adapts to a few validation episodes, as it is after a validation.

    It is taken after validations, but only as long as all of them together take no more than the
    share of the training time that the settings allow. A run of ten seconds or more has one at its
    end.

    Args:
        state: of the run.
        parts: what it is made of.
        events: of the run.
    """

    def __init__(self, state: RunState, parts: DiagnosisParts, events: EventWriter):
        super().__init__(state)
        self._parts, self._events = parts, events
        self._begun = time.monotonic()
        self._spent, self._last = 0.0, _FIRST_SECONDS

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        kind = self.state.plan.learner.target_kind
        if self.state.failure or kind.validation_metric not in logs or not self._is_due:
            return
        begun = time.monotonic()
        self._take()
        self._last = time.monotonic() - begun
        self._spent += self._last

    @property
    def _is_due(self) -> bool:
        share, passed = self.state.plan.settings.diagnosis_share, time.monotonic() - self._begun
        if share in (0, 1):
            return bool(share)
        is_last = self.state.is_complete and not self._spent and passed > _LEAST_SECONDS
        return is_last or self._spent + self._last <= share * passed

    def _take(self) -> None:
        parts = self._parts
        compared = self.state.plan.source.target_kind.are_right_answers  # answers with targets
        adaptation = parts.probe.take()
        with self._events.at(self.state.step):
            self._write_curves(adaptation)
            _write_layers("inner_update", {k: v.mean() for k, v in adaptation.updates.items()})
            _write_layers("gradient_norm", parts.gradient_norms())
            for number, drawing in enumerate(parts.drawings()):
                write_picture(f"episodes/{number}", drawing.still)
                write_animation(f"videos/{number}", drawing.moving)
            if compared:
                write_samples(adaptation, parts.shown)
        if compared:
            self._write_projector(adaptation)

    def _write_projector(self, adaptation: Adaptation) -> None:
        parts = self._parts
        x = np.concatenate([task.query_x for task in adaptation.tasks])
        vectors = parts.embed(tf.constant(x)).numpy()
        write_projector(self._events.folder, vectors, *parts.projected(adaptation))

    def _write_curves(self, adaptation: Adaptation) -> None:
        """The means over the tasks after each inner step, and how the last scores spread."""
        plan = self.state.plan
        for name, values in adaptation.curves.items():
            tag = with_ways(name, plan.task_shape, plan)
            for step, value in zip(adaptation.steps, values.mean(0), strict=True):
                after = f"after_{step}" if len(adaptation.steps) > 1 else "adapted"
                write_scalar(f"{tag}/{after}", value)
        score = f"query_{plan.source.target_kind.metric}"
        tag = with_ways(score, plan.task_shape, plan)
        write_histogram(f"{tag}_of_tasks", adaptation.curves[score][:, -1])


def _write_layers(name: str, values: dict[str, float]) -> None:
    for layer, value in values.items() if len(values) <= _MOST_LAYERS else ():
        write_scalar(f"{name}/{layer}", value)
    if values:
        write_histogram(f"{name}s_of_layers", np.array([*values.values()]))
