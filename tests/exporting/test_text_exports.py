"""Exports that take texts: the answers to their tokens' ids, and what they refuse."""

import json
import subprocess
import sys
import zipfile

import model_answers
import numpy as np
import pytest
import text_exports
import trained
from closeness import assert_close
from export_requests import strings
from intents import intents, write_intents
from trained import version_of
from verified import failures

import tfmeta
from tfmeta.exporting.manifest import Manifest
from tfmeta.exporting.writing.exporter import export_model
from tfmeta.pipelines.text import token_ids
from tfmeta.reading.text_format import TextFormat

SUPPORT = [(text, label) for text, label in intents() if label in ("lost card", "price room")][::5]
TEXTS = list(text_exports.QUERIES)


def ids_of(export, texts):
    text_format = Manifest.read(version_of(export)).input_format
    words, length = list(text_format.vocabulary), text_format.length
    return token_ids(texts, words, length, tokenizer="unicode")


def request(export, *, as_text):
    """A support set of two classes, and queries; as texts, or as the ids of their tokens."""
    texts, labels = zip(*SUPPORT, strict=True)
    y = np.array([[sorted(set(labels)).index(label) for label in labels]], np.int32)
    given = {"support_x": list(texts), "query_x": TEXTS}
    if as_text:
        given = {f"{k}_text": strings([t.encode() for t in v], (1, -1)) for k, v in given.items()}
    else:
        given = {key: ids_of(export, value)[np.newaxis] for key, value in given.items()}
    return {**given, "support_y": y}


def test_each_signature_has_one_that_takes_texts():
    found = model_answers.signatures(text_exports.learner_export())
    plain = {"adapt", "adapt_and_predict", "predict", "serving_default"}
    assert found.keys() == plain | {f"{name}_text" for name in plain}
    inputs, outputs = found["serving_default_text"]
    assert inputs == {
        "query_x_text": "string[None, None]",
        "support_x_text": "string[None, None]",
        "support_y": "int32[None, None]",
    }
    assert outputs.keys() == {"probabilities", "label", "unknown"}
    inputs, _ = model_answers.signatures(text_exports.adapted_export())["predict_text"]
    assert inputs == {"x_text": "string[None]"}
    generating = model_answers.signatures(text_exports.generator_export())
    assert generating["generate_text"][0].keys() == {"support_x_text", "support_y"}
    assert "query_x_text" in generating["predict_text"][0]


@pytest.mark.parametrize("kind", ["learner", "adapted", "generator"])
def test_every_kind_holds_all_checks(kind):
    assert failures(getattr(text_exports, f"{kind}_export")()) == {}


def test_texts_are_answered_as_the_ids_of_their_tokens():
    export = text_exports.learner_export()
    by_text = model_answers.served(export, "adapt_and_predict_text", request(export, as_text=True))
    by_ids = model_answers.served(export, "adapt_and_predict", request(export, as_text=False))
    assert all(np.array_equal(by_text[name], by_ids[name]) for name in by_ids)
    learner = tfmeta.load(text_exports.run())
    plain = request(export, as_text=False)
    state = learner.adapt(plain["support_x"][0], plain["support_y"][0])
    logits = learner.predict_with(state, plain["query_x"][0]).numpy()
    odds = np.exp(logits - logits.max(-1, keepdims=True))
    assert_close(by_text["probabilities"][0], odds / odds.sum(-1, keepdims=True), scale=30)


def test_an_adapted_model_and_a_generator_answer_texts():
    texts = strings([text.encode() for text in TEXTS], (3,))
    adapted = model_answers.served(text_exports.adapted_export(), "predict_text", {"x_text": texts})
    assert [each.decode() for each in adapted["label"]] == list(text_exports.QUERIES.values())
    export = text_exports.generator_export()
    both = request(export, as_text=True)
    queries = {"query_x_text": both.pop("query_x_text")}
    weights = model_answers.served(export, "generate_text", both)
    answer = model_answers.served(export, "predict_text", {**weights, **queries})
    plain = request(export, as_text=False)
    queries = {"query_x": plain.pop("query_x")}
    weights = model_answers.served(export, "generate", plain)
    expected = model_answers.served(export, "predict", {**weights, **queries})
    assert all(np.array_equal(answer[name], expected[name]) for name in expected)


