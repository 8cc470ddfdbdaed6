"""Whether a loaded model is what its tfmeta.json says."""

from collections.abc import Iterator
from typing import Any

from tfmeta.episodes.target_kind import CLASSES, VALUES, TargetKind
from tfmeta.errors import UserError, counted
from tfmeta.exporting.contract import (
    LABEL,
    MANIFEST,
    PREDICTION,
    PROBABILITIES,
    QUERY_X,
    SERVING_DEFAULT,
    SUPPORT_SIZE,
    SUPPORT_X,
    SUPPORT_Y,
    UNKNOWN,
    X,
    suffix_of,
    suffixes,
)
from tfmeta.exporting.kinds.export_kind import Part
from tfmeta.exporting.loading.c_loader import CLoader
from tfmeta.exporting.loading.signatures import Signature as LoadedSignature
from tfmeta.exporting.manifest import Manifest

_MOST_CLASSES = 10**6
_MOST_SHOWN = 100  # letters of a value in a message
_INPUTS: dict[Part, set[str]] = {
    Part.SUPPORT: {SUPPORT_X, SUPPORT_Y},
    Part.QUERIES: {QUERY_X},
    Part.EXAMPLES: {X},
    Part.STATE: set(),  # its names depend on the learner
}
_ANSWERS = ({PROBABILITIES, LABEL, UNKNOWN}, {PREDICTION})


def check_agreement(manifest: Manifest, model: CLoader) -> None:
    """Raises UserError if the model is seen to be something other than the manifest says."""
    _check_signatures(manifest, model)
    for name, seen in _facts_of(manifest, model).items():
        _check_same(name, getattr(manifest, name), seen)
    shape = manifest.input_format.shape
    if shape is not None and list(shape) != manifest.input_shape:
        raise UserError(
            f"{MANIFEST} has {manifest.input_format.noun} of the shape {list(shape)}, and the "
            f"model takes {manifest.input_shape}. Export again",
            exit_status=1,
        )
    told, seen = {"", manifest.input_format.suffix}, {suffix_of(name) for name in model.signatures}
    if seen != told:
        raise UserError(
            f"{MANIFEST} says that the model takes {manifest.input_format.noun}, with signatures "
            f"that end in {_ends(told)}, and those of the model end in {_ends(seen)}. Export again",
            exit_status=1,
        )


def _ends(suffixes: set[str]) -> str:
    return ", ".join(sorted(suffixes - {""})) or "nothing more"


def _check_signatures(manifest: Manifest, model: CLoader) -> None:
    """The model has the signatures of its kind, which take and return what they should."""
    for expected in manifest.export_kind.signatures:
        found = model.signatures.get(expected.name)
        inputs: set[str] = set().union(*(_INPUTS[part] for part in expected.takes))
        if found is None or not inputs <= found.inputs.keys():
            raise UserError(
                f"{MANIFEST} has kind {manifest.kind}, and the model has no signature "
                f"{expected.name} of {', '.join(sorted(inputs))}; one of them is not what was "
                "exported. Export again",
                exit_status=1,
            )
        if expected.returns is Part.ANSWER and not any(
            names <= found.outputs.keys() for names in _ANSWERS
        ):
            raise UserError(
                f"the signature {expected.name} of the model returns no answer; expected "
                f"{PREDICTION}, or {PROBABILITIES}, {LABEL} and {UNKNOWN}. Export again",
                exit_status=1,
            )
    for suffix in ("", *suffixes()):
        default = model.signatures.get(SERVING_DEFAULT + suffix)
        same = model.signatures.get(manifest.export_kind.default + suffix)
        if default and (same is None or _keys(default) != _keys(same)):
            raise UserError(
                f"the signatures {SERVING_DEFAULT}{suffix} and {manifest.export_kind.default}"
                f"{suffix} of the model differ; expected one to be the other. Export again",
                exit_status=1,
            )


