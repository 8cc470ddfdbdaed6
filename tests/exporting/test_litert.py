"""LiteRT files: run by LiteRT's own interpreter, they answer as the Python learner does."""

import json
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
import trained
from ai_edge_litert.interpreter import Interpreter
from closeness import assert_close
from nightly import rows
from trained import CLASSES, random_images

import tfmeta
from tfmeta.errors import UserError
from tfmeta.exporting.writing import litert
from tfmeta.precision import rounding_error
from tfmeta.reading.image_format import ImageFormat
from tfmeta.reading.support_arrays import read_support_arrays
from tfmeta.training.run_directory import RunDirectory

SHOTS = 2
WAYS = {"prototypical": 3, "anil": 5}
IMAGES = ImageFormat(28, 28)


def learner_of(algorithm):
    keras.utils.set_random_seed(3)
    num_outputs = None if algorithm == "prototypical" else WAYS["anil"]
    network = tfmeta.networks.conv4((28, 28, 1), num_outputs, filters=8, num_blocks=2)
    if algorithm == "prototypical":
        return tfmeta.Prototypical(network)
    is_of_head = algorithm == "anil"
    steps, layers = (2, "head") if is_of_head else (1, "all")
    return tfmeta.MAML(network, steps, adapt_layers=layers)


@pytest.fixture(scope="module")
def converted_once():
    """A learner of vectors, and `litert._converted` for it alone, which keeps what it made."""
    learner, made = tfmeta.Prototypical(tfmeta.networks.mlp((4,), None, units=(8,))), {}

    def converted(served, functions, convert=litert._converted):
        assert served.learner is learner
        names = tuple(functions)
        made[names] = made.get(names) or convert(served, functions)
        return made[names]

    return learner, converted


@pytest.fixture
def of_vectors(converted_once, monkeypatch):
    """That learner, for tests of what is done with a converted model."""
    learner, converted = converted_once
    monkeypatch.setattr(litert, "_converted", converted)
    return learner


def run(file, signature, **inputs):
    return Interpreter(model_path=str(file)).get_signature_runner(signature)(**inputs)


def facts_of(file):
    with zipfile.ZipFile(file) as archive:
        return json.loads(archive.read("tfmeta.json"))


def assert_answers(answer, logits):
    assert_close(answer["probabilities"], tf.nn.softmax(logits))
    assert answer["label"].tolist() == tf.argmax(logits, -1).numpy().tolist()
    assert answer["label"].dtype == np.int32


def test_an_adapted_maml_run_answers_as_its_learner(tmp_path):
    facts = RunDirectory.open(trained.glyph_run()).source_facts
    learner = trained.learner_of(trained.glyph_run())
    names, x, y, _ = read_support_arrays(trained.support_folder(), facts, num_classes=5)
    options = {"class_names": names, "input_format": facts.input_format}
    file = litert.export_model(learner, tmp_path, "adapted", support=(x, y), **options)
    state = learner.adapt(tf.constant(x), tf.constant(y))
    for number in (1, 4):
        queries = random_images(number)
        assert_answers(run(file, "predict", x=queries), learner.predict_with(state, queries))
    known = facts_of(file)
    assert known["kind"] == "adapted"
    assert known["class_names"] == list(CLASSES)
    assert known["image_format"] == facts.input_format.to_dict()
    assert known["signatures"]["predict"]["inputs"] == {"x": "float32[-1, 28, 28, 1]"}
    assert known["largest_difference"] <= rounding_error(np.float32)


@rows("algorithm", ["prototypical", "anil"], each_run=["anil"])
def test_a_learner_adapts_as_in_python_to_labels_in_any_order(tmp_path, algorithm):
    learner, ways = learner_of(algorithm), WAYS[algorithm]
    options = {"ways": ways, "shots": SHOTS, "input_format": IMAGES}
    file = learner.export(tmp_path, format="litert", **options)
    y = np.random.default_rng(0).permutation(np.repeat(np.arange(ways), SHOTS)).astype(np.int32)
    support = {"support_x": random_images(ways * SHOTS), "support_y": y}
    in_python = learner.adapt(*map(tf.constant, support.values()))
    state = run(file, "adapt", **support)
    for number in (1, 4):
        queries = random_images(number, seed=1)
        logits = learner.predict_with(in_python, queries)
        assert_answers(run(file, "adapt_and_predict", query_x=queries, **support), logits)
        assert_answers(run(file, "predict", query_x=queries, **state), logits)


def test_regression_adapts_its_head(tmp_path):
    keras.utils.set_random_seed(3)
    learner = tfmeta.MAML(
        tfmeta.networks.mlp((1,), 1, units=(8,)), 1, adapt_layers="head", targets="values"
    )
    file = litert.export_model(learner, tmp_path, ways=1, shots=10)
    x = np.linspace(-5, 5, 10, dtype=np.float32)[:, np.newaxis]
    received = run(file, "adapt_and_predict", support_x=x, support_y=np.sin(x), query_x=x[:4])
    expected = learner.predict_with(learner.adapt(x, tf.sin(x)), x[:4])
    assert_close(received["prediction"], expected)


def test_gradients_through_the_network_are_refused_in_one_sentence(tmp_path, capfd):
    with pytest.raises(UserError, match="Conv2DBackpropFilter, ReluGrad") as refused:
        litert.export_model(learner_of("maml"), tmp_path / "new", ways=5, shots=1)
    for advice in ("algorithm anil", "prototypical", "kind adapted", "format saved-model"):
        assert advice in str(refused.value)
    assert "ReluGrad" not in capfd.readouterr().err  # the converter's own pages
    assert not (tmp_path / "new").exists()


def test_other_numbers_than_the_learners_are_not_written(of_vectors, tmp_path, monkeypatch):
    monkeypatch.setattr(litert, "largest_difference", lambda received, expected: float("nan"))
    with pytest.raises(UserError, match=r"differs from the learner's by nan; expected at most"):
        litert.export_model(of_vectors, tmp_path / "new", ways=2, shots=1)
    assert not (tmp_path / "new").exists()


def test_versions_are_files_that_no_server_takes_for_one_of_its_own(of_vectors, tmp_path):
    (tmp_path / "7").mkdir()  # a SavedModel's
    (tmp_path / "2.tflite").touch()
    file = litert.export_model(of_vectors, tmp_path, ways=2, shots=1)
    assert file == tmp_path / "3.tflite"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2.tflite", "3.tflite", "7"]
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot write .*--output"):
        litert._write(tmp_path / "file", b"", "{}")


@pytest.mark.parametrize(("ways", "shots"), [(6, 1), (0, 1), (5, 0)])
def test_support_sets_that_the_learner_does_not_take_are_refused(tmp_path, ways, shots):
    message = f"received {ways} ways and {shots} shots?; expected 1 to 5 ways"
    with pytest.raises(UserError, match=message):
        litert.export_model(learner_of("anil"), tmp_path, ways=ways, shots=shots)


def test_a_transductive_learner_can_not_be_adapted_beforehand(tmp_path):
    network = tfmeta.networks.conv4((28, 28, 1), 5, filters=8, num_blocks=2)
    support = (random_images(5), np.arange(5, dtype=np.int32))
    with pytest.raises(UserError, match="transductive"):
        litert.export_model(
            tfmeta.MAML(network, transductive=True), tmp_path, "adapted", support=support
        )
