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
from tfmeta.exporting.loading.c_loader import CLoader, LoaderError
from tfmeta.exporting.manifest import check_agreement, read_manifest


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
    arrays = {key: np.array(answer[key], np.float32) for key in ("probabilities", "unknown")}
    return {"class_names": answer["class_names"], **arrays}


def loaded(version) -> tuple[dict, CLoader]:
    """The manifest and the model of a version, which agree.

    Raises:
        UserError: if they don't, or one of them can't be had.
    """
    facts = read_manifest(version)
    try:
        model = CLoader(version)
    except LoaderError as error:
        raise UserError(f"cannot load the export {version}: {error}", exit_status=1) from error
    check_agreement(facts, model)
    return facts, model


def _answered(version, request):
    facts, model = loaded(version)
    try:
        outputs = _outputs(facts, model, request)
    except LoaderError as error:
        raise UserError(f"{version} does not answer: {error}", exit_status=1) from error
    if "probabilities" not in outputs:
        raise UserError(f"{version} answers with values, not with one of several classes")
    _check_labels(version, facts["class_names"], outputs)
    arrays = {key: outputs[key].tolist() for key in ("probabilities", "unknown")}
    return {"class_names": facts["class_names"], **arrays}


def _outputs(facts, model, request):
    queries = _strings(request["queries"])
    if facts["kind"] == "adapted":
        return model.run("predict_bytes", {"x_bytes": queries})
    task = {
        "support_x_bytes": _strings(request["files"])[np.newaxis],
        "support_y": np.array(request["labels"], np.int32)[np.newaxis],
    }
    if facts["padded"]:
        task["support_size"] = np.array([len(request["labels"])], np.int32)
    queries = {"query_x_bytes": queries[np.newaxis]}
    if facts["kind"] == "generator":
        weights = model.run("generate_bytes", task)
        outputs = model.run("predict_bytes", {**weights, **queries})
    else:
        outputs = model.run("adapt_and_predict_bytes", {**task, **queries})
    return {name: value[0] for name, value in outputs.items()}


def _check_labels(version, names, outputs):
    """Raises UserError if the model's own label is not the likeliest class, ties apart."""
    for label, row in zip(outputs["label"], outputs["probabilities"], strict=True):
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
