"""Feature vectors of users' own: what is read and how it is split."""

import numpy as np
import pytest
from blobs import NUM_CLASSES, SHAPE, blobs, csv, frame, names_of, npz, refused

from tfmeta import UserError, pipelines
from tfmeta.pipelines.arrays import build


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
    refused(r"line 2, is not UTF-8 .*expected a file saved as UTF-8", path)


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
