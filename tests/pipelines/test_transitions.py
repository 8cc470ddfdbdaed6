"""Windows of logged trajectories: how transitions become episodes."""

import itertools

import numpy as np
import pytest
from closeness import assert_close, assert_within_chance
from drifting import LENGTH, PUSH, arrays, columns, rows_of

from tfmeta import UserError
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.pipelines.transitions import build

SHAPE = EpisodeShape(1, 4, 3)
NAMED = {"validation_conditions": "ice", "test_conditions": ["mud"]}


def saved(folder, found):
    np.savez(folder / "log.npz", **found)
    return folder / "log.npz"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("transitions"), arrays())


@pytest.fixture(scope="module")
def source(path):
    return build(data_dir=path, **NAMED)


# What is read


def test_an_example_is_an_observation_and_an_action_and_its_target_the_change(source):
    found = arrays()
    assert (source.name, source.input_shape, source.target_size) == ("transitions", (3,), 2)
    rows = rows_of(found, source.index.examples)
    assert sorted(rows) == list(range(len(found["actions"])))
    both = np.concatenate([found["observations"], found["actions"]], 1)[rows]
    np.testing.assert_array_equal(source.index.examples, both.astype(np.float32))
    change = (found["next_observations"] - found["observations"])[rows]
    np.testing.assert_array_equal(source.trajectories.changes, change.astype(np.float32))
    assert source.facts == type(source.facts).from_dict(source.facts.to_dict())


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_table_is_read_as_the_arrays_are(tmp_path, source, suffix):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(columns(arrays()))
    getattr(frame, f"to_{suffix}")(tmp_path / f"log.{suffix}", index=False)
    read = build(data_dir=tmp_path, **NAMED)
    assert_close(read.index.examples, source.index.examples, dtype=np.float32)
    assert_close(read.trajectories.changes, source.trajectories.changes, dtype=np.float32)
    some = build(
        data_dir=tmp_path, observations="observation_1", next_observations="next_observation_1"
    )
    assert some.input_shape == (2,)


