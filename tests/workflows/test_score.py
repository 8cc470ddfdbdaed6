"""How good answers to labelled examples are, beside scikit-learn's numbers."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import trained
from click.testing import CliRunner
from closeness import assert_close
from sklearn.metrics import accuracy_score, mean_squared_error, roc_auc_score

import tfmeta
from tfmeta import UserError
from tfmeta.cli import main
from tfmeta.reading.example_reader import Place
from tfmeta.workflows.predict import Prediction, ValuePrediction

NAMES = ("cat", "dog", "fox")


def answers():
    """Random answers to 60 examples, and to 25 of classes that the model lacks."""
    rng, found = np.random.default_rng(0), []
    for row in range(85):
        odds = rng.dirichlet(np.ones(3))
        truth = ("emu", "owl")[row % 2] if row >= 60 else NAMES[rng.choice(3, p=odds)]
        unknown = float(np.round(rng.random() + 0.3 * (row >= 60), 1))  # with ties
        probabilities = dict(zip(NAMES, odds.tolist(), strict=True))
        label = NAMES[int(odds.argmax())]
        place = Place(f"{row}.png")
        found.append(Prediction(place, label, float(odds.max()), unknown, probabilities, truth))
    return found


def wilson(share, number, z=1.959963984540054):
    middle = (share + z**2 / (2 * number)) / (1 + z**2 / number)
    half = z * np.sqrt(share * (1 - share) / number + z**2 / (4 * number**2)) / (1 + z**2 / number)
    return middle - half, middle + half


def test_the_numbers_are_those_of_scikit_learn():
    every = answers()
    truth, labels = ([getattr(e, name) for e in every[:60]] for name in ("truth", "label"))
    found = tfmeta.score(every)
    assert_close(found.accuracy, accuracy_score(truth, labels))
    assert_close(found.ci95, wilson(found.accuracy, 60))
    assert_close(found.confidence, np.mean([each.confidence for each in every[:60]]))
    assert found.most_common == max(truth.count(name) for name in NAMES) / 60
    assert (found.num_examples, found.num_of_others) == (60, 25)
    assert found.other_classes == ("emu", "owl")
    is_other = np.arange(85) >= 60
    assert_close(found.unknown_auroc, roc_auc_score(is_other, [each.unknown for each in every]))


def test_what_is_taken_for_what_is_counted():
    every = answers()[:60]
    pairs = [(each.truth, each.label) for each in every if each.truth != each.label]
    found = tfmeta.score(every).confusions
    assert {(a, b): number for a, b, number in found} == {p: pairs.count(p) for p in set(pairs)}
    assert [number for *_, number in found] == sorted((n for *_, n in found), reverse=True)


def test_a_class_that_is_never_right_is_named():
    place, odds = Place("a.png"), {"cat": 0.9, "dog": 0.1}
    every = [Prediction(place, "cat", 0.9, 0.2, odds, truth) for truth in ("cat", "dog", "dog")]
    found = tfmeta.score(every)
    assert found.never_right == (("dog", 2),)
    assert found.unknown_auroc is None
    assert "never answered rightly: dog (of 2)" in str(found)
    assert "always the most frequent class: 66.7%" in str(found)


def test_examples_of_other_classes_alone_have_no_accuracy():
    found = tfmeta.score(answers()[60:])
    assert found.accuracy is found.ci95 is found.most_common is found.confidence is None
    expected = "unknown 25 examples of classes that the model lacks ('emu', 'owl')"
    assert " ".join(str(found).split()) == expected


@pytest.mark.parametrize("has_variance", [False, True])
def test_values_are_scored_by_how_far_they_are_off(has_variance):
    rng = np.random.default_rng(1)
    truth, deviation = rng.normal(5, 3, (400, 2)), rng.uniform(0.5, 2, (400, 2))
    given = truth + deviation * rng.normal(size=truth.shape)
    variances = (deviation**2).tolist() if has_variance else [None] * 400
    rows = zip(given.tolist(), variances, truth.tolist(), strict=True)
    found = tfmeta.score([ValuePrediction(Place("t.csv", 1), *each) for each in rows])
    assert_close(found.rmse, np.sqrt(mean_squared_error(truth, given)))
    assert_close(found.rmse_of_mean, np.sqrt(truth.var(0).mean()))
    assert (found.coverage90 is None) == (not has_variance)
    if has_variance:
        assert 0.87 < found.coverage90 < 0.93
    assert ("of 90%" in str(found)) == has_variance


ODDS = {"cat": 0.9, "dog": 0.1}
OF_CLASS = Prediction(Place("a.png"), "cat", 0.9, 0.2, ODDS, "cat")
OF_VALUE = ValuePrediction(Place("t.csv", 1), [1.0], None, [2.0])


@pytest.mark.parametrize(
    "wrong",
    [
        *([], None, 3, "cat", [OF_CLASS, 3], [OF_CLASS, OF_VALUE]),
        [OF_CLASS, replace(OF_CLASS, truth=None)],
        [OF_CLASS, replace(OF_CLASS, probabilities={"cat": 0.9, "fox": 0.1})],
        [OF_VALUE, replace(OF_VALUE, prediction=[1.0, 2.0], truth=[1.0, 2.0])],
        [OF_VALUE, replace(OF_VALUE, variance=[0.1])],
    ],
)
def test_what_can_not_be_scored_is_refused(wrong):
    with pytest.raises(UserError, match=r"expected those of one model by tfmeta\.predict"):
        tfmeta.score(wrong)


def test_confusions_that_are_not_shown_are_counted():
    names = [f"c{n:02}" for n in range(13)]
    odds = dict.fromkeys(names, 1 / 13)
    every = [Prediction(Place("a.png"), "c00", 0.1, 0.2, odds, name) for name in names]
    assert "and 2 more" in " ".join(str(tfmeta.score(every)).split())


def test_of_one_value_the_mean_says_nothing():
    assert "mean" not in str(tfmeta.score([OF_VALUE])).replace("root mean", "")


def test_a_folder_of_classes_is_asked_and_scored(tmp_path):
    """By the command; the answers are those of the same images without their classes."""
    run, support = trained.glyph_run(), trained.support_folder()
    folders = sorted(each for each in support.iterdir() if each.is_dir())[:2]
    files = []
    for folder, name in zip(folders, (folders[0].name, "strange"), strict=True):
        shutil.copytree(folder, tmp_path / "kept" / name)
        files += sorted((tmp_path / "kept" / name).iterdir())
    expected = tfmeta.predict(run, files, support=support)
    arguments = ["predict", str(run), str(tmp_path / "kept"), "--support", str(support)]
    shown = CliRunner().invoke(main, [*arguments, "--labelled", "--json"])
    assert shown.exit_code == 0, shown.output
    found = json.loads(shown.stdout)
    truths = [file.parent.name for file in files]
    assert [each["truth"] for each in found["predictions"]] == truths
    assert [each["label"] for each in found["predictions"]] == [each.label for each in expected]
    assert found["score"]["other_classes"] == ["strange"]
    lines = CliRunner().invoke(main, [*arguments, "--labelled"]).stdout.splitlines()
    assert lines[len(files) - 1].endswith("  is strange")
    assert " right " in lines[len(files)]
