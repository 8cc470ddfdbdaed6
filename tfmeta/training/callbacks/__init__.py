"""What happens while a run trains: Keras callbacks of one job each, and the list of them."""

from collections.abc import Callable, Sequence

import keras

from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.training.board.event_writer import EventWriter
from tfmeta.training.callbacks.best_keeping import BestKeeping, BestReport
from tfmeta.training.callbacks.checkpoint_saving import CheckpointSaving
from tfmeta.training.callbacks.diagnosis import Diagnosis
from tfmeta.training.callbacks.finite_steps import FiniteSteps
from tfmeta.training.callbacks.layer_progress import LayerProgress
from tfmeta.training.callbacks.learning_rate import LearningRate
from tfmeta.training.callbacks.metric_lines import MetricLines
from tfmeta.training.callbacks.preparing import Preparing
from tfmeta.training.callbacks.profiling import Profiling
from tfmeta.training.callbacks.progress_reports import ProgressReports
from tfmeta.training.callbacks.run_callback import RunCallback
from tfmeta.training.callbacks.run_facts import RunFacts
from tfmeta.training.callbacks.step_count import StepCount
from tfmeta.training.callbacks.stopping import Stopping
from tfmeta.training.callbacks.tensorboard_events import TensorBoardEvents
from tfmeta.training.callbacks.timing import Timing
from tfmeta.training.callbacks.user_callbacks import UserCallbacks
from tfmeta.training.callbacks.validation import Validation
from tfmeta.training.diagnosis_parts import DiagnosisParts
from tfmeta.training.loop import TrainingLoop
from tfmeta.training.progress import Progress
from tfmeta.training.run_state import RunState


def callbacks_of(
    state: RunState,
    learner: MetaLearner,
    *,
    loop: TrainingLoop,
    progress: Progress,
    should_stop: Callable[[], bool],
    users: Sequence[keras.callbacks.Callback],
) -> list[RunCallback]:
    """The callbacks of a run, in the order in which Keras calls them.

    Args:
        state: of the run.
        learner: that is trained.
        loop: that trains it.
        progress: is told how the run gets on.
        should_stop: asked before the first window of steps, and after every one.
        users: the user's own callbacks.
    """
    plan, timing = state.plan, Timing(state, loop)
    windows = plan.windows(learner)
    validating: list[RunCallback] = []
    reporting: list[RunCallback] = []
    keeping = None
    if validator := plan.validator(learner):
        keeping = BestKeeping(state, validator)
        validating = [Validation(state, validator, windows), keeping]
        reporting = [BestReport(state, keeping, progress, has_callbacks=bool(users))]
    is_chief = state.workers.is_chief  # of several workers only this one writes
    return [
        StepCount(state),
        timing,
        LearningRate(state),
        LayerProgress(state),
        *validating,
        Preparing(state, keeping, progress),
        *([MetricLines(state), *_for_tensorboard(state, learner, timing)] if is_chief else []),
        ProgressReports(state, timing, progress),
        UserCallbacks(state, users, windows),
        *reporting,
        FiniteSteps(state),
        Stopping(state, should_stop),
        *([CheckpointSaving(state)] if is_chief else []),
    ]


def _for_tensorboard(state: RunState, learner: MetaLearner, timing: Timing) -> list[RunCallback]:
    """What writes for TensorBoard; the last one closes the file that all of them share."""
    settings, events = state.plan.settings, EventWriter(state.run.tensorboard)
    found: list[RunCallback] = [RunFacts(state, events)]
    if settings.profile_steps:
        found.append(Profiling(state, settings.profile_steps))
    if settings.validation_tasks and settings.diagnosis_share:
        found.append(Diagnosis(state, DiagnosisParts(state.plan, learner), events))
    return [*found, TensorBoardEvents(state, timing, events)]