def test_another_table_is_read_in_the_order_of_the_columns_of_training(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(columns(arrays()))
    frame.to_csv(tmp_path / "log.csv", index=False)
    frame[frame.columns[::-1]].to_csv(tmp_path / "reversed.csv", index=False)
    trained = build(data_dir=tmp_path / "log.csv", **NAMED)
    assert trained.pinned_options["observations"] == ["observation_0", "observation_1"]
    other = build(data_dir=tmp_path / "reversed.csv", **NAMED, **trained.pinned_options)
    np.testing.assert_array_equal(other.index.examples, trained.index.examples)
    np.testing.assert_array_equal(other.trajectories.changes, trained.trajectories.changes)
    alone = build(data_dir=tmp_path / "reversed.csv", **NAMED)
    np.testing.assert_array_equal(alone.index.examples, trained.index.examples[:, [1, 0, 2]])
    assert build(data_dir=saved(tmp_path, arrays()), **NAMED).pinned_options == {}


def test_without_next_observations_they_are_those_of_the_next_row(tmp_path, source):
    found = arrays()
    del found["next_observations"]
    fewer = build(data_dir=saved(tmp_path, found), **NAMED)
    assert fewer.trajectories.counts.tolist() == [LENGTH - 1] * len(source.trajectories.counts)
    rows = rows_of(found, fewer.index.examples)
    same = rows_of(found, source.index.examples)
    kept = np.isin(same, rows)
    np.testing.assert_array_equal(fewer.trajectories.changes, source.trajectories.changes[kept])


def test_trajectories_may_be_logged_side_by_side(tmp_path, source):
    """Rows of several robots in turn, each robot's in the order of time."""
    turn = np.argsort(np.arange(len(arrays()["actions"])) % LENGTH, kind="stable")
    mixed = {name: values[turn] for name, values in arrays().items()}
    read = build(data_dir=saved(tmp_path, mixed), **NAMED)
    np.testing.assert_array_equal(read.index.examples, source.index.examples)


# Splits


def test_conditions_are_split_by_name_or_by_the_seed(path, source):
    assert source.recorded_splits() == {
        "train": ["calm", "wind"], "validation": ["ice"], "test": ["mud"]
    }  # fmt: skip
    for seed in range(3):
        splits = build(data_dir=path, test_conditions="mud", split_seed=seed).recorded_splits()
        assert [len(names) for names in splits.values()] == [2, 1, 1]
        assert splits["test"] == ["mud"]
    drawn = [build(data_dir=path, split_seed=seed).recorded_splits() for seed in range(4)]
    assert all(sorted(itertools.chain(*splits.values())) == sorted(PUSH) for splits in drawn)
    assert len({str(splits) for splits in drawn}) > 1
    two = build(data_dir=path, validation=0, test=2).recorded_splits()
    assert [len(names) for names in two.values()] == [2, 0, 2]


def test_scales_are_of_the_training_conditions(source):
    found = arrays()
    rows = np.isin(found["condition"], ["calm", "wind"])
    change = (found["next_observations"] - found["observations"])[rows]
    assert_close(source.learner_options["target_centre"], change.mean(0), dtype=np.float32)
    spread = [1.0, change[:, 1].std()]  # the first change is always 1
    assert_close(source.learner_options["target_spread"], spread, dtype=np.float32)
    x = np.concatenate([found["observations"], found["actions"]], 1)[rows]
    assert_close(source.network_options["input_mean"], x.mean(0), dtype=np.float32)


# Episodes


@pytest.mark.parametrize("split", ["train", "validation", "test", "all"])
def test_an_episode_is_one_window_with_the_support_set_before_the_queries(source, split):
    found = arrays()
    episode = source.draw(split, SHAPE, 0)(0, 300)
    shapes = [tuple(t.shape) for t in episode]
    assert shapes == [(300, 4, 3), (300, 4, 2), (300, 3, 3), (300, 3, 2)]
    x, y = (np.concatenate(parts, 1) for parts in (episode[::2], episode[1::2]))
    rows = rows_of(found, x)
    assert (np.diff(rows) == 1).all()
    assert (found["trajectory"][rows] == found["trajectory"][rows[:, :1]]).all()
    conditions = set(found["condition"][rows[:, 0]])
    assert conditions == set(np.array(source.index.class_names)[source.index.classes(split)])
    push = np.array([PUSH[each] for each in found["condition"][rows[:, 0]]])
    assert_close(y[..., 1], push[:, np.newaxis] * x[..., 2], dtype=np.float32, scale=10)


def test_conditions_are_drawn_alike_and_so_are_their_windows(tmp_path):
    """A condition's windows are alike, though one of its trajectories is longer."""
    found, number = arrays(calm0=20), 6000
    source = build(data_dir=saved(tmp_path, found), **NAMED)
    rows = rows_of(found, source.draw("train", SHAPE, 1)(0, number).support_x[:, 0])
    share = (found["condition"][rows] == "calm").mean()
    assert_within_chance(share, 0.5, (0.25 / number) ** 0.5)
    firsts, times = np.unique(rows[found["condition"][rows] == "calm"], return_counts=True)
    assert len(firsts) == (20 - 6) + 2 * (LENGTH - 6)
    expected = times.sum() / len(firsts)
    assert_within_chance(times, expected, expected**0.5)


def test_an_episode_is_a_function_of_seed_split_and_number_alone(path):
    draw, other = (build(data_dir=path).draw("train", SHAPE, 5) for _ in range(2))
    for few, many, late in zip(draw(0, 3), other(0, 9), other(2, 1), strict=True):
        np.testing.assert_array_equal(few, many[:3])
        np.testing.assert_array_equal(many[2:3], late)
    source = build(data_dir=path)
    keys = [(split, seed) for split in ("train", "all") for seed in (5, 6)]
    first = {source.draw(*key[:1], SHAPE, key[1])(0, 4).support_x.numpy().tobytes() for key in keys}
    assert len(first) == 4


def test_a_support_set_that_varies_in_size_ends_where_the_queries_begin(source):
    shape = EpisodeShape(1, (2, 4), (1, 3))
    found, episode = arrays(), source.draw("train", shape, 0)(0, 64)
    sizes = episode.support_size.numpy(), episode.query_size.numpy()
    assert [set(each) for each in sizes] == [{2, 3, 4}, {1, 2, 3}]
    for task, (support, query) in enumerate(zip(*sizes, strict=True)):
        x = [episode.support_x[task, :support], episode.query_x[task, :query]]
        rows = rows_of(found, np.concatenate(x))
        assert (np.diff(rows) == 1).all()
        assert not episode.support_x[task, support:].numpy().any()


# Trajectories that are too short


def test_trajectories_shorter_than_a_window_are_refused_or_left_out(tmp_path):
    found = arrays(calm1=5, wind0=6, ice2=4)
    source = build(data_dir=saved(tmp_path, found), **NAMED)
    words = (
        "4 shots and 3 queries need 7 transitions per trajectory; calm1: 5, wind0: 6 of the train"
    )
    with pytest.raises(UserError, match=words):
        source.check("train", SHAPE)
    skipping = EpisodeShape(1, 4, 3, skip_small_classes=True)
    source.check("train", skipping)
    assert source.limits("train", SHAPE) == (1, 5)
    assert source.limits("train", skipping) == (1, LENGTH)
    rows = rows_of(found, source.draw("train", skipping, 0)(0, 400).support_x[:, 0])
    assert set(found["trajectory"][rows]) == {"calm0", "calm2", "wind1", "wind2"}
    assert source.left_out({"validation": skipping}) == [
        "validation: left out 1 trajectory, because 4 shots and 3 queries need 7 transitions per "
        "trajectory (ice2: 4)"
    ]
    with pytest.raises(UserError, match=r"no trajectory of 1 condition of the test .* \(mud\)"):
        source.check("test", EpisodeShape(1, 10, 10, skip_small_classes=True))


@pytest.mark.parametrize(
    ("split", "shape", "words"),
    [
        ("train", EpisodeShape(5, 1, 1), r"has no classes: leave --ways"),
        ("train", EpisodeShape(1, 1, 1, within_group=True), r"--within-group out"),
        ("dev", SHAPE, r"unknown split 'dev'; expected one of: train, validation, test, all"),
    ],
)
def test_episodes_of_classes_and_unknown_splits_are_refused(source, split, shape, words):
    with pytest.raises(UserError, match=words):
        source.episodes(split, shape)


def test_a_split_without_a_condition_is_refused(path):
    none = build(data_dir=path, validation=0)
    with pytest.raises(UserError, match=r"validation split of transitions has no condition; give"):
        none.check("validation", SHAPE)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"test_conditions": "fog"}, r"unknown: fog\); expected some of .* calm, ice, mud, wind"),
        ({**NAMED, "test_conditions": "ice"}, r"named twice: ice"),
        ({**NAMED, "test": 2}, r"test_conditions=mud \(and pipeline\.test=2, which says the same"),
        ({"test_conditions": list(PUSH)}, r"none is left for training"),
        ({"test": 4}, r"leave none of 4 for training"),
        ({"standardise": 1}, r"standardise=1; expected true or false"),
    ],
)
def test_splits_that_can_not_be_are_refused(path, options, words):
    with pytest.raises(UserError, match=words):
        build(data_dir=path, **options)


def test_one_condition_is_refused(tmp_path):
    found = arrays()
    found["condition"][:] = "calm"
    with pytest.raises(UserError, match=r"has one condition, calm; expected two or more"):
        build(data_dir=saved(tmp_path, found))
