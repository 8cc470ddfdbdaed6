"""An export's signatures and its answers, through TensorFlow's C++ loader."""

import keras
import model_answers
import numpy as np
import pytest
import tensorflow as tf
import trained
from closeness import assert_close, assert_far_apart
from export_requests import (
    NUM_QUERIES,
    NUM_TASKS,
    learner_request,
    python_outputs,
    sine_request,
    state_of,
    support_request,
)
from model_answers import served
from trained import CLASSES, random_images

from tfmeta.errors import UserError
from tfmeta.exporting.verifying.verification import verify_export
from tfmeta.exporting.writing.exporter import export_model

# Signatures


def expected_state(learner, request):
    """The task state's entries, by the name and the shape that a signature gives them."""
    state = state_of(learner, request, 0)
    return {
        f"{group}_{name}": f"float32{[None, *tensor.shape]}"
        for group, tensors in state.items()
        for name, tensor in tensors.items()
    }


def test_learner_signatures_are_those_of_the_contract():
    state = expected_state(trained.learner_of(trained.glyph_run()), learner_request())
    assert "weights_head_kernel" in state
    assert "statistics_norm1_moving_mean" in state
    answer = {
        "probabilities": "float32[None, None, 5]",
        "label": "int32[None, None]",
        "unknown": "float32[None, None]",
    }

    def expected(suffix, image):
        support = {f"support_x{suffix}": image, "support_y": "int32[None, None]"}
        query = {f"query_x{suffix}": image}
        return {
            f"serving_default{suffix}": ({**support, **query}, answer),
            f"adapt_and_predict{suffix}": ({**support, **query}, answer),
            f"adapt{suffix}": (support, state),
            f"predict{suffix}": ({**state, **query}, answer),
        }

    assert model_answers.signatures(trained.learner_export()) == {
        **expected("", "float32[None, None, 28, 28, 1]"),
        **expected("_bytes", "string[None, None]"),
    }


def test_regression_signatures_are_those_of_the_contract():
    state = expected_state(trained.learner_of(trained.sinusoid_run()), sine_request())
    support = dict.fromkeys(("support_x", "support_y"), "float32[None, None, 1]")
    query = {"query_x": "float32[None, None, 1]"}
    answer = {"prediction": "float32[None, None, 1]"}
    assert model_answers.signatures(trained.sinusoid_export()) == {
        "serving_default": ({**support, **query}, answer),
        "adapt_and_predict": ({**support, **query}, answer),
        "adapt": (support, state),
        "predict": ({**state, **query}, answer),
    }


def test_adapted_signatures_are_those_of_the_contract():
    answer = {
        "probabilities": "float32[None, 5]",
        "label": "string[None]",
        "unknown": "float32[None]",
    }
    image = {"x": "float32[None, 28, 28, 1]"}
    encoded_image = {"x_bytes": "string[None]"}
    assert model_answers.signatures(trained.adapted_export()) == {
        "serving_default": (image, answer),
        "predict": (image, answer),
        "serving_default_bytes": (encoded_image, answer),
        "predict_bytes": (encoded_image, answer),
    }


# Answers


@pytest.mark.parametrize("signature", ["serving_default", "adapt_and_predict"])
def test_learner_answers_as_the_python_learner(signature):
    request = learner_request()
    received = served(trained.learner_export(), signature, request)
    outputs = python_outputs(trained.learner_of(trained.glyph_run()), request)
    assert_close(received["probabilities"], keras.ops.softmax(outputs).numpy())
    assert received["label"].tolist() == outputs.argmax(-1).tolist()
    assert_far_apart(*received["probabilities"][:, :2].swapaxes(0, 1))  # two queries


def test_regression_answers_as_the_python_learner():
    request = sine_request()
    received = served(trained.sinusoid_export(), "serving_default", request)
    expected = python_outputs(trained.learner_of(trained.sinusoid_run()), request)
    assert_close(received["prediction"], expected)


def test_adapt_gives_the_python_learners_task_state():
    learner, request = trained.learner_of(trained.glyph_run()), support_request()
    received = served(trained.learner_export(), "adapt", request)
    for task in range(NUM_TASKS):
        for group, tensors in state_of(learner, request, task).items():
            for name, tensor in tensors.items():
                assert_close(received[f"{group}_{name}"][task], tensor.numpy())