@pytest.mark.fault("a text without a known token", "answered, and `unknown` is 1")
def test_a_text_without_a_known_token_is_unknown(capfd):
    texts = ["lost card", "qwxz zzqv", "qwxz card"]
    asked = {"x_text": strings([text.encode() for text in texts], (3,))}
    answer = model_answers.served(text_exports.adapted_export(), "predict_text", asked)
    assert (answer["unknown"] == 1).tolist() == [False, True, False]
    export = text_exports.learner_export()
    given = {**request(export, as_text=False), "query_x": ids_of(export, texts)[np.newaxis]}
    answer = model_answers.served(export, "adapt_and_predict", given)
    assert (answer["unknown"][0] == 1).tolist() == [False, True, False]
    support = ["--support", text_exports.support_csv()]
    asked = ["predict", text_exports.run(), *support, *texts, "--json"]
    of_run = json.loads(trained.inside(capfd, *asked)[1])["predictions"]
    assert [each["unknown"] == 1 for each in of_run] == [False, True, False]
    readme = (version_of(export) / "README.md").read_text()
    assert "It is 1 for\na text without a token that the vocabulary knows and for" in readme


# What is refused


@pytest.mark.attack(
    "texts that are no UTF-8, have no token, or are too many or too long",
    "refused with the input's name",
)
@pytest.mark.parametrize("what", TextFormat.spoilt)
def test_what_is_spoilt_is_refused_by_name(what):
    export = text_exports.learner_export()
    for key in ("support_x_text", "query_x_text"):
        wrong = request(export, as_text=True)
        wrong[key] = wrong[key].copy()
        wrong[key].flat[1] = TextFormat.spoilt[what](wrong[key].flat[1])
        code, message = model_answers.refusal(export, "adapt_and_predict_text", wrong)
        assert (code, key in message) == ("INVALID_ARGUMENT", True), message


def test_ids_that_are_none_are_refused_by_name():
    export = text_exports.learner_export()
    most = len(Manifest.read(version_of(export)).input_format.vocabulary)
    for key in ("support_x", "query_x"):
        for wrong_id in (-1, 0.5, most, 1e9):
            wrong = request(export, as_text=False)
            wrong[key].flat[1] = wrong_id
            _, message = model_answers.refusal(export, "adapt_and_predict", wrong)
            assert f"{key}: expected ids of tokens, whole numbers from 0 to {most - 1}" in message


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    """An export of narrow limits that takes padded support sets."""
    text_format = TextFormat(("", "[UNK]", "how", "pay"), 4)
    network = tfmeta.networks.bag_of_tokens((4,), None, vocabulary_size=4, embedding_size=3)
    limits = {"text_bytes": 20, "request_texts": 6, "request_text_bytes": 60, "queries": 4}
    output = tmp_path_factory.mktemp("narrow") / "model"
    learner = tfmeta.Prototypical(network)
    with pytest.raises(tfmeta.UserError, match="text_bytes=20; expected at least"):
        export_model(learner, output, input_format=text_format, limits=limits)
    limits |= {"text_bytes": 60, "request_texts": 30, "request_text_bytes": 900}
    return export_model(learner, output, input_format=text_format, limits=limits, padded=True)


def narrow_request(queries, size=2):
    support = strings([b"how", b"pay", b"\xff"], (1, 3))  # the last is padding
    sizes = {"support_size": np.array([size], np.int32)}
    y = {"support_y": np.array([[0, 1, 7]], np.int32)}
    queries = {"query_x_text": strings(queries, (1, -1))}
    return {"support_x_text": support, **y, **sizes, **queries}


@pytest.mark.attack("texts of more bytes than an export states", "refused with the limit's name")
def test_limits_are_named(narrow):
    served = model_answers.served(narrow, "adapt_and_predict_text", narrow_request([b"how"]))
    assert served["probabilities"].shape == (1, 1, 2)
    for queries, limit in (
        ([b"a" * 61], "text_bytes"),
        ([b"a"] * 28, "queries"),
        ([b"a"] * 4, None),
    ):
        if limit is None:
            model_answers.served(narrow, "adapt_and_predict_text", narrow_request(queries))
            continue
        _, message = model_answers.refusal(
            narrow, "adapt_and_predict_text", narrow_request(queries)
        )
        assert f"({limit})" in message
    tasks = {
        key: np.repeat(value, 12, 0) for key, value in narrow_request([b"a" * 60]).items()
    }  # 12 tasks of 4 texts
    _, message = model_answers.refusal(narrow, "adapt_and_predict_text", tasks)
    assert "support_x_text" in message
    assert "(request_texts)" in message
    tasks = {key: value[:7] for key, value in tasks.items()}
    tasks["support_x_text"] = np.full((7, 3), b"a" * 60, object)
    _, message = model_answers.refusal(narrow, "adapt_and_predict_text", tasks)
    assert "(request_text_bytes)" in message


def test_padding_may_be_no_text_at_all(narrow):
    _, message = model_answers.refusal(
        narrow, "adapt_and_predict_text", narrow_request([b"how"], size=3)
    )
    assert "support_x_text" in message or "support_y" in message


