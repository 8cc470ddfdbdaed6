"""`tfmeta learn` on a file of texts: two served models that take strings."""

import json
from types import SimpleNamespace

import numpy as np
import pandas
import pytest
import trained
from closeness import assert_close
from intents import intents, write_intents
from made_once import made_once

import tfmeta
from tfmeta import UserError
from tfmeta.reading.prepared_tokens import PreparedTokens
from tfmeta.reading.text_rows import read_text_rows
from tfmeta.workflows.learnable import texts
from tfmeta.workflows.learnable.label_column import columns_of, label_column
from tfmeta.workflows.learnable.text_column import text_column

LABELS = [f"{action} {thing}" for action in ("lost", "price", "wait") for thing in ("card", "room")]
NEW = {"I can't find my bank card!": "lost card", "Zimmer kosten?": "price room"}


@made_once("learned-texts")
def learned(path):
    """With one sentence in the wrong class."""
    path.mkdir(parents=True)
    rows = [row for row in intents() if row[1] in LABELS]
    rows.insert(4, ("how much costs my hotel room today please", "lost card"))
    found = tfmeta.learn(write_intents(path / "intents.csv", rows), output=path / "model")
    (path / "found.json").write_text(json.dumps(found.to_dict()))


def report():
    return json.loads((learned() / "found.json").read_text())


@pytest.mark.usefixtures("kept_exports")
def test_both_models_take_strings():
    path = learned()
    found = tfmeta.predict(path / "model", list(NEW))
    assert [each.label for each in found] == list(NEW.values())
    by_request = tfmeta.predict(path / "model-learner", list(NEW), support=path / "intents.csv")
    assert [each.label for each in by_request] == list(NEW.values())
    for one, other in zip(found, by_request, strict=True):
        assert_close(one.confidence, other.confidence, dtype=np.float32, scale=30)


def test_the_report_says_how_good_it_is_and_which_row_looks_wrong():
    found = report()
    assert found["class_names"] == sorted(LABELS)
    assert (found["num_examples"], found["held_out"]["num_examples"]) == (121, 121)
    low, high = found["held_out"]["ci95"]
    assert 0.5 < low < found["held_out"]["accuracy"] < high
    name = 'line 6 ("how much costs my hotel room today please")'
    (wrong,) = [each for each in found["suspects"] if each["name"] == name]
    assert (wrong["label"], wrong["answer"]) == ("lost card", "price room")


ENGLISH, OTHER = [6, 5], [9, 8]  # pieces of three words and of two, with the ends of a text


@pytest.mark.parametrize(
    ("errors", "pieces", "chosen"),
    [
        # The standard errors by which TF-IDF is likelier.
        (2.5, ENGLISH, "TF-IDF"),
        (1.5, ENGLISH, "mlp"),
        (0.5, ENGLISH, "mlp"),
        (1.5, OTHER, "TF-IDF"),
        (0.5, OTHER, "mlp"),
        (-1.5, OTHER, "mlp"),
    ],
)
def test_tfidf_is_taken_where_it_is_surely_better_above_all_in_a_known_language(
    monkeypatch, errors, pieces, chosen
):
    words = ["one two three", "four five"]
    prepared = PreparedTokens(np.zeros((2, 9)), {}, np.array(pieces), words)
    source = SimpleNamespace(prepared=prepared)

    def embedded(request, name):
        is_better = lambda other, *, standard_errors: errors > standard_errors  # noqa: E731
        held_out = SimpleNamespace(is_surely_better_than=is_better)
        return SimpleNamespace(network=name, held_out=held_out, source=source)

    monkeypatch.setattr(texts, "_texts_embedded", embedded)
    monkeypatch.setattr(texts, "TEXT_NETWORKS", {"conv4": (9, 9), "mlp": (2, 1), "minilm": (9, 9)})
    is_installed = dict.fromkeys(["mlp", "minilm"], SimpleNamespace(is_installed=True))
    is_installed["conv4"] = SimpleNamespace(is_installed=False)
    monkeypatch.setattr(texts, "NETWORKS", is_installed)
    assert texts.task_of_texts(SimpleNamespace(network=None)).network == chosen
    assert texts.task_of_texts(SimpleNamespace(network="conv4")).network == "conv4"


@pytest.mark.usefixtures("unexported")
def test_a_long_text_counts_as_a_whole(tmp_path):
    filler = " ".join(f"same{number}" for number in range(80))
    rows = [(f"{filler} {word} {n}", word) for word in ("apple", "banana") for n in range(4)]
    found = tfmeta.learn(write_intents(tmp_path / "d.csv", rows), output=tmp_path / "model")
    assert found.held_out.accuracy == 1.0