def _keys(signature: LoadedSignature) -> tuple[set[str], set[str]]:
    return set(signature.inputs), set(signature.outputs)


def _facts_of(manifest: Manifest, model: CLoader) -> dict[str, Any]:
    """What can be seen of a model, by the manifest's names."""
    kind = manifest.export_kind
    first, last = (model.signatures[kind.route[at].name] for at in (0, -1))
    examples = first.inputs[SUPPORT_X if kind.takes_support else X]
    answer = last.outputs.get(PROBABILITIES) or last.outputs[PREDICTION]
    if not answer.shape or not examples.shape:
        raise UserError(
            "the model does not say of what shape its examples and answers are. Export again",
            exit_status=1,
        )
    facts: dict[str, Any] = {
        "padded": SUPPORT_SIZE in first.inputs,
        "input_shape": list(examples.shape[2 if kind.takes_support else 1 :]),
        "input_dtype": str(examples.dtype),
        "class_names": None,
    }
    if answer.shape[-1] is not None:  # as with any number of classes
        facts["num_outputs"] = answer.shape[-1]
    if not kind.takes_support and LABEL in last.outputs:
        facts["class_names"] = class_names(model, last.outputs[LABEL].name)
    if manifest.targets is not None:
        facts["targets"] = CLASSES.name
    if manifest.targets is not None and PREDICTION in last.outputs:
        facts["targets"] = _seen_kind(manifest, first.inputs.get(SUPPORT_Y))
    return facts


def _seen_kind(manifest: Manifest, support_y: Any) -> str:
    """The kind of targets of a model whose answers are values: the one told, if it can be."""
    told = TargetKind.of_size(manifest.num_outputs, manifest.targets)
    fits = support_y is None or support_y.shape[-1] == told.given_size
    return told.name if told.are_values and fits else VALUES.name


def _check_same(name: str, told: object, seen: object) -> None:
    if seen != told:
        raise UserError(
            f"{MANIFEST} has {name} {_shown(told)}, and the model is seen to have {_shown(seen)}; "
            "one of them is not what was exported. Export again",
            exit_status=1,
        )


def class_names(model: CLoader, label: str) -> list[str]:
    """The names from which a model takes its label: a constant in its graph.

    Args:
        model: one that has its support set inside.
        label: the label's tensor in the graph.

    Raises:
        UserError: if there is no list of names, or several.
    """
    functions = _called_for(model.meta_graph.graph_def, label)
    found = {names for function in functions for names in _gathered_texts(function)}
    if len(found) != 1:
        raise UserError(
            f"the model has {counted(len(found), 'list')} of class names; expected one. Export "
            "again",
            exit_status=1,
        )
    return [name.decode(errors="replace") for name in found.pop()]


def _called_for(graph: Any, tensor: str) -> Iterator[Any]:
    """The function that returns a tensor of the graph, the only function that it calls, ..."""
    functions = {each.signature.name: each for each in graph.library.function}
    calls = [node for node in graph.node if node.name == tensor.partition(":")[0]]
    while len(calls) == 1:
        function = functions.pop(calls[0].attr["f"].func.name, None)
        if function is None:
            break
        yield function
        calls = [node for node in function.node_def if node.op.endswith("PartitionedCall")]


def _gathered_texts(function: Any) -> Iterator[tuple[bytes, ...]]:
    """The lists of strings from which a function gathers."""
    texts = {}
    for node in function.node_def:
        value = node.attr["value"].tensor
        if node.op == "Const" and len(value.tensor_shape.dim) == 1 and value.string_val:
            missing = value.tensor_shape.dim[0].size - len(value.string_val)
            if 0 <= missing <= _MOST_CLASSES:  # equal strings at the end are stored once
                texts[node.name] = (*value.string_val, *value.string_val[-1:] * missing)
    for node in function.node_def:
        if node.op == "GatherV2" and (names := texts.get(node.input[0].partition(":")[0])):
            yield names


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "..."
