"""Learners without a head of a fixed size: one export answers tasks of any number of classes."""

import functools
import json

import conformance_table
import keras
import made_once
import model_answers
import numpy as np
import pytest
import tensorflow as tf
import trained
from closeness import assert_close, assert_far_apart, assert_same_answers
from conformance_table import NAMELESS, TABLE, embedding, learner_of
from model_answers import checked, refusal, served
from PIL import Image

import tfmeta
from tfmeta.episodes.source_facts import SourceFacts
from tfmeta.errors import UserError
from tfmeta.exporting.writing.exporter import export_model
from tfmeta.reading.image_format import ImageFormat
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.settings import Settings

NUM_QUERIES = 3
NAMES = ("arrow", "bar", "cross", "disc", "dots", "ring", "squares")


@functools.cache
def run():
    """Prototypical networks, as if they had been trained on 5 classes."""
    facts = SourceFacts("tiny", (8, 8, 1), ImageFormat(8, 8), None)
    settings = Settings(pipeline="tiny", algorithm="prototypical", ways=5, train_ways=5)
    path = made_once.folder() / "any-number" / "run"
    directory = RunDirectory.create(path, settings, facts.to_dict())
    directory.save_checkpoint(learner_of("prototypical"), 1, minutes=0.0)
    return path


@functools.cache
def export_of(name):
    """The version's folder; the prototypical network's takes images: it is the run's."""
    if name != "prototypical":
        return conformance_table.export_of(name) / "1"
    output = made_once.folder() / "any-number" / "model"
    trained.call("export", run(), *trained.AS_IT_IS, "--output", output)
    return output / "1"


def request_of(*labels, seed=0):
    """A task for each list of labels, all of one length."""
    rng = np.random.default_rng(seed)
    labels = np.array(labels, np.int32)
    return {
        "support_x": rng.random((*labels.shape, 8, 8, 1), np.float32),
        "support_y": labels,
        "query_x": rng.random((len(labels), NUM_QUERIES, 8, 8, 1), np.float32),
    }


def probabilities(name, request):
    return served(export_of(name), "serving_default", request)["probabilities"]


def python_probabilities(learner, request, task=0):
    x, y, queries = (tf.constant(value[task]) for value in request.values())
    return tf.nn.softmax(learner.predict_with(learner.adapt(x, y), queries)).numpy()


# Requests


@pytest.mark.parametrize("ways", [2, 5, 7])
def test_one_model_answers_tasks_of_2_5_and_7_classes(ways):
    request = request_of([*range(ways), 0, 1], seed=ways)
    received = served(export_of("prototypical"), "serving_default", request)
    expected = python_probabilities(learner_of("prototypical"), request)
    assert received["probabilities"].shape == (1, NUM_QUERIES, ways)
    assert_close(received["probabilities"][0], expected)
    assert received["label"][0].tolist() == expected.argmax(-1).tolist()
    assert_far_apart(expected[0], expected[1])  # not every query the same answer


@pytest.mark.parametrize("name", sorted(NAMELESS.keys() & TABLE.keys()))
def test_tasks_of_different_numbers_of_classes_share_a_request(name):
    ways = (7, 2, 5)
    request = request_of([0, 1, 2, 3, 4, 5, 6], [0, 1, 0, 1, 1, 0, 0], [3, 0, 1, 2, 4, 4, 1])
    together = probabilities(name, request)
    assert together.shape == (3, NUM_QUERIES, 7)
    for task, number in enumerate(ways):
        alone = {key: value[task : task + 1] for key, value in request.items()}
        assert_close(together[task, :, :number], probabilities(name, alone)[0])
        assert not together[task, :, number:].any()
    expected = python_probabilities(learner_of(name), request, task=2)
    assert_close(together[2, :, :5], expected)


@pytest.mark.parametrize("name", ["prototypical", "hypernetwork"])
def test_the_task_states_of_such_a_request_answer_as_it_does(name):
    request = request_of([0, 1, 2, 3, 4], [0, 1, 0, 1, 1])
    expected = probabilities(name, request)
    query = {"query_x": request.pop("query_x")}
    state = served(export_of(name), "adapt", request)
    received = served(export_of(name), "predict", {**state, **query})
    assert_close(received["probabilities"], expected)
    assert not received["probabilities"][1, :, 2:].any()


@pytest.mark.parametrize("labels", [[0, 2, 4, 4, 2, 0], [1, 1, 2, 2, 3, 3]])
def test_a_class_without_an_example_is_refused(labels):
    code, message = refusal(export_of("siamese"), "serving_default", request_of(labels))
    assert code == "INVALID_ARGUMENT"
    assert "support_y: a class is empty" in message


def test_labels_are_accepted_up_to_the_support_size_and_refused_from_there():
    export = export_of("prototypical")
    request = request_of([3, 0, 2, 1])
    before = served(export, "serving_default", request)
    assert before["probabilities"].shape == (1, NUM_QUERIES, 4)
    expected = "support_y: expected labels from 0 to one less than the support examples"
    support = {key: request[key] for key in ("support_x", "support_y")}
    for labels in ([4, 0, 3, 1], [3, 0, -1, 1], [2**31 - 1, 0, 0, 0]):
        wrong = {"support_y": np.array([labels], np.int32)}
        for signature, inputs in (("serving_default", request), ("adapt", support)):
            code, message = refusal(export, signature, {**inputs, **wrong})
            assert code == "INVALID_ARGUMENT"
            assert expected in message
    after = served(export, "serving_default", request)
    assert after["probabilities"].tobytes() == before["probabilities"].tobytes()