@pytest.mark.usefixtures("unexported")
def test_a_text_of_which_a_part_counts_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("tfmeta.network_registry.is_installed", lambda package: False)
    rows = [(f"{word} {n}", word) for word in ("apple", "banana") for n in range(4)]
    rows[2] = ("apple " * 500 + "pie", "apple")
    found = tfmeta.learn(write_intents(tmp_path / "d.csv", rows), output=tmp_path / "model")
    assert [note.rpartition("(")[2] for note in found.notes] == [
        "pip install 'tfmeta[languages]', 91 MB)"
    ]
    (warning,) = [each for each in found.warnings if "2,048 tokens" in each]
    assert warning.startswith("1 of 8 texts have more than")
    assert 'line 4 ("apple apple' in warning


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([5, 64], {}),
        ([5, 65], {"length": 128}),
        ([9] * 99 + [400], {}),
        ([9] * 98 + [130, 400], {"length": 256}),
        ([900, 900], {"length": 512}),
    ],
)
def test_all_of_most_texts_counts_for_a_pretrained_network(lengths, expected):
    ids = np.zeros((len(lengths), 64), np.float32)
    prepared = PreparedTokens(ids, {}, np.array(lengths), [])
    source = SimpleNamespace(prepared=prepared)
    assert texts._size_of_texts("minilm", source) == expected


@pytest.mark.usefixtures("unexported")
def test_json_lines_and_other_names_of_columns(tmp_path, capfd):
    rows = [(text, label) for text, label in intents() if label in LABELS[:2]][::4]
    lines = [json.dumps({"intent": label, "text": text, "n": 1}) for text, label in rows]
    (tmp_path / "data.jsonl").write_text("\n".join(lines))
    command = ["learn", tmp_path / "data.jsonl", "--label", "intent", "--output", tmp_path / "m"]
    status, output, errors = trained.inside(capfd, *command, "--json")
    assert status == 0, errors
    assert json.loads(output)["class_names"] == sorted(LABELS[:2])


def test_texts_of_a_parquet_file(tmp_path):
    texts, labels = zip(*intents(), strict=True)
    file = tmp_path / "data.parquet"
    pandas.DataFrame({"text": texts, "intent": labels}).to_parquet(file)
    columns, names = read_text_rows(file, {"text": "text", "label": "intent"})
    assert columns == {"text": list(texts), "label": list(labels)}
    assert (names.name(1), str(names[1])[:7]) == ("row 2", "row 2 (")
    assert text_column(file, {"label": "intent"}) == "text"
    with pytest.raises(UserError, match=r"data.parquet has no column 'a' \(it has: text, intent\)"):
        read_text_rows(file, {"text": "a"})


@pytest.mark.usefixtures("unexported")
def test_a_text_that_the_model_would_refuse_is_refused(tmp_path):
    rows = [("-", "a"), ("one", "a"), ("two", "b"), ("three", "b")]
    place = write_intents(tmp_path / "d.csv", rows)
    with pytest.raises(UserError, match=r"1 text without a word, .*line 2.*so leave out"):
        tfmeta.learn(place, output=tmp_path / "model")


def test_texts_among_features_are_named_as_texts(tmp_path):
    rows = [f"{n},how do I do number {n},{'ab'[n % 2]},en" for n in range(8)]
    (tmp_path / "d.csv").write_text("\n".join(["id,message,intent,lang", *rows]))
    with pytest.raises(UserError, match=r"; learn the classes of texts with --text message,"):
        tfmeta.learn(tmp_path / "d.csv", label="intent", output=tmp_path / "model")


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        ("text,category\na,x\nb,x\nc,x\n", {}, ("category", "the only one beside the texts")),
        ("question,intent\na,x\nb,x\nc,y\nd,y\n", {}, ("intent", "with names that repeat")),
        ("width,kind,id\n1,x,n1\n1,x,n2\n2,y,n3\n2,y,n4\n", {}, ("kind", "--label names ano")),
        ("text,label,other\na,x,1\n", {}, ("label", None)),
        ("a,b\n1,2\n", {"label": "b"}, ("b", None)),
        ("a,b\n1,2\n", {"target": "b"}, ("label", None)),
        ("how do I pay?,pay\nwho,x\nhi,x\nyes,pay\nno,pay\n", {}, ("pay", "if line 1 holds no na")),
        ("text,x\na,x\nb,y\n", {}, ("x", "whose name is one of them")),
    ],
)
def test_which_column_holds_the_classes(tmp_path, content, options, expected):
    file = tmp_path / "data.csv"
    file.write_text(content)
    name, why = label_column(file, columns_of(file), options)
    assert name == expected[0]
    assert why is None if expected[1] is None else expected[1] in why


