"""The sampler: what an episode holds, that its number alone decides it, and what is refused."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import test_augmentation
from closeness import FEW, assert_close
from drawn_episodes import drawn, part_of, same
from encoded_episodes import (
    SPLITS,
    encoded_source,
    most_ways,
    possible_episodes,
    read_back,
    sources,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from tfmeta import UserError
from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.class_source import ClassSource
from tfmeta.episodes.episode_shape import EpisodeShape


@settings(max_examples=60)
@given(possible_episodes() | possible_episodes(grouped=True), st.integers(-(2**63), 2**63 - 1))
def test_an_episode_is_what_it_claims_to_be(case, seed):
    source, split, shape = case
    source.check(split, shape)
    episode = drawn(source, split, shape, seed=seed)
    for x, y, number in (
        (episode.support_x, episode.support_y, shape.num_shots),
        (episode.query_x, episode.query_y, shape.num_queries),
    ):
        assert x.dtype == tf.float32
        assert x.shape == (3, shape.num_ways * number, 2, 2, 1)
        assert y.dtype == tf.int32
        assert y.numpy().tolist() == [np.repeat(np.arange(shape.num_ways), number).tolist()] * 3
    parts = (read_back(x, shape.num_ways) for x in (episode.support_x, episode.query_x))
    classes, examples, turns = (np.concatenate(p, -1) for p in zip(*parts, strict=True))

    assert (source.index.labels[examples] == classes).all()
    assert np.isin(classes, source.index.splits.get(split, classes)).all()
    assert (turns < source.num_rotations).all()
    for task in range(3):
        by_label = [
            set(zip(c, t, strict=True)) for c, t in zip(classes[task], turns[task], strict=True)
        ]
        assert all(len(one_class) == 1 for one_class in by_label)
        assert len(set.union(*by_label)) == shape.num_ways
        for chosen in examples[task]:  # support and query together
            assert len(set(chosen)) == shape.num_shots + shape.num_queries
        if shape.within_group:
            assert len(set(source.index.groups[classes[task]].ravel())) == 1


@settings(max_examples=75)
@given(
    sources(grouped=True),
    st.sampled_from((*SPLITS, "all")),
    st.builds(EpisodeShape, st.integers(1, 6), st.integers(1, 4), st.integers(1, 4), st.booleans()),
)
def test_a_shape_is_drawn_or_refused_with_the_numbers(source, split, shape):
    classes = source.index.classes(split)
    counts = [int((source.index.labels == c).sum()) for c in classes]
    needed = shape.num_shots + shape.num_queries
    num_small = sum(count < needed for count in counts)
    remedy = r"Lower --(ways|shots)|Add classes$"
    if shape.num_ways > most_ways(source, split, False):
        numbers = {shape.num_ways, most_ways(source, split, False)}
    elif num_small:
        listed = sorted(counts)[: min(num_small, 5)]
        numbers = {shape.num_shots, shape.num_queries, needed, num_small, len(counts), *listed}
        numbers |= {num_small - 5} if num_small > 5 else set()
    elif shape.num_ways > most_ways(source, split, shape.within_group):
        numbers = {shape.num_ways, most_ways(source, split, True)}
    else:
        source.check(split, shape)
        assert len(drawn(source, split, shape).query_y) == 3
        return
    with pytest.raises(UserError, match=remedy) as refusal:
        source.episodes(split, shape)
    assert {int(n) for n in re.findall(r"\d+", str(refusal.value))} == numbers
    assert f"the {split} split of encoded" in str(refusal.value)


@given(possible_episodes(), st.integers(0, 2**40), st.integers(0, 5), st.integers(1, 4))
def test_an_episode_is_the_same_in_any_batch(case, start, skipped, count):
    source, split, shape = case
    whole = drawn(source, split, shape, first=start, count=9)
    part = drawn(source, split, shape, first=start + skipped, count=count)
    assert same(part, part_of(whole, skipped, skipped + count))


@pytest.mark.parametrize(("num_tasks", "first"), [(1, 0), (3, 5), (12, 0)])
def test_the_dataset_gives_the_episodes_by_number(tiny_source, num_tasks, first):
    shape = EpisodeShape(4, 2, 3, within_group=True)
    dataset = tiny_source.episodes("train", shape, seed=7, num_tasks=num_tasks, first=first)
    expected = drawn(tiny_source, "train", shape, seed=7, first=first, count=12)
    for _ in range(2):
        for number, batch in enumerate(dataset.take(12 // num_tasks)):
            start = number * num_tasks
            assert same(batch, part_of(expected, start, start + num_tasks))


def fingerprint():
    """A digest of episodes of every kind; another process must find the same."""
    source = encoded_source(
        [5, 7, 6, 5, 9, 8],
        {"train": np.array([0, 2, 4]), "test": np.array([1, 3, 5])},
        groups=np.array([0, 0, 0, 1, 1, 1]),
        rotations=True,
    )
    digest = hashlib.sha256()
    for split in ("train", "test", "all"):
        for within_group in (False, True):
            for tensor in drawn(source, split, EpisodeShape(4, 2, 3, within_group), seed=3):
                digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


OF_ANOTHER_PROCESS = (
    "import test_augmentation as a, test_episodes as e; print(e.fingerprint(), a.digest())"
)


def test_another_process_draws_the_same_episodes():
    """Those that are augmented too."""
    hash_seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    done = subprocess.run(
        [sys.executable, "-c", OF_ANOTHER_PROCESS],
        cwd=Path(__file__).parent,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "PYTHONHASHSEED": hash_seed,
            "TF_CPP_MIN_LOG_LEVEL": "3",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [fingerprint(), test_augmentation.digest()]


def test_seeds_splits_and_numbers_give_different_episodes():
    source = encoded_source([9] * 12, {"train": np.arange(6), "test": np.arange(6, 12)})
    shape = EpisodeShape(5, 2, 2)
    seen = set()
    for split, first_class in (("train", 0), ("test", 6)):
        for seed in (0, 1, 2, -1, 2**32, 2**40):
            episodes = drawn(source, split, shape, seed=seed, count=10)
            classes, _, _ = read_back(episodes.support_x, 5)
            examples = read_back(episodes.query_x, 5)[1]
            # Relative to their split: that the splits' classes differ is not what is asked here.
            ranks = np.argsort(np.argsort(source.index.labels, kind="stable"), kind="stable")
            positions = ranks[examples] - 9 * first_class
            for task in range(10):
                seen.add(((classes[task] - first_class).tobytes(), positions[task].tobytes()))
    assert len(seen) == 2 * 6 * 10


def is_uniform(values, num_values):
    """Pearson's chi-square test at 1 in 1,000, its quantile by Wilson and Hilferty (1931)."""
    counts = np.bincount(np.asarray(values).ravel(), minlength=num_values)
    expected, freedom = np.size(values) / num_values, num_values - 1
    quantile = freedom * (1 - 2 / (9 * freedom) + 3.09 * np.sqrt(2 / (9 * freedom))) ** 3
    assert len(counts) == num_values
    return ((counts - expected) ** 2 / expected).sum() < quantile


