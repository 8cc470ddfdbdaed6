"""Trains a run to its end, from its beginning or from where it stopped, with the same result."""

from dataclasses import dataclass

from tfmeta.episodes.augmentation import build_augmentation
from tfmeta.errors import NotFiniteError, UserError
from tfmeta.evaluation.evaluator import Evaluator
from tfmeta.learners import find
from tfmeta.training import strategies
from tfmeta.training.building import (
    build_learner,
    compile_learner,
    data_refusals,
    episode_shape,
    log_every,
    open_source,
    resolve,
    training_shape,
)
from tfmeta.training.recorder import Recorder
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.settings import Settings


@dataclass(frozen=True)
class Outcome:
    """How training ended.

    Attributes:
        run: the run directory.
        step: the outer-loop steps that the run has now.
        finished: False if it was interrupted.
        tasks_per_second: through `fit`, data included, without the first window's compilation.
    """

    run: RunDirectory
    step: int
    finished: bool
    tasks_per_second: float


class Trainer:
    """One run.

    Args:
        run: an open run directory.
        settings: resolved ones.
        source: of the episodes.
        learner: compiled; with its optimizer's state if the run goes on.
        step: outer-loop steps that it has behind it.
        lock: of the run; released when training has ended.
        augmentation: of the training episodes, if there is one.
    """

    def __init__(self, run, settings, source, learner, step=0, *, lock, augmentation=None):
        self._run, self._settings, self._lock = run, settings, lock
        self._source, self._learner, self._step = source, learner, step
        self._augmentation = augmentation

    @classmethod
    def start(cls, settings: Settings, run_dir) -> "Trainer":
        """A new run; nothing is written before all that can be checked has been.

        Raises:
            UserError: if a setting makes no sense, the data is missing or doesn't fit, or
                `run_dir` exists.
        """
        source = open_source(settings)
        settings = resolve(settings, source)
        _check_data(settings, source)
        augmentation = augmentation_of(settings, source)
        with strategies.scope(settings.strategy, settings.meta_batch):
            learner = build_learner(settings, source)
        facts, splits = source.facts.to_dict(), source.recorded_splits()
        run = RunDirectory.create(run_dir, settings, facts, splits)
        return cls(run, settings, source, learner, lock=run.locked(), augmentation=augmentation)

    @classmethod
    def resume(cls, run_dir, changes: dict) -> "Trainer":
        """A run that goes on, exactly.

        Raises:
            UserError: if there is no such run, another process trains it, its checkpoint or its
                metrics are damaged, or `changes` hold a setting that can't change.
        """
        run = RunDirectory.open(run_dir)
        lock = run.locked()
        try:
            return cls._resume(run, changes, lock)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def _resume(cls, run, changes, lock):
        settings = run.settings.resumed_with(changes)
        source = open_source(settings)
        run.check_splits(source.recorded_splits())
        _check_data(settings, source)
        augmentation = augmentation_of(settings, source)
        with strategies.scope(settings.strategy, settings.meta_batch):
            find(settings.algorithm).load()  # by the user's word, where the command repeats it
            learner, step = run.load_checkpoint() or (build_learner(settings, source), 0)
            source.check_learner(learner)
            if step:
                keep_optimizer(learner, settings, source)
        metrics = run.metrics.until(step)
        # From here on the run changes; all that may be wrong with it was looked for before.
        run.remove_leftovers()
        if settings != run.settings:
            run.write_settings(settings)
        run.metrics.cut_to(metrics)
        return cls(run, settings, source, learner, step, lock=lock, augmentation=augmentation)

    def train(self, reporter, *, should_stop=lambda: False) -> Outcome:
        """Trains until the last step, the end of the time, or `should_stop`.

        Args:
            reporter: shows progress; see `tfmeta.commands.reporting`.
            should_stop: asked after every window of steps.

        Raises:
            NotFiniteError: at the first step whose loss, gradient or update is not finite; the run
                then keeps the weights from before it.
            UserError: if the run can't be written, on a full disk for one; it then stays as it was
                at its last checkpoint.
        """
        with self._lock:
            recorder = self._recorder(reporter, should_stop)
            try:
                self._fit(recorder, reporter)
            finally:
                recorder.close()
        if recorder.failure:
            raise self._in_words(recorder.failure)
        return Outcome(
            self._run, recorder.step, not recorder.interrupted, recorder.tasks_per_second
        )

    def _recorder(self, reporter, should_stop):
        return Recorder(
            self._run,
            self._settings,
            reporter,
            window=log_every(self._settings, self._learner),
            step=self._step,
            should_stop=should_stop,
            validator=self._validator(),
        )

    def _fit(self, recorder, reporter):
        settings, window = self._settings, log_every(self._settings, self._learner)
        shape = training_shape(settings)
        validation = {"validation": episode_shape(settings)} if settings.validation_tasks else {}
        for line in self._source.left_out({"train": shape, **validation}):
            reporter.say(line)
        while not recorder.stopped and (settings.steps is None or recorder.step < settings.steps):
            left = None if settings.steps is None else settings.steps - recorder.step
            steps = window if left is None else min(window, left)
            dataset = training_episodes(
                self._source, settings, first_step=recorder.step, augmentation=self._augmentation
            )
            if left is not None:
                # Whole windows first; a last, shorter one has a dataset of its own length, because
                # several steps an execution stop early only where the data ends.
                left -= left % steps
                dataset = dataset.take(left)
            self._learner.fit(
                dataset,
                epochs=left // steps if left is not None else 10**9,
                steps_per_epoch=steps,
                callbacks=[recorder],
                shuffle=False,
                verbose=0,
            )

    def _in_words(self, failure):
        """What a user is told of a step that was not finite."""
        step, tasks = failure.step, self._settings.meta_batch
        kept = f"the weights after step {step - 1} are kept" if step > 1 else "no weights are kept"
        return NotFiniteError(
            step,
            failure.what,
            f"{failure.reason} (episodes {(step - 1) * tasks} to {step * tasks - 1} of the train "
            f"split); {kept}. See what happened: tfmeta replay {self._run.path} --step {step}",
        )

    def _validator(self):
        settings = self._settings
        if not settings.validation_tasks:
            return None
        return Evaluator(
            self._learner,
            self._source,
            episode_shape(settings),
            split="validation",
            num_tasks=settings.validation_tasks,
        )


