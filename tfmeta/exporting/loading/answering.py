"""Asks an export about a support set and queries, in a process of its own.

    python -m tfmeta.exporting.loading.answering exported/NAME/VERSION

reads a JSON object from standard input, as `answer` makes it, and prints one: `class_names`, and
`probabilities` and `unknown`, or `prediction` and perhaps `variance`; or an `error`; or a `refusal`
and the number of the `query` that is refused. Imports no TensorFlow Python.
"""

import base64
import json
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tfmeta import children
from tfmeta.errors import UserError
from tfmeta.exporting.contract import (
    LABEL,
    PREDICTION,
    PROBABILITIES,
    QUERY_X,
    SUPPORT_SIZE,
    SUPPORT_X,
    SUPPORT_Y,
    UNKNOWN,
    VARIANCE,
    X,
)
from tfmeta.exporting.kinds.export_kind import Part
from tfmeta.exporting.loading.agreement import check_agreement
from tfmeta.exporting.loading.c_loader import CLoader
from tfmeta.exporting.loading.genuine_protos import LoaderError
from tfmeta.exporting.loading.in_requests import RefusedQueryError, in_requests
from tfmeta.exporting.manifest import Manifest
from tfmeta.reading.example_reader import Examples, SupportSet
from tfmeta.reading.graph_messages import in_words

Tensors = dict[str, np.ndarray]
Asked = tuple[np.ndarray, Sequence[Sequence[int]]]
_ARRAYS = (PROBABILITIES, UNKNOWN, PREDICTION, VARIANCE)  # that an answer may have
_NAMES, _OFTEN = "class_names", "often"
_MOST_QUERIES = 64  # of many that are answered in one call


def answer(
    version: str | Path,
    support: SupportSet | None,
    queries: Examples,
    *,
    timeout: float = children.DEFAULT_TIMEOUT,
) -> dict[str, Any]:
    """What an export answers, from a fresh process.

    Args:
        version: the version's folder.
        support: the support set; None for an adapted model.
        queries: contents of image files, or numbers `(queries, ...)`.
        timeout: seconds that the process may take.

    Returns:
        `class_names` (None unless they are in the model), and the arrays `probabilities`
        `(queries, classes)` and `unknown` `(queries,)`, or `prediction` `(queries, values)`
        and, if the learner has one, its `variance`.

    Raises:
        UserError: if the model can't be loaded, does not answer, or crashes its process; a
            RefusedQueryError if it refuses one query.
    """
    request = {"queries": _packed(queries), "support": _packed_support(support)}
    answer = _asked(version, request, timeout)
    arrays = {key: np.array(answer[key], np.float32) for key in _ARRAYS if key in answer}
    return {_NAMES: answer[_NAMES], **arrays}


def answers_without(
    version: str | Path,
    support: SupportSet | None,
    asked: Sequence[Asked],
    *,
    timeout: float = children.DEFAULT_TIMEOUT,
) -> list[np.ndarray]:
    """What an export answers, again and again without some of the support examples.

    The model is loaded once.

    Args:
        version: the version's folder.
        support: the support set, its x prepared; None for an adapted model.
        asked: queries, prepared `(queries, ...)`, with the support examples that each answer to
            them is without; none for `[[]]`.
        timeout: seconds that the process may take.

    Returns:
        For each that is asked `(answers, queries, outputs)`, the probabilities or the values. In
        the transductive mode each query is answered alone.

    Raises:
        UserError: as `answer`.
    """
    often = [
        {"queries": _packed(queries), "left_out": [list(map(int, rows)) for rows in left_out]}
        for queries, left_out in asked
    ]
    request = {"support": _packed_support(support), _OFTEN: often}
    return [np.array(each, np.float32) for each in _asked(version, request, timeout)["outputs"]]


def _packed_support(support: SupportSet | None) -> dict[str, Any] | None:
    return support and {"x": _packed(support.x), "y": _packed(support.y)}


def _asked(version: str | Path, request: dict[str, Any], timeout: float) -> dict[str, Any]:
    """What the process prints; raises UserError if that is an error, or nothing."""
    version = Path(version).resolve()
    module = "tfmeta.exporting.loading.answering"
    try:
        answer: dict[str, Any] = json.loads(
            children.run(module, version, given=json.dumps(request), timeout=timeout)
        )
    except children.ChildDied as error:
        raise UserError(f"{version} gave no answer: {error}", exit_status=1) from error
    if "refusal" in answer:
        raise RefusedQueryError(answer["refusal"], answer["query"])
    if "error" in answer:
        raise UserError(answer["error"], exit_status=1)
    return answer


def _packed(values: Examples) -> dict[str, Any]:
    """Contents of files, or an array, as JSON holds them."""
    if isinstance(values, list):
        return {"files": [base64.b64encode(each).decode() for each in values]}
    content = base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()
    return {"dtype": values.dtype.str, "shape": values.shape, "content": content}


def _unpacked(packed: dict[str, Any]) -> np.ndarray:
    """An array of files' contents, or of the numbers that were packed."""
    if "files" in packed:
        values = np.empty(len(packed["files"]), object)
        values[:] = [base64.b64decode(each) for each in packed["files"]]
        return values
    content = base64.b64decode(packed["content"])
    return np.frombuffer(content, packed["dtype"]).reshape(packed["shape"])


