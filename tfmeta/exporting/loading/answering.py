"""Lets an export answer a support set and queries, in a process of its own.

    python -m tfmeta.exporting.loading.answering exported/NAME/VERSION

reads a JSON object from standard input, as `answer` makes it, and prints one: `class_names`,
`probabilities` and `unknown`, or an `error`. Imports no TensorFlow Python.
"""

import base64
import json
import sys
from pathlib import Path

import numpy as np

from tfmeta import children
from tfmeta.errors import UserError
from tfmeta.exporting.contract import (
    BYTES,
    LABEL,
    PROBABILITIES,
    QUERY_X,
    SUPPORT_SIZE,
    SUPPORT_X,
    SUPPORT_Y,
    UNKNOWN,
    X,
)
from tfmeta.exporting.kinds.export_kind import Part
from tfmeta.exporting.loading.agreement import check_agreement
from tfmeta.exporting.loading.c_loader import CLoader, LoaderError
from tfmeta.exporting.manifest import Manifest

_ARRAYS = (PROBABILITIES, UNKNOWN)  # of what the process prints
_NAMES = "class_names"


def answer(version, support, encoded, *, timeout: float = children.DEFAULT_TIMEOUT) -> dict:
    """What an export answers, from a fresh process.

    Args:
        version: the folder.
        support: `(files, labels)`; None for an adapted model.
        encoded: the queries, files' contents.
        timeout: seconds that it may take.

    Returns:
        `class_names` (None of a learner), and the arrays `probabilities` `(images, classes)` and
        `unknown` `(images,)`.

    Raises:
        UserError: if the model can't be loaded, does not answer, or brings its process down.
    """
    request = {
        "queries": [base64.b64encode(file).decode() for file in encoded],
        "files": support and [base64.b64encode(file).decode() for file in support[0]],
        "labels": support and [int(label) for label in support[1]],
    }
    version = Path(version).resolve()
    module = "tfmeta.exporting.loading.answering"
    try:
        answer = json.loads(
            children.run(module, version, given=json.dumps(request), timeout=timeout)
        )
    except children.ChildDied as error:
        raise UserError(f"{version} gave no answer: {error}", exit_status=1) from error
    if "error" in answer:
        raise UserError(answer["error"], exit_status=1)
    arrays = {key: np.array(answer[key], np.float32) for key in _ARRAYS}
    return {_NAMES: answer[_NAMES], **arrays}


def loaded(version: str | Path) -> tuple[Manifest, CLoader]:
    """The manifest and the model of a version, which agree.

    Raises:
        UserError: if they do not, or one of them can't be read.
    """
    manifest = Manifest.read(version)
    try:
        model = CLoader(version)
    except LoaderError as error:
        raise UserError(f"cannot load the export {version}: {error}", exit_status=1) from error
    check_agreement(manifest, model)
    return manifest, model


def _answered(version, request):
    manifest, model = loaded(version)
    try:
        outputs = _outputs(manifest, model, request)
    except LoaderError as error:
        raise UserError(f"{version} does not answer: {error}", exit_status=1) from error
    if PROBABILITIES not in outputs:
        raise UserError(f"{version} answers with values, not with one of several classes")
    _check_labels(version, manifest.class_names, outputs)
    arrays = {key: outputs[key].tolist() for key in _ARRAYS}
    return {_NAMES: manifest.class_names, **arrays}


def _outputs(manifest, model, request):
    """The last signature's outputs for the request, whose kind says which signatures to call."""
    kind, queries = manifest.export_kind, _strings(request["queries"])
    known = {Part.EXAMPLES: {X + BYTES: queries}, Part.QUERIES: {QUERY_X + BYTES: queries[None]}}
    if kind.takes_support:
        known[Part.SUPPORT] = _support(request, padded=manifest.padded)
    for signature in kind.route:
        inputs = {name: value for part in signature.takes for name, value in known[part].items()}
        known[signature.returns] = model.run(signature.name + BYTES, inputs)
    outputs = known[Part.ANSWER]
    return {name: value[0] for name, value in outputs.items()} if kind.takes_support else outputs


def _support(request, *, padded):
    """The one task's support set."""
    labels = np.array([request["labels"]], np.int32)
    support = {SUPPORT_X + BYTES: _strings(request["files"])[np.newaxis], SUPPORT_Y: labels}
    if padded:
        support[SUPPORT_SIZE] = np.array([labels.size], np.int32)
    return support


def _check_labels(version, names, outputs):
    """Raises UserError if the model's own label is not the likeliest class, ties apart."""
    for label, row in zip(outputs[LABEL], outputs[PROBABILITIES], strict=True):
        own = label.decode(errors="replace") if names else int(label)
        places = [i for i, name in enumerate(names or range(len(row))) if name == own]
        if not any(row[place] == row.max() for place in places):
            raise UserError(
                f"{version} says {own!r}, which by its own probabilities is not the likeliest "
                "class; it is damaged. Export again"
            )


def _strings(encoded):
    values = np.empty(len(encoded), object)
    values[:] = [base64.b64decode(each) for each in encoded]
    return values


def _main(version):
    try:
        answer = _answered(version, json.load(sys.stdin))
    except UserError as error:
        answer = {"error": str(error)}
    print(json.dumps(answer))


if __name__ == "__main__":
    _main(sys.argv[1])