def training_episodes(source, settings: Settings, *, first_step=0, augmentation=None):
    """The batches of a run's steps after the first `first_step`, as a dataset."""
    return source.episodes(
        "train",
        training_shape(settings),
        seed=settings.seed,
        num_tasks=settings.meta_batch,
        first=first_step * settings.meta_batch,
        augmentation=augmentation,
    )


def dry_run_step(settings: Settings):
    """Builds everything and takes one step; returns `(learner, source)`.

    Raises:
        UserError: as `Trainer.start`.
    """
    source = open_source(settings)
    settings = resolve(settings, source)
    _check_data(settings, source)
    augmentation = augmentation_of(settings, source)
    learner = build_learner(settings, source)
    dataset = training_episodes(source, settings, augmentation=augmentation)
    learner.fit(dataset.take(1), steps_per_epoch=1, shuffle=False, verbose=0)
    return learner, source


def augmentation_of(settings: Settings, source):
    """The settings' augmentation of training episodes, or None."""
    if not settings.augment:
        return None
    return build_augmentation(settings.augment, source, seed=settings.seed)


def _check_data(settings, source):
    refusals = data_refusals(settings, source)
    if refusals:
        raise UserError(refusals[0])


def keep_optimizer(learner, settings, source):
    """Compiles for this run's calls and puts the loaded optimizer's state back, bit for bit."""
    state = [variable.numpy() for variable in learner.optimizer.variables]
    compile_learner(learner, settings, is_regression=source.is_regression)
    for variable, value in zip(learner.optimizer.variables, state, strict=True):
        variable.assign(value)
