"""Omniglot as the pipeline reads it: its data, its splits, its pixels."""

import numpy as np
import pytest
import tensorflow as tf
from class_groups import are_disjoint, groups_of
from seen_pixels import seen_by_the_server

from tfmeta import UserError
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.reading.images import to_unit

pytestmark = pytest.mark.omniglot


def test_omniglot_is_1623_characters_of_20_drawers_with_ink_high(omniglot):
    images = omniglot.index.examples
    assert images.shape == (32460, 28, 28, 1)
    assert np.bincount(omniglot.index.labels).tolist() == [20] * 1623
    assert len(set(omniglot.index.class_names)) == 1623
    ink = images.reshape(len(images), -1).mean(1) / 255
    assert 0 < ink.min() < ink.max() < 0.3
    episode = omniglot.draw("train", EpisodeShape(5, 1, 1), 0)(0, 8)
    assert episode.support_x.shape == (8, 5, 28, 28, 1)
    assert 0.5 < episode.support_x.numpy().max() <= 1
    assert episode.support_x.numpy().min() == 0


def test_omniglot_characters_are_split_as_in_the_papers(omniglot):
    splits = {split: set(classes.tolist()) for split, classes in omniglot.index.splits.items()}
    assert {s: len(c) for s, c in splits.items()} == {"train": 1100, "validation": 100, "test": 423}
    assert are_disjoint(splits.values())
    assert omniglot.num_rotations == 4
    omniglot.check("train", EpisodeShape(4400, 1, 1))
    with pytest.raises(UserError, match=r"train split of omniglot has 4400"):
        omniglot.check("train", EpisodeShape(4401, 1, 1))


def test_omniglot_alphabets_are_split_as_by_lake(built):
    source = built(split="alphabets", rotations=False)
    index, alphabets = source.index, groups_of(source)
    assert {s: len(a) for s, a in alphabets.items()} == {"train": 25, "validation": 5, "test": 20}
    assert are_disjoint(alphabets.values())
    assert len(index.classes("test")) == 659
    assert sorted(index.classes("all")) == list(range(1623))
    assert source.num_rotations == 1
    with_names = {index.class_names[c].rsplit("_", 1)[0].lower() for c in index.classes("test")}
    assert any("tengwar" in name for name in with_names)  # an evaluation alphabet
    assert not any("latin" in name for name in with_names)  # a background one


def test_omniglots_own_files_give_the_pixels_that_training_saw(omniglot, omniglot_dir):
    import tensorflow_datasets as tfds

    builder = tfds.builder("omniglot", data_dir=omniglot_dir)
    raw = builder.as_dataset(split="train", decoders={"image": tfds.decode.SkipDecoding()})
    files = [example["image"] for example in raw.take(12).as_numpy_iterator()]
    received = seen_by_the_server(omniglot.input_format, files)
    in_training = to_unit(tf.constant(omniglot.index.examples[: len(files)])).numpy()
    assert received.tobytes() == in_training.tobytes()
    assert np.ptp(received) > 0.5
