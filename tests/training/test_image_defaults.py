"""What images in arrays and of TFDS are learned by for who names nothing of the learning."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from tiny_tfds import TinyGrey, TinyImages, TinyOfOneSize, TinyVectors

import tfmeta
from tfmeta.training.plan import Plan
from tfmeta.training.settings import Settings

PHOTOGRAPHS = ("ridge", "efficientnet_lite2", "head")
FROM_SCRATCH = ("ridge", "auto", "all")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """The digits as images: five classes to train on, five for the test."""
    path = tmp_path_factory.mktemp("digits") / "digits.npz"
    digits = load_digits()
    split = np.where(digits.target % 2 == 0, "train", "test")
    np.savez(path, x=np.uint8(digits.images * 15), y=digits.target, split=split)
    return str(path)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    for builder in (TinyImages, TinyOfOneSize, TinyGrey, TinyVectors):
        builder(data_dir=folder).download_and_prepare()
    return str(folder)


def plan_of(pipeline, data_dir, **flat):
    small = {"ways": 2, "queries": 1, "train_ways": 2, "validation_tasks": 0}
    flat = {"pipeline": pipeline, "data_dir": data_dir, **small, **flat}
    return Plan.make(Settings.of_new_run(flat))


def learning(plan):
    return plan.settings.algorithm, plan.settings.network, plan.settings.train


@pytest.fixture
def without_weights(monkeypatch):
    monkeypatch.setattr("tfmeta.network_registry.is_installed", lambda package: False)


def test_images_in_arrays_are_seen_by_the_pretrained_network(images):
    plan = plan_of("arrays", images)
    assert learning(plan) == PHOTOGRAPHS
    assert plan.settings.network_options["pixels"] == 0.5
    assert plan.source.input_shape == (8, 8, 1)
    assert "size" not in plan.settings.to_flat()


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ({"algorithm": "maml"}, ("maml", "auto", "all")),
        ({"network": "conv4"}, ("ridge", "conv4", "all")),
        ({"train": "all"}, FROM_SCRATCH),
        # A class that is turned is another class, which is drawn anew in each episode.
        ({"pipeline.rotations": True}, FROM_SCRATCH),
    ],
)
def test_naming_a_part_of_the_learning_takes_the_rest_away(images, named, expected):
    assert learning(plan_of("arrays", images, **named)) == expected


def test_without_the_weights_they_are_learned_from_scratch(images, tiny, without_weights):
    assert learning(plan_of("arrays", images)) == FROM_SCRATCH
    plan = plan_of("tfds:tiny_images", tiny)
    assert (learning(plan), plan.source.input_shape) == (FROM_SCRATCH, (84, 84, 3))
    assert "tfmeta[pretrained]" in plan.warnings()[0]


def test_photographs_of_tfds_are_read_as_the_pretrained_network_sees_them(tiny):
    plan = plan_of("tfds:tiny_images", tiny)
    assert (learning(plan), plan.source.input_shape) == (PHOTOGRAPHS, (224, 224, 3))
    assert plan.settings.pipeline_options["size"] == [224, 224]
    assert plan_of("tfds:tiny_images", tiny, **{"pipeline.size": 32}).source.input_shape[0] == 32
    # As the algorithms from scratch have always seen them.
    assert plan_of("tfds:tiny_images", tiny, algorithm="maml").source.input_shape == (84, 84, 3)


def test_what_is_smaller_keeps_its_size(tiny):
    plan = plan_of("tfds:tiny_of_one_size", tiny)
    assert (learning(plan), plan.source.input_shape) == (PHOTOGRAPHS, (8, 8, 3))


@pytest.mark.parametrize("name", ["tiny_grey", "tiny_vectors"])
def test_grey_images_and_vectors_of_tfds_are_no_photographs(tiny, name):
    assert learning(plan_of(f"tfds:{name}", tiny)) == FROM_SCRATCH


@pytest.mark.slow
def test_a_run_goes_on_and_is_evaluated_on_images_of_its_size(tiny, tmp_path):
    settings = {"ways": 2, "shots": 1, "queries": 1, "train_ways": 2, "validation_tasks": 0}
    run = tfmeta.train(
        "tfds:tiny_images", data_dir=tiny, steps=1, run_dir=tmp_path / "run",
        pipeline_options={"split_by": "class", "test": 2}, **settings,
    )  # fmt: skip
    assert tfmeta.train(run_dir=run.path, resume=True, steps=2).step == 2
    assert tfmeta.evaluate(run, tasks=2).facts["num_tasks"] == 2
