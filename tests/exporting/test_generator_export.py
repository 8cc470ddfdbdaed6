"""Kind `generator`: a support set becomes named weights, and `predict` answers with those."""

import functools
import io
import json

import keras
import made_once
import model_answers
import numpy as np
import pytest
import tensorflow as tf
import trained
from closeness import assert_close, assert_far_apart, assert_same_answers
from model_answers import checked, refusal, served
from PIL import Image

import tfmeta
from tfmeta.episodes.source_facts import SourceFacts
from tfmeta.errors import UserError
from tfmeta.exporting.writing.exporter import export_model
from tfmeta.reading.image_format import ImageFormat
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.settings import Settings

NUM_TASKS, NUM_SUPPORT, NUM_QUERIES, WAYS = 3, 7, 4, 3  # not those of the warm-up requests
KINDS = ("hypernetwork", "maml", "sine")


def conv4(num_outputs):
    return tfmeta.networks.conv4((8, 8, 1), num_outputs, filters=6, num_blocks=2)


@functools.cache
def learner_of(name):
    keras.utils.set_random_seed(4)
    if name == "sine":
        network = tfmeta.networks.mlp((1,), 1, units=(8,))
        return tfmeta.HyperNetwork(network, class_head=False, units=8, targets="values")
    if name == "maml":
        return tfmeta.MAML(conv4(WAYS), 1, inner_learning_rate=0.4)
    return tfmeta.HyperNetwork(conv4(None), encoder=conv4(None), units=16)


@functools.cache
def run():
    """A run of the hypernetwork as if it had been trained."""
    facts = SourceFacts("tiny", (8, 8, 1), ImageFormat(8, 8), None)
    settings = Settings(pipeline="tiny", algorithm="hypernetwork")
    directory = RunDirectory.create(
        made_once.folder() / "generators/run", settings, facts.to_dict()
    )
    directory.save_checkpoint(learner_of("hypernetwork"), 1, minutes=0.0)
    return directory.path


@functools.cache
def export_of(name):
    """The version's folder; the hypernetwork's takes images, and comes from the command line."""
    output = made_once.folder() / "generators" / name
    if name == "hypernetwork":
        trained.call("export", run(), "--kind", "generator", *trained.AS_IT_IS, "--output", output)
        return output / "1"
    return export_model(learner_of(name), output, "generator")


def support_of(name, num_tasks=NUM_TASKS):
    rng = np.random.default_rng(1)
    if name == "sine":
        x = rng.uniform(-5, 5, (num_tasks, NUM_SUPPORT, 1)).astype(np.float32)
        return {"support_x": x, "support_y": np.sin(x)}
    labels = np.array([0, 1, 2, 0, 2, 2, 1], np.int32)
    return {
        "support_x": rng.random((num_tasks, NUM_SUPPORT, 8, 8, 1), np.float32),
        "support_y": np.stack([np.roll(labels, task) for task in range(num_tasks)]),
    }


def queries_of(name, num_tasks=NUM_TASKS):
    rng = np.random.default_rng(2)
    shape = (1,) if name == "sine" else (8, 8, 1)
    return {"query_x": rng.random((num_tasks, NUM_QUERIES, *shape), np.float32)}


@functools.cache
def python_states(name):
    """What the learner makes of each task, eagerly."""
    tasks = zip(*support_of(name).values(), strict=True)
    return [learner_of(name).adapt(tf.constant(x), tf.constant(y)) for x, y in tasks]


def python_answers(name):
    queries = queries_of(name)["query_x"]
    outputs = [
        learner_of(name).predict_with(state, tf.constant(x))
        for state, x in zip(python_states(name), queries, strict=True)
    ]
    return tf.stack(outputs if name == "sine" else [tf.nn.softmax(o) for o in outputs]).numpy()


def answers(name, weights, queries):
    response = served(export_of(name), "predict", {**weights, **queries})
    return response["prediction" if name == "sine" else "probabilities"]


def flat(state):
    return {f"{g}_{n}": t for g, tensors in state.items() for n, t in tensors.items()}


# What is in the folder


