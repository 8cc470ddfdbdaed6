"""Each of Keras's own callbacks in a run: it does what it says, or is refused by its name."""

import csv
import inspect

import keras
import pytest
from keras import callbacks as of_keras
from small_runs import CLASSES, VALUES, lines, train

import tfmeta
from tfmeta.errors import UserError

# Tested in test_callbacks.py, where they are worth a test of their own.
ELSEWHERE = {"EarlyStopping", "LearningRateScheduler", "ReduceLROnPlateau", "TerminateOnNaN"}
ABSTRACT = {"Callback"}
NEED_OTHERS = {"OrbaxCheckpoint", "RemoteMonitor"}  # a package of its own; a server


def model_checkpoint(folder):
    path = str(folder / "best-{epoch}.keras")
    return of_keras.ModelCheckpoint(path, "validation_accuracy", save_best_only=True)


WORKING = {
    "CSVLogger": lambda folder: of_keras.CSVLogger(str(folder / "log.csv")),
    "History": lambda folder: of_keras.History(),
    "LambdaCallback": lambda folder: of_keras.LambdaCallback(
        on_train_end=lambda logs: (folder / "ended").touch()
    ),
    "ModelCheckpoint": model_checkpoint,
    "ProgbarLogger": lambda folder: of_keras.ProgbarLogger(),
    "TensorBoard": lambda folder: of_keras.TensorBoard(str(folder / "board")),
}
REFUSED = {
    "BackupAndRestore": (
        lambda: of_keras.BackupAndRestore("backup"),
        "callback BackupAndRestore; leave it out: a run keeps its own checkpoints",
    ),
    "CallbackList": (
        lambda: of_keras.CallbackList([]),
        "callback CallbackList; leave it out: .* takes the callbacks of such a list",
    ),
    "SwapEMAWeights": (
        of_keras.SwapEMAWeights,
        "callback SwapEMAWeights; leave it out: the outer optimizer keeps no moving averages",
    ),
}


def test_every_callback_of_keras_has_its_test():
    found = {n for n, each in vars(of_keras).items() if inspect.isclass(each)}
    assert found == {*WORKING, *REFUSED, *ELSEWHERE, *ABSTRACT, *NEED_OTHERS}


@pytest.fixture(scope="module")
def trained_with_all(tmp_path_factory):
    """A run of 8 steps, in windows of 2, with a validation after 4 and 8; and where they wrote."""
    folder = tmp_path_factory.mktemp("callbacks")
    made = {name: make(folder) for name, make in WORKING.items()}
    run = train(folder / "run", CLASSES, steps=8, callbacks=[*made.values()])
    plain = train(folder / "plain", CLASSES, steps=8)
    metrics = [(each.path / "metrics.jsonl").read_bytes() for each in (run, plain)]
    assert metrics[0] == metrics[1]  # none of them changes the training
    return run, made, folder


@pytest.mark.slow
def test_a_log_in_csv_has_a_row_per_window(trained_with_all):
    run, _, folder = trained_with_all
    rows = list(csv.DictReader((folder / "log.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["0", "1", "2", "3"]
    assert [float(row["loss"]) for row in rows] == [line["loss"] for line in lines(run)]
    values = [line.get("validation_accuracy", "NA") for line in lines(run)]
    assert [row["val_accuracy"] for row in rows] == [str(value) for value in values]


def test_a_history_has_every_window(trained_with_all):
    run, made, _ = trained_with_all
    assert made["History"].history["loss"] == [line["loss"] for line in lines(run)]
    assert len(made["History"].history["val_accuracy"]) == 2


def test_a_checkpoint_of_keras_is_of_a_validated_window(trained_with_all):
    run, _, folder = trained_with_all
    validated = [line.get("validation_accuracy") for line in lines(run)]
    best = validated[3] > validated[1]
    expected = ["best-2.keras", "best-4.keras"] if best else ["best-2.keras"]
    assert sorted(path.name for path in folder.glob("best-*")) == expected
    assert isinstance(tfmeta.load(folder / "best-2.keras"), tfmeta.Prototypical)


def test_a_board_and_a_function_of_the_users_are_called(trained_with_all):
    _, _, folder = trained_with_all
    assert (folder / "ended").exists()
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "board/train"))
    events.Reload()
    assert [event.step for event in events.Tensors("epoch_loss")] == [0, 1, 2, 3]
    events = EventAccumulator(str(folder / "board/validation"))
    events.Reload()
    assert [event.step for event in events.Tensors("epoch_accuracy")] == [1, 3]


# Refusals


def refused(callbacks, message, tmp_path, settings=VALUES, **changes):
    with pytest.raises(UserError, match=message):
        train(tmp_path / "run", settings, callbacks=callbacks, **changes)
    assert not (tmp_path / "run").exists()


@pytest.mark.fault(
    "a callback that a run can't honour, such as BackupAndRestore", "refused by its name"
)
@pytest.mark.parametrize("name", REFUSED)
def test_a_callback_that_can_not_be_honoured_is_refused(name, tmp_path):
    make, message = REFUSED[name]
    refused([make()], message, tmp_path)


@pytest.mark.parametrize(
    ("callbacks", "message"),
    [
        (5, "callbacks=5; expected a list of keras.callbacks.Callback"),
        (keras.callbacks.History(), "callbacks=<.*History.*>; expected a list"),
        ([keras.callbacks.EarlyStopping], r"callbacks\[0\]=<class .*>; expected an object of a"),
        ([keras.callbacks.History(), print], r"callbacks\[1\]=<built-in function print>; expected"),
    ],
)
def test_what_is_not_a_callback_is_refused(callbacks, message, tmp_path):
    refused(callbacks, message, tmp_path)


@pytest.mark.fault(
    "EarlyStopping that monitors a value which the run does not have", "refused by the value's name"
)
@pytest.mark.parametrize(
    ("callback", "changes", "message"),
    [
        (
            of_keras.EarlyStopping(),
            {},
            "EarlyStopping monitors 'val_loss', which this run does not have; expected one of: "
            "loss, accuracy, learning_rate, validation_accuracy, val_accuracy",
        ),
        (
            of_keras.EarlyStopping("validation_accuracy"),
            {"validation_tasks": 0},
            "which this run does not have, because validation_tasks=0; expected one of: loss, acc",
        ),
        (
            of_keras.ModelCheckpoint(
                "x.keras", "validation_accuracy", save_best_only=True, save_freq=3
            ),
            {},
            "ModelCheckpoint with save_freq=3, and 'validation_accuracy' is known only at the end",
        ),
        (
            of_keras.LearningRateScheduler(lambda epoch, rate: rate),
            {},
            "LearningRateScheduler, which sets the learning rate, and outer_schedule='cosine'",
        ),
        (
            of_keras.ReduceLROnPlateau("loss"),
            {},
            "ReduceLROnPlateau, which sets the learning rate, and outer_schedule='cosine', which",
        ),
    ],
)
def test_what_a_callback_goes_by_is_checked(callback, changes, message, tmp_path):
    refused([callback], message, tmp_path, CLASSES, **changes)
