"""`tfmeta verify` passes good exports, and catches each fault by the check that is meant for it."""

import json
import shutil
import sys

import numpy as np
import pytest
import tensorflow as tf
import trained

from tfmeta.exporting.verifying.verifier import CheckFailed, Verifier
from tfmeta.exporting.writing import warmup
from tfmeta.exporting.writing.refusals import checked_queries

CHECKS = [
    "files",
    "graph",
    "load",
    "warm_up",
    "determinism",
    "protos",
    "batching",
    "refusals",
    "no_python",
]
WEIGHTS = "variables/variables.data-00000-of-00001"
WARM_UP = "assets.extra/tf_serving_warmup_requests"


def verify(export):
    """Exit status, and the report that is alone on standard output."""
    done = trained.tfmeta("verify", export, "--json")
    assert "Traceback" not in done.stderr
    report = json.loads(done.stdout)
    assert done.returncode == (0 if report["ok"] else 1)
    return report


def failures(export):
    """`{check: detail}` of the checks that don't hold."""
    report = verify(export)
    assert report["ok"] == all(check["ok"] for check in report["checks"])
    return {check["check"]: check["detail"] for check in report["checks"] if not check["ok"]}


@pytest.mark.parametrize("kind", ["learner", "adapted", "sinusoid"])
def test_a_good_export_passes_every_check(kind):
    export = getattr(trained, f"{kind}_export")()
    before = trained.contents(export)
    report = verify(export)
    assert [check["check"] for check in report["checks"]] == CHECKS
    assert all(check["ok"] is True and check["detail"] for check in report["checks"]), report
    assert report["ok"] is True
    assert report["export"] == str(export / "1")
    assert trained.contents(export) == before


def test_the_newest_version_is_verified_or_the_one_that_is_named(tmp_path):
    version = trained.copy_of(trained.sinusoid_export(), tmp_path)
    shutil.copytree(version, tmp_path / "10")
    trained.flip_byte(version / WEIGHTS, 100)
    assert verify(tmp_path)["export"] == str(tmp_path / "10")
    assert verify(tmp_path)["ok"]
    assert "files" in failures(version)


def test_a_model_may_be_called_by_a_number_and_a_version_by_a_dot(tmp_path):
    version = trained.copy_of(trained.sinusoid_export(), tmp_path / "2024")
    assert failures(tmp_path / "2024") == {}
    done = trained.tfmeta("verify", ".", cwd=version)
    assert done.returncode == 0, done.stderr


def test_without_json_the_table_is_on_standard_error(tmp_path):
    version = trained.copy_of(trained.sinusoid_export(), tmp_path)
    done = trained.tfmeta("verify", version)
    assert (done.returncode, done.stdout) == (0, "")
    assert all(check in done.stderr for check in CHECKS)
    assert "FAILS" not in done.stderr
    (version / WARM_UP).unlink()
    done = trained.tfmeta("verify", version)
    assert (done.returncode, done.stdout) == (1, "")
    assert "FAILS" in done.stderr
    assert WARM_UP in done.stderr
    assert "Traceback" not in done.stderr


# Damaged files