@pytest.mark.parametrize(
    ("content", "likely"),
    [
        ("width,kind,hue\n1,x,u\n1,x,u\n2,y,v\n2,y,v\n", "kind"),
        ("a,b c\n1,2\n2,2\n3,3\n4,3\n", "'b c'"),
        ("text,a,b\nu,1,x\nv,2,y\n", "a"),
    ],
)
def test_a_file_whose_classes_may_be_anywhere_is_refused_with_the_command(
    tmp_path, content, likely
):
    file = tmp_path / "my data.csv"
    file.write_text(content)
    with pytest.raises(
        UserError, match=rf"no column 'label'; .*: tfmeta learn '.*' --label {likely}\."
    ):
        label_column(file, columns_of(file), {})


def test_lines_of_json_have_a_column_of_classes_too(tmp_path):
    file = tmp_path / "data.jsonl"
    file.write_text('{"text": "a", "intent": "x"}\n{"text": "b", "intent": "y"}\n')
    assert label_column(file, columns_of(file), {})[0] == "intent"


@pytest.mark.parametrize(
    ("header", "row", "options", "expected"),
    [
        ("text,label", "hello there,a", {}, "text"),
        ("id,text,label", "1,hello,a", {}, "text"),
        ("question,label", "hello there,a", {}, "question"),
        ("question,intent", "hello there,a", {"label": "intent"}, "question"),
        ("a,b,label", "hello,there,a", {}, None),
        ("a,b,label", "hello,there,a", {"text": "b"}, "b"),
        ("text,label", "1.5,a", {}, None),
        ("text,label", "hello,a", {"features": "text"}, None),
        ("text,label", "hello,1", {"target": "label"}, None),
        ("width,label", "3,a", {}, None),
    ],
)
def test_which_column_holds_texts(tmp_path, header, row, options, expected):
    file = tmp_path / "data.csv"
    file.write_text(f"{header}\n{row}\n{row}\n")
    assert text_column(file, options) == expected


def test_most_of_the_values_decide(tmp_path):
    file = tmp_path / "data.csv"
    file.write_text("text,label\nhello,a\n12,b\nbye,b\n")
    assert text_column(file, {}) == "text"
    file.write_text("width,label\n1.5,a\n12,b\n3;4,b\n")
    assert text_column(file, {}) is None
    with pytest.raises(
        UserError, match=r"not numeric: width .*, or learn the classes of texts with --text"
    ):
        tfmeta.learn(file)


def test_options_of_other_data_are_refused(tmp_path):
    file = write_intents(tmp_path / "data.csv", [("one", "a"), ("two", "b")])
    with pytest.raises(UserError, match=r"target='label' and texts; .* a table of features"):
        tfmeta.learn(file, text="text", target="label")
    with pytest.raises(UserError, match="skip_unreadable=True and texts"):
        tfmeta.learn(file, skip_unreadable=True)
    with pytest.raises(UserError, match="received one class, a"):
        tfmeta.learn(write_intents(tmp_path / "one.csv", [("one", "a"), ("two", "a")]))
    with pytest.raises(UserError, match=r"no column 'gone'.*--text NAME"):
        tfmeta.learn(file, text="gone")
    (tmp_path / "images").mkdir()
    with pytest.raises(UserError, match="text='x' and a folder"):
        tfmeta.learn(tmp_path / "images", text="x")


@pytest.mark.usefixtures("unexported")
def test_columns_that_are_not_learned_are_named(tmp_path):
    rows = ["text,price,label,size", *(f"text of {n % 2},1,{n % 2},{n % 3}" for n in range(6))]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    notes = tfmeta.learn(tmp_path / "t.csv", output=tmp_path / "m", hold_out_by="size").notes
    assert any(note.startswith("not learned: price, because") for note in notes)


@pytest.mark.usefixtures("unexported")
def test_texts_that_are_all_the_same_are_refused(tmp_path):
    texts = (["Wo ist mein Paket?"] * 4, ["x", "y"] * 2)
    with pytest.raises(UserError, match="all 4 examples are the same"):
        tfmeta.learn(texts, output=tmp_path / "m")


@pytest.mark.usefixtures("unexported")
def test_texts_with_zero_bytes_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"1 text with a zero byte: 'line 1"):
        tfmeta.learn((["a\0b", "c", "d", "e"], ["x", "y"] * 2), output=tmp_path / "m")
    with pytest.raises(UserError, match="without an example"):
        tfmeta.learn(([], []), output=tmp_path / "m")