# What stands beside the model


def test_the_vocabulary_is_a_file_of_the_model():
    version = version_of(text_exports.learner_export())
    manifest = Manifest.read(version)
    content = (version / "assets/vocabulary.txt").read_text("utf-8")
    assert ("", "[UNK]", *content.splitlines()) == manifest.input_format.vocabulary
    assert "assets/vocabulary.txt" in manifest.files
    assert {"karte", "größe", "我"} <= set(content.splitlines())
    readme = (version / "README.md").read_text()
    assert "python client.py SUPPORT.csv TEXT... --model" in readme
    assert '"query_x_text": [["how do I pay?"]]' in readme
    assert "| `text_bytes` | 100,000 | bytes in a text |" in readme


@pytest.mark.fault("a vocabulary that was changed after the export", "`verify` names the file")
def test_a_changed_vocabulary_is_found(tmp_path):
    version = trained.copy_of(text_exports.learner_export(), tmp_path)
    file = version / "assets/vocabulary.txt"
    file.write_bytes(b"\n".join(sorted(file.read_bytes().splitlines())) + b"\n")
    assert "assets/vocabulary.txt is not what was exported" in failures(version)["files"]
    (version / "assets/more.txt").write_text("more")
    assert "assets/more.txt is not among the files" in failures(version)["files"]


def test_a_run_of_the_older_tokenizer_takes_ids_alone(tmp_path):
    source = tfmeta.pipelines.build(
        "text",
        data_dir=text_exports.intents_csv(),
        options={"vocabulary": ["", "[UNK]", "card", "karte"]},
    )
    assert source.tokenizer == "ascii"
    assert source.input_format.suffix == ""


def test_a_file_for_litert_takes_ids(tmp_path):
    """LiteRT's builtin operations have no regular expressions and no tables of strings."""
    kind = ["--kind", "adapted", "--support", text_exports.support_csv(), "--format", "litert"]
    trained.call(
        "export", text_exports.run(), *kind, "--calibration-tasks", 0, "--output", tmp_path / "m"
    )
    with zipfile.ZipFile(tmp_path / "m" / "1.tflite") as archive:
        manifest = json.loads(archive.read("tfmeta.json"))
    assert manifest["signatures"].keys() == {"predict"}
    assert manifest["signatures"]["predict"]["inputs"] == {"x": "float32[-1, 32]"}
    assert manifest["text_format"]["vocabulary"][:2] == ["", "[UNK]"]


# A client that prepares nothing

_CLIENT = """
import json, sys
import numpy as np
from tfmeta.exporting.loading.c_loader import CLoader

given = json.load(sys.stdin)
def strings(texts):
    array = np.empty((1, len(texts)), object)
    array[0] = [text.encode("utf-8") for text in texts]
    return array
answer = CLoader(sys.argv[1]).run("serving_default_text", {
    "support_x_text": strings(given["support"]),
    "support_y": np.array([given["labels"]], np.int32),
    "query_x_text": strings(given["queries"]),
})
assert not [name for name in sys.modules if name.startswith(("tensorflow.python", "keras"))]
print(json.dumps(answer["label"][0].tolist()))
"""


def test_a_client_without_python_for_texts_gets_the_labels_of_predict(tmp_path):
    """60 intents in three languages, of each 8 sentences to adapt to and 3 to answer."""
    export = text_exports.learner_export()
    rows = intents()
    support = [
        row for number, row in enumerate(rows) if number % 20 in (0, 2, 4, 8, 10, 12, 16, 18)
    ]
    queries = [text for number, (text, _) in enumerate(rows) if number % 20 in (5, 17, 19)]
    write_intents(tmp_path / "support.csv", support)
    (tmp_path / "queries.txt").write_text("\n".join(queries), "utf-8")
    names = sorted({label for _, label in support})
    given = {
        "support": [text for text, _ in support],
        "labels": [names.index(label) for _, label in support],
        "queries": queries,
    }
    done = subprocess.run(
        [sys.executable, "-c", _CLIENT, str(version_of(export))],
        input=json.dumps(given), capture_output=True, text=True, check=True,
    )  # fmt: skip
    labels = [names[number] for number in json.loads(done.stdout)]
    files = [tmp_path / "queries.txt", "--support", tmp_path / "support.csv"]
    predicted = json.loads(trained.tfmeta("predict", export, *files, "--json").stdout)
    assert [each["label"] for each in predicted["predictions"]] == labels
    assert len(names) == 60
    right = np.array(labels) == np.repeat([rows[i][1] for i in range(0, len(rows), 20)], 3)
    assert right.mean() > 0.9
