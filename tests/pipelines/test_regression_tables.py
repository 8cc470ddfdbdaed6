"""Regression tasks from a user's table: how rows become episodes, and what is refused."""

import keras
import numpy as np
import pytest
from closeness import assert_close, assert_within_chance
from nightly import second_road
from planes import NUM_TASKS, rows_of, table, tasks_of

import tfmeta
from tfmeta import UserError, networks
from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.episode_shape import EpisodeShape, Range
from tfmeta.errors import NotFiniteError
from tfmeta.pipelines.regression import Regression, build

SHAPE = EpisodeShape(1, 4, 3)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    file = tmp_path_factory.mktemp("regression") / "data.csv"
    table().to_csv(file, index=False)
    return file


@pytest.fixture(scope="module")
def source(path):
    return build(data_dir=path)


def csv(folder, text):
    (folder / "data.csv").write_text(text)
    return folder / "data.csv"


# What is read


def test_it_has_the_rows_of_the_file(source):
    data = table()
    assert source.index.class_names == tuple(f"t{t:02d}" for t in range(NUM_TASKS))
    assert source.index.counts.tolist() == [rows_of(t) for t in range(NUM_TASKS)]
    np.testing.assert_array_equal(source.index.examples, data[["a", "b"]].astype("float32"))
    np.testing.assert_array_equal(source.targets, data[["target"]].astype("float32"))
    assert (source.name, source.input_shape, source.target_size) == ("regression", (2,), 1)
    assert source.is_regression
    assert source.facts == type(source.facts).from_dict(source.facts.to_dict())


def test_targets_may_be_several_and_features_are_the_rest_or_those_named(tmp_path):
    data = table().assign(other=lambda t: -t.target)
    data.to_parquet(tmp_path / "data.parquet")
    for target in (["target", "other"], "target,other"):
        two = build(data_dir=tmp_path, target=target)
        assert (two.input_shape, two.target_size) == ((2,), 2)
        assert np.array_equal(two.targets[:, 1], -two.targets[:, 0])
        episode = two.draw("train", SHAPE, 0)(0, 2)
        assert episode.query_y.shape == (2, 3, 2)
    b = build(data_dir=tmp_path, features="b", file="data.parquet")
    np.testing.assert_array_equal(b.index.examples, data[["b"]].astype("float32"))


@pytest.mark.parametrize("target", ["y", "target"])
def test_an_npz_has_x_and_a_target_and_the_tasks(tmp_path, target):
    data = table()
    arrays = {"x": data[["a", "b"]], "task": data.task.to_numpy(str), target: data.target}
    np.savez(tmp_path / "data.npz", **arrays)
    source = build(data_dir=tmp_path)
    assert (source.input_shape, source.targets.shape) == ((2,), (len(data), 1))
    assert source.index.class_names[source.index.labels[0]] == data.task.iloc[0]


# Episodes


@pytest.mark.parametrize("split", ["train", "validation", "test", "all"])
def test_an_episode_is_distinct_rows_of_one_task_of_its_split(source, split):
    episode = source.draw(split, SHAPE, 0)(0, 400)
    assert [tuple(t.shape) for t in episode] == [
        (400, 4, 2),
        (400, 4, 1),
        (400, 3, 2),
        (400, 3, 1),
    ]
    assert {t.dtype.name for t in episode} == {"float32"}
    x = np.concatenate([episode.support_x, episode.query_x], 1)
    y = np.concatenate([episode.support_y, episode.query_y], 1)
    tasks = tasks_of(source, x)
    assert (tasks == tasks[:, :1]).all()
    assert set(tasks[:, 0]) == set(source.index.classes(split).tolist())
    assert all(len({row.tobytes() for row in rows}) == 7 for rows in x)
    answer = {x.tobytes(): y for x, y in zip(source.index.examples, source.targets, strict=True)}
    assert all(
        np.array_equal(answer[a.tobytes()], b)
        for a, b in zip(x.reshape(-1, 2), y.reshape(-1, 1), strict=True)
    )


def test_tasks_are_drawn_alike_and_so_are_a_tasks_rows(source):
    number = 6000
    episode = source.draw("validation", EpisodeShape(1, 1, 1), 1)(0, number)
    tasks = tasks_of(source, episode.support_x)[:, 0]
    classes = source.index.classes("validation")
    drawn = np.bincount(tasks, minlength=NUM_TASKS)[classes]
    assert_within_chance(drawn / number, 1 / len(classes), (0.2 * 0.8 / number) ** 0.5)
    for part in (episode.support_x, episode.query_x):
        rows = [x.tobytes() for x in part.numpy()[tasks == classes[0]][:, 0]]
        _, times = np.unique(rows, return_counts=True)
        assert len(times) == rows_of(classes[0])
        expected = len(rows) / len(times)
        assert_within_chance(times, expected, expected**0.5)