def test_classes_examples_and_turns_are_chosen_evenly():
    source = encoded_source([6] * 8, {"train": np.arange(8)}, rotations=True)
    episode = drawn(source, "train", EpisodeShape(2, 1, 1), count=4000)
    classes, examples, turns = (part[..., 0] for part in read_back(episode.support_x, 2))
    virtual = classes + 8 * turns
    assert is_uniform(virtual[:, 0], 32)
    assert is_uniform(examples[:, 0], 48)
    queries = read_back(episode.query_x, 2)[1][:, 0, 0]
    assert is_uniform(queries, 48)
    others = (virtual[:, 1] - virtual[:, 0]) % 32 - 1  # ways are drawn without replacement
    assert is_uniform(others, 31)
    successors = (virtual[1:, 0] - virtual[:-1, 0]) % 32
    assert is_uniform(successors, 32)


def test_groups_that_are_large_enough_are_chosen_evenly():
    groups = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2, 2, 3])
    source = encoded_source([3] * 11, {"train": np.arange(11)}, groups=groups)
    episode = drawn(source, "train", EpisodeShape(2, 1, 1, within_group=True), count=1500)
    classes, _, _ = read_back(episode.support_x, 2)
    chosen = groups[classes[:, 0, 0]]
    assert 3 not in chosen  # one class only
    assert is_uniform(chosen, 3)


def test_turned_classes_are_exact_quarter_turns():
    images = np.random.default_rng(0).integers(0, 256, (2, 5, 5, 3), np.uint8)
    index = ClassIndex(np.repeat(images, 2, 0), np.repeat([0, 1], 2), {"train": [0, 1]}, ("a", "b"))
    episode = drawn(ClassSource("two", index, rotations=True), "train", EpisodeShape(8, 1, 1))
    turned = {np.rot90(image, turns).tobytes() for image in images for turns in range(4)}
    for task in np.rint(episode.support_x.numpy() * 255).astype(np.uint8):
        assert {image.tobytes() for image in task} == turned


