"""The user's own callbacks: they see one training, their stop ends it, and a run goes on."""

import keras
import numpy as np
import pytest
from closeness import assert_close
from small_runs import CLASSES, STILL, VALUES, lines, train
from stops import after
from trained import contents

import tfmeta
from tfmeta.errors import NotFiniteError, UserError
from tfmeta.training.run_directory import RunDirectory


class Witness(keras.callbacks.Callback):
    """Keeps what it is called with."""

    def __init__(self):
        super().__init__()
        self.begun, self.ended, self.epochs, self.logs, self.params_seen = 0, 0, [], [], []

    def on_train_begin(self, logs=None):
        self.begun += 1

    def on_train_end(self, logs=None):
        self.ended += 1

    def on_epoch_begin(self, epoch, logs=None):
        self.params_seen.append(dict(self.params))

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(epoch)
        self.logs.append(logs)


class StopAt(keras.callbacks.Callback):
    """Asks for the end after so many batches."""

    def __init__(self, batches):
        super().__init__()
        self._left = batches

    def on_train_batch_end(self, batch, logs=None):
        self._left -= 1
        if not self._left:
            self.model.stop_training = True


class Rate(keras.callbacks.Callback):
    """Sets the learning rate in one of its hooks."""

    def __init__(self, hook, value=0.5):
        super().__init__()
        setattr(self, hook, lambda *_, **__: self._set(value))

    def _set(self, value):
        self.model.optimizer.learning_rate = value


@pytest.mark.slow
def test_early_stopping_on_validation_ends_a_run_and_finishes_it(tmp_path):
    stop = keras.callbacks.EarlyStopping(monitor="val_accuracy", patience=2)
    run = train(tmp_path / "run", CLASSES, callbacks=[stop], **STILL)
    # The validation of step 4 is the best one, and those of 8 and 12 are no better.
    assert (run.step, run.finished, run.stopped_by) == (12, True, "EarlyStopping")
    assert [line["step"] for line in lines(run)] == [2, 4, 6, 8, 10, 12]
    assert RunDirectory.open(run).step == 12
    before = contents(run.path / "checkpoints")
    again = tfmeta.train(run_dir=run, resume=True)
    assert (again.step, again.finished, again.stopped_by) == (12, True, "EarlyStopping")
    assert contents(run.path / "checkpoints") == before
    longer = tfmeta.train(run_dir=run, resume=True, steps=14)
    assert (longer.step, longer.finished, longer.stopped_by) == (14, True, None)
    assert RunDirectory.open(run).stopped_by is None


@pytest.mark.slow
def test_callbacks_see_one_training_over_several_calls_of_fit(tmp_path):
    witness = Witness()
    stop = keras.callbacks.EarlyStopping(monitor="validation_accuracy", patience=2)
    changes = {"log_every": 4, "validate_every": 6, **STILL}
    run = train(tmp_path / "run", CLASSES, callbacks=[witness, stop], **changes)
    ends = [4, 6, 8, 12, 16, 18]
    assert run.stopped_by == "EarlyStopping"
    assert [line["step"] for line in lines(run)] == ends
    assert (witness.begun, witness.ended) == (1, 1)
    assert witness.epochs == list(range(6))
    # Of 40 steps: ten multiples of 4 and six of 6, of which three are both.
    assert {params["epochs"] for params in witness.params_seen} == {13}
    assert [params["steps"] for params in witness.params_seen] == np.diff([0, *ends]).tolist()
    for line, logs in zip(lines(run), witness.logs, strict=True):
        values = {name: value for name, value in logs.items() if not name.startswith("val_")}
        assert {"step": line["step"], **values} == line
        assert logs.get("val_accuracy") == line.get("validation_accuracy")
    assert [line["step"] for line in lines(run) if "validation_accuracy" in line] == [6, 12, 18]


def test_epochs_are_counted_on_when_a_run_goes_on(tmp_path):
    first, second = Witness(), Witness()
    run = train(tmp_path / "run", VALUES, callbacks=[first], should_stop=after(1))
    assert (run.step, run.finished, first.ended) == (4, False, 1)
    run = tfmeta.train(run_dir=run, resume=True, callbacks=[second])
    assert (run.step, run.finished, run.stopped_by) == (12, True, None)
    assert (first.epochs, second.epochs) == ([0], [1, 2])


