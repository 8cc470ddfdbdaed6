"""Writes a learner as `NAME/VERSION/`, whole or not at all."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

import tfmeta
from tfmeta import files
from tfmeta.confidence import Confidence
from tfmeta.episodes.target_kind import CLASSES, VALUES
from tfmeta.errors import UserError
from tfmeta.exporting.contract import MANIFEST, README, SERVING_DEFAULT, SUFFIXES, WARM_UP
from tfmeta.exporting.limits import RequestLimits
from tfmeta.exporting.manifest import Manifest, digest_of
from tfmeta.exporting.writing import readme, serving_files, warmup
from tfmeta.exporting.writing.encoded_inputs import with_bytes
from tfmeta.exporting.writing.signatures import (
    AdaptedSignatures,
    GeneratorSignatures,
    LearnerSignatures,
)
from tfmeta.learners.finite_guard import refuse_not_finite
from tfmeta.learners.task_inputs import as_examples, as_targets
from tfmeta.networks import input_dtype
from tfmeta.reading.images import ImageFormat

_COMMON = {"image_format", "confidence", "limits"}
HINT = "Give a folder that can be written with --output"


def export_as(kind: str, learner, output, **options) -> Path:
    """Exports a learner as the kind of that name; `options` are as of the kind's function.

    Raises:
        UserError: if there is no such kind or option of it, or the kind's function raises it.
    """
    functions = {
        "learner": (export_learner, _COMMON | {"padded"}),
        "adapted": (export_adapted, _COMMON | {"support", "class_names"}),
        "generator": (export_generator, _COMMON | {"padded"}),
    }
    if kind not in functions:
        raise UserError(f"received kind={kind!r}; expected one of: {', '.join(functions)}")
    function, known = functions[kind]
    unknown = sorted(options.keys() - known)
    if unknown:
        raise UserError(
            f"export of kind {kind} received {', '.join(unknown)}; it takes "
            f"{', '.join(sorted(known))}"
        )
    if kind == "adapted" and options.get("support") is None:
        raise UserError("export of kind adapted needs support=(x, y), the task that is baked in")
    return function(learner, output, **options)


def export_learner(learner, output, *, image_format: ImageFormat | None = None, **options) -> Path:
    """Exports kind `learner`: the model adapts to the support set in each request.

    Args:
        learner: a MetaLearner.
        output: the model's folder, `exported/NAME`; the next free version is made in it.
        image_format: how its images are read; None if its examples are no images.
        options: `padded`, see `TaskSignatures`; `confidence`, a function that makes a Confidence,
            called once all that can be refused has been checked; `limits`, a RequestLimits or a
            dict of some of its fields; `is_regression`, of a learner that doesn't know yet what
            its targets are.

    Returns:
        The version's folder.

    Raises:
        UserError: if the folder can't be written.
    """
    return _export_tasks(LearnerSignatures, learner, output, image_format, **options)


def export_generator(
    learner, output, *, image_format: ImageFormat | None = None, **options
) -> Path:
    """Exports kind `generator`: the model turns a support set into a task's weights.

    Args and return value are as of `export_learner`.

    Raises:
        UserError: if the learner makes no weights for a task, or the folder can't be written.
    """
    return _export_tasks(GeneratorSignatures, learner, output, image_format, **options)


def export_adapted(
    learner,
    output,
    support: tuple[np.ndarray, np.ndarray],
    *,
    class_names: list[str] | None = None,
    image_format: ImageFormat | None = None,
    confidence: Callable[[], Confidence] = Confidence,
    limits: RequestLimits | dict | None = None,
) -> Path:
    """Exports kind `adapted`: the learner after adaptation to one support set.

    Args:
        learner: a MetaLearner.
        output: the model's folder, `exported/NAME`; the next free version is made in it.
        support: `(x, y)` of one task; x as the network takes it, y labels or targets.
        class_names: one a class, in the order of the labels; None for regression.
        image_format: how its images are read; None if its examples are no images.
        confidence, limits: as of `export_learner`.

    Returns:
        The version's folder.

    Raises:
        UserError: if the learner is transductive, there is not a name for each class, or the
            folder can't be written.
    """
    check_adapted(learner, support, class_names)
    files.check_writable(output, HINT)  # before the wait for the tracing
    x, y = support
    support = as_examples(learner, x, name="support_x"), as_targets(learner, y, name="support_y")
    state = learner.adapt(*support)
    signatures = AdaptedSignatures(
        learner,
        state,
        class_names=class_names,
        confidence=confidence(),
        are_images=image_format is not None,
        limits=_limits(limits),
    )
    requests = warmup.adapted_requests(
        signatures, learner, state, support, image_format=image_format
    )
    return _write(Path(output), learner, signatures, requests, image_format=image_format)


def check_adapted(learner, support, class_names) -> None:
    """Raises UserError if the learner can't be exported as adapted to this support set."""
    refuse_not_finite(learner)
    if learner.transductive:
        raise UserError(
            "an adapted model answers each example by itself, and this learner is transductive: "
            "its answer would depend on the others in the batch. Train with --inductive, or export "
            "--kind learner"
        )
    num_classes = None if class_names is None else int(np.max(support[1], initial=-1)) + 1
    if num_classes is not None and num_classes != len(class_names):
        raise UserError(
            f"received {len(class_names)} class names and labels up to {num_classes - 1}; expected "
            "a name for each class"
        )