def test_signatures_of_gradient_steps_are_those_of_the_contract():
    state = {n: f"float32{[None, *t.shape]}" for n, t in flat(python_states("maml")[0]).items()}
    assert {"weights_head_kernel", "statistics_norm1_moving_mean"} <= state.keys()
    support = {"support_x": "float32[None, None, 8, 8, 1]", "support_y": "int32[None, None]"}
    answer = {
        "probabilities": "float32[None, None, 3]",
        "label": "int32[None, None]",
        "unknown": "float32[None, None]",
    }
    assert model_answers.signatures(export_of("maml")) == {
        "serving_default": (support, state),
        "generate": (support, state),
        "predict": ({**state, "query_x": support["support_x"]}, answer),
    }


def test_signatures_of_a_generated_head_leave_the_number_of_classes_open():
    signatures = model_answers.signatures(export_of("hypernetwork"))
    support, weights = signatures["generate_bytes"]
    assert support == {"support_x_bytes": "string[None, None]", "support_y": "int32[None, None]"}
    assert weights.keys() == flat(python_states("hypernetwork")[0]).keys()
    assert weights["weights_conv1_kernel"] == "float32[None, 3, 3, 1, 6]"
    assert weights["weights_head_kernel"] == "float32[None, 24, None]"
    queries, answer = signatures["predict_bytes"]
    assert queries == {**weights, "query_x_bytes": "string[None, None]"}
    assert answer["probabilities"] == "float32[None, None, None]"
    names = ("generate", "predict", "serving_default")
    assert signatures.keys() == {f"{name}{suffix}" for name in names for suffix in ("", "_bytes")}


def test_names_and_shapes_are_those_of_kind_learner(tmp_path):
    version = export_model(learner_of("maml"), tmp_path / "as-learner")
    as_learner, as_generator = map(model_answers.signatures, (version, export_of("maml")))
    assert as_generator["predict"] == as_learner["predict"]
    assert as_generator["generate"] == as_learner["adapt"]


@pytest.mark.parametrize("name", KINDS)
def test_manifest_and_readme_tell_what_it_is(name):
    facts = json.loads((export_of(name) / "tfmeta.json").read_text())
    assert facts["kind"] == "generator"
    assert facts["num_outputs"] == {"hypernetwork": None, "maml": WAYS, "sine": 1}[name]
    text = (export_of(name) / "README.md").read_text()
    assert ("any number of classes" in text) == (name == "hypernetwork")
    for signature in model_answers.signatures(export_of(name)):
        assert f"`{signature}`" in text or signature.startswith("serving_default")
    (request,) = [line for line in text.splitlines() if line.strip().startswith('{"')]
    suffix = "_bytes" if name == "hypernetwork" else ""
    inputs = json.loads(request.replace("[...]", "[]"))["inputs"]
    assert inputs.keys() == {f"support_x{suffix}", "support_y"}


@pytest.mark.parametrize("name", KINDS)
def test_it_passes_every_check(name):
    report = checked(export_of(name))
    assert report["ok"], report["checks"]
    assert len(report["checks"]) == 9


# Answers


@pytest.mark.parametrize("signature", ["generate", "serving_default"])
@pytest.mark.parametrize("name", KINDS)
def test_generate_gives_the_python_learners_task_state(name, signature):
    received = served(export_of(name), signature, support_of(name))
    for task, state in enumerate(python_states(name)):
        assert received.keys() == flat(state).keys()
        for key, tensor in flat(state).items():
            assert_close(received[key][task], tensor.numpy())


@pytest.mark.parametrize("name", KINDS)
def test_generate_then_predict_is_the_python_learners_answer(name):
    received = answers(
        name, served(export_of(name), "generate", support_of(name)), queries_of(name)
    )
    assert_close(received, python_answers(name))
    assert_far_apart(received[:, 0], received[:, 1])  # not every query the same answer


