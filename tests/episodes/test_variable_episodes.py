"""Episodes of several sizes: ranges of ways, shots and queries, unbalanced support sets."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from closeness import assert_all_close, assert_close
from conformance_table import ROWS, conv, each
from drawn_episodes import drawn, part_of, same
from encoded_episodes import encoded_source, possible_episodes, read_back
from hypothesis import given, settings
from hypothesis import strategies as st

from tfmeta.cli import main
from tfmeta.episodes.episode import Episode, PaddedEpisode
from tfmeta.episodes.episode_shape import EpisodeShape, Range
from tfmeta.learners.padding import unpadded
from tfmeta.pipelines import build


@st.composite
def varying_episodes(draw):
    """A source, a split and a shape with ranges that the data can fill."""
    source, split, most = draw(possible_episodes() | possible_episodes(grouped=True))
    numbers = (most.num_ways, most.num_shots, most.num_queries)
    ranges = [Range(draw(st.integers(1, number)), number) for number in numbers]
    shape = EpisodeShape(*ranges, most.within_group, unbalanced=draw(st.booleans()))
    return source, split, shape


@settings(max_examples=60)
@given(varying_episodes(), st.integers(0, 2**31))
def test_every_episode_is_of_a_size_within_its_ranges(case, seed):
    source, split, shape = case
    source.check(split, shape)
    batch = drawn(source, split, shape, seed=seed)
    if not shape.varies:
        assert type(batch) is Episode
        return
    assert batch.support_x.shape[1] == shape.num_ways * shape.num_shots
    assert batch.query_x.shape[1] == shape.num_ways * shape.num_queries
    for task in range(3):
        support_y, query_y, sizes = (
            batch.support_y[task].numpy(),
            batch.query_y[task].numpy(),
            (int(batch.support_size[task]), int(batch.query_size[task])),
        )
        for y, x, size in zip(
            (support_y, query_y), (batch.support_x[task], batch.query_x[task]), sizes, strict=True
        ):
            assert (y[:size] >= 0).all()
            assert (y[size:] == -1).all()
            assert not np.any(x[size:])
            assert (np.diff(y[:size]) >= 0).all()  # class by class
        shots, queries = np.bincount(support_y[: sizes[0]]), np.bincount(query_y[: sizes[1]])
        assert shape.ways.least <= len(shots) == len(queries) <= shape.num_ways
        assert shots.min() >= shape.shots.least
        assert shots.max() <= shape.num_shots
        assert shape.unbalanced or len(set(shots)) == 1
        assert len(set(queries)) == 1
        assert shape.queries.least <= queries[0] <= shape.num_queries
        classes, examples, turns = (
            np.concatenate(parts, -1).ravel()
            for parts in zip(
                read_back(batch.support_x[task : task + 1, : sizes[0]], 1),
                read_back(batch.query_x[task : task + 1, : sizes[1]], 1),
                strict=True,
            )
        )
        labels = np.concatenate([support_y[: sizes[0]], query_y[: sizes[1]]])
        assert (source.index.labels[examples] == classes).all()
        virtual = {(label, c, t) for label, c, t in zip(labels, classes, turns, strict=True)}
        assert len(virtual) == len(shots)  # a label is one class, turned one way
        assert len({(c, t) for _, c, t in virtual}) == len(shots)
        assert len(set(zip(examples, turns, strict=True))) == len(examples)


@pytest.mark.slow
@settings(max_examples=12)
@given(varying_episodes(), st.integers(0, 5), st.integers(1, 4))
def test_its_size_depends_on_its_number_alone(case, first, count):
    source, split, shape = case
    whole = next(iter(source.episodes(split, shape, seed=3, num_tasks=9)))
    part = next(iter(source.episodes(split, shape, seed=3, num_tasks=count, first=first)))
    assert same(part, part_of(whole, first, first + count))


def test_every_size_in_the_range_comes_up():
    source = encoded_source([8] * 6, {"train": np.arange(6)})
    shape = EpisodeShape(Range(2, 4), Range(1, 3), Range(4, 5), unbalanced=True)
    batch = drawn(source, "train", shape, count=400)
    shots, queries = set(), set()
    for task in range(400):
        y = batch.support_y[task, : batch.support_size[task]].numpy()
        shots.update(np.bincount(y).tolist())
        queries.add(int(batch.query_size[task]) // (int(y.max()) + 1))
    ways = (batch.support_y.numpy().max(1) + 1).tolist()
    assert (set(ways), shots, queries) == ({2, 3, 4}, {1, 2, 3}, {4, 5})


def varied_batch(tasks=3):
    """Tasks of 2 to 4 ways and 1 to 3 shots of 8x8 noise, each class around its own pattern."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (48, 8, 8, 1), np.uint8)
    images = (images // 4 + np.repeat(rng.integers(0, 192, (6, 8, 8, 1)), 8, 0)).astype(np.uint8)
    from tfmeta.episodes.class_index import ClassIndex
    from tfmeta.episodes.class_source import ClassSource

    names = tuple("abcdef")
    index = ClassIndex(images, np.repeat(np.arange(6), 8), {"train": np.arange(6)}, names)
    shape = EpisodeShape(Range(2, 4), Range(1, 3), 2, unbalanced=True)
    source = ClassSource("noise", index)
    batch = next(iter(source.episodes("train", shape, num_tasks=tasks)))
    assert len(set(batch.support_size.numpy().tolist())) > 1
    return batch


@each(ROWS, turn=2)
def test_a_learner_sees_a_task_of_a_batch_as_it_would_alone(row):
    """The padding changes neither the answers nor the meta-gradient."""
    four_ways = conv(4) if row.network is conv else None
    learner = row.make(four_ways)
    batch = varied_batch()
    tasks = [PaddedEpisode(*(tensor[task] for tensor in batch)) for task in range(3)]
    outputs = learner(batch).numpy()
    alone = [unpadded(task) for task in tasks]
    for task, episode in enumerate(alone):
        expected = learner.predict_with(
            learner.adapt(episode.support_x, episode.support_y), episode.query_x
        ).numpy()
        ways = expected.shape[1]
        assert len(expected) == int(batch.query_size[task])
        received = outputs[task, : len(expected), :ways]
        assert_close(received, expected)
        assert not outputs[task, len(expected) :].any()
    optimizer = GradientKeeper(0.0)
    learner.compile(optimizer, jit_compile=False)
    learner.train_step(batch)
    expected = [learner.task_gradients(episode)[0] for episode in alone]
    means = [
        np.mean([np.asarray(tf.convert_to_tensor(g)) for g in parts], 0)
        for parts in zip(*expected, strict=True)
    ]
    assert_all_close(optimizer.kept, means)


class GradientKeeper(keras.optimizers.SGD):
    """Keeps the gradients instead of taking a step."""

    def apply_gradients(self, grads_and_vars):
        self.kept = [np.asarray(tf.convert_to_tensor(g)) for g, _ in grads_and_vars]


def test_ranges_from_the_command_line_to_the_result(tmp_path):
    run = tmp_path / "run"
    command = (
        f"train glyphs --algorithm prototypical --ways 2-5 --shots 1-3 --unbalanced --queries 4 "
        f"--steps 2 --meta-batch 2 --set validation_tasks=4 --set train_ways=6 "
        f"--set network.filters=4 --run-dir {run}"
    )
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    config = json.loads((run / "config.json").read_text())
    assert (config["least_ways"], config["ways"], config["train_ways"]) == (2, 5, 6)
    assert (config["least_shots"], config["shots"]) == (1, 3)
    done = CliRunner().invoke(main, ["evaluate", str(run), "--tasks", "6", "--json"])
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["least_ways"], result["num_ways"], result["unbalanced"]) == (2, 5, True)
    assert 0 <= result["accuracy"] <= 1
    done = CliRunner().invoke(main, ["evaluate", str(run), "--ways", "5-2"])
    assert done.exit_code == 2
    assert "ways from 5 to 2" in done.output
    done = CliRunner().invoke(main, ["evaluate", str(run), "--ways", "few"])
    assert "'few'; expected a number, such as 5, or a range, 5-10" in done.output


def test_xla_and_several_sizes_are_told_apart_by_words():
    learner = ROWS["maml"].make(conv(4))
    learner.compile("sgd", jit_compile=True)
    with pytest.raises(ValueError, match="received episodes of several sizes; XLA needs one"):
        learner.train_step(varied_batch())


def test_glyphs_of_one_size_are_what_they_were():
    """The draw of an episode of one size didn't change when sizes came to vary."""
    batch = next(iter(build("glyphs").episodes("test", EpisodeShape(3, 1, 2), num_tasks=2)))
    assert type(batch) is Episode
    assert batch.support_y.numpy().tolist() == [[0, 1, 2]] * 2
