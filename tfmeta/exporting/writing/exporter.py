"""Writes a learner as `NAME/VERSION/`, whole or not at all."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.saved_model import fingerprinting_utils

import tfmeta
from tfmeta import files
from tfmeta.exporting.contract import (
    MANIFEST,
    MODEL,
    README,
    SERVING_DEFAULT,
    WARM_UP,
    suffixes,
)
from tfmeta.exporting.manifest import Manifest, digest_of
from tfmeta.exporting.writing import readme, serving_files, warmup
from tfmeta.exporting.writing.adapted_functions import AdaptedFunctions
from tfmeta.exporting.writing.direct_assets import take_assets_directly
from tfmeta.exporting.writing.encoded_inputs import with_encoded
from tfmeta.exporting.writing.options import kind_and_options
from tfmeta.exporting.writing.served_functions import ServedFunctions, Specs, Tensors
from tfmeta.exporting.writing.task_functions import TaskFunctions
from tfmeta.learners.finite_guard import refuse_not_finite
from tfmeta.learners.half_precision import in_full_precision
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.networks import input_dtype

HINT = "Give another folder: output=FOLDER in Python, --output FOLDER on the command line"


def export_model(
    learner: MetaLearner, output: str | Path, kind: str = "learner", **options: Any
) -> Path:
    """Exports a learner as a SavedModel for TensorFlow Serving, which computes in float32.

    Args:
        learner: a MetaLearner.
        output: the model's folder, `exported/NAME`; the next free version is made in it.
        kind: one of `tfmeta.exporting.kinds.KINDS`.
        **options: of `ExportOptions`, those of a SavedModel: `input_format`, `confidence`,
            `limits`; with the support set baked in also `support` and `class_names`, else `padded`.

    Returns:
        The version's folder.

    Raises:
        UserError: if there is no such kind, the learner can't be exported so, or the folder can't
            be written.
    """
    with in_full_precision(learner):
        return _export(learner, Path(output), kind, options)


def _export(learner: MetaLearner, output: Path, kind: str, options: dict[str, Any]) -> Path:
    export_kind, given = kind_and_options(kind, options, of_format=["limits"], of_tasks=["padded"])
    refuse_not_finite(learner)
    made_by = TaskFunctions if export_kind.takes_support else AdaptedFunctions
    state = made_by.state_of(learner, given)
    export_kind.check(learner, state)
    with files.without_leftovers(output):
        files.check_writable(output, HINT)  # before the wait for the tracing
        served = made_by(learner, export_kind, given, given.confidence(), state)
        requests, tolerance = warmup.requests_of(served)
        given.limits.check_admit(requests, given.input_format)
        return _write(output, served, requests, tolerance)


def _write(
    output: Path,
    served: TaskFunctions | AdaptedFunctions,
    requests: warmup.Requests,
    tolerance: float,
) -> Path:
    with files.new_version(output, hint=HINT) as (partial, version):
        partial.mkdir()
        _save_model(partial, served)
        (partial / WARM_UP).parent.mkdir()
        warmup.write(partial / WARM_UP, output.name, requests)
        serving_files.write(partial, output.name)
        facts = {**_facts(served), "tolerance": tolerance}
        text = readme.text(output.name, Manifest(**facts, files={}), requests)
        (partial / README).write_text(text)
        manifest = Manifest(**facts, files=_digests(partial))
        (partial / MANIFEST).write_text(manifest.to_json())
    return version


def _facts(served: ServedFunctions) -> dict[str, Any]:
    """The fields of a manifest, but for the files."""
    learner = served.learner
    return {
        **common_facts(served),
        "input_shape": list(learner.function.input_shape[1:]),
        "input_dtype": input_dtype(learner.network),
        "num_outputs": served.num_outputs,
        "targets": learner.targets,
        **learner.target_scale.get_config(),
        "padded": served.options.padded,
        "limits": served.options.limits.of(served.options.input_format),
        "answers_of": warmup.answers_of(learner),
    }


def common_facts(served: ServedFunctions) -> dict[str, Any]:
    """The fields of `ModelFacts`."""
    learner = served.learner
    return {
        "kind": served.kind.name,
        "algorithm": learner.method_name,
        "mode": learner.mode,
        "tfmeta": tfmeta.__version__,
        "input_format": served.options.input_format,
        "class_names": served.options.class_names,
        "confidence": served.confidence.to_dict(),
    }


def _save_model(folder: Path, served: TaskFunctions | AdaptedFunctions) -> None:
    module = tf.Module()
    module.weights = [variable.value for variable in served.learner.served_variables]
    module.state = served.variables
    module.resources = served.options.input_format.resources()
    traced = {name: _traced(*each) for name, each in served.functions.items()}
    functions = with_encoded(  # they call what is traced
        {name: (traced[name], specs) for name, (_, specs) in served.functions.items()},
        served.options.input_format,
        limits=served.options.limits,
        checked_first=served.checked_first,
    )
    traced |= {name: _traced(*each) for name, each in functions.items() if name not in traced}
    names = {SERVING_DEFAULT + s: served.kind.default + s for s in ("", *suffixes())}
    names = {default: name for default, name in names.items() if name in traced}
    traced |= {default: traced[name] for default, name in names.items()}
    # Gradients are in the graph already; their Python definitions would only be dead weight.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(module, str(folder), signatures=traced, options=options)
    _simplify(folder / MODEL, names)
    fingerprinting_utils.write_fingerprint(str(folder))  # of what has changed


def _traced(function: Callable[..., Tensors], specs: Specs) -> Any:
    return tf.function(function, autograph=False).get_concrete_function(**specs)


def _simplify(path: Path, names: dict[str, str]) -> None:
    """Lets each default signature name the nodes of the signature that it stands for.

    A server optimises a graph once for each set of nodes. With the same ones for both, the first
    request of the second takes no longer than any other. Tables then take the paths of their files
    from the loader.
    """
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    take_assets_directly(model.meta_graphs[0])
    signatures = model.meta_graphs[0].signature_def
    for default, name in names.items():
        signatures[default].CopyFrom(signatures[name])
    path.write_bytes(model.SerializeToString(deterministic=True))


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): digest_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
