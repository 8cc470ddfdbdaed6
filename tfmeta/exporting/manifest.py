"""tfmeta.json: what an export says of itself, and whether its model says the same."""

import hashlib
from pathlib import Path, PurePosixPath

from tfmeta import typed_fields as typed
from tfmeta.errors import UserError

MANIFEST = "tfmeta.json"
KINDS = ("learner", "adapted", "generator")
_FIELDS = {
    "kind": typed.one_of(*KINDS),
    "algorithm": typed.TEXT,
    "mode": typed.TEXT,
    "tfmeta": typed.TEXT,
    "input_shape": typed.SHAPE,
    "input_dtype": typed.TEXT,
    "num_outputs": typed.or_null(typed.COUNT),
    "target_centre": typed.or_null(typed.NUMBERS),
    "target_spread": typed.or_null(typed.NUMBERS),
    "image_format": typed.or_null(typed.OBJECT),
    "class_names": typed.or_null(typed.TEXTS),
    "padded": typed.TRUTH,
    "answers_of": typed.TEXT,
    "confidence": typed.OBJECT,
    "files": typed.DIGESTS,
}
_IMAGE_FIELDS = {"height": typed.COUNT, "width": typed.COUNT, "channels": typed.COUNT}
_AT_ONCE = 2**20  # bytes
_MOST_CLASSES = 10**6


def read_manifest(folder) -> dict:
    """The facts in a version's tfmeta.json, of the kinds that `tfmeta export` writes.

    Raises:
        UserError: if it is missing or damaged.
    """
    path = Path(folder) / MANIFEST
    facts = typed.read_object(path, _FIELDS)
    if facts["image_format"] is not None:
        typed.checked(facts["image_format"], _IMAGE_FIELDS, f"image_format in {path}")
    for name in facts["files"]:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise UserError(f"{path} is missing or damaged: it names {name!r}, a file elsewhere")
    typed.check_digest(facts, str(path), without=("files",))
    return facts


def signed(facts: dict) -> dict:
    """Facts with a digest of themselves; the files among them have their own."""
    return typed.with_digest(facts, without=("files",))


def digest_of(path) -> str:
    """The SHA-256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while part := file.read(_AT_ONCE):
            digest.update(part)
    return digest.hexdigest()


def check_agreement(manifest: dict, model) -> None:
    """Raises UserError if a manifest says other than its model, a CLoader, is seen to be."""
    for name, seen in facts_of(model).items():
        if seen != manifest[name]:
            raise UserError(
                f"{MANIFEST} has {name} {_shown(manifest[name])}, and the model is seen to have "
                f"{_shown(seen)}; one of them is not what was exported. Export again",
                exit_status=1,
            )
    if (image := manifest["image_format"]) is not None:
        shape = [image["height"], image["width"], image["channels"]]
        if shape != manifest["input_shape"]:
            raise UserError(
                f"{MANIFEST} has an image_format of {shape}, and the model takes "
                f"{manifest['input_shape']}. Export again",
                exit_status=1,
            )
    takes_images = any(name.endswith("_bytes") for name in model.signatures)
    if takes_images != (image is not None):
        raise UserError(
            f"{MANIFEST} and the model differ in whether it takes images. Export again",
            exit_status=1,
        )


def facts_of(model) -> dict:
    """What can be seen of a loaded model, a CLoader: as in its manifest, as far as it goes.

    Raises:
        UserError: if it is no export of tfmeta.
    """
    kind, inputs = _kind(model)
    examples = inputs["x" if kind == "adapted" else "support_x"]
    predicted = model.signatures["adapt_and_predict" if kind == "learner" else "predict"].outputs
    answer = predicted.get("probabilities", predicted.get("prediction"))
    if answer is None or not answer.shape or not examples.shape:
        raise _no_export()
    width = answer.shape[-1]  # None where it is not seen, as of any number of classes
    return ({} if width is None else {"num_outputs": width}) | {
        "kind": kind,
        "padded": "support_size" in inputs,
        "input_shape": list(examples.shape[1 if kind == "adapted" else 2 :]),
        "input_dtype": str(examples.dtype),
        "class_names": class_names(model) if kind == "adapted" and "label" in predicted else None,
    }


def _kind(model):
    for kind, name, key in (
        ("learner", "adapt_and_predict", "support_x"),
        ("generator", "generate", "support_x"),
        ("adapted", "predict", "x"),
    ):
        signature = model.signatures.get(name)
        if signature and key in signature.inputs and "predict" in model.signatures:
            return kind, signature.inputs
    raise _no_export()


def class_names(model) -> list[str]:
    """The names that an adapted model's label is taken from: a constant in its graph.

    Raises:
        UserError: if it has none, or several.
    """
    label = model.signatures["predict"].outputs["label"]
    functions = _called_for(model.meta_graph.graph_def, label.name)
    found = {names for function in functions for names in _gathered_texts(function)}
    if len(found) != 1:
        raise UserError(
            f"the model has {len(found)} lists of class names; expected one. Export again",
            exit_status=1,
        )
    return [name.decode(errors="replace") for name in found.pop()]


def _called_for(graph, tensor):
    """The function that a tensor of the graph is an output of, the only one that it calls, ..."""
    functions = {each.signature.name: each for each in graph.library.function}
    calls = [node for node in graph.node if node.name == tensor.partition(":")[0]]
    while len(calls) == 1:
        function = functions.pop(calls[0].attr["f"].func.name, None)
        if function is None:
            break
        yield function
        calls = [node for node in function.node_def if node.op.endswith("PartitionedCall")]


def _gathered_texts(function):
    """The lists of strings from which a function gathers."""
    texts = {}
    for node in function.node_def:
        value = node.attr["value"].tensor
        if node.op == "Const" and len(value.tensor_shape.dim) == 1 and value.string_val:
            missing = value.tensor_shape.dim[0].size - len(value.string_val)
            if 0 <= missing <= _MOST_CLASSES:  # equal ones at the end are written once
                texts[node.name] = (*value.string_val, *value.string_val[-1:] * missing)
    for node in function.node_def:
        if node.op == "GatherV2" and (names := texts.get(node.input[0].partition(":")[0])):
            yield names


def _no_export():
    return UserError("the model has not the signatures of an export of tfmeta", exit_status=1)


def _shown(value):
    text = str(value)
    return text if len(text) <= 100 else text[:100] + "..."