@pytest.mark.slow
@pytest.mark.fault(
    "a run whose network has random layers, stopped and resumed", "the same numbers and weights"
)
def test_what_random_layers_draw_goes_on_where_it_stopped(tmp_path):
    changes = {"network": "small_runs:dropping", "network_options": {}, "validation_tasks": 2}
    whole = train(tmp_path / "whole", VALUES, **changes)
    cut = train(tmp_path / "cut", VALUES, should_stop=after(1), **changes)
    assert cut.step == 4
    cut = tfmeta.train(run_dir=cut, resume=True, trust=True)
    assert lines(cut) == lines(whole)
    one, other = (tfmeta.load(run.path, trust=True).get_weights() for run in (cut, whole))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_stop_amid_a_window_is_kept_at_its_step(tmp_path):
    run = train(tmp_path / "run", VALUES, callbacks=[StopAt(6)])
    assert (run.step, run.finished, run.stopped_by) == (6, True, "StopAt")
    assert [line["step"] for line in lines(run)] == [4, 6]
    learner, step = RunDirectory.open(run).load_checkpoint()
    assert step == int(learner.optimizer.iterations.numpy()) == 6
    run = tfmeta.train(run_dir=run, resume=True, steps=12)
    assert [line["step"] for line in lines(run)] == [4, 6, 8, 12]


def test_best_weights_are_put_back_before_the_run_is_saved(tmp_path):
    spoil = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: (
            epoch == 2
            and spoil.model.set_weights([100 * weight for weight in spoil.model.get_weights()])
        )
    )
    best = keras.callbacks.EarlyStopping("loss", restore_best_weights=True, patience=9)
    run = train(tmp_path / "run", VALUES, callbacks=[spoil, best], **STILL)
    untrained = train(tmp_path / "untrained", VALUES, steps=1, **STILL)
    assert run.step == 12
    assert lines(run)[2]["loss"] > 1000 * lines(run)[1]["loss"]
    weights = [tfmeta.load(each).get_weights() for each in (run, untrained)]
    for kept, start in zip(*weights, strict=True):
        assert_close(kept, start, scale=1.0)  # of weights, where biases are all but zero


# The learning rate


def test_a_schedule_of_keras_counts_where_the_rate_is_constant_and_goes_on(tmp_path):
    def callbacks():
        return [keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.01 * 0.5**epoch)]

    changes = {"outer_schedule": "constant"}
    whole = train(tmp_path / "whole", VALUES, callbacks=callbacks(), **changes)
    rates = [line["learning_rate"] for line in lines(whole)]
    assert_close(rates, [0.01, 0.005, 0.0025], dtype=np.float32)
    stopped = {**changes, "should_stop": after(1)}
    cut = train(tmp_path / "cut", VALUES, callbacks=callbacks(), **stopped)
    cut = tfmeta.train(run_dir=cut, resume=True, callbacks=callbacks())
    metrics = [(run.path / "metrics.jsonl").read_bytes() for run in (whole, cut)]
    assert metrics[0] == metrics[1]


def test_a_plateau_lowers_a_constant_rate(tmp_path):
    plateau = keras.callbacks.ReduceLROnPlateau(
        "validation_accuracy", factor=0.5, patience=1, min_lr=0
    )
    changes = {"outer_schedule": "constant", "steps": 12, **STILL}
    run = train(tmp_path / "run", CLASSES, callbacks=[plateau], **changes)
    rates = np.array([line["learning_rate"] for line in lines(run)]) / 1e-30
    # Lowered by the validation of step 8, and of 12, which is the last.
    assert_close(rates, [1, 1, 1, 1, 0.5, 0.5], dtype=np.float32)


@pytest.mark.fault(
    "a callback that sets the learning rate, where the run's schedule sets it",
    "refused by its name",
)
@pytest.mark.parametrize(
    ("callback", "changes", "message"),
    [
        (Rate("on_epoch_begin"), {}, r"Rate changed the learning rate, which outer_schedule='cosi"),
        (
            Rate("on_train_batch_begin"),
            {"outer_schedule": "constant"},
            r"Rate changed the learning rate in on_train_batch_begin; expected on_train_begin, ",
        ),
    ],
)
def test_a_rate_that_would_be_overwritten_is_refused(callback, changes, message, tmp_path):
    with pytest.raises(UserError, match=message):
        train(tmp_path / "run", VALUES, callbacks=[callback], **changes)


# Numbers that are not finite


def test_terminate_on_nan_ends_a_run_without_an_error(tmp_path):
    changes = {"outer_optimizer": "sgd", "outer_lr": 1e29, "outer_schedule": "constant"}
    with pytest.raises(NotFiniteError, match="at step"):
        train(tmp_path / "plain", VALUES, **changes)
    terminate = keras.callbacks.TerminateOnNaN()
    run = train(tmp_path / "run", VALUES, callbacks=[terminate], **changes)
    assert (run.finished, run.stopped_by) == (True, "TerminateOnNaN")
    failed = lines(run)[-1]
    assert (failed["step"], failed["loss"]) == (run.step + 1, None)
    assert RunDirectory.open(run).step == run.step