@pytest.mark.parametrize("name", KINDS)
def test_predict_answers_with_the_weights_that_it_is_given(name):
    """The same queries, the tasks' weights in another order: the answers go with the weights."""
    weights = served(export_of(name), "generate", support_of(name))
    same = {"query_x": np.repeat(queries_of(name)["query_x"][:1], NUM_TASKS, 0)}
    before = answers(name, weights, same)
    after = answers(name, {key: value[::-1] for key, value in weights.items()}, same)
    assert_close(after, before[::-1])
    assert_far_apart(before[0], before[-1])  # not every task the same answer


def test_bytes_signatures_answer_as_the_others_on_decoded_images():
    pixels = np.random.default_rng(3).integers(0, 256, (NUM_SUPPORT + 2, 8, 8), np.uint8)
    files = np.empty((1, len(pixels)), object)
    for number, image in enumerate(pixels):
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "PNG")
        files[0, number] = buffer.getvalue()
    x = (pixels[np.newaxis, ..., np.newaxis] / 255).astype(np.float32)
    labels = {"support_y": support_of("hypernetwork", 1)["support_y"]}
    export = export_of("hypernetwork")
    weights = served(export, "generate", {"support_x": x[:, :NUM_SUPPORT], **labels})
    encoded = {"support_x_bytes": files[:, :NUM_SUPPORT], **labels}
    for signature in ("generate_bytes", "serving_default_bytes"):
        received = served(export, signature, encoded)
        assert received.keys() == weights.keys()
        for key, value in weights.items():
            assert_close(received[key], value)
    expected = served(export, "predict", {**weights, "query_x": x[:, NUM_SUPPORT:]})
    request = {**weights, "query_x_bytes": files[:, NUM_SUPPORT:]}
    received = served(export, "predict_bytes", request)
    assert_close(received["probabilities"], expected["probabilities"])
    assert received["label"].tolist() == expected["label"].tolist()


# Refusals


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("support_y", lambda y: y + 3),
        ("support_y", lambda y: y[:, 1:]),
        ("support_y", lambda y: y[1:]),
        ("support_x", lambda x: x * np.float32("nan")),
    ],
    ids=["label too high", "too few labels", "fewer tasks", "NaN"],
)
def test_generate_refuses_and_goes_on(name, change):
    request = support_of("maml")
    code, message = refusal(export_of("maml"), "generate", {**request, name: change(request[name])})
    assert code == "INVALID_ARGUMENT"
    assert name in message
    assert served(export_of("maml"), "generate", request)


@pytest.mark.parametrize(
    "change",
    [lambda v: v[1:], lambda v: v * np.float32("nan")],
    ids=["fewer tasks", "NaN"],
)
@pytest.mark.parametrize("name", ["query_x", "weights_conv1_kernel", "weights_head_kernel"])
def test_predict_refuses_weights_that_do_not_fit(name, change):
    export = export_of("hypernetwork")
    request = {
        **served(export, "generate", support_of("hypernetwork")),
        **queries_of("hypernetwork"),
    }
    code, message = refusal(export, "predict", {**request, name: change(request[name])})
    assert code == "INVALID_ARGUMENT"
    assert name in message


@pytest.mark.parametrize(
    ("transductive", "kinds"), [(False, "kind learner or adapted$"), (True, "kind learner$")]
)
def test_a_method_without_weights_is_refused_by_name(transductive, kinds, tmp_path):
    learner = tfmeta.Prototypical(conv4(None), transductive=transductive)
    message = rf"Prototypical makes no weights .* keeps prototypes, shots\).* {kinds}"
    with pytest.raises(UserError, match=message):
        export_model(learner, tmp_path / "model", "generator")
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("kept_exports")
def test_the_predict_command_answers_as_it_does_from_the_run(png_folder, capfd):
    images = [png_folder / name / "0.png" for name in ("apple", "banana", "cherry")]
    arguments = [*images, "--support", png_folder, "--json"]
    every = []
    for model in (run(), export_of("hypernetwork")):
        status, output, errors = trained.inside(capfd, "predict", model, *arguments)
        assert (status, errors) == (0, "")
        every.append(json.loads(output)["predictions"])
    assert_same_answers(*every)
    assert {*every[0][0]["probabilities"]} == {"apple", "banana", "cherry"}
