"""A learner as a `.tflite` file for LiteRT, on a phone or a board: builtin operations alone.

No current interpreter runs TensorFlow's operations that LiteRT lacks, so what needs them is
refused: every gradient through a convolution or a ReLU. What is left is every learner once it is
adapted, and adaptation without gradients or of the head alone.

The file is `exported/NAME/VERSION.tflite`, of the next free version. A server takes up those
children of `exported/NAME` whose whole name is a number, and so never this one. What else a client
must know (class names, how images are read, the signatures) is in the file as well, where the
format keeps such things: in a ZIP archive at its end, which `unzip -p FILE tfmeta.json` reads.

LiteRT has no assertions: a request that a served model refuses (`refusals.py`) is answered without
a meaning, or fails in an operation.
"""

import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.lite.python.convert_phase import ConverterError

from tfmeta import files
from tfmeta.confidence import Confidence
from tfmeta.errors import UserError
from tfmeta.exporting.contract import (
    LABEL,
    MANIFEST,
    PROBABILITIES,
    QUERY_X,
    SUPPORT_X,
    SUPPORT_Y,
    X,
)
from tfmeta.exporting.kinds import check_litert
from tfmeta.exporting.kinds.export_kind import Part
from tfmeta.exporting.manifest import LiteRTManifest
from tfmeta.exporting.verifying.comparison import largest_difference
from tfmeta.exporting.writing.adapted_functions import AdaptedFunctions
from tfmeta.exporting.writing.exporter import HINT, common_facts
from tfmeta.exporting.writing.one_task_functions import OneTaskFunctions
from tfmeta.exporting.writing.options import kind_and_options
from tfmeta.exporting.writing.served_functions import Functions, ServedFunctions, Tensors
from tfmeta.learners.finite_guard import refuse_not_finite
from tfmeta.learners.half_precision import in_full_precision
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.networks import unscaled
from tfmeta.precision import rounding_error
from tfmeta.runtime import quiet_tensorflow

_TOLERANCE = rounding_error(np.float32)  # relative above 1; other kernels round differently
_NUM_QUERIES = 3  # in the comparison; a file takes any number


def export_model(
    learner: MetaLearner, output: str | Path, kind: str = "learner", **options: Any
) -> Path:
    """Exports a learner as a file for LiteRT.

    Its signatures are a served model's for one task, without the tasks dimension. The `label` of an
    adapted model is the number of the class, because strings are awkward on a device.

    Args:
        learner: a MetaLearner.
        output: the model's folder, `exported/NAME`; the next free version is made in it.
        kind: one of `tfmeta.exporting.kinds.KINDS`.
        **options: of `ExportOptions`, those of a LiteRT file: `input_format` and `confidence`; with
            the support set baked in also `support` and `class_names`, else `ways` and `shots`.

    Returns:
        The file.

    Raises:
        UserError: if there is no such kind, the learner can't be exported so or adapt to such a
            support set, it needs operations that LiteRT lacks, the file's numbers are not the
            learner's, or the file can't be written.
    """
    with in_full_precision(learner):
        return _export(learner, Path(output), kind, options)


def _export(learner: MetaLearner, output: Path, kind: str, options: dict[str, Any]) -> Path:
    export_kind, given = kind_and_options(kind, options, of_format=[], of_tasks=["ways", "shots"])
    check_litert(export_kind)
    refuse_not_finite(learner)
    made_by = OneTaskFunctions if export_kind.takes_support else AdaptedFunctions
    state = made_by.state_of(learner, given)
    export_kind.check(learner, state)
    untold = made_by(learner, export_kind, given, Confidence(), state)
    adapting = [each.name for each in export_kind.signatures if each.returns is Part.STATE]
    if adapting:  # the part that most learners are refused for, before the wait for the confidence
        _converted(untold, {name: untold.functions[name] for name in adapting})
    served = made_by(learner, export_kind, given, given.confidence(), state)
    functions = _with_numbers(served)
    content = _converted(served, functions)
    with quiet_tensorflow():  # the interpreter writes to standard error too
        shapes, difference = _compared(content, functions, _examples(served))
    manifest = LiteRTManifest(
        **common_facts(served), signatures=shapes, largest_difference=difference
    )
    return _write(output, content, manifest.to_json())