def test_pixels_become_floats_from_0_to_1():
    values = np.arange(256, dtype=np.uint8)
    images = np.stack([values, values[::-1]]).reshape(2, 16, 16, 1)
    source = ClassSource("ramps", ClassIndex(images, [0, 0], {"train": [0]}, ("a",)))
    x = drawn(source, "train", EpisodeShape(1, 1, 1)).support_x.numpy().reshape(3, 256)
    assert x.dtype == np.float32
    expected = values / np.float32(255)
    for ramp in x:
        assert_close(np.sort(ramp), expected, roundings=FEW)
        assert (ramp.min(), ramp.max()) == (0, 1)


@pytest.mark.parametrize("shape", [(3,), (4, 6, 1)])
def test_examples_that_are_not_square_images_pass_as_they_are(shape):
    x = np.random.default_rng(0).normal(size=(12, *shape)).astype(np.float32)
    index = ClassIndex(x, np.repeat(np.arange(3), 4), {"train": np.arange(3)}, ("a", "b", "c"))
    episode = drawn(ClassSource("floats", index), "train", EpisodeShape(3, 1, 3))
    for task in range(3):
        everything = np.concatenate([episode.support_x[task], episode.query_x[task]])
        assert {e.tobytes() for e in everything} == {e.tobytes() for e in x}
    with pytest.raises(UserError, match=r"rotations need square images.*rotations=false"):
        ClassSource("floats", index, rotations=True)


@pytest.mark.parametrize(("rotations", "most"), [(False, 3), (True, 12)])
def test_ways_within_a_group_end_with_the_largest_group(rotations, most):
    groups = np.array([0, 0, 0, 1, 1])
    source = encoded_source([4] * 5, {"train": np.arange(5)}, groups=groups, rotations=rotations)
    source.check("train", EpisodeShape(most, 1, 1, within_group=True))
    message = f"{most + 1} ways within a group.* train split of encoded has {most}. "
    with pytest.raises(UserError, match=message):
        source.check("train", EpisodeShape(most + 1, 1, 1, within_group=True))


def test_no_groups_no_episodes_within_one():
    source = encoded_source([4] * 5, {"train": np.arange(5)})
    with pytest.raises(UserError, match=r"encoded has no groups.*leave --within-group out"):
        source.check("train", EpisodeShape(2, 1, 1, within_group=True))


def test_all_is_every_split_and_other_names_are_refused(tiny_source):
    splits = np.concatenate([tiny_source.index.classes(split) for split in SPLITS])
    assert tiny_source.index.classes("all").tolist() == sorted(set(splits.tolist()))
    assert len(splits) == 20
    with pytest.raises(UserError, match=r"unknown split 'dev'; expected one of: train, .*, all"):
        tiny_source.check("dev", EpisodeShape())


@pytest.mark.parametrize("name", ["ways", "shots", "queries"])
@pytest.mark.parametrize("number", [0, -1])
def test_a_shape_of_nothing_is_refused(name, number):
    with pytest.raises(UserError, match=f"received {name}={number}; expected 1 or more"):
        EpisodeShape(**{f"num_{name}": number})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": np.zeros(5, int)}, "received 6 examples and 5 labels"),
        ({"splits": {"train": [0, 1], "test": [1, 2]}}, "splits that share a class"),
        ({"splits": {"train": [0, 1, 1], "test": [2]}}, "splits that share a class"),
        ({"groups": np.zeros(2, int)}, "2 groups"),
    ],
)
def test_an_index_that_contradicts_itself_is_refused(changes, message):
    index = {
        "examples": np.zeros((6, 2, 2, 1), np.uint8),
        "labels": np.repeat(np.arange(3), 2),
        "splits": {"train": [0, 1], "test": [2]},
        "class_names": ("a", "b", "c"),
        "groups": np.zeros(3, int),
    }
    ClassIndex(**index)
    with pytest.raises(ValueError, match=message):
        ClassIndex(**{**index, **changes})


def test_the_most_ways_within_a_group_leave_no_group_out(tiny_source):
    """Groups of 4, and of 2 at the end of a split."""

    def most(ways, **options):
        return tiny_source.limits("validation", EpisodeShape(ways, 1, 1, **options))[0]

    assert most(2, within_group=True) == 2
    assert most(3, within_group=True) == 4
    assert most(3) == len(tiny_source.index.classes("validation"))