@pytest.mark.parametrize("kind", ["learner", "adapted", "sinusoid"])
def test_one_flipped_byte_of_the_weights_is_found(kind, tmp_path):
    version = trained.copy_of(getattr(trained, f"{kind}_export")(), tmp_path)
    trained.flip_byte(version / WEIGHTS, (version / WEIGHTS).stat().st_size // 2)
    failed = failures(tmp_path)
    assert failed.keys() == {"files"}
    assert WEIGHTS in failed["files"]
    assert "not what was exported" in failed["files"]


@pytest.mark.parametrize(
    "file", [WARM_UP, "batching_params.pbtxt", "README.md", "variables/variables.index"]
)
def test_a_missing_file_is_named(file, tmp_path):
    version = trained.copy_of(trained.sinusoid_export(), tmp_path)
    (version / file).unlink()
    assert failures(tmp_path) == {"files": f"{file} is missing. Export again"}


@pytest.mark.parametrize("damage", ["removed", "cut short", "not an object"])
def test_a_damaged_manifest_is_named(damage, tmp_path):
    version = trained.copy_of(trained.sinusoid_export(), tmp_path)
    manifest = version / "tfmeta.json"
    if damage == "removed":
        manifest.unlink()
    elif damage == "cut short":
        manifest.write_text(manifest.read_text()[:50])
    else:
        manifest.write_text("[]")
    failed = failures(tmp_path)
    assert failed.keys() == {"files"}
    assert "tfmeta.json is missing or damaged" in failed["files"]


@pytest.mark.parametrize("name", ["latest", "v1", "1.0"])
def test_a_version_that_is_no_number_fails(name, tmp_path):
    version = trained.copy_of(trained.sinusoid_export(), tmp_path)
    version.rename(tmp_path / name)
    failed = failures(tmp_path / name)
    assert failed.keys() == {"files"}
    assert repr(name) in failed["files"]


@pytest.mark.parametrize("file", ["saved_model.pb", WARM_UP, WEIGHTS])
def test_a_file_cut_short_before_its_digest_was_taken_fails(file, tmp_path):
    version = trained.copy_of(trained.sinusoid_export(), tmp_path)
    content = (version / file).read_bytes()
    (version / file).write_bytes(content[: len(content) // 2])
    trained.rewrite_manifest(version)
    assert failures(tmp_path)


# Sound files with a bad model in them: what only the other checks can find


def rewrite_warm_up(version, change):
    """Applies `change` to each PredictLog; a record for which it returns False is dropped."""
    from tensorflow_serving.apis import prediction_log_pb2

    from tfmeta.exporting.loading.tensor_protos import read_records

    with_changes = []
    for record in read_records(version / WARM_UP):
        log = prediction_log_pb2.PredictionLog.FromString(record)
        if change(log.predict_log) is not False:
            with_changes.append(log.SerializeToString())
    with tf.io.TFRecordWriter(str(version / WARM_UP)) as writer:
        for record in with_changes:
            writer.write(record)
    trained.rewrite_manifest(version)


def add_to_output(amount):
    from tfmeta.exporting.loading.tensor_protos import from_proto, to_proto

    def change(log):
        if log.request.model_spec.signature_name == "adapt_and_predict":
            for proto in log.response.outputs.values():
                proto.CopyFrom(to_proto(from_proto(proto) + np.float32(amount)))

    return change


def test_an_answer_unlike_the_python_learners_fails_warm_up(tmp_path):
    version = trained.copy_of(trained.sinusoid_export(), tmp_path)
    rewrite_warm_up(version, add_to_output(0.001))
    failed = failures(tmp_path)
    assert failed.keys() == {"warm_up"}
    assert "adapt_and_predict: prediction: differs by" in failed["warm_up"]


def test_an_answer_like_the_python_learners_but_for_rounding_passes(tmp_path):
    version = trained.copy_of(trained.sinusoid_export(), tmp_path)
    rewrite_warm_up(version, add_to_output(2e-6))
    assert failures(tmp_path) == {}


def test_a_wrong_class_name_fails_warm_up(tmp_path):
    version = trained.copy_of(trained.adapted_export(), tmp_path)

    def change(log):
        log.response.outputs["label"].string_val[0] = b"somebody else"

    rewrite_warm_up(version, change)
    assert failures(tmp_path).keys() == {"warm_up"}


def test_a_signature_without_a_record_fails(tmp_path):
    version = trained.copy_of(trained.sinusoid_export(), tmp_path)
    rewrite_warm_up(version, lambda log: log.request.model_spec.signature_name != "adapt")
    failed = failures(tmp_path)
    assert failed.keys() == {"load"}
    assert "adapt" in failed["load"]


class HandMade(tf.Module):
    """An `adapted` model without anything wrong: twice `x`. Its heirs have one thing wrong each."""

    def answer(self, x):
        return 2 * x

    @tf.function(input_signature=[tf.TensorSpec((None, 2), tf.float32, "x")])
    def predict(self, x):
        return {"prediction": self.answer(checked_queries(x, name="x", most=5_000))}


class NeedsXla(HandMade):
    @tf.function(jit_compile=True)
    def answer(self, x):
        return 2 * x


class CallsPython(HandMade):
    def answer(self, x):
        answer = tf.py_function(lambda value: 2 * value, [x], tf.float32)
        return tf.ensure_shape(answer, (None, 2))


class Drifts(HandMade):
    """Its drift is far below what the comparison with the Python learner allows."""

    def __init__(self):
        super().__init__()
        self.requests = tf.Variable(0.0)

    def answer(self, x):
        return 2 * x + 1e-8 * self.requests.assign_add(1.0)


class MixesExamples(HandMade):
    def answer(self, x):
        return 2 * x - tf.reduce_mean(x, 0)


class TakesAnything(HandMade):
    @tf.function(input_signature=[tf.TensorSpec((None, 2), tf.float32, "x")])
    def predict(self, x):
        return {"prediction": self.answer(x)}


def hand_made(module, folder, **signatures):
    """Writes `module`, and further signatures, as an export with files and records in order."""
    version = folder / "1"
    tf.saved_model.save(module, str(version), signatures={"predict": module.predict, **signatures})
    x = np.array([[0.0, 0.125], [0.25, -0.5], [-0.125, 0.25]], np.float32)
    outputs = {"prediction": module.answer(tf.constant(x)).numpy()}
    (version / "assets.extra").mkdir()
    recorded = {"predict", *signatures} - {"serving_default"}
    records = {name: ({"x": x}, outputs) for name in sorted(recorded)}
    warmup.write(version / WARM_UP, "hand-made", records)
    files = [name for name in trained.contents(version) if name != "tfmeta.json"]
    facts = {
        "kind": "adapted", "algorithm": "HandMade", "mode": "inductive", "tfmeta": "0.1.0",
        "input_shape": [2], "input_dtype": "float32", "num_outputs": 2, "target_centre": None,
        "target_spread": None, "image_format": None,
        "class_names": None, "padded": False, "answers_of": "the module", "confidence": {},
    }  # fmt: skip
    (version / "tfmeta.json").write_text(json.dumps({**facts, "files": dict.fromkeys(files)}))
    trained.rewrite_manifest(version)


def test_a_hand_made_model_without_a_fault_passes(tmp_path):
    hand_made(HandMade(), tmp_path)
    assert failures(tmp_path) == {}


@pytest.mark.parametrize(
    ("faulty", "check", "message"),
    [
        (NeedsXla, "graph", "_XlaMustCompile"),
        (CallsPython, "graph", "EagerPyFunc"),
        (Drifts, "determinism", "predict: prediction differs between two equal requests"),
        (MixesExamples, "batching", "predict: prediction in a batch: differs by"),
        (TakesAnything, "refusals", "x with nan was answered"),
    ],
    ids=["XLA", "Python", "drift", "mixing", "no refusals"],
)
def test_one_fault_fails_the_one_check_for_it(faulty, check, message, tmp_path):
    hand_made(faulty(), tmp_path)
    failed = failures(tmp_path)
    assert failed.keys() == {check}
    assert message in failed[check]


def test_a_faulty_default_fails_warm_up(tmp_path):
    """The signature that most requests go to has no record of its own."""
    faulty = HandMade()
    faulty.default = tf.function(
        lambda x: {"prediction": 3 * x}, input_signature=[tf.TensorSpec((None, 2), tf.float32, "x")]
    )
    hand_made(faulty, tmp_path, serving_default=faulty.default)
    failed = failures(tmp_path)
    assert failed.keys() == {"warm_up"}
    assert "serving_default: prediction: differs by" in failed["warm_up"]


def test_a_further_signature_that_refuses_nothing_fails(tmp_path):
    sound, careless = HandMade(), TakesAnything()
    hand_made(sound, tmp_path, recall=careless.predict)
    failed = failures(tmp_path)
    assert failed.keys() == {"refusals"}
    assert "recall: x with nan was answered" in failed["refusals"]


def test_xla_is_found_in_a_real_export_whose_saved_model_was_replaced(tmp_path):
    version = trained.copy_of(trained.sinusoid_export(), tmp_path)
    hand_made(NeedsXla(), tmp_path / "other")
    shutil.copy(tmp_path / "other/1/saved_model.pb", version)
    trained.rewrite_manifest(version)
    assert failures(version).keys() == {"graph"}


# The process


def test_the_verifier_never_imports_tensorflows_python():
    command = [sys.executable, "-X", "importtime", "-m", "tfmeta.exporting.verifying.verifier"]
    done = trained.run([*command, trained.adapted_export() / "1"])
    assert json.loads(done.stdout)["ok"]
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "tensorflow.core.protobuf.saved_model_pb2" in imported
    assert not {name for name in imported if name.startswith(("tensorflow.python", "keras"))}


def test_the_check_for_tensorflows_python_can_fail():
    with pytest.raises(CheckFailed, match=r"TensorFlow's Python was loaded"):
        Verifier(trained.folder()).check_no_python()
