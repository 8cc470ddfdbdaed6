"""What a user gets who trains on photographs and names little: a pretrained network, and advice."""

import logging

import numpy as np
import pytest
from PIL import Image

import tfmeta
from tfmeta.errors import UserError
from tfmeta.network_registry import NETWORKS, suited_options
from tfmeta.training.settings import Settings

PHOTOGRAPHS = ["image-folder", "cifar-fs", "mini-imagenet"]
SMALL = {
    "algorithm": "prototypical",
    "network_options": {"filters": 2, "num_blocks": 1},
    "steps": 1,
    "queries": 1,
    "validation_tasks": 0,
}


def chosen(**flat):
    settings = Settings.of_new_run(flat)
    return settings.algorithm, settings.network, settings.train


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Seven classes of three images: five to train on, one to validate and one to test."""
    root, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for name in "abcdefg":
        (root / name).mkdir()
        for number in range(3):
            pixels = rng.integers(0, 256, (12, 12, 3), np.uint8)
            Image.fromarray(pixels).save(root / name / f"{number}.png")
    return root


@pytest.mark.parametrize("pipeline", PHOTOGRAPHS)
def test_a_pretrained_network_is_the_default_where_its_weights_are_installed(pipeline):
    assert chosen(pipeline=pipeline) == ("ridge", "efficientnet_lite2", "head")
    assert Settings.of_new_run({"pipeline": pipeline}).steps == 300
    assert Settings.of_new_run({"pipeline": pipeline, "steps": 7}).steps == 7


@pytest.mark.parametrize(
    "named",
    [
        {"algorithm": "maml"},
        {"network": "conv4"},
        {"train": "all"},
        {"network": "auto"},
        {"learner.inner_steps": 3},
    ],
)
def test_it_is_not_where_the_user_names_part_of_it(named):
    plain = {"algorithm": "maml", "network": "auto", "train": None}
    expected = tuple(named.get(name, value) for name, value in plain.items())
    assert chosen(pipeline="image-folder", **named) == expected


def test_it_is_not_for_other_data_or_without_the_weights(monkeypatch):
    assert chosen(pipeline="glyphs") == ("maml", "auto", None)
    assert chosen(pipeline="regression") == ("bayes-linear", "auto", None)
    monkeypatch.setattr("tfmeta.network_registry.is_installed", lambda package: False)
    assert not NETWORKS["efficientnet_lite2"].is_installed
    assert chosen(pipeline="image-folder") == ("maml", "auto", None)


def test_pretrained_networks_of_a_family_read_images_at_their_size_too():
    for name in ("efficientnet_lite2", "applications:MobileNetV2", "keras-hub:dinov2_small"):
        assert suited_options(name) == {"size": [224, 224]}
    for name in ("conv4", "auto", "mine:network", "mine.keras"):
        assert suited_options(name) == {}


def test_too_few_classes_to_test_on_are_told_before_training(folder, tmp_path, caplog):
    caplog.set_level(logging.INFO, "tfmeta")
    tfmeta.train("image-folder", data_dir=folder, run_dir=tmp_path / "run", ways=2, **SMALL)
    (line,) = [each for each in caplog.messages if "evaluate" in each]
    assert line.startswith("warning: `tfmeta evaluate` will have no test episodes: 2 ways need")
    assert line.endswith("Add classes, or make that split larger: --set pipeline.test=2")
    assert caplog.messages.index(line) == 0
    caplog.clear()
    enough = {"pipeline_options": {"test": 0.3}, **SMALL}
    tfmeta.train("image-folder", data_dir=folder, run_dir=tmp_path / "other", ways=2, **enough)
    assert not [each for each in caplog.messages if "test episodes" in each]


def test_too_few_classes_to_train_on_are_refused_with_the_way_out(folder, tmp_path):
    with pytest.raises(UserError, match=r"6 ways need .* without training: tfmeta learn "):
        tfmeta.train("image-folder", data_dir=folder, run_dir=tmp_path / "run", ways=6, **SMALL)
    assert not (tmp_path / "run").exists()


def test_tasks_of_one_class_are_refused(folder, tmp_path):
    with pytest.raises(UserError, match=r"received 1 way; expected 2 or more classes .*--ways 2"):
        tfmeta.train("image-folder", data_dir=folder, run_dir=tmp_path / "run", ways=1, **SMALL)
    assert not (tmp_path / "run").exists()