def _with_numbers(served: ServedFunctions) -> Functions:
    """The functions, with the number of a class in place of its name."""
    if served.options.class_names is None:
        return served.functions

    def numbered(function: Callable[..., Tensors]) -> Callable[..., Tensors]:
        def call(**inputs: tf.Tensor) -> Tensors:
            answer = function(**inputs)
            label = tf.argmax(answer[PROBABILITIES], -1, output_type=tf.int32)
            return {**answer, LABEL: label}

        return call

    return {
        name: (numbered(function), specs) for name, (function, specs) in served.functions.items()
    }


def _examples(served: ServedFunctions) -> dict[str, Any]:
    """Arguments for every signature: random examples, because an export needs no data."""
    learner, specs = served.learner, served.specs
    input_format = served.options.input_format

    def examples(part: Part, name: str, *, seed: int = 0) -> np.ndarray:
        shape = tuple(specs[part][name].shape)
        shape, rng = (shape[0] or _NUM_QUERIES, *shape[1:]), np.random.default_rng(seed)
        drawn = input_format.draw_prepared(rng, shape)
        return unscaled(learner.network, rng.normal(size=shape)) if drawn is None else drawn

    if Part.EXAMPLES in specs:
        return {X: examples(Part.EXAMPLES, X)}
    values = np.random.default_rng(1).normal(size=specs[Part.SUPPORT][SUPPORT_Y].shape)
    labels = np.repeat(np.arange(served.options.ways or 1), served.options.shots or 1)
    are_values = learner.target_kind.are_values
    support = {
        SUPPORT_X: examples(Part.SUPPORT, SUPPORT_X),
        SUPPORT_Y: values.astype(np.float32) if are_values else labels.astype(np.int32),
    }
    adapt = served.computations[(Part.SUPPORT,), Part.STATE]
    state = adapt(**{name: tf.constant(value) for name, value in support.items()})
    return {**support, QUERY_X: examples(Part.QUERIES, QUERY_X, seed=2), **state}


def _converted(served: ServedFunctions, functions: Functions) -> bytes:
    module, traced = tf.Module(), {}
    for name, (function, specs) in functions.items():
        traced[name] = tf.function(function, autograph=False).get_concrete_function(**specs)
    module.captured = [variable for function in traced.values() for variable in function.variables]
    # Quietly: the converter writes a page about each operation that LiteRT lacks.
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
            raise _refusal(served, error) from error


def _refusal(served: ServedFunctions, error: ConverterError) -> UserError:
    missing = {each.operator.name.removeprefix("tf.") for each in error.errors} - {""}
    reason = str(error).strip().partition("\n")[0]
    if missing:
        reason = f"it needs {', '.join(sorted(missing))}, which LiteRT's builtin operations lack"
    return UserError(
        f"kind {served.kind.name} of this {type(served.learner).__name__} can't be converted for "
        f"LiteRT: {reason}. Expected {served.kind.instead_of_litert}; or export it for a server "
        "(format saved-model)"
    )


def _compared(
    content: bytes, functions: Functions, examples: dict[str, Any]
) -> tuple[dict[str, Any], float]:
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
                    "export it for a server (format saved-model)",
                    exit_status=1,
                )
            worst = max(worst, difference)
    return shapes, worst


def _shapes(tensors: dict[str, Any]) -> dict[str, str]:
    """`{name: "float32[-1, 28, 28, 1]"}`; -1 stands for any size."""
    return {
        name: f"{np.dtype(details['dtype'])}{details['shape_signature'].tolist()}"
        for name, details in sorted(tensors.items())
    }


def _write(output: Path, content: bytes, manifest: str) -> Path:
    with (
        files.without_leftovers(output),
        files.new_version(output, ".tflite", HINT) as (partial, version),
    ):
        partial.write_bytes(content)
        with zipfile.ZipFile(partial, "a") as archive:
            archive.writestr(zipfile.ZipInfo(MANIFEST), manifest)
    return version