def loaded(version: str | Path, *, optimize: bool = True) -> tuple[Manifest, CLoader]:
    """The manifest and the model of a version, which agree.

    Args:
        version: the version's folder.
        optimize: see CLoader.

    Raises:
        UserError: if they do not, or one of them can't be read.
    """
    manifest = Manifest.read(version)
    try:
        model = CLoader(version, optimize=optimize)
    except LoaderError as error:
        raise UserError(
            f"cannot load the export {version}, which may be damaged: {error}. tfmeta verify "
            f"{version} says which file has changed",
            exit_status=1,
        ) from error
    check_agreement(manifest, model)
    return manifest, model


def _answered(version: str, request: dict[str, Any]) -> dict[str, Any]:
    often = request.get(_OFTEN)
    manifest, model = loaded(version, optimize=often is not None)  # not for one answer
    support = request["support"]
    if support is not None:
        support = _unpacked(support["x"]), _unpacked(support["y"])
    try:
        if often is not None:
            asked = ((_unpacked(each["queries"]), each["left_out"]) for each in often)
            return {"outputs": [_often(manifest, model, support, each) for each in asked]}
        ask, queries = partial(_outputs, manifest, model, support), _unpacked(request["queries"])
        in_one = manifest.mode == "transductive"  # the answers depend on each other
        outputs = ask(queries) if in_one else in_requests(ask, queries)
    except RefusedQueryError as error:
        return {"refusal": error.refusal, "query": error.query}
    except LoaderError as error:
        refusal = in_words(str(error))
        raise UserError(f"{version} does not answer: {refusal}", exit_status=1) from error
    if PROBABILITIES in outputs:
        _check_labels(version, manifest.class_names, outputs)
    arrays = {key: outputs[key].tolist() for key in _ARRAYS if key in outputs}
    return {_NAMES: manifest.class_names, **arrays}


def _often(manifest: Manifest, model: CLoader, support: Any, asked: Asked) -> list[Any]:
    """The probabilities or values for each group of examples that is left out."""
    queries, left_out = asked
    most = 1 if manifest.mode == "transductive" else _MOST_QUERIES
    starts = range(0, len(queries), most)
    found = []
    for rows in left_out:
        kept = support and tuple(np.delete(each, rows, 0) for each in support)
        parts = [_outputs(manifest, model, kept, queries[n : n + most]) for n in starts]
        name = PROBABILITIES if PROBABILITIES in parts[0] else PREDICTION
        found.append(np.concatenate([each[name] for each in parts]).tolist())
    return found


def _outputs(manifest: Manifest, model: CLoader, support: Any, queries: np.ndarray) -> Tensors:
    """The answer of the signatures that lead to one, called one after the other."""
    kind, (queries, suffix) = manifest.export_kind, _examples(queries, manifest)
    known = {Part.EXAMPLES: {X + suffix: queries}, Part.QUERIES: {QUERY_X + suffix: queries[None]}}
    if kind.takes_support:
        known[Part.SUPPORT] = _support(support, manifest)
    for signature in kind.route:
        inputs = {name: value for part in signature.takes for name, value in known[part].items()}
        known[signature.returns] = model.run(signature.name + suffix, inputs)
    outputs = known[Part.ANSWER]
    return {name: value[0] for name, value in outputs.items()} if kind.takes_support else outputs


def _examples(x: np.ndarray, manifest: Manifest) -> tuple[np.ndarray, str]:
    """Examples as the model takes them, and the suffix of the inputs that take them."""
    suffix = manifest.input_format.suffix
    return (x, suffix) if x.dtype == object else (x.astype(manifest.input_dtype), "")


def _support(task: tuple[np.ndarray, np.ndarray], manifest: Manifest) -> Tensors:
    """The one task's support set."""
    (x, suffix), y = _examples(task[0], manifest), task[1]
    support = {SUPPORT_X + suffix: x[np.newaxis], SUPPORT_Y: y[np.newaxis]}
    if manifest.padded:
        support[SUPPORT_SIZE] = np.array([len(y)], np.int32)
    return support


def _check_labels(version: str, names: list[str] | None, outputs: Tensors) -> None:
    """Raises UserError if the model's label is not its likeliest class, or one of them."""
    for label, row in zip(outputs[LABEL], outputs[PROBABILITIES], strict=True):
        own = label.decode(errors="replace") if names else int(label)
        places = [i for i, name in enumerate(names or range(len(row))) if name == own]
        if not any(row[place] == row.max() for place in places):
            raise UserError(
                f"{version} says {own!r}, which by its own probabilities is not the likeliest "
                "class; it is damaged. Export again"
            )


def _main(version: str) -> None:
    try:
        answer = _answered(version, json.load(sys.stdin))
    except UserError as error:
        answer = {"error": str(error)}
    print(json.dumps(answer))


if __name__ == "__main__":
    # Before the library is loaded: without oneDNN a graph has one pass less until its first answer.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    _main(sys.argv[1])
