"""A learner as a `.tflite` file for LiteRT, on a phone or a board: builtin operations alone.

Operations of TensorFlow's that LiteRT lacks run in no current interpreter, so what needs them is
refused: every gradient through a convolution or a ReLU. What is left is every learner once it is
adapted, and adaptation without gradients or of the head alone.

The file is `exported/NAME/VERSION.tflite`, of the next free version. A server takes up those
children of `exported/NAME` whose whole name is a number, and so never this one. What else a client
must know (class names, how images are read, the signatures) is in the file as well, where the
format keeps such things: in a ZIP archive at its end, which `unzip -p FILE tfmeta.json` reads.

LiteRT has no assertions: requests that a served model refuses (`refusals.py`) are answered, with
no meaning, or fail in an operation.
"""

import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.lite.python.convert_phase import ConverterError

from tfmeta import files
from tfmeta.confidence import Confidence
from tfmeta.episodes.target_kind import CLASSES, VALUES
from tfmeta.errors import UserError
from tfmeta.exporting import task_state
from tfmeta.exporting.contract import MANIFEST
from tfmeta.exporting.manifest import LiteRTManifest
from tfmeta.exporting.verifying.comparison import largest_difference
from tfmeta.exporting.writing.exporter import HINT, check_adapted, common_facts
from tfmeta.exporting.writing.signatures import AdaptedSignatures, LearnerSignatures
from tfmeta.learners.common_sizes import CommonSizes
from tfmeta.learners.finite_guard import refuse_not_finite
from tfmeta.networks import unscaled
from tfmeta.precision import rounding_error
from tfmeta.reading.images import ImageFormat
from tfmeta.runtime import quiet_tensorflow

_TOLERANCE = rounding_error(np.float32)  # relative above 1; other kernels, other rounding
_NUM_QUERIES = 3  # of the comparison; a file takes any number
_INSTEAD = {
    "adapted": "a network of layers that LiteRT has",
    "learner": "a learner that adapts its head alone (--algorithm anil) or without gradients "
    "(such as prototypical), or one that is adapted already (--kind adapted --support DIR)",
}


def export_adapted(
    learner,
    output,
    support: tuple[np.ndarray, np.ndarray],
    *,
    class_names: list[str] | None = None,
    image_format: ImageFormat | None = None,
    confidence: Callable[[], Confidence] = Confidence,
) -> Path:
    """Exports kind `adapted`: the learner after adaptation to one support set.

    Its signature is a served model's `predict`, but `label` is the index of the class, as strings
    are awkward on a device. Args are as of `exporter.export_adapted`; returns the file.

    Raises:
        UserError: as `exporter.export_adapted`; if the network needs operations that LiteRT lacks
            or the file's numbers are not the learner's.
    """
    check_adapted(learner, support, class_names)
    state = learner.adapt(tf.constant(support[0]), tf.constant(support[1]))
    signatures = AdaptedSignatures(learner, state, class_names=class_names, confidence=confidence())
    predict, specs = signatures.functions["predict"]
    functions = {"predict": (lambda x: _with_index(predict(x)), specs)}
    examples = {"x": _examples(learner, _NUM_QUERIES, image_format)}
    return _export(learner, output, signatures, functions, examples, image_format)


def export_learner(
    learner,
    output,
    *,
    ways: int,
    shots: int,
    is_regression: bool | None = None,
    image_format: ImageFormat | None = None,
    confidence: Callable[[], Confidence] = Confidence,
) -> Path:
    """Exports kind `learner`: the model adapts to the support set that it is given.

    Its signatures are a served model's for one task, without the tasks dimension:
    `adapt_and_predict`, or `adapt` once and `predict` with what that returned.

    Args:
        learner: a MetaLearner.
        output: the model's folder, `exported/NAME`.
        ways: classes of a task, each of which has examples; 1 for regression.
        shots: examples a class: a support set has exactly `ways * shots`, in any order.
        is_regression, image_format, confidence: as of `exporter.export_learner`.

    Returns:
        The file.

    Raises:
        UserError: if it can't adapt to such a support set, or needs operations for it that LiteRT
            lacks, the file's numbers are not the learner's, or it can't be written.
    """
    if is_regression is not None:
        learner.tell_targets(VALUES if is_regression else CLASSES)
    refuse_not_finite(learner)
    most = 1 if learner.target_kind.are_values else learner.num_outputs or ways
    if not 1 <= ways <= most or shots < 1:
        raise UserError(
            f"received {ways} ways and {shots} shots; expected 1 to {most} ways, as many as the "
            "learner answers with, and 1 shot or more"
        )
    signatures = LearnerSignatures(learner)
    examples = _task_examples(learner, ways, shots, image_format)
    functions = _task_functions(learner, signatures.answer, examples, ways)
    adapt, specs = functions["adapt"]
    _converted(learner, signatures.kind, {"adapt": functions["adapt"]})  # refused before the wait
    signatures.confidence = confidence()
    examples |= adapt(**{name: tf.constant(examples[name]) for name in specs})
    return _export(learner, output, signatures, functions, examples, image_format)