def test_an_episode_is_a_function_of_seed_split_and_number_alone(path):
    draw, other = (build(data_dir=path).draw("train", SHAPE, 5) for _ in range(2))
    for few, many, late in zip(draw(0, 3), other(0, 9), other(2, 1), strict=True):
        assert np.array_equal(few, many[:3])
        assert np.array_equal(many[2:3], late)
    source = build(data_dir=path)
    keys = [(split, seed) for split in ("train", "all") for seed in (5, 6)]
    first = {
        source.draw(split, SHAPE, seed)(0, 1).support_x.numpy().tobytes() for split, seed in keys
    }
    assert len(first) == 4
    batch = next(iter(source.episodes("train", SHAPE, seed=5, num_tasks=3)))
    assert np.array_equal(batch.query_y, draw(0, 3).query_y)


def test_splits_are_streams_of_their_own():
    rows = np.arange(9, dtype=np.float32)[:, np.newaxis]
    splits = {"train": [0], "test": [1]}
    index = ClassIndex(np.concatenate([rows, rows]), np.repeat([0, 1], 9), splits, ("a", "b"))
    source = Regression(index, index.examples)
    drawn = [source.draw(split, SHAPE, 0)(0, 4).support_x for split in splits]
    assert not np.array_equal(*drawn)


def test_tasks_are_split_by_the_seed_and_in_one_split_each(path, source):
    splits = source.recorded_splits()
    numbers = {split: len(names) for split, names in splits.items()}
    assert numbers == {"train": 19, "validation": 5, "test": 6}
    assert len({name for names in splits.values() for name in names}) == NUM_TASKS
    assert build(data_dir=path).recorded_splits() == splits
    assert build(data_dir=path, split_seed=1).recorded_splits() != splits
    assert len(build(data_dir=path, test=2).recorded_splits()["test"]) == 2


def test_episodes_of_several_sizes_are_padded(source):
    shape = EpisodeShape(1, Range(2, 4), Range(1, 3))
    episode = source.draw("train", shape, 0)(0, 64)
    assert set(episode.support_size.numpy()) == {2, 3, 4}
    assert set(episode.query_size.numpy()) == {1, 2, 3}
    for task, size in enumerate(episode.support_size.numpy()):
        x, y = episode.support_x[task].numpy(), episode.support_y[task].numpy()
        assert (x[:size] != 0).all()
        assert not x[size:].any()
        assert not y[size:].any()


# Tasks with too few rows


def test_tasks_with_too_few_rows_are_refused_with_the_numbers(source):
    least = min(source.index.counts[source.index.classes("train")])
    assert source.limits("train", SHAPE) == (1, least) == (1, 7)
    source.check("train", EpisodeShape(1, 4, 3))
    with pytest.raises(UserError) as refusal:
        source.episodes("train", EpisodeShape(1, 4, 4))
    sevens = [t for t in source.index.classes("train") if rows_of(t) == 7]
    assert str(refusal.value).startswith(
        f"4 shots and 4 queries need 8 rows per task; {len(sevens)} of 19 tasks in the train split "
        f"of regression have fewer (t{sevens[0]:02d}: 7"
    )
    assert "--skip-small-classes" in str(refusal.value)


def test_tasks_with_too_few_rows_can_be_left_out_and_are_named(source):
    shape = EpisodeShape(1, 5, 4, skip_small_classes=True)
    train = source.index.classes("train").tolist()
    small = [t for t in train if rows_of(t) < 9]
    drawn = tasks_of(source, source.draw("train", shape, 0)(0, 300).support_x)
    assert set(drawn[:, 0]) == set(train) - set(small)
    (said,) = source.left_out({"train": shape})
    assert said.startswith(f"train: left out {len(small)} tasks, because 5 shots and 4 queries ne")
    assert all(f"t{t:02d}: {rows_of(t)}" in said for t in small)
    assert not any(f"t{t:02d}" in said for t in set(train) - set(small))
    assert source.limits("train", shape) == (1, 9)
    assert source.left_out({"train": EpisodeShape(1, 5, 4)}) == []
    small_enough = EpisodeShape(1, 1, 1, skip_small_classes=True)
    assert source.left_out({"train": small_enough}) == []


def test_a_split_of_which_no_task_is_left_is_refused(path, source):
    with pytest.raises(UserError, match=r"6 of 6 tasks in the test split .*, add rows$"):
        source.check("test", EpisodeShape(1, 50, 1, skip_small_classes=True))
    none = build(data_dir=path, validation=0)
    with pytest.raises(UserError, match=r"validation split of regression has no task; add tasks"):
        none.check("validation", SHAPE)


