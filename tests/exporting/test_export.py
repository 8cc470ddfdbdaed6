"""What an export holds, what it answers and what it refuses, through TensorFlow's C++ loader."""

import io
import json
import signal
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
import trained
from closeness import assert_close, assert_far_apart
from PIL import Image
from trained import CLASSES, random_images, refusal, served

import tfmeta
from tfmeta.errors import UserError
from tfmeta.exporting.writing.exporter import export_adapted, export_learner

FILES = {
    "README.md",
    "assets.extra/tf_serving_warmup_requests",
    "batching_params.pbtxt",
    "client.py",
    "fingerprint.pb",
    "models.config",
    "monitoring.config",
    "saved_model.pb",
    "tfmeta.json",
    "variables/variables.data-00000-of-00001",
    "variables/variables.index",
}
NUM_TASKS, NUM_SUPPORT, NUM_QUERIES = 3, 7, 4  # not those of the warm-up requests


def support_request(num_tasks=NUM_TASKS):
    labels = np.arange(NUM_SUPPORT, dtype=np.int32) % 5
    labels = np.stack([np.roll(labels, task) for task in range(num_tasks)])
    return {"support_x": random_images(num_tasks, NUM_SUPPORT), "support_y": labels}


def learner_request(num_tasks=NUM_TASKS):
    return {
        **support_request(num_tasks),
        "query_x": random_images(num_tasks, NUM_QUERIES, seed=2),
    }


def sine_request():
    rng = np.random.default_rng(3)
    x = rng.uniform(-5, 5, (NUM_TASKS, NUM_SUPPORT, 1)).astype(np.float32)
    query_x = rng.uniform(-5, 5, (NUM_TASKS, NUM_QUERIES, 1)).astype(np.float32)
    return {"support_x": x, "support_y": np.sin(x), "query_x": query_x}


def state_of(learner, request, task):
    return learner.adapt(
        tf.constant(request["support_x"][task]), tf.constant(request["support_y"][task])
    )


def python_outputs(learner, request):
    """What the learner answers eagerly, a task at a time: `(tasks, queries, outputs)`."""
    return np.stack(
        [
            learner.predict_with(state_of(learner, request, t), tf.constant(query_x)).numpy()
            for t, query_x in enumerate(request["query_x"])
        ]
    )


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def strings(values, shape):
    array = np.empty(len(values), object)
    array[:] = values
    return array.reshape(shape)


# Files and versions


@pytest.mark.parametrize("kind", ["learner", "adapted", "sinusoid"])
def test_version_1_holds_these_files_and_nothing_else_is_beside_it(kind):
    export = getattr(trained, f"{kind}_export")()
    assert [path.name for path in export.iterdir()] == ["1"]
    assert trained.contents(export / "1").keys() == FILES
    facts = json.loads((export / "1/tfmeta.json").read_text())
    assert facts["kind"] == ("adapted" if kind == "adapted" else "learner")
    assert facts["mode"] == "inductive"
    assert facts["files"].keys() == FILES - {"tfmeta.json"}
    assert facts["class_names"] == (list(CLASSES) if kind == "adapted" else None)


@pytest.mark.parametrize("kind", ["learner", "adapted", "sinusoid"])
def test_readme_names_every_signature_and_the_docker_command(kind):
    export = getattr(trained, f"{kind}_export")()
    text = (export / "1/README.md").read_text()
    for signature in trained.signatures(export):
        assert f"`{signature}`" in text or signature.startswith("serving_default")
    assert "docker run" in text
    assert f"/models/{export.name}" in text
    for line in text.splitlines():
        if line.strip().startswith('{"'):
            json.loads(line.replace("[...]", "[]"))