def _export_tasks(
    kind,
    learner,
    output,
    image_format,
    *,
    is_regression=None,
    confidence=Confidence,
    limits=None,
    **options,
) -> Path:
    """Exports a kind that takes support sets."""
    if is_regression is not None:
        learner.tell_targets(VALUES if is_regression else CLASSES)
    refuse_not_finite(learner)
    options |= {"are_images": image_format is not None, "limits": _limits(limits)}
    signatures = kind(learner, **options)
    files.check_writable(output, HINT)  # before the wait for the tracing
    signatures.confidence = confidence()
    requests = warmup.task_requests(signatures, learner, image_format=image_format)
    return _write(Path(output), learner, signatures, requests, image_format=image_format)


def _limits(limits):
    """As an export function takes them."""
    return limits if isinstance(limits, RequestLimits) else RequestLimits.from_dict(limits or {})


def _write(output, learner, signatures, requests, *, image_format) -> Path:
    signatures.limits.check_admit(requests, image_format)
    facts = {
        **common_facts(learner, signatures, image_format),
        "input_shape": list(learner.function.input_shape[1:]),
        "input_dtype": input_dtype(learner.network),
        "num_outputs": signatures.num_outputs,
        **learner.target_scale.get_config(),
        "padded": signatures.padded,
        "limits": signatures.limits.to_dict(),
        "answers_of": warmup.answers_of(learner),
    }
    with files.new_version(output, hint=HINT) as (partial, version):
        partial.mkdir()
        _save_model(partial, learner, signatures, image_format)
        (partial / WARM_UP).parent.mkdir()
        warmup.write(partial / WARM_UP, output.name, requests)
        serving_files.write(partial, output.name)
        described = Manifest(**facts, files={})
        (partial / README).write_text(readme.text(output.name, described, requests))
        manifest = Manifest(**facts, files=_digests(partial))
        (partial / MANIFEST).write_text(manifest.to_json())
    return version


def common_facts(learner, signatures, image_format: ImageFormat | None) -> dict:
    """The fields of `ModelFacts`."""
    return {
        "kind": signatures.kind,
        "algorithm": type(learner).__name__,
        "mode": learner.mode,
        "tfmeta": tfmeta.__version__,
        "image_format": image_format and image_format.to_dict(),
        "class_names": signatures.class_names,
        "confidence": signatures.confidence.to_dict(),
    }


def _save_model(folder, learner, signatures, image_format):
    module = tf.Module()
    module.weights = [variable.value for variable in learner.variables]
    module.state = getattr(signatures, "state", None)
    traced = {}
    functions = with_bytes(
        signatures.functions,
        image_format,
        limits=signatures.limits,
        checked_first=signatures.checked_first,
    )
    for name, (function, specs) in functions.items():
        function = tf.function(function, autograph=False)
        traced[name] = function.get_concrete_function(**specs)
    for suffix in ("", *SUFFIXES):
        if signatures.default + suffix in traced:
            traced[SERVING_DEFAULT + suffix] = traced[signatures.default + suffix]
    # Gradients are in the graph already; their Python definitions would only be dead weight.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(module, str(folder), signatures=traced, options=options)


def _digests(folder):
    return {
        str(path.relative_to(folder)): digest_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
