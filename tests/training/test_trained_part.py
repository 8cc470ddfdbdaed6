"""The setting `train`: which part of a network a run changes."""

import json
import shutil

import numpy as np
import pytest
from closeness import assert_far_apart
from PIL import Image

import tfmeta
from tfmeta.learners.on_features import OnFeatures
from tfmeta.training.opening import open_source
from tfmeta.training.settings import Settings

GLYPHS = {
    "pipeline_options": {"rotations": False},
    "algorithm": "prototypical",
    "network_options": {"filters": 4},
    "train_ways": 5,
    "validation_tasks": 2,
    "queries": 2,
}


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFMETA_CACHE", str(tmp_path_factory.mktemp("features") / "cache"))
        yield


@pytest.fixture(scope="module")
def of_head(cache, tmp_path_factory):
    """A run of a head, and its learner."""
    return trained(tmp_path_factory.mktemp("head"), train="head")


def trained(tmp_path, **settings):
    run = tfmeta.train("glyphs", run_dir=tmp_path / "run", **{**GLYPHS, "steps": 3, **settings})
    return run, tfmeta.load(run.path, checkpoint="last")


def test_a_run_of_nothing_keeps_its_start_and_is_evaluated(tmp_path):
    run, learner = trained(tmp_path, train="none", steps=0)
    assert (run.step, run.finished) == (0, True)
    assert isinstance(learner, OnFeatures)
    assert not learner.trainable_variables
    assert tfmeta.evaluate(run, tasks=4)["num_tasks"] == 4


def test_a_run_of_a_head_trains_the_map_of_the_features_alone(of_head):
    run, learner = of_head
    assert json.loads((run.path / "config.json").read_text())["train"] == "head"
    assert [v.path for v in learner.trainable_variables] == ["change/kernel", "change/bias"]
    assert np.any(learner.trainable_variables[0])


def test_a_run_of_named_layers_leaves_the_others_as_they_were(tmp_path):
    _, start = trained(tmp_path / "start", train="conv4", steps=0)
    _, learner = trained(tmp_path / "end", train="conv4", steps=2)
    for before, after in zip(start.network.layers, learner.network.layers, strict=True):
        if before.name != "conv4" and before.trainable_weights + before.non_trainable_weights:
            for one, other in zip(before.weights, after.weights, strict=True):
                if "moving" not in one.path:
                    np.testing.assert_array_equal(one, other)
    kernels = [each.network.get_layer("conv4").kernel for each in (start, learner)]
    assert_far_apart(*kernels)


def test_what_goes_on_trains_on(of_head, tmp_path):
    run = shutil.copytree(of_head[0].path, tmp_path / "run")
    assert tfmeta.train(run_dir=run, resume=True, steps=4).step == 4


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"train": "none"}, r"nothing is to be trained: .*--steps 0"),
        ({"train": "none", "algorithm": "maml"}, r"train='none' for a learner that adapts a head"),
        ({"train": "conv9"}, r"train='conv9'; expected all, head, none or names of layers"),
        ({"train": "head", "augment": ["RandomFlip"]}, r"augment=.*would change nothing"),
        (
            {"train": "head", "pipeline_options": {"rotations": True}},
            r"glyphs turns its classes.*pipeline.rotations=false",
        ),
    ],
)
@pytest.mark.fault("a part of a network that can't be trained so", "refused, with what is possible")
def test_what_can_not_be_trained_so_is_refused(settings, message, tmp_path):
    with pytest.raises(tfmeta.UserError, match=message):
        trained(tmp_path, **settings)


def test_a_family_of_functions_has_no_features(tmp_path):
    with pytest.raises(tfmeta.UserError, match="sinusoid has no examples whose features"):
        tfmeta.train("sinusoid", run_dir=tmp_path / "run", train="head", steps=1)


def test_images_are_read_at_the_size_of_a_pretrained_network(tmp_path):
    for number in range(7):
        for example in range(3):
            path = tmp_path / "photos" / f"c{number}" / f"{example}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (9 + example, 8), (30 * number, 9, example)).save(path)
    settings = {"pipeline": "image-folder", "data_dir": str(tmp_path / "photos")}
    options = {"network": "efficientnet_lite0", **settings}
    assert open_source(Settings(**options)).input_shape == (224, 224, 3)
    assert open_source(Settings(**settings)).input_shape == (84, 84, 3)
    smaller = Settings(**options, pipeline_options={"size": 32})
    assert open_source(smaller).input_shape == (32, 32, 3)
