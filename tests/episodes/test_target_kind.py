"""What targets are is said once, and what follows from it with it."""

import keras
import pytest

from tfmeta.episodes.target_kind import CLASSES, VALUES, TargetKind
from tfmeta.errors import UserError
from tfmeta.learners import targets
from tfmeta.pipelines import build


@pytest.mark.parametrize(
    ("pipeline", "kind", "words"),
    [("glyphs", CLASSES, "classes"), ("sinusoid", TargetKind("values", 1), "targets of size 1")],
)
def test_a_source_says_what_its_targets_are(pipeline, kind, words):
    source = build(pipeline)
    assert source.target_kind == source.facts.target_kind == kind
    assert source.is_regression == (pipeline == "sinusoid")
    assert str(source.target_kind) == words


def test_a_task_of_one_class_has_one_answer_alone():
    VALUES.check_ways(1)
    CLASSES.check_ways(2)
    with pytest.raises(UserError, match=r"received 1 way; expected 2 or more classes"):
        CLASSES.check_ways(1)


def test_metric_ways_and_loss_follow_from_the_kind():
    assert (CLASSES.metric, VALUES.metric) == ("accuracy", "mse")
    assert (CLASSES.default_ways, VALUES.default_ways) == (5, 1)
    assert isinstance(targets.default_loss(VALUES), keras.losses.MeanSquaredError)
    loss = targets.default_loss(CLASSES)
    assert isinstance(loss, keras.losses.SparseCategoricalCrossentropy)
    assert loss.get_config()["from_logits"]
    assert [targets.default_metric(kind).name for kind in (CLASSES, VALUES)] == ["accuracy", "mse"]
