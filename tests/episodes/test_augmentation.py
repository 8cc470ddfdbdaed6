"""Augmentation: that an episode's number decides its draws too, and who never sees them."""

import hashlib
import inspect
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_at_most, assert_within_chance

from tfmeta.commands.reporting import Reporter
from tfmeta.episodes.augmentation import build_augmentation
from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.class_source import ClassSource
from tfmeta.episodes.episode_source import EpisodeShape
from tfmeta.errors import UserError
from tfmeta.pipelines.sinusoid import Sinusoid
from tfmeta.reading.images import ImageFormat
from tfmeta.training import trainer
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.settings import Settings
from tfmeta.training.trainer import Trainer, dry_run_step

SHAPE = EpisodeShape(3, 1, 2)
VARYING = EpisodeShape(4, 3, 3, least_ways=2, least_shots=1, least_queries=1)
NOISE = {"GaussianNoise": {"stddev": 0.1}}

# What each random layer of Keras needs to do something, and the examples that it takes if not RGB.
OPTIONS = {
    "AlphaDropout": {"rate": 0.3},
    "Dropout": {"rate": 0.3},
    "GaussianDropout": {"rate": 0.3},
    "GaussianNoise": {"stddev": 0.1},
    "RandomBrightness": {"factor": 0.3},
    "RandomColorDegeneration": {"factor": 0.5},
    "RandomColorJitter": {
        f"{name}_factor": 0.3 for name in ("brightness", "contrast", "saturation", "hue")
    },
    "RandomContrast": {"factor": 0.3},
    "RandomCrop": {"height": 8, "width": 8},
    "RandomElasticTransform": {"factor": 1.0},
    "RandomErasing": {"factor": 1.0},
    "RandomGaussianBlur": {"factor": 1.0},
    "RandomHue": {"factor": 0.3},
    "RandomInvert": {"factor": 0.5},
    "RandomPerspective": {"factor": 1.0},
    "RandomPosterization": {"factor": 4},
    "RandomRotation": {"factor": 0.2},
    "RandomSaturation": {"factor": 0.3},
    "RandomSharpness": {"factor": 0.5},
    "RandomShear": {"x_factor": 0.3},
    "RandomTranslation": {"height_factor": 0.2, "width_factor": 0.2},
    "RandomZoom": {"height_factor": 0.2},
    "Solarization": {"addition_factor": 0.3, "threshold_factor": 0.5},
    "SpatialDropout1D": {"rate": 0.3},
    "SpatialDropout2D": {"rate": 0.3},
    "SpatialDropout3D": {"rate": 0.3},
}
EXAMPLES = {"SpatialDropout1D": (6, 3), "SpatialDropout3D": (2, 3, 4, 3)}
REFUSED = {"AugMix": "draws or state", "CutMix": "mixes", "MixUp": "mixes"}
UNCHANGING = ("RandomCrop",)  # of the size that the images have
SLOW = ("RandAugment", "RandomElasticTransform")

OWN_LAYERS = """
import keras
import numpy as np
import tensorflow as tf


class Right(keras.layers.Layer):
    def __init__(self, size=0.5):
        super().__init__()
        self.size, self.my_draws = size, keras.random.SeedGenerator()

    def call(self, x):
        one, two = (keras.random.uniform(tf.shape(x), seed=self.my_draws) for _ in range(2))
        return x + self.size * (one - two)


class Global(keras.layers.Layer):
    def call(self, x):
        return x + keras.random.uniform(tf.shape(x))


class Stateful(keras.layers.Layer):
    def call(self, x):
        return x + tf.random.uniform(tf.shape(x))


class WhenTraced(keras.layers.Layer):
    def call(self, x):
        return x[:, ::-1] if np.random.rand() < 0.5 else x


class Mixing(keras.layers.Layer):
    def call(self, x):
        return x - tf.reduce_mean(x, 0)


class NotInGraphs(keras.layers.Layer):
    def call(self, x):
        return tf.constant(x.numpy())
"""


def is_random(layer):
    if not inspect.isclass(layer) or not issubclass(layer, keras.layers.Layer):
        return False
    home = layer.__module__.split(".")
    return (
        bool({"preprocessing", "regularization"} & set(home))
        and "seed" in inspect.signature(layer.__init__).parameters
    )


# By the classes, because a layer may have several names.
LAYERS = sorted({each.__name__ for each in vars(keras.layers).values() if is_random(each)})


