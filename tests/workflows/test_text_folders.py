"""Folders of texts, with a file per text: learned and asked about as the same texts in a table."""

import unicodedata

import pytest
import text_exports
from intents import write_intents

import tfmeta
from tfmeta import UserError, pipelines
from tfmeta.reading.text_reader import TextReader
from tfmeta.reading.text_rows import read_text_rows
from tfmeta.workflows.queries import read_queries

TEXTS = {
    "card/lost": ["Wo ist meine Karte?\nIch finde sie nicht.", "karte weg", "Karte ist gestohlen"],
    "pin": ["pin vergessen", "Wie ändere ich meine Pin?", "neue pin bitte"],
    "überweisung": ["Geld senden", "geld an Mutter", "Geld überweisen"],
}
ROWS = [(text, name.replace("/", "_")) for name, texts in TEXTS.items() for text in texts]
READER = TextReader("text", "label")


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "texts"
    for number, (text, name) in enumerate(ROWS):
        write(root / name / f"{number}.txt", text)
    return root


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else f"\ufeff{text}\n".encode())
    return path


def test_each_file_is_a_text_of_its_folders_class(folder):
    write(folder / "pin" / ".hidden", "x")
    write(folder / "README.md", "of my data")
    columns, names = read_text_rows(folder, {"text": "text", "label": "label"})
    assert columns == {"text": [text for text, _ in ROWS], "label": [name for _, name in ROWS]}
    assert list(names) == [f"{name}/{number}.txt" for number, (_, name) in enumerate(ROWS)]
    assert "README.md" in names.passed_over


def test_splits_and_groups_are_found(tmp_path):
    for path in ("train/a/x", "train/a/y", "val/b/x", "test/a/z"):
        write(tmp_path / f"{path}/1.txt", path)
    columns, _ = read_text_rows(tmp_path, {})
    assert columns["group"] == ["a", "a", "a", "b"]
    assert columns["split"] == ["test", "train", "train", "validation"]
    assert columns["label"] == ["a/z", "a/x", "a/y", "b/x"]


@pytest.mark.usefixtures("unexported")
def test_learning_is_that_of_the_same_texts_in_a_table(folder, tmp_path):
    table = write_intents(tmp_path / "t.csv", ROWS)
    of_table, of_folder = (tfmeta.learn(place, output=tmp_path / "m") for place in (table, folder))
    assert of_folder.held_out == of_table.held_out
    assert of_folder.num_examples == len(ROWS)
    assert of_folder.class_names == of_table.class_names


@pytest.mark.usefixtures("unexported")
def test_options_for_other_data_are_refused(folder, tmp_path):
    for option, value in {"label": "x", "text": "x", "skip_unreadable": True}.items():
        with pytest.raises(UserError, match=f"received {option}=.* and a folder of texts"):
            tfmeta.learn(folder, output=tmp_path / "m", **{option: value})
    with pytest.raises(UserError, match=r"pipeline.label=x for .* folders are the classes"):
        tfmeta.inspect("text", data_dir=folder, **{"pipeline.label": "x"})


def test_a_table_beside_folders_is_refused_unless_it_is_named(folder):
    write_intents(folder / "t.csv", [("a", "x"), ("b", "y"), ("c", "z")])
    with pytest.raises(UserError, match=r"holds t.csv and folders of .txt files; expected one of"):
        pipelines.build("text", data_dir=folder)
    found = pipelines.build("text", data_dir=folder, options={"file": "t.csv"})
    assert found.index.class_names == ("x", "y", "z")


def test_all_files_that_are_no_texts_are_named(folder):
    for name in ("a", "b"):
        write(folder / "pin" / f"{name}.txt", "größer".encode("latin1"))
    with pytest.raises(UserError, match=r"a.txt, line 1, .*b.txt, line 1.* saved as UTF-8"):
        read_text_rows(folder, {})


@pytest.mark.usefixtures("kept_exports")
def test_a_served_model_takes_folders(folder):
    export = text_exports.learner_export()
    rows = ({"text": [text for text, _ in ROWS]}, [name for _, name in ROWS])
    table = {"text": rows[0]["text"], "label": rows[1]}
    in_table = tfmeta.predict(export, {"text": table["text"]}, support=table)
    in_folder = tfmeta.predict(export, [folder], support=folder)
    assert [each.probabilities for each in in_folder] == [each.probabilities for each in in_table]
    assert [each.place.text for each in in_folder] == table["text"]
    assert in_folder[0].place.file == str(folder / ROWS[0][1] / "0.txt")


def test_texts_with_their_classes_are_read_from_a_folder(folder):
    found = READER.labelled(folder)
    assert [found.class_names[label] for label in found.y] == [name for _, name in ROWS]
    assert str(found.places[-1]) == f"{folder}/überweisung/8.txt: Geld überweisen"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("pin/x.md", "x", r"1 file among texts: .*x.md; expected .txt files"),
        ("pin/x.txt", " \n", r"1 empty file: .*pin/x.txt"),
        ("pin/x.txt", b"\xff\xfe", r"pin/x.txt, line 1, is not UTF-8"),
        ("pin/deep/x.txt", "x", "folder"),
    ],
)
def test_what_is_no_text_is_refused(folder, name, text, message):
    write(folder / name, text)
    with pytest.raises(UserError, match=message):
        read_text_rows(folder, {})


def test_empty_classes_broken_links_and_folders_without_texts_are_refused(folder, tmp_path):
    (folder / "none").mkdir()
    with pytest.raises(UserError, match=r"1 class of .* without a text: none"):
        read_text_rows(folder, {})
    (folder / "none" / "x.txt").symlink_to(tmp_path / "nothing")
    with pytest.raises(UserError, match="broken link"):
        read_text_rows(folder, {})
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"a folder without .txt files"):
        READER.queries([tmp_path / "empty"])


@pytest.mark.usefixtures("unexported")
def test_a_network_that_is_drawn_is_the_same_each_time(folder, tmp_path):
    found = [tfmeta.learn(folder, network="bag_of_ngrams", output=tmp_path / "m") for _ in range(2)]
    assert found[0].held_out == found[1].held_out
    assert (found[0].head, found[0].temperature) == (found[1].head, found[1].temperature)


def test_names_of_classes_are_composed(folder):
    (folder / "überweisung").rename(folder / unicodedata.normalize("NFD", "überweisung"))
    assert READER.labelled(folder).class_names == ["card_lost", "pin", "überweisung"]
    queries = read_queries(READER, [str(folder)], labelled=True)
    assert set(queries.truths_as(["überweisung", "pin", "x"])) == {
        "überweisung",
        "pin",
        "card_lost",
    }
    other = unicodedata.normalize("NFD", "überweisung")
    assert other in queries.truths_as([other, "pin", "x"])  # as a model may have learned it
