"""`tfmeta predict` on texts: as arguments and in files, for runs and exports."""

import json

import pytest
import text_exports
import trained
from closeness import assert_same_answers
from intents import write_intents

import tfmeta
from tfmeta import UserError

TEXTS = list(text_exports.QUERIES)
LABELS = list(text_exports.QUERIES.values())


@pytest.mark.usefixtures("kept_exports")
def test_sentences_in_three_languages_are_labelled():
    for model in (text_exports.run(), text_exports.learner_export()):
        found = tfmeta.predict(model, TEXTS, support=text_exports.support_csv())
        assert [each.label for each in found] == LABELS
        assert [each.place.text for each in found] == TEXTS
        assert [list(each.probabilities) for each in found] == [sorted(LABELS)] * len(TEXTS)
    found = tfmeta.predict(text_exports.adapted_export(), TEXTS[1])
    assert [each.label for each in found] == LABELS[1:2]


@pytest.mark.usefixtures("kept_exports")
def test_the_command_prints_the_text_and_its_label(capfd):
    support = ["--support", text_exports.support_csv()]
    export = text_exports.learner_export()
    status, output, errors = trained.inside(
        capfd, "predict", text_exports.run(), *TEXTS, *support, "--json"
    )
    assert (status, errors) == (0, "")
    of_run = json.loads(output)["predictions"]
    assert [each["text"] for each in of_run] == TEXTS
    assert of_run[0].keys() == {"text", "label", "confidence", "unknown", "probabilities"}
    _, output, _ = trained.inside(capfd, "predict", export, *TEXTS, *support, "--json")
    of_export = json.loads(output)["predictions"]
    assert_same_answers(of_export, of_run)
    _, output, _ = trained.inside(capfd, "predict", text_exports.adapted_export(), TEXTS[2])
    assert output.startswith(f"{TEXTS[2]}  {LABELS[2]}  ")


@pytest.mark.usefixtures("kept_exports")
def test_files_of_texts(tmp_path):
    lines = tmp_path / "texts.txt"
    lines.write_text("\n".join(TEXTS), "utf-8")
    table = write_intents(tmp_path / "texts.csv", [(text, "") for text in TEXTS])
    expected = tfmeta.predict(text_exports.adapted_export(), TEXTS)
    for file in (lines, table):
        found = tfmeta.predict(text_exports.adapted_export(), [file])
        assert [each.to_dict() for each in found] == [
            {**each.to_dict(), "file": str(file), "row": row}
            for row, each in enumerate(expected, 1)
        ]


@pytest.mark.fault("a file of queries that is not there, for a model of texts", "refused by name")
def test_what_is_no_text_is_refused_in_a_line(tmp_path):
    model = text_exports.adapted_export()
    for query, message in (
        ("gone.csv", "there is no file gone.csv"),
        (str(tmp_path), "is a folder without .txt files"),
        ("?!", "without a word"),
    ):
        with pytest.raises(UserError, match=message):
            tfmeta.predict(model, query)
    for model in (text_exports.run(), text_exports.learner_export()):
        with pytest.raises(UserError, match="is no file of labelled texts"):
            tfmeta.predict(model, "x", support=trained.support_folder())
        with pytest.raises(UserError, match=r"received no support set; .* --support FILE"):
            tfmeta.predict(model, "x")
    bad = write_intents(tmp_path / "bad.csv", [("one", "a"), ("?!", "b")])
    with pytest.raises(UserError, match=r"bad.csv line 3: \?!.*expected texts"):
        tfmeta.predict(text_exports.run(), "x", support=bad)


def test_what_only_the_graph_refuses_is_a_line_too():
    """No letter has the last number of Unicode, which Python can't know for sure."""
    for model in (text_exports.run(), text_exports.learner_export()):
        with pytest.raises(UserError, match=r"expected texts with a word"):
            tfmeta.predict(model, "\U0010ffff", support=text_exports.support_csv())


def test_a_run_and_its_export_read_the_columns_of_training(tmp_path):
    from intents import intents

    rows = [(text, label) for text, label in intents() if label.split()[0] in ("lost", "order")]
    file = write_intents(tmp_path / "data.csv", rows)
    file.write_text(file.read_text().replace("text,label", "question,intent", 1))
    columns = ["--set", "pipeline.text=question", "--set", "pipeline.label=intent"]
    small = [
        *text_exports.WORDS,
        "--algorithm",
        "prototypical",
        "--ways",
        2,
        "--queries",
        2,
        *trained.TINY,
    ]
    splits = [*text_exports.WORDS, "--set", "pipeline.test=0.2", "--set", "pipeline.validation=0.2"]
    run = tmp_path / "run"
    trained.call("train", "text", "--data-dir", file, *small, *columns, *splits,
                 *trained.WITHOUT_XLA, "--run-dir", run)  # fmt: skip
    facts = json.loads((run / "source.json").read_text())
    assert facts["text_format"]["text_column"] == "question"
    support = tmp_path / "support.csv"
    support.write_text("question,intent\nI lost my card,a\norder a flight,b\n")
    (found,) = tfmeta.predict(run, "I lost my phone", support=support)
    assert found.label in ("a", "b")
    with pytest.raises(UserError, match="no column 'question'"):
        tfmeta.predict(run, "x", support=text_exports.support_csv())