def source_of(shape, *, same=False):
    """24 classes of 6 examples: uint8 images of noise, or float vectors; or all of them one."""
    rng = np.random.default_rng(0)
    is_image = len(shape) == 3
    x = rng.integers(0, 256, (144, *shape)).astype(np.uint8 if is_image else np.float32)
    index = ClassIndex(
        np.broadcast_to(x[:1], x.shape).copy() if same else x,
        np.repeat(np.arange(24), 6),
        {"train": np.arange(24), "validation": np.arange(0), "test": np.arange(0)},
        tuple(map(str, range(24))),
    )
    return ClassSource("noise", index, image_format=ImageFormat(*shape) if is_image else None)


@pytest.fixture(scope="module")
def images():
    return source_of((8, 8, 1))


@pytest.fixture
def own_layers(tmp_path, monkeypatch):
    """The name of an importable module with the layers of `OWN_LAYERS`."""
    name = "tfmeta_test_own_layers"
    (tmp_path / f"{name}.py").write_text(OWN_LAYERS)
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    sys.modules.pop(name, None)


def batch(source, layers=(), *, seed=0, first=0, num_tasks=3, shape=SHAPE):
    """The first batch of training episodes, of seed 0; the augmentation's seed is another's."""
    built = build_augmentation(list(layers), source, seed=seed) if layers else None
    dataset = source.episodes("train", shape, num_tasks=num_tasks, first=first, augmentation=built)
    plain = source.episodes("train", shape, num_tasks=num_tasks)
    assert dataset.element_spec == plain.element_spec
    return type(plain.element_spec)(*(part.numpy() for part in next(iter(dataset))))


def examples(episodes):
    return np.concatenate([episodes.support_x, episodes.query_x], 1)


# Purity


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] * (n in SLOW)) for n in LAYERS]
)
def test_every_random_layer_of_keras_draws_by_the_episodes_number_or_is_refused(name):
    source = source_of(EXAMPLES.get(name, (8, 8, 3)))
    layers = [{name: OPTIONS.get(name, {})}]
    if name in REFUSED:
        with pytest.raises(UserError, match=f"the layer {name} of augment.*{REFUSED[name]}"):
            build_augmentation(layers, source, seed=0)
        return
    many, one = batch(source, layers, first=4), batch(source, layers, first=5, num_tasks=1)
    for here, there in zip(many, one, strict=True):
        np.testing.assert_array_equal(here[1:2], there)  # a build and a batch of its own
    plain = batch(source, first=4)
    assert np.array_equal(examples(many), examples(plain)) == (name in UNCHANGING)
    if source.image_format:
        assert examples(many).min() >= 0
        assert examples(many).max() <= 1


def test_the_table_has_every_layer_that_it_must_know():
    assert {"RandomFlip", "RandomErasing", "GaussianNoise", "RandAugment"} <= set(LAYERS)
    assert set(OPTIONS) | set(REFUSED) <= set(LAYERS)


def test_an_episode_is_the_same_in_any_batch_from_any_number_on(images):
    layers = ["RandomFlip", {"RandomRotation": {"factor": 0.2}}, NOISE]
    whole = examples(batch(images, layers, num_tasks=12))
    for first, num_tasks in ((0, 1), (3, 4), (11, 1), (5, 7)):
        part = examples(batch(images, layers, first=first, num_tasks=num_tasks))
        np.testing.assert_array_equal(part, whole[first : first + num_tasks])


def test_the_seed_decides_the_draws(images):
    layers = [{name: OPTIONS[name]} for name in ("RandomRotation", "GaussianNoise")]
    for layer in layers:
        one, same, other = (examples(batch(images, [layer], seed=s)) for s in (0, 0, 1))
        np.testing.assert_array_equal(one, same)
        assert (one != other).any((-3, -2, -1)).all()


def test_a_dataset_goes_on_as_one_that_starts_later(images):
    built = build_augmentation([NOISE], images, seed=3)
    dataset = images.episodes("train", SHAPE, num_tasks=2, augmentation=built)
    batches = [examples(each) for each in dataset.take(3)]
    resumed = images.episodes("train", SHAPE, num_tasks=2, first=4, augmentation=built)
    np.testing.assert_array_equal(examples(next(iter(resumed))), batches[2])


def digest():
    layers = ["RandomFlip", {"RandomRotation": {"factor": 0.2}}, NOISE]
    x = examples(batch(source_of((8, 8, 1)), layers, seed=5))
    return hashlib.sha256(x.tobytes()).hexdigest()


