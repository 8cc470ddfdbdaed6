"""Feature vectors of users' own: what is read, how it is split, and what is refused."""

import sys
from decimal import Decimal

import keras
import numpy as np
import pandas
import pytest
import tensorflow as tf
from closeness import assert_close, assert_far_apart, assert_within_chance

import tfmeta
from tfmeta import UserError, networks, pipelines
from tfmeta.episodes.episode_source import EpisodeShape
from tfmeta.pipelines.arrays import build

NUM_CLASSES, NUM_ROWS, NUM_FEATURES = 25, 12, 4
SHAPE = EpisodeShape(3, 2, 5)


def blobs():
    """Classes around points of their own, far apart: x `(300, 4)` shuffled, and labels as text."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(NUM_CLASSES, 1, NUM_FEATURES))
    x = centres + 0.2 * rng.normal(size=(NUM_CLASSES, NUM_ROWS, NUM_FEATURES))
    order = rng.permutation(NUM_CLASSES * NUM_ROWS)
    labels = np.repeat([f"{number:03d}" for number in range(NUM_CLASSES)], NUM_ROWS)
    return x.reshape(-1, NUM_FEATURES).astype(np.float32)[order], labels[order]


def frame(**columns):
    x, labels = blobs()
    features = {f"f{number}": x[:, number] for number in range(NUM_FEATURES)}
    return pandas.DataFrame({**features, "label": labels, **columns})


def csv(path, text):
    (path / "data.csv").write_text(text, encoding="utf-8")
    return path / "data.csv"


def npz(path, **arrays):
    np.savez(path / "data.npz", **arrays)
    return path / "data.npz"


def refused(words, path, **options):
    with pytest.raises(UserError, match=words):
        build(data_dir=path, **options)


def names_of(source):
    return source.index.named_splits()


# What is read


@pytest.fixture(scope="module")
def same_data(tmp_path_factory):
    """The same rows as NPZ, CSV and Parquet: `{kind: file}`."""
    folder = tmp_path_factory.mktemp("same")
    x, labels = blobs()
    frame().to_csv(folder / "data.csv", index=False)
    frame().to_parquet(folder / "data.parquet")
    return {
        "npz": npz(folder, x=x, y=labels),
        "csv": folder / "data.csv",
        "parquet": folder / "data.parquet",
    }


@pytest.mark.parametrize("kind", ["npz", "csv", "parquet"])
def test_every_kind_of_file_gives_the_examples_and_classes_that_are_in_it(same_data, kind):
    source = build(data_dir=same_data[kind])
    x, labels = blobs()
    assert source.index.examples.dtype == np.float32
    np.testing.assert_array_equal(source.index.examples, x.astype(np.float32))
    assert [source.index.class_names[label] for label in source.index.labels] == labels.tolist()
    assert (source.name, source.input_shape, source.is_regression) == ("arrays", (4,), False)


def test_episodes_hold_rows_of_their_classes(same_data):
    source = build(data_dir=same_data["csv"])
    episode = source.draw("test", SHAPE, 0)(0, 20)
    assert episode.support_x.shape == (20, 6, 4)
    home = {x.tobytes(): label for x, label in zip(*blobs_of(source), strict=True)}
    test_classes = set(source.index.classes("test").tolist())
    for task in range(20):
        drawn = [home[x.tobytes()] for x in np.concatenate([*episode_x(episode, task)])]
        support, query = np.reshape(drawn[:6], (3, 2)), np.reshape(drawn[6:], (3, 5))
        assert (support == support[:, :1]).all()
        assert (query == support[:, :1]).all()
        assert set(drawn) <= test_classes
        assert len(set(support[:, 0])) == 3
        assert len({x.tobytes() for x in np.concatenate([*episode_x(episode, task)])}) == 21


def blobs_of(source):
    return source.index.examples, source.index.labels.tolist()


def episode_x(episode, task):
    return episode.support_x[task].numpy(), episode.query_x[task].numpy()


def test_an_episode_is_the_same_in_any_batch_and_from_any_file(same_data):
    draw = build(data_dir=same_data["npz"]).draw("train", SHAPE, 3)
    other = build(data_dir=same_data["npz"]).draw("train", SHAPE, 3)
    for few, many, late in zip(draw(0, 3), other(0, 8), other(2, 1), strict=True):
        assert np.array_equal(few, many[:3])
        assert np.array_equal(many[2:3], late)
    seeds = [build(data_dir=same_data["npz"]).draw("train", SHAPE, s)(0, 1)[0] for s in (3, 4)]
    assert not np.array_equal(*seeds)


def test_classes_are_sorted_as_text_and_a_label_keeps_its_noughts(tmp_path):
    rows = "".join(f"{x},{label}\n" for x, label in enumerate(["9", "10", "007", " 9", "NA"]))
    source = build(data_dir=csv(tmp_path, "x,label\n" + rows), validation=0, test=1)
    assert source.index.class_names == ("007", "10", "9", "NA")
    assert source.index.labels.tolist() == [2, 1, 0, 2, 3]


def test_a_csv_is_utf_8_with_or_without_a_mark(tmp_path):
    for mark in ("", "\ufeff"):
        path = csv(tmp_path, mark + "label,x\nmöwe,1\nötzi,2\n")
        source = build(data_dir=path, validation=0, test=1)
        assert source.index.class_names == ("möwe", "ötzi")
    path.write_bytes("label,x\nmöwe,1\n".encode("latin-1"))
    refused(r"cannot read .*'utf-8' codec can't decode", path)


@pytest.mark.parametrize(
    ("y", "names"),
    [
        (np.array([10, 9, 10]), ("10", "9")),
        (np.array([True, False, True]), ("False", "True")),
        (np.array([b"b", b"a", b"b"]), ("a", "b")),
    ],
)
def test_labels_of_an_npz_may_be_of_any_type(tmp_path, y, names):
    source = build(data_dir=npz(tmp_path, x=np.eye(3), y=y), validation=0, test=1)
    assert source.index.class_names == names
    assert np.bincount(source.index.labels).max() == 2
    by_name = build(data_dir=npz(tmp_path, x=np.eye(3), kind=y), label="kind", test=1, validation=0)
    assert by_name.index.class_names == names


def test_the_features_are_the_columns_that_have_no_other_use_or_those_named(tmp_path):
    table = frame(alphabet="one", flag=True).assign(label=lambda t: t.label)
    table.to_parquet(tmp_path / "data.parquet")
    all_of_them = build(data_dir=tmp_path, group="alphabet", split_by="class")
    assert all_of_them.input_shape == (5,)
    assert (all_of_them.index.examples[:, 4] == 1).all()
    for features in (["f2", "f0"], "f2, f0"):
        two = build(data_dir=tmp_path, features=features)
        assert np.array_equal(two.index.examples, table[["f2", "f0"]].to_numpy())


def test_examples_of_an_npz_may_have_any_shape(tmp_path):
    x = np.arange(48).reshape(4, 3, 4)
    for arrays, shape in (({"x": x}, (3, 4)), ({"X": x[:, 0, 0]}, (1,))):
        source = build(data_dir=npz(tmp_path, **arrays, y=list("abca")), validation=0, test=1)
        assert source.input_shape == shape
        assert source.index.examples.dtype == np.float32
        assert (
            source.index.examples.ravel().tolist() == next(iter(arrays.values())).ravel().tolist()
        )


def test_it_is_built_with_options_like_any_pipeline(same_data):
    home = "tfmeta.pipelines.arrays:build"
    source = pipelines.build(home, data_dir=str(same_data["csv"]), options={"test": 7})
    assert len(source.index.classes("test")) == 7
    with pytest.raises(UserError, match=r"no option 'labels'; it has: file, label, group, split"):
        pipelines.build(home, data_dir="x", options={"labels": "y"})


# Splits


def test_classes_are_split_by_the_seed_and_in_one_split_each(same_data):
    splits = names_of(build(data_dir=same_data["csv"]))
    assert {s: len(names) for s, names in splits.items()} == {
        "train": 16,
        "validation": 4,
        "test": 5,
    }
    assert len({name for names in splits.values() for name in names}) == NUM_CLASSES
    assert splits == names_of(build(data_dir=same_data["parquet"]))
    assert splits != names_of(build(data_dir=same_data["csv"], split_seed=1))
    assert len(names_of(build(data_dir=same_data["csv"], validation=2))["validation"]) == 2


def test_groups_stay_together_unless_it_is_split_by_class(tmp_path):
    table = frame().assign(alphabet=lambda t: "g" + (t.label.astype(int) // 5).astype(str))
    table.to_csv(tmp_path / "data.csv", index=False)
    options = {"data_dir": tmp_path, "group": "alphabet", "features": "f0,f1"}
    index = build(**options).index
    assert index.group_names == ("g0", "g1", "g2", "g3", "g4")
    assert index.groups.tolist() == np.repeat(range(5), 5).tolist()
    groups = [set(index.groups[classes].tolist()) for classes in index.splits.values()]
    assert sum(len(each) for each in groups) == len(set.union(*groups)) == 5
    by_class = build(**options, split_by="class").index
    groups = [set(by_class.groups[classes].tolist()) for classes in by_class.splits.values()]
    assert sum(len(each) for each in groups) > 5


def test_an_npz_may_say_groups_and_splits(tmp_path):
    parts = {"x": np.eye(4), "y": list("abcd"), "group": list("gghh")}
    path = npz(tmp_path, **parts, split=["train", "Val", "dev", "test"])
    index = build(data_dir=path).index
    assert index.group_names == ("g", "h")
    assert index.named_splits() == {"train": ["a"], "validation": ["b", "c"], "test": ["d"]}


def test_a_column_says_the_split_under_any_of_its_names(tmp_path):
    names = ["train", "val", "valid", "dev", "validation", "test"]
    rows = "".join(f"{i},{i},{name}\n{i},{i},{name}\n" for i, name in enumerate(names))
    path = csv(tmp_path, "x,label,part\n" + rows + "0.5,1,validation\n")
    splits = names_of(build(data_dir=path, split="part"))
    assert splits == {"train": ["0"], "validation": ["1", "2", "3", "4"], "test": ["5"]}


# What is refused


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("x,y\n1,a\n", {}, r"no column 'label'; it has: x, y\. Name yours with .*label=NAME"),
        ("x,label\n1,a\n", {"group": "g"}, r"no column 'g'; .*--set pipeline\.group=NAME"),
        ("x,label\n1,a\n", {"features": "x,z"}, r"no column 'z'; .*pipeline\.features=NAME"),
        (
            "x,colour,label\n1,2,a\n1,red,b\n",
            {},
            r"1 columns of .* not numeric: colour \('red' in row 2\); make them numbers",
        ),
        ("label\na\n", {}, r"cannot take the features .* no column is left"),
        ("x,label\n1,a\n", {"features": "x,label"}, r"label is the label; expected columns of the"),
        ("x,label\n1,a\n", {"features": "x,x"}, r"x, x name one twice"),
        (
            "x,z,label\n1,,a\ninf,2,a\n3,NA,a\n1e300,4,b\n",
            {},
            r"4 values of .* not finite: z in row 1, x in row 2, z in row 3, x in row 4\. Fill",
        ),
        ("x,label\n" + "nan,a\n" * 9, {}, r"9 values .*: x in row 1, .*x in row 5 and 4 more\. "),
        ("x,label\n1,a\n2,\n3,b\n4, \n", {}, r"no label \(label\) in 2 rows: 2, 4; fill them in"),
        ("x,label,g\n1,a,k\n2,b,\n", {"group": "g"}, r"no group \(g\) in 1 rows: 2;"),
        (
            "x,label,s\n1,a,train\n2,b,test\n3,a,test\n",
            {"split": "s"},
            r"1 classes of .* two values of split: a \(a has train and, in row 3, test\)",
        ),
        (
            "x,label,g\n1,a,k\n2,b,m\n3,a,m\n",
            {"group": "g"},
            r"two values of group: a \(a has k and, in row 3, m\); expected one group a class",
        ),
        ("x,label,s\n1,a,train\n2,b,hold\n", {"split": "s"}, r"\(unknown: hold\); expected train,"),
        ("x,label,s\n1,a,test\n2,b,dev\n", {"split": "s"}, r"\(no row is in train\); expected"),
        ("x,x,label\n1,2,a\n", {}, r"first line has 3 names, of which 2 are empty or repeated \(x"),
        (",x,label\n0,2,a\n", {}, r"first line has 3 names, of which 1 are empty or repeated"),
        ("x;label\n1,5;a\n2,5;b\n", {}, r"has no comma but semicolons: x;label; expected values"),
        ("x\tlabel\n1\ta\n", {}, r"has no comma but tabs"),
        ("x,label\n1,a\n2,b,c\n", {}, r"cannot read .*Expected 2 fields in line 3, saw 3"),
        ("x,label\n1,a,9\n2,b,9\n", {}, r"cannot read .*[Ll]ength of header"),
        ('x,label\n1,"a\n2,b\n', {}, r"cannot read .*EOF inside string"),
        ("x,label\n", {}, r"holds no rows; expected some"),
        ("", {}, r"cannot read .*No columns to parse"),
        ("x,label\n1,a\n2,b\n", {"standardise": "no"}, r"pipeline\.standardise=no; expected true"),
        ("x,label\n1,a\n2,b\n", {"split_by": "row"}, r"split_by='row'; expected 'auto', 'class'"),
        ("x,label\n1,a\n2,b\n", {}, r"leave none of 2 for training"),
    ],
)
def test_a_table_that_will_not_do_is_refused(tmp_path, text, options, words):
    options = {"validation": 0, "test": 1, **options} if "leave none" not in words else options
    refused(words, csv(tmp_path, text), **options)


@pytest.mark.parametrize(
    ("arrays", "options", "words"),
    [
        ({"x": np.eye(2), "X": np.eye(2), "y": [1, 2]}, {}, r"arrays x and X in one NPZ file"),
        ({"y": [1, 2]}, {}, r"has no array x of examples; it has: y"),
        ({"x": np.eye(2), "t": [1, 2]}, {}, r"no array 'label'; it has: x, t"),
        ({"x": np.eye(3), "y": [1, 2]}, {}, r"y of .* has shape \(2,\); expected 3 rows, as x has"),
        ({"x": np.eye(2), "y": np.eye(2)}, {}, r"y of .* shape \(2, 2\); expected one label a row"),
        ({"x": np.eye(2), "y": [1.0, np.nan]}, {}, r"no label \(y\) in 1 rows: 2"),
        ({"x": [[1, 2], [np.inf, 3]], "y": [1, 2]}, {}, r"1 values .*: x\[0\] in row 2\. Fill"),
        ({"x": [["a"], ["b"]], "y": [1, 2]}, {}, r"1 columns .* not numeric: x \("),
        ({"x": np.eye(2), "y": [1, 2]}, {"features": "a"}, r"its array x, whole\. Leave the opti"),
        ({"x": np.eye(2), "y": np.array(["a", 1], object)}, {}, r"Object arrays .*none of objects"),
        ({"x": np.zeros((0, 2)), "y": []}, {}, r"holds no rows; expected some"),
    ],
)
def test_arrays_that_will_not_do_are_refused(tmp_path, arrays, options, words):
    refused(words, npz(tmp_path, **arrays), validation=0, test=1, **options)


def test_parquet_columns_of_odd_types_are_refused_by_a_value(tmp_path):
    path = tmp_path / "data.parquet"
    for values, words in (
        ([Decimal("1.5"), Decimal("2.5")], r"x \(Decimal\('1\.5'\) in row 1\)"),
        ([[1.0, 2.0], [3.0, 4.0]], r"x \(array\(\[1\., 2\.\]\) in row 1\)"),
    ):
        pandas.DataFrame({"x": values, "label": [1, 2]}).to_parquet(path)
        refused(r"1 columns of .* are not numeric: " + words, path)
    pandas.DataFrame({"x": pandas.array([1, None], "Int64"), "label": [1, 2]}).to_parquet(path)
    refused(r"1 values of .* not finite: x in row 2", path)


@pytest.mark.parametrize("kind", ["npz", "parquet", "csv"])
def test_a_damaged_file_is_refused(tmp_path, same_data, kind):
    path = tmp_path / f"data.{kind}"
    whole = same_data[kind].read_bytes()
    cut = b"x,label" if kind == "csv" else whole[:200]
    for content in (b"", cut, b"\xff\xfe\x00" * 40):
        path.write_bytes(content)
        refused(f"cannot read .*; expected a whole .{kind} file|holds no rows", path)


def test_a_file_is_found_in_its_folder_or_chosen(tmp_path):
    refused(r"holds 0 files of \.npz, \.csv or \.parquet, expected one", tmp_path)
    path = csv(tmp_path, "x,label\n1,a\n2,b\n")
    (tmp_path / ".hidden.csv").write_text("")
    (tmp_path / "notes.txt").write_text("")
    options = {"validation": 0, "test": 1}
    assert build(data_dir=tmp_path, **options).input_shape == (1,)
    npz(tmp_path, x=np.eye(3), y=list("abc"))
    refused(r"holds 2 files of .*: data\.csv, data\.npz\. Choose with --set pipe", tmp_path)
    assert build(data_dir=tmp_path, file="data.npz", **options).input_shape == (3,)
    assert build(data_dir=tmp_path, file="data.csv", **options).input_shape == (1,)
    refused(r"which is a file itself; expected one of them", path, file="data.csv")
    refused(r"there is no file .*other\.csv; name yours", tmp_path, file="other.csv")
    refused(r"received the file .*notes\.txt; expected \.npz, \.csv or", tmp_path, file="notes.txt")
    refused(r"there is no file .*gone\.npz", tmp_path / "gone.npz")
    refused(r"arrays needs its data: --data-dir FILE \(\.npz, \.csv or \.parquet\)", None)


def test_without_pandas_only_an_npz_is_read(tmp_path, same_data, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    for kind in ("csv", "parquet"):
        refused(r"needs pandas and pyarrow .*pip install 'tfmeta\[tables\]'", same_data[kind])
    assert build(data_dir=same_data["npz"]).input_shape == (4,)


# Scaling


def test_the_scaling_is_that_of_the_training_split_alone(same_data):
    source = build(data_dir=same_data["npz"])
    training = np.isin(source.index.labels, source.index.classes("train"))
    x = source.index.examples.astype(np.float64)
    assert set(source.network_options) == {"input_mean", "input_scale"}
    assert_close(source.network_options["input_mean"], x[training].mean(0))
    assert_close(source.network_options["input_scale"], x[training].std(0))
    assert_far_apart(source.network_options["input_mean"], x.mean(0))
    assert not build(data_dir=same_data["npz"], standardise=False).network_options


def test_a_constant_feature_is_only_centred(tmp_path):
    x, labels = blobs()
    x[:, 1] = 0.1
    options = build(data_dir=npz(tmp_path, x=x, y=labels)).network_options
    assert options["input_scale"][1] == 1.0
    assert_close(options["input_mean"][1], 0.1, dtype=np.float32)


def test_a_network_scales_examples_of_any_shape_by_constants():
    rng = np.random.default_rng(0)
    x = rng.normal(1e6, 3.0, (5, 2, 3)).astype(np.float32)
    mean, scale = rng.normal(1e6, 3.0, 6), rng.uniform(0.1, 9.0, 6)
    constants = {"input_mean": mean.tolist(), "input_scale": scale.tolist()}
    network = networks.mlp((2, 3), 2, units=(), **constants)
    plain = networks.mlp((6,), 2, units=())
    assert len(network.weights) == len(plain.weights) == 2
    plain.set_weights(network.get_weights())
    expected = (x.reshape(5, 6) - mean.astype(np.float32)) / scale
    assert_close(network(x), plain(expected.astype(np.float32)))
    again = keras.Model.from_config(network.get_config())
    again.set_weights(network.get_weights())
    np.testing.assert_array_equal(again(x), network(x))


@pytest.mark.parametrize(
    ("constants", "words"),
    [
        ({"input_mean": [0.0, 1.0]}, r"input_mean of shape \(2,\) .* \(3,\); expected 3 finite"),
        ({"input_scale": [1.0] * 4}, r"input_scale of shape \(4,\) .*; expected 3 finite"),
        ({"input_scale": [1.0, 0.0, 1.0]}, r"input_scale=\[1\.0, 0\.0, 1\.0\]; expected positive"),
        ({"input_mean": [0.0, np.nan, 1.0]}, r"expected 3 finite numbers"),
    ],
)
def test_constants_that_do_not_fit_are_refused(constants, words):
    with pytest.raises(ValueError, match=words):
        networks.mlp((3,), 2, **constants)


def accuracy_after_training(source, **options):
    """MAML's on test tasks of 5 ways and 2 shots, after 80 steps."""
    keras.utils.set_random_seed(0)
    network = networks.mlp(source.input_shape, 5, units=(32,), **options)
    learner = tfmeta.MAML(network, 1, inner_learning_rate=0.4)
    accuracy = keras.metrics.SparseCategoricalAccuracy("accuracy")
    learner.compile(keras.optimizers.Adam(1e-2), metrics=[accuracy], jit_compile=False)
    learner.optimizer.build(learner.trainable_variables)
    shape = EpisodeShape(5, 2, 5)
    training, test = (source.episodes(split, shape, num_tasks=8) for split in ("train", "test"))
    learner.fit(training, steps_per_epoch=80, verbose=0, shuffle=False)
    return learner.evaluate(test, steps=10, verbose=0, return_dict=True)["accuracy"]


def test_raw_features_train_as_well_as_scaled_ones(tmp_path):
    """Chance is 0.2; what the constants are for is seen by leaving them out."""
    x, labels = blobs()
    plain = build(data_dir=npz(tmp_path, x=x, y=labels))
    raw = build(data_dir=npz(tmp_path, x=1000 + 200 * x, y=labels))
    scaled = accuracy_after_training(plain, **plain.network_options)
    assert scaled > 0.5
    raws = accuracy_after_training(raw, **raw.network_options)
    assert_within_chance(raws, scaled, (scaled * (1 - scaled) / 2000) ** 0.5)  # of 2,000 answers
    assert accuracy_after_training(raw) < 0.3


def test_the_scaled_network_gives_the_same_answers_to_raw_features(tmp_path):
    x, labels = blobs()
    raw = (1000 + 200 * x).astype(np.float32)
    answers = []
    for values in (x, raw):
        source = build(data_dir=npz(tmp_path, x=values, y=labels))
        keras.utils.set_random_seed(0)
        answers.append(networks.mlp((4,), 3, **source.network_options)(tf.constant(values)))
    assert_close(*answers)