def test_versions_count_up_from_the_highest_and_one_process_can_export_twice(tmp_path):
    learner = trained.learner_of(trained.sinusoid_run())
    output = tmp_path / "new" / "model"
    made = [export_learner(learner, output, is_regression=True) for _ in range(2)]
    (output / "7").mkdir()
    (output / "notes").mkdir()
    made.append(export_learner(learner, output, is_regression=True))
    assert made == [output / "1", output / "2", output / "8"]
    request = sine_request()
    answers = [served(version, "serving_default", request)["prediction"] for version in made]
    assert answers[0].tobytes() == answers[1].tobytes() == answers[2].tobytes()
    assert not list(output.glob(".*"))


def test_weights_file_holds_the_networks_weights_and_no_optimizer():
    learner = trained.learner_of(trained.glyph_run())
    prefix = trained.learner_export() / "1/variables/variables"
    shapes = {name: shape for name, shape in tf.train.list_variables(str(prefix)) if shape}
    num_weights = learner.network.count_params()
    assert sum(int(np.prod(shape)) for shape in shapes.values()) == num_weights
    size = prefix.with_name("variables.data-00000-of-00001").stat().st_size
    assert 4 * num_weights <= size <= 4 * num_weights + 4096  # and the names of the objects


KILLED_EXPORT = """
import os, signal, sys
from tfmeta.exporting.writing import warmup

def killed(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[1] == "warmup":
    warmup.write = killed
else:
    os.rename = killed
from tfmeta.cli import main
main(["export", *sys.argv[2:]])
"""


@pytest.mark.parametrize("moment", ["warmup", "rename"])
def test_killed_export_leaves_no_version_and_the_next_one_works(moment, tmp_path):
    output = tmp_path / "model"
    arguments = [moment, trained.sinusoid_run(), "--output", output]
    killed = trained.run([sys.executable, "-c", KILLED_EXPORT, *arguments])
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    left = list(output.iterdir())
    assert left, "it was killed before it wrote anything"
    assert not [path for path in left if path.name.isdigit()]
    assert trained.tfmeta("verify", output).returncode == 2
    trained.call("export", trained.sinusoid_run(), "--output", output)
    assert trained.contents(output / "1").keys() == FILES
    assert trained.tfmeta("verify", output).returncode == 0


def test_export_into_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("no folder")
    learner = trained.learner_of(trained.sinusoid_run())
    with pytest.raises(UserError, match=r"cannot write .*--output") as caught:
        export_learner(learner, tmp_path / "file" / "model", is_regression=True)
    assert caught.value.exit_status == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_transductive_learner_is_refused_as_adapted(tmp_path):
    network = tfmeta.networks.conv4(num_outputs=2, filters=2, num_blocks=1)
    learner = tfmeta.MAML(network, transductive=True)
    support = random_images(2), np.array([0, 1], np.int32)
    with pytest.raises(UserError, match=r"transductive.*--inductive.*--kind learner"):
        export_adapted(learner, tmp_path / "model", support, class_names=["a", "b"])
    assert not list(tmp_path.iterdir())


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

    assert trained.signatures(trained.learner_export()) == {
        **expected("", "float32[None, None, 28, 28, 1]"),
        **expected("_bytes", "string[None, None]"),
    }