@pytest.mark.slow
def test_another_process_draws_the_same_bits():
    command = [sys.executable, "-c", "from test_augmentation import digest; print(digest())"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == digest()


# What each example gets


@pytest.mark.parametrize(
    "name", ["RandomTranslation", "RandomRotation", "RandomContrast", "GaussianNoise"]
)
def test_each_example_of_each_episode_has_a_draw_of_its_own(name):
    source = source_of((8, 8, 1), same=True)
    x = examples(batch(source, [{name: OPTIONS[name]}], num_tasks=5))
    assert len({each.tobytes() for each in x.reshape(-1, 64)}) == 5 * 9


@pytest.mark.slow
def test_each_example_has_operations_of_its_own():
    x = examples(batch(source_of((8, 8, 3), same=True), ["RandAugment"], num_tasks=5))
    assert len({each.tobytes() for each in x.reshape(-1, 192)}) > 15  # five, if a task's were one


def test_layers_have_draws_of_their_own():
    source = source_of((6, 3), same=True)
    once, twice = (examples(batch(source, [NOISE] * n)) - source.index.examples[0] for n in (1, 2))
    assert_within_chance(
        np.corrcoef(once.ravel(), (twice - once).ravel())[0, 1], 0, once.size**-0.5
    )
    noise = twice.ravel() / 0.1
    assert 1.2 < noise.std() < 1.6  # two of the same would add up to 2


def test_a_layer_that_takes_its_batch_together_gets_one_image_at_a_time(images):
    x, plain = examples(batch(images, ["Equalization"])), examples(batch(images))
    alone = keras.layers.Equalization(value_range=(0, 1))
    for before, after in zip(plain.reshape(-1, 8, 8, 1), x.reshape(-1, 8, 8, 1), strict=True):
        np.testing.assert_array_equal(alone(before[None])[0], after)


def test_labels_and_targets_are_untouched(images):
    augmented, plain = batch(images, [NOISE]), batch(images)
    np.testing.assert_array_equal(augmented.support_y, plain.support_y)
    np.testing.assert_array_equal(augmented.query_y, plain.query_y)
    shape = EpisodeShape(1, 5, 5)
    waves, plain = batch(Sinusoid(), [NOISE], shape=shape), batch(Sinusoid(), shape=shape)
    np.testing.assert_array_equal(waves.query_y, plain.query_y)
    assert 0.03 < (examples(waves) - examples(plain)).std() < 0.3


def test_images_stay_between_0_and_1_and_vectors_need_not(images):
    loud = [{"GaussianNoise": {"stddev": 1.0}}]
    x = examples(batch(images, loud))
    assert (x.min(), x.max()) == (0, 1)
    assert examples(batch(source_of((6, 3)), loud)).max() > 1


def test_padding_stays_padding(images):
    augmented = batch(images, [NOISE], shape=VARYING, num_tasks=8)
    plain = batch(images, shape=VARYING, num_tasks=8)
    for name in ("support_y", "query_y", "support_size", "query_size"):
        np.testing.assert_array_equal(getattr(augmented, name), getattr(plain, name))
    assert plain.support_size.min() < plain.support_x.shape[1]
    for name in ("support", "query"):
        x, before = getattr(augmented, f"{name}_x"), getattr(plain, f"{name}_x")
        for task, size in enumerate(getattr(plain, f"{name}_size")):
            assert (x[task, size:] == 0).all()
            assert all((a != b).any() for a, b in zip(x[task, :size], before[task], strict=False))


def test_a_value_range_is_the_users_if_there_is_one(images):
    option = {"factor": [0.5, 0.5], "value_range": [0, 0.25]}
    brighter = examples(batch(images, [{"RandomBrightness": option}]))
    assert brighter.max() == 0.25
    assert examples(batch(images, [{"RandomBrightness": {"factor": [0.5, 0.5]}}])).max() == 1


def test_a_layer_of_ones_own(images, own_layers):
    x = examples(batch(images, [{f"{own_layers}:Right": {"size": 0.01}}]))
    change = x - examples(batch(images))
    assert change.min() < -0.005 < 0.005 < change.max()
    assert_at_most(abs(change), 0.01)


# Refusals


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("Randomflip", r"'Randomflip' .*; expected a class of keras.layers, such as RandomTransl"),
        ("nowhere:Layer", r"'nowhere:Layer' .*No module named 'nowhere'.*package\.module:Class"),
        ("os:path", r"'os:path' .*; expected a class of keras.layers"),
        ({"RandomFlip": "horizontal"}, r"options 'horizontal' of RandomFlip; expected {option:"),
        ({"RandomFlip": {"seed": 1}}, r"without a seed: the run's own decides \(--seed\)"),
        ({"RandomFlip": {"speed": 1}}, r"layer RandomFlip .*'speed': 1.* It takes: mode, "),
        ("RandomHue", r"layer RandomHue .*argument: 'factor'. It takes: factor, value_range, "),
        (
            {"RandomHue": {"factor": 0.1}},
            r"RandomHue of augment refuses examples of shape \(8, 8, 1\): input must have 3 "
            r"channels but input only has 1 channels. Change its options, or leave it out$",
        ),
        ({"RandomCrop": {"height": 6, "width": 8}}, r"makes examples of shape \(6, 8, 1\) from"),
        ("BatchNormalization", r"BatchNormalization of augment has weights, .*; expected a layer"),
        ("MixUp", r"MixUp of augment mixes the examples of an episode, whose labels stay"),
        ("OWN:Global", r"OWN:Global .*does not decide, so that a resumed run would differ"),
        ("OWN:Stateful", r"OWN:Stateful .*expected every draw from a keras.random.SeedGenerator"),
        ("OWN:WhenTraced", r"OWN:WhenTraced of augment has draws or state"),
        ("OWN:Mixing", r"OWN:Mixing of augment mixes the examples"),
        ("OWN:NotInGraphs", r"OWN:NotInGraphs of augment fails in a graph"),
    ],
)
def test_layers_that_will_not_do_are_refused(images, own_layers, layer, message):
    layer = layer.replace("OWN", own_layers) if isinstance(layer, str) else layer
    with pytest.raises(UserError, match=message.replace("OWN", own_layers)):
        build_augmentation(["RandomFlip", layer], images, seed=0)