# What is refused


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


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("x,target\n1,2\n", {}, r"no column 'task'; it has: x, target\. Name .*pipeline\.task=N"),
        ("x,task\n1,2\n", {}, r"no column 'target'; .*--set pipeline\.target=NAME"),
        ("x,task,target\n1,a,2\n1,,2\n", {}, r"no task \(task\) in line 3"),
        ("x,task,target\n1,a,high\n", {}, r"not numeric: target \('high' in line 2\)"),
        ("x,task,target\n1,a,2\n1,a,\n", {}, r"1 value .* missing: target in line 3"),
        ("x,task,target\n1,a,2\n-inf,a,2\n", {}, r"1 value .* infinite, .*: x in line 3"),
        ("x,s,task,target\n1,u,a,2\n", {}, r"1 column of .* is not numeric: s \('u' in line 2\)"),
        ("task,target\na,2\n", {}, r"no column is left"),
        ("x,task,target\n1,a,2\n", {"features": "x,target"}, r"target is the target; expected"),
        ("x,task,target\n1,a,2\n1,b,2\n", {"standardise": 1}, r"standardise=1; expected true or"),
    ],
)
def test_a_table_that_will_not_do_is_refused(tmp_path, text, options, words):
    options = {"validation": 0, "test": 1, **options}
    with pytest.raises(UserError, match=words):
        build(data_dir=csv(tmp_path, text), **options)


def test_without_a_file_it_says_which(tmp_path):
    with pytest.raises(UserError, match=r"regression needs its data: --data-dir FILE"):
        build()
    with pytest.raises(UserError, match=r"holds 0 files of \.npz, \.csv, \.tsv or \.parquet"):
        build(data_dir=tmp_path)


def test_targets_that_are_no_rows_are_refused():
    index = ClassIndex(np.eye(2, dtype=np.float32), np.array([0, 0]), {"train": [0]}, ("t",))
    with pytest.raises(ValueError, match=r"targets of shape \(2,\) for 2 rows; expected \(rows, t"):
        Regression(index, np.zeros(2, np.float32))


# Training


def error_after_training(source, **options):
    """MAML's on test tasks after 100 steps, as a share of the targets' variance."""
    keras.utils.set_random_seed(0)
    network = networks.mlp(source.input_shape, source.target_size, units=(32,), **options)
    learner = tfmeta.MAML(network, 1, inner_learning_rate=0.1)
    error = keras.metrics.MeanSquaredError("mse")
    learner.compile(keras.optimizers.Adam(1e-2), "mse", metrics=[error], jit_compile=False)
    learner.optimizer.build(learner.trainable_variables)
    training, test = (source.episodes(s, SHAPE, num_tasks=16) for s in ("train", "test"))
    learner.fit(training, steps_per_epoch=100, verbose=0, shuffle=False)
    measured = learner.evaluate(test, steps=20, verbose=0, return_dict=True)["mse"]
    return measured / source.targets.var()


def test_the_scaling_is_that_of_the_training_tasks_alone(tmp_path):
    table(200.0, 1000.0).to_csv(tmp_path / "data.csv", index=False)
    raw = build(data_dir=tmp_path)
    training = np.isin(raw.index.labels, raw.index.classes("train"))
    mean = raw.index.examples[training].astype(np.float64).mean(0)
    assert_close(raw.network_options["input_mean"], mean)
    assert min(raw.network_options["input_scale"]) > 150
    assert not build(data_dir=tmp_path, standardise=False).network_options


@second_road(
    "tests/pipelines/test_regression_tables.py"
    "::test_the_scaling_is_that_of_the_training_tasks_alone",
    "tests/pipelines/arrays/test_array_scaling.py"
    "::test_the_scaled_network_gives_the_same_answers_to_raw_features",
)
def test_raw_features_train_as_well_as_scaled_ones(tmp_path, source):
    """To answer with the mean has an error of 1."""
    table(200.0, 1000.0).to_csv(tmp_path / "data.csv", index=False)
    raw = build(data_dir=tmp_path)
    scaled = error_after_training(source, **source.network_options)
    assert scaled < 0.6
    raws = error_after_training(raw, **raw.network_options)
    # Means of 960 squares: of normal errors each has sqrt(2) of itself for its deviation.
    assert_within_chance(raws, scaled, scaled * (2 / 960) ** 0.5)
    with pytest.raises(NotFiniteError, match="training stopped at step"):
        error_after_training(raw)