# Files and checks


def test_manifest_and_readme_say_any_number():
    version = export_of("prototypical")
    assert json.loads((version / "tfmeta.json").read_text())["num_outputs"] is None
    text = (version / "README.md").read_text()
    assert "A task may have any number of classes: its labels go from 0 to" in text


class Careless(tfmeta.Prototypical):
    """Forgets that a class may have no example: the others in a batch then change its answer."""

    def compare(self, task_state, embedded, forward):
        difference = embedded[:, tf.newaxis] - task_state["prototypes"][tf.newaxis]
        return -tf.reduce_sum(difference**2, -1)


def test_verify_finds_an_answer_that_depends_on_the_classes_of_other_tasks(tmp_path):
    keras.utils.set_random_seed(5)  # of sound ones it finds none: test_conformance.py
    report = checked(export_model(Careless(embedding()), tmp_path / "model"))
    (failed,) = [check for check in report["checks"] if not check["ok"]]
    assert failed["check"] == "batching"
    assert failed["detail"].startswith("adapt_and_predict in a batch: ")
    assert "in a batch" in failed["detail"]


# Adapted


@pytest.mark.parametrize("name", ["relation", "siamese"])
def test_an_adapted_model_has_as_many_classes_as_its_support_set(name, tmp_path):
    request = request_of([0, 1, 2, 3, 4, 5, 6])
    support = request["support_x"][0], request["support_y"][0]
    output = tmp_path / "model"
    version = export_model(
        learner_of(name), output, "adapted", support=support, class_names=list(NAMES)
    )
    answer = {
        "probabilities": "float32[None, 7]",
        "label": "string[None]",
        "unknown": "float32[None]",
    }
    assert model_answers.signatures(version)["predict"][1] == answer
    assert json.loads((version / "tfmeta.json").read_text())["num_outputs"] == 7
    assert "any number" not in (version / "README.md").read_text()
    received = served(version, "predict", {"x": request["query_x"][0]})
    expected = python_probabilities(learner_of(name), request)
    assert_close(received["probabilities"], expected)
    assert received["label"].tolist() == [NAMES[i].encode() for i in expected.argmax(-1)]


@pytest.mark.parametrize("num_names", [2, 4])
def test_an_adapted_model_needs_a_name_for_each_class(num_names, tmp_path):
    support = np.zeros((3, 8, 8, 1), np.float32), np.arange(3, dtype=np.int32)
    names = list(NAMES[:num_names])
    with pytest.raises(UserError, match=rf"{num_names} class names and labels up to 2.*a name for"):
        export_model(
            learner_of("siamese"), tmp_path / "model", "adapted", support=support, class_names=names
        )
    assert not list(tmp_path.iterdir())


# The command line


@pytest.fixture(scope="module")
def drawings(tmp_path_factory):
    """One drawing of each of the seven classes, by its name."""
    folder = tmp_path_factory.mktemp("seven")
    files = {}
    for name in NAMES:
        (folder / name).mkdir()
        if name in trained.CLASSES:
            image = trained.draw(trained.CLASSES.index(name), 0)
        else:
            step = 4 if name == "dots" else 8
            row = np.arange(28) // step % 2 * 255
            image = Image.fromarray((row[:, np.newaxis] ^ row).astype(np.uint8))
        files[name] = folder / name / "0.png"
        image.save(files[name])
    return files


def predictions(text):
    return json.loads(text)["predictions"]


@pytest.mark.usefixtures("kept_exports")
def test_predict_tells_seven_classes_apart_and_so_does_an_adapted_export(drawings, tmp_path, capfd):
    """A support image is nearest to its own class, so every answer is known."""
    folder, images = drawings["bar"].parent.parent, drawings.values()
    arguments = [*images, "--support", folder, "--json"]
    status, output, _ = trained.inside(capfd, "predict", run(), *arguments)
    assert status == 0
    from_run = predictions(output)
    assert [each["label"] for each in from_run] == list(NAMES)
    assert all(tuple(each["probabilities"]) == NAMES for each in from_run)

    status, output, _ = trained.inside(capfd, "predict", export_of("prototypical"), *arguments)
    assert status == 0
    assert_same_answers(predictions(output), from_run)

    baked_in = ["--kind", "adapted", "--support", folder, "--output", tmp_path / "adapted"]
    trained.call("export", run(), *baked_in, *trained.AS_IT_IS)
    files = np.array([image.read_bytes() for image in images], object)
    received = served(tmp_path / "adapted", "predict_bytes", {"x_bytes": files})
    assert received["label"].tolist() == [name.encode() for name in NAMES]
    expected = [list(each["probabilities"].values()) for each in from_run]
    assert_close(received["probabilities"], expected)


def test_a_run_without_weights_for_a_task_is_refused_as_a_generator(tmp_path, capfd):
    output = tmp_path / "model"
    arguments = ["export", run(), "--kind", "generator", "--output", output]
    status, printed, errors = trained.inside(capfd, *arguments)
    assert (status, printed) == (2, "")
    (line,) = errors.splitlines()
    assert line.startswith("Error: Prototypical makes no weights")
    assert line.endswith("expected kind learner or adapted")
    assert not output.exists()