def _task_functions(learner, answer, examples, ways) -> dict:
    """`{name: (function, input specs)}` of one task, its support set of the examples' size."""
    # One column per class, whatever the labels: shapes must not depend on values.
    adapt_nested = CommonSizes(num_classes=ways).given_to(learner.adapt)

    def adapt(support_x, support_y):
        return task_state.flatten(adapt_nested(support_x, support_y))

    def predict(query_x, **state):
        return answer(learner.predict_with(task_state.unflatten(state, state_like), query_x))

    def adapt_and_predict(query_x, **support):
        return predict(query_x, **adapt(**support))

    specs = {name: tf.TensorSpec(e.shape, e.dtype, name) for name, e in examples.items()}
    x = specs.pop("query_x")
    query = {"query_x": tf.TensorSpec((None, *x.shape[1:]), x.dtype, name="query_x")}
    state_like = task_state.specification(adapt_nested, tuple(specs.values()))
    flat = task_state.flatten(state_like).items()
    state = {name: tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in flat}
    return {
        "adapt_and_predict": (adapt_and_predict, {**specs, **query}),
        "adapt": (adapt, specs),
        "predict": (predict, {**state, **query}),
    }


def _task_examples(learner, ways, shots, image_format) -> dict:
    targets = np.random.default_rng(1).normal(size=(shots, learner.num_outputs or 1))
    labels = np.repeat(np.arange(ways), shots)
    is_values = learner.target_kind.are_values
    return {
        "support_x": _examples(learner, ways * shots, image_format),
        "support_y": targets.astype(np.float32) if is_values else labels.astype(np.int32),
        "query_x": _examples(learner, _NUM_QUERIES, image_format, seed=2),
    }


def _examples(learner, number, image_format, *, seed=0):
    """Random ones: an export needs no data."""
    shape, rng = (number, *learner.function.input_shape[1:]), np.random.default_rng(seed)
    if image_format is None:
        return unscaled(learner.network, rng.normal(size=shape))
    return rng.random(shape).astype("f4")


def _with_index(answer):
    """An adapted model's answer with the index of the class in place of its name."""
    if "label" not in answer:
        return answer
    return {**answer, "label": tf.argmax(answer["probabilities"], -1, output_type=tf.int32)}


def _export(learner, output, signatures, functions, examples, image_format) -> Path:
    content = _converted(learner, signatures.kind, functions)
    with quiet_tensorflow():  # the interpreter has something to say too
        shapes, difference = _compared(content, functions, examples)
    manifest = LiteRTManifest(
        **common_facts(learner, signatures, image_format),
        signatures=shapes,
        largest_difference=difference,
    )
    return _write(Path(output), content, manifest.to_json())


def _converted(learner, kind, functions) -> bytes:
    module, traced = tf.Module(), {}
    for name, (function, specs) in functions.items():
        traced[name] = tf.function(function, autograph=False).get_concrete_function(**specs)
    module.captured = [variable for function in traced.values() for variable in function.variables]
    # Quietly: the converter writes a page on each operation that LiteRT lacks.
    with quiet_tensorflow(), files.temporary_folder() as folder:
        with files.writing(folder, files.TEMPORARY_HINT):
            tf.saved_model.save(module, str(folder), signatures=traced)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            str(folder), signature_keys=list(traced)
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        try:
            return converter.convert()
        except ConverterError as error:
            raise _refusal(learner, kind, error) from error


def _refusal(learner, kind, error):
    missing = {each.operator.name.removeprefix("tf.") for each in error.errors} - {""}
    reason = str(error).strip().partition("\n")[0]
    if missing:
        reason = f"it needs {', '.join(sorted(missing))}, which LiteRT's builtin operations lack"
    return UserError(
        f"kind {kind} of this {type(learner).__name__} can't be converted for LiteRT: {reason}. "
        f"Expected {_INSTEAD[kind]}; or export it for a server (--format saved-model)"
    )


def _compared(content, functions, examples) -> tuple[dict, float]:
    """The signatures' shapes, and the most by which an answer differs from the learner's."""
    with warnings.catch_warnings():  # the interpreter's, that it will move to ai_edge_litert
        warnings.simplefilter("ignore")
        interpreter = tf.lite.Interpreter(model_content=content)
    shapes, worst = {}, 0.0
    for name, (function, specs) in functions.items():
        runner = interpreter.get_signature_runner(name)
        sides = {"inputs": runner.get_input_details(), "outputs": runner.get_output_details()}
        shapes[name] = {side: _shapes(tensors) for side, tensors in sides.items()}
        inputs = {key: np.asarray(examples[key]) for key in specs}
        expected = function(**{key: tf.constant(value) for key, value in inputs.items()})
        received = runner(**inputs)
        for key, value in expected.items():
            difference = largest_difference(received[key], value.numpy())
            if not difference <= _TOLERANCE:  # so that NaN is refused
                raise UserError(
                    f"converted for LiteRT, the {key} of {name} differs from the learner's by "
                    f"{difference:.1e}; expected at most {_TOLERANCE:.0e}. Nothing was written; "
                    "export for a server (--format saved-model)",
                    exit_status=1,
                )
            worst = max(worst, difference)
    return shapes, worst


def _shapes(tensors):
    """`{name: "float32[-1, 28, 28, 1]"}`; -1 is any size."""
    return {
        name: f"{np.dtype(details['dtype'])}{details['shape_signature'].tolist()}"
        for name, details in sorted(tensors.items())
    }


def _write(output: Path, content: bytes, manifest: str) -> Path:
    with files.new_version(output, ".tflite", HINT) as (partial, version):
        partial.write_bytes(content)
        with zipfile.ZipFile(partial, "a") as archive:
            archive.writestr(zipfile.ZipInfo(MANIFEST), manifest)
    return version