@pytest.mark.parametrize(
    ("name", "make_request"), [("learner", learner_request), ("sinusoid", sine_request)]
)
def test_adapt_then_predict_is_adapt_and_predict(name, make_request):
    export, request = getattr(trained, f"{name}_export")(), make_request()
    query = {"query_x": request.pop("query_x")}
    state = served(export, "adapt", request)
    in_two = served(export, "predict", {**state, **query})
    in_one = served(export, "adapt_and_predict", {**request, **query})
    assert in_two.keys() == in_one.keys()
    for key, value in in_one.items():
        assert_close(in_two[key], value)


def test_a_learners_answer_depends_on_no_other_query_and_no_other_task():
    export, request = trained.learner_export(), learner_request()
    together = served(export, "serving_default", request)["probabilities"]
    for task in range(NUM_TASKS):
        for query in range(NUM_QUERIES):
            alone = {key: value[task : task + 1] for key, value in request.items()}
            alone["query_x"] = alone["query_x"][:, query : query + 1]
            received = served(export, "serving_default", alone)["probabilities"]
            assert_close(received[0, 0], together[task, query])


def test_an_adapted_answer_depends_on_no_other_example():
    export, x = trained.adapted_export(), random_images(4, seed=4)
    together = served(export, "predict", {"x": x})["probabilities"]
    for i in range(len(x)):
        alone = served(export, "predict", {"x": x[i : i + 1]})["probabilities"]
        assert_close(alone[0], together[i])


def test_adapted_answers_as_the_learner_and_names_the_classes():
    from tfmeta.reading.support_arrays import read_support_arrays
    from tfmeta.training.run_directory import RunDirectory

    facts = RunDirectory.open(trained.glyph_run()).source_facts
    _, x, y, _ = read_support_arrays(trained.support_folder(), facts, num_classes=5)
    learner, queries = trained.learner_of(trained.glyph_run()), random_images(6, seed=5)
    state = learner.adapt(tf.constant(x), tf.constant(y))
    expected = keras.ops.softmax(learner.predict_with(state, tf.constant(queries))).numpy()
    received = served(trained.adapted_export(), "serving_default", {"x": queries})
    assert_close(received["probabilities"], expected)
    names = [CLASSES[i].encode() for i in expected.argmax(-1)]
    assert received["label"].tolist() == names


def test_adapted_to_fewer_classes_answers_among_them(tmp_path):
    learner = trained.learner_of(trained.glyph_run())
    support = random_images(3), np.array([0, 1, 2], np.int32)
    version = export_model(
        learner, tmp_path / "model", "adapted", support=support, class_names=["a", "ö", "c"]
    )
    received = served(version, "predict", {"x": random_images(5, seed=6)})
    assert received["probabilities"].shape == (5, 3)
    assert_close(received["probabilities"].sum(-1), np.ones(5))
    assert {label.decode() for label in received["label"]} <= {"a", "ö", "c"}


def test_classes_without_names_are_called_by_their_numbers(tmp_path):
    """They were taken for values: answers were logits, and `verify` refused the model."""
    learner, x = trained.learner_of(trained.glyph_run()), random_images(3)
    version = export_model(learner, tmp_path / "m", "adapted", support=(x, np.array([0, 2, 1])))
    received = served(version, "predict", {"x": x})
    assert received["probabilities"].shape == (3, 3)
    labels = [str(label).encode() for label in received["probabilities"].argmax(-1)]
    assert received["label"].tolist() == labels
    assert verify_export(version)["ok"]


@pytest.mark.fault("names of classes that are no texts or not different", "refused, with them")
@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a", "b", "a"], "class_names with a more than once"),
        ([0, 1, 2], "class_names=.0, 1, 2.; expected a list of texts"),
        ("abc", "class_names='abc'; expected a list of texts"),
        (["a"], "1 class name and labels up to 2"),
    ],
)
def test_names_of_classes_that_make_no_sense_are_refused(tmp_path, names, words):
    learner, support = trained.learner_of(trained.glyph_run()), (random_images(3), np.arange(3))
    options = {"support": support, "class_names": names}
    with pytest.raises(UserError, match=words):
        export_model(learner, tmp_path / "m", "adapted", **options)


def test_adapted_regression_answers_as_the_learner(tmp_path):
    learner, request = trained.learner_of(trained.sinusoid_run()), sine_request()
    np.savez(tmp_path / "support.npz", x=request["support_x"][0], y=request["support_y"][0])
    output = tmp_path / "model"
    arguments = ["--kind", "adapted", "--support", tmp_path / "support.npz", "--output", output]
    trained.call("export", trained.sinusoid_run(), *arguments)
    received = served(output, "serving_default", {"x": request["query_x"][0]})
    assert received.keys() == {"prediction"}
    assert_close(received["prediction"], python_outputs(learner, request)[0])