def test_a_layer_of_images_is_refused_for_what_is_none():
    with pytest.raises(UserError, match=r"RandomFlip of augment refuses examples of shape \(1,\)"):
        build_augmentation(["RandomFlip"], Sinusoid(), seed=0)
    with pytest.raises(UserError, match=r'sinusoid are no images .*"value_range": \[LOW, HIGH\]'):
        build_augmentation([{"RandomBrightness": {"factor": 0.1}}], Sinusoid(), seed=0)


# Runs

TINY = {
    "pipeline": "sinusoid",
    "shots": 5,
    "queries": 5,
    "meta_batch": 4,
    "steps": 12,
    "log_every": 4,
    "validate_every": 4,
    "validation_tasks": 6,
    "checkpoint_seconds": 0,
    "augment": [NOISE],
}


def train(make_trainer, windows=99):
    """Trains, and stops after some windows of steps."""
    asked = iter(range(1, 100))
    with Reporter("train") as reporter:
        return make_trainer().train(reporter, should_stop=lambda: next(asked) >= windows)


def started(run_dir, **changes):
    return lambda: Trainer.start(Settings().updated({**TINY, **changes}), run_dir)


def lines(run_dir):
    return [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]


def test_a_run_that_stops_and_goes_on_ends_in_the_same_bits(tmp_path):
    assert train(started(tmp_path / "whole")).finished
    assert train(started(tmp_path / "cut"), windows=1).step == 4
    assert train(lambda: Trainer.resume(tmp_path / "cut", {})).step == 12
    whole, cut = (RunDirectory.open(tmp_path / name).load_checkpoint() for name in ("whole", "cut"))
    assert whole[1] == cut[1] == 12
    for a, b in zip(whole[0].variables, cut[0].variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert lines(tmp_path / "whole") == lines(tmp_path / "cut")
    train(started(tmp_path / "plain", augment=[]))
    assert lines(tmp_path / "plain") != lines(tmp_path / "whole")


def test_validation_never_sees_it(tmp_path):
    # So small a rate that the weights stay as they are.
    for name, layers in (("plain", []), ("augmented", [NOISE])):
        train(started(tmp_path / name, augment=layers, outer_lr=1e-30))
    plain, augmented = lines(tmp_path / "plain"), lines(tmp_path / "augmented")
    scores = [[line["validation_mse"] for line in each] for each in (plain, augmented)]
    assert scores[0] == scores[1]
    losses = [[line["loss"] for line in each] for each in (plain, augmented)]
    assert all(a != b for a, b in zip(*losses, strict=True))


def test_a_dry_run_augments_its_step(monkeypatch):
    seen = []

    def augment(episodes, first):
        seen.append((episodes.support_x.shape, first.dtype))
        return episodes

    monkeypatch.setattr(trainer, "build_augmentation", lambda *_, **__: augment)
    dry_run_step(Settings().updated({**TINY, "train_shots": 7}))
    assert seen == [((4, 7, 1), tf.int64)]


def test_a_layer_that_will_not_do_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(UserError, match="RandomFlip of augment refuses"):
        Trainer.start(Settings().updated({**TINY, "augment": ["RandomFlip"]}), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    with pytest.raises(UserError, match="RandomFlip of augment refuses"):
        dry_run_step(Settings().updated({**TINY, "augment": ["RandomFlip"]}))