def test_regression_signatures_are_those_of_the_contract():
    state = expected_state(trained.learner_of(trained.sinusoid_run()), sine_request())
    support = dict.fromkeys(("support_x", "support_y"), "float32[None, None, 1]")
    query = {"query_x": "float32[None, None, 1]"}
    answer = {"prediction": "float32[None, None, 1]"}
    assert trained.signatures(trained.sinusoid_export()) == {
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
    assert trained.signatures(trained.adapted_export()) == {
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
    from tfmeta.reading.support_set import read_support_arrays
    from tfmeta.training.run_directory import RunDirectory

    facts = RunDirectory.open(trained.glyph_run()).source_facts
    _, x, y = read_support_arrays(trained.support_folder(), facts, num_classes=5)
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
    version = export_adapted(learner, tmp_path / "model", support, class_names=["a", "ö", "c"])
    received = served(version, "predict", {"x": random_images(5, seed=6)})
    assert received["probabilities"].shape == (5, 3)
    assert_close(received["probabilities"].sum(-1), np.ones(5))
    assert {label.decode() for label in received["label"]} <= {"a", "ö", "c"}


def test_adapted_regression_answers_as_the_learner(tmp_path):
    learner, request = trained.learner_of(trained.sinusoid_run()), sine_request()
    np.savez(tmp_path / "support.npz", x=request["support_x"][0], y=request["support_y"][0])
    output = tmp_path / "model"
    arguments = ["--kind", "adapted", "--support", tmp_path / "support.npz", "--output", output]
    trained.call("export", trained.sinusoid_run(), *arguments)
    received = served(output, "serving_default", {"x": request["query_x"][0]})
    assert received.keys() == {"prediction"}
    assert_close(received["prediction"], python_outputs(learner, request)[0])


# Images


def photographs():
    """Encoded images of several sizes, modes and formats."""
    grey = trained.draw(2, 1, size=28)
    big = trained.draw(0, 1, size=160).convert("RGB")
    colours = np.random.default_rng(7).integers(0, 256, (40, 20, 3), np.uint8)
    return [
        encoded(grey),
        encoded(grey.convert("1")),
        encoded(grey.convert("P")),
        encoded(grey.convert("LA")),
        encoded(trained.draw(3, 1, size=17)),
        encoded(big),
        encoded(big, "JPEG", quality=90),
        encoded(trained.draw(1, 0, size=64), "JPEG"),
        encoded(Image.fromarray(colours)),
        encoded(Image.fromarray(colours).convert("RGBA")),
        encoded(Image.fromarray(colours), "BMP"),
        encoded(trained.draw(4, 0, size=50).convert("P"), "GIF"),
    ]


def decoded(files):
    from tfmeta.reading.images import to_unit
    from tfmeta.training.run_directory import RunDirectory

    image_format = RunDirectory.open(trained.glyph_run()).source_facts.image_format
    return to_unit(image_format.decode_all(tf.constant(files))).numpy()


def test_bytes_signatures_answer_as_the_others_on_decoded_images():
    files = photographs()
    support, query = files[:7], files[5:]
    labels = np.array([[0, 1, 2, 3, 4, 0, 1]], np.int32)
    export = trained.learner_export()
    pixels = {"support_x": decoded(support)[np.newaxis], "support_y": labels}
    texts = {"support_x_bytes": strings(support, (1, -1)), "support_y": labels}
    query_x = {"query_x": decoded(query)[np.newaxis]}
    query_bytes = {"query_x_bytes": strings(query, (1, -1))}
    expected = served(export, "serving_default", {**pixels, **query_x})
    for signature in ("serving_default_bytes", "adapt_and_predict_bytes"):
        received = served(export, signature, {**texts, **query_bytes})
        assert received["label"].tolist() == expected["label"].tolist()
        assert_close(received["probabilities"], expected["probabilities"])
    state = served(export, "adapt_bytes", texts)
    for key, value in served(export, "adapt", pixels).items():
        assert_close(state[key], value)
    received = served(export, "predict_bytes", {**state, **query_bytes})
    assert_close(received["probabilities"], expected["probabilities"])


def test_adapted_bytes_answer_as_the_other_on_decoded_images():
    export, files = trained.adapted_export(), photographs()
    expected = served(export, "predict", {"x": decoded(files)})
    for signature in ("serving_default_bytes", "predict_bytes"):
        received = served(export, signature, {"x_bytes": strings(files, -1)})
        assert received["label"].tolist() == expected["label"].tolist()
        assert_close(received["probabilities"], expected["probabilities"])


def test_a_file_that_is_no_image_is_refused_and_the_model_goes_on():
    export = trained.adapted_export()
    good = strings([encoded(trained.draw(0, 0))], 1)
    for bad in (b"no image", b"", encoded(trained.draw(0, 0))[:40]):
        code, message = refusal(export, "predict_bytes", {"x_bytes": strings([bad], 1)})
        assert code == "INVALID_ARGUMENT", message
        assert "x_bytes" in message
    assert served(export, "predict_bytes", {"x_bytes": good})["probabilities"].shape == (1, 5)


# Refusals


def spoilt(request, name, change):
    return {**request, name: change(request[name].copy())}


def with_nan(array):
    array[0, -1] = np.nan
    return array


REFUSED = {
    "label too high": ("support_y", lambda y: np.where(y == y[0, 0], 5, y).astype(np.int32)),
    "label negative": ("support_y", lambda y: y - 5),
    "too few labels": ("support_y", lambda y: y[:, 1:]),
    "a class without an example": ("support_y", lambda y: np.where(y == 2, 3, y)),
    "labels of fewer tasks": ("support_y", lambda y: y[1:]),
    "queries of fewer tasks": ("query_x", lambda x: x[1:]),
    "queries of more tasks": ("query_x", lambda x: np.concatenate([x, x])),
    "NaN in the support set": ("support_x", with_nan),
    "NaN in a query": ("query_x", with_nan),
    "infinity in a query": ("query_x", lambda x: x + np.float32("inf")),
}


@pytest.mark.parametrize("what", REFUSED)
def test_learner_refuses_and_goes_on(what):
    name, change = REFUSED[what]
    export, request = trained.learner_export(), learner_request()
    before = served(export, "serving_default", request)
    code, message = refusal(export, "serving_default", spoilt(request, name, change))
    assert code == "INVALID_ARGUMENT"
    assert name in message
    after = served(export, "serving_default", request)
    assert after["probabilities"].tobytes() == before["probabilities"].tobytes()


@pytest.mark.parametrize("what", [w for w, (name, _) in REFUSED.items() if name != "query_x"])
def test_adapt_refuses_what_adapt_and_predict_does(what):
    name, change = REFUSED[what]
    code, message = refusal(
        trained.learner_export(), "adapt", spoilt(support_request(), name, change)
    )
    assert code == "INVALID_ARGUMENT"
    assert name in message


@pytest.mark.parametrize("signature", ["serving_default", "adapt"])
def test_an_empty_support_set_is_refused(signature):
    request = learner_request() if signature == "serving_default" else support_request()
    request |= {key: request[key][:, :0] for key in ("support_x", "support_y")}
    code, message = refusal(trained.learner_export(), signature, request)
    assert code == "INVALID_ARGUMENT"
    assert "support_y: received an empty support set" in message


def test_regression_refuses_targets_that_are_no_numbers():
    code, message = refusal(
        trained.sinusoid_export(), "serving_default", spoilt(sine_request(), "support_y", with_nan)
    )
    assert code == "INVALID_ARGUMENT"
    assert "support_y" in message


@pytest.mark.parametrize("signature", ["predict", "serving_default"])
def test_adapted_refuses_nan_and_goes_on(signature):
    export, request = trained.adapted_export(), {"x": random_images(2)}
    code, message = refusal(export, signature, spoilt(request, "x", with_nan))
    assert code == "INVALID_ARGUMENT"
    assert "x: expected finite numbers" in message
    assert served(export, signature, request)["probabilities"].shape == (2, 5)


@pytest.mark.parametrize(
    "change",
    [lambda v: v[1:], lambda v: np.concatenate([v, v]), with_nan],
    ids=["fewer tasks", "more tasks", "NaN"],
)
@pytest.mark.parametrize("name", ["query_x", "weights_head_kernel", "statistics_norm1_moving_mean"])
def test_predict_refuses_a_task_state_that_does_not_fit(name, change):
    export = trained.learner_export()
    state = served(export, "adapt", support_request())
    request = {**state, "query_x": random_images(NUM_TASKS, NUM_QUERIES)}
    code, message = refusal(export, "predict", spoilt(request, name, change))
    assert code == "INVALID_ARGUMENT"
    assert name in message


def test_requests_change_no_file():
    before = trained.contents(trained.learner_export())
    served(trained.learner_export(), "serving_default", learner_request())
    assert trained.contents(trained.learner_export()) == before
