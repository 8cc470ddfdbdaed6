"""The README beside an exported model: what it takes, what it returns, how to serve it."""

import json
import shlex
import urllib.parse
from collections.abc import Iterator
from typing import Any

from tfmeta.confidence import Confidence
from tfmeta.exporting.contract import (
    ADAPT_AND_PREDICT,
    EXAMPLES,
    LABEL,
    PREDICTION,
    QUERY_X,
    SERVING_DEFAULT,
    SUPPORT_SIZE,
    SUPPORT_X,
    SUPPORT_Y,
    VARIANCE,
    WARM_UP,
    X,
)
from tfmeta.exporting.limits import RequestLimits
from tfmeta.exporting.manifest import Manifest
from tfmeta.terminal import markdown, plain

# By signature: its inputs and its outputs, each by name.
Requests = dict[str, tuple[dict[str, Any], dict[str, Any]]]

_TEXT = """\
# {name}

A tfmeta export of kind `{kind}` ({algorithm}, {mode}). {description}

## Serve it

`base_path` is the folder that holds the version folders:

    docker run --rm -p 8500:8500 -p 8501:8501 \\
      -v {volume} -e MODEL_NAME={word} \\
      -e TF_ENABLE_ONEDNN_OPTS=0 tensorflow/serving

The setting switches oneDNN's kernels off, which are slower here and have crashed when several tasks
ran at once. Port 8500 is for gRPC, port 8501 for REST. Some files in this folder are for further
options of the server:

- `--enable_batching --enable_per_model_batching_parameters`: the server then merges requests as
  `batching_params.pbtxt` says. It may do so because dimension 0 of every tensor is {dim0}. If one
  of the merged requests is refused, all of them are.
- `--model_config_file`: use `models.config` in place of `MODEL_NAME` to serve several models, to
  choose their versions, and to label versions. Without it, the newest version is served alone.
- `--monitoring_config_file`: use `monitoring.config` to get numbers for Prometheus at
  `http://localhost:8501/monitoring/prometheus/metrics`.

When the server starts, it answers the requests in `{warm_up}`, so that
no user waits for the first answer. `client.py` is a client for gRPC and REST, to use or to copy
from:

    {client}

A default gRPC client refuses messages over 4 MiB. This one sets `grpc.max_receive_message_length`.

## Signatures

{signatures}
{notes}A request over REST:

    POST http://localhost:8501/v1/models/{url}:predict
    {request}

The same request always gets the same answer, because nothing in the model changes. What it can't
answer, it refuses with a message: labels out of range, an empty support set, shapes that don't fit,
NaN, or numbers so large that the answer would be NaN. `tfmeta verify` checks all this.
"""

_ANY_CLASSES = """\
A task may have any number of classes: its labels go from 0 to at most one less than the number of
its support examples. An answer has one column per label up to the largest label of all tasks that
run together. A task with fewer classes has a probability of zero in the other columns.
"""
_PADDED = f"""\
Support sets of several sizes can be in one request if the smaller ones are padded. `{SUPPORT_SIZE}`
says how many rows at the start of a task's support set are examples; the other rows may hold
anything. So padding by the server (`pad_variable_length_inputs` in `batching_params.pbtxt`) changes
no support set. It is off, because it would also pad queries, and task states that are sent to
`predict`. Turn it on if requests differ only in the size of their support sets.
"""
_LIMITS = """\
A request may hold this much. A larger one is refused before its work begins, with the name of the
limit. If the server merges requests, the limits hold for the merged request. To change one, export
again with `--{option} N` and the like.

| limit | at most | of what |
| --- | --- | --- |
{rows}
"""
_VARIANCE = f"""\
`{VARIANCE}` is the mean squared difference between `{PREDICTION}` and a new measurement that the
learner expects, in the square of the unit of the targets. Nine of ten measurements should be at
most 1.645 times its square root away.
"""
_CONFIDENCE = """\
`probabilities` are a softmax over a temperature of {temperature:.3g}. `unknown` goes from 0 to 1,
and is high for a query that belongs to none of the classes in the support set. It is 1 for
{nothing}: it says nothing of the classes, nor do its probabilities.{origin}
"""
_EQUAL = "a query with the same probability for all classes"
_UNMEASURED = """

Neither of them is calibrated: the temperature is 1, and `unknown` is one minus the largest
probability. So the model may be as sure of a wrong answer as of a right one, also where a query is
of none of the classes. `tfmeta export` calibrates both where it finds the run's data, unless
`--calibration-tasks` is 0."""
_ONLY_DOUBT = """ Here it is one minus the
largest probability, because there were no other classes to fit it on. So it can't tell a query of
no class from one that is between two classes; with three classes or more, it is fitted."""
_MEASURED = """ Both were fitted on
{num_tasks} tasks of the {fitted_on} split of {pipeline}, and measured on as many tasks of its
{split} split ({num_ways}-way {num_shots}-shot, {num_queries} queries per class, {mode}, seed
{seed}):

| | before | after |
| --- | --- | --- |
| expected calibration error, 15 bins | {before:.2%} | {after:.2%} |
| AUROC of `unknown`, with queries of {num_ways} other classes | | {auroc} |"""


def text(
    name: str, manifest: Manifest, requests: dict[str, tuple[dict[str, Any], dict[str, Any]]]
) -> str:
    """The README of a model.

    Args:
        name: the model's name.
        manifest: what is known about it.
        requests: its warm-up requests, `{signature: (inputs, outputs)}`.
    """
    word, kind = shlex.quote(plain(name)), manifest.export_kind
    returned = {output for _, outputs in requests.values() for output in outputs}
    return _TEXT.format(
        name=markdown(name),
        word=word,
        volume=f'"$(pwd)/{name}:/models/{name}"'
        if word == name
        else f'"$(pwd)"/{word}:/models/{word}',
        url=urllib.parse.quote(name.encode("utf-8", "surrogateescape"), safe=""),
        kind=kind.name,
        client=_client(name, manifest),
        algorithm=markdown(manifest.algorithm),
        mode=manifest.mode,
        description=kind.description,
        dim0="tasks" if kind.takes_support else "examples",
        warm_up=WARM_UP,
        signatures="".join(
            f"- `{signature}`{f' (`{SERVING_DEFAULT}`)' if signature == kind.default else ''}: "
            f"{_names(inputs)} -> {_names(outputs)}\n"
            for signature, (inputs, outputs) in requests.items()
        ),
        notes="".join(f"{note}\n" for note in _notes(manifest, returned)),
        request=_request(manifest, requests[kind.default][0]),
    )


def _names(tensors: dict[str, Any]) -> str:
    shown = [f"`{name}`" for name in tensors]
    if len(shown) <= 6:
        return ", ".join(shown)
    return ", ".join([*shown[:3], "...", f"{shown[-1]} ({len(shown)} tensors)"])


def _notes(manifest: Manifest, returned: set[str]) -> Iterator[str]:
    if manifest.export_kind.notes:
        yield manifest.export_kind.notes
    if manifest.num_outputs is None:
        yield _ANY_CLASSES
    if manifest.padded:
        yield _PADDED
    if LABEL in returned:
        nothing = [manifest.input_format.without_content, _EQUAL]
        yield _confidence(manifest.confidence, " and for\n".join(filter(None, nothing)))
    if VARIANCE in returned:
        yield _VARIANCE
    if description := manifest.input_format.description():
        yield f"{description}\n"
    yield _limits(manifest)


def _limits(manifest: Manifest) -> str:
    """Those that concern the signatures of this model."""
    meanings = {
        name: meaning
        for name, (meaning, _) in RequestLimits.meanings(manifest.input_format).items()
        if name != "support_rows" or manifest.export_kind.takes_support
    }
    rows = [f"| `{n}` | {manifest.limits[n]:,} | {meaning} |" for n, meaning in meanings.items()]
    option = f"most-{next(iter(meanings))}".replace("_", "-")
    return _LIMITS.format(option=option, rows="\n".join(rows))


def _confidence(confidence: dict[str, Any], nothing: str) -> str:
    """What the answers mean; `nothing` is what can't be known, in words."""
    report, origin = confidence["report"], _UNMEASURED
    if report is not None and "in_words" in report:
        origin = f" {markdown(report['in_words'])}"
    elif report is not None:
        auroc = report["unknown_auroc"]
        origin = _MEASURED.format(
            **{key: markdown(v) if isinstance(v, str) else v for key, v in report.items()},
            before=report["ece_before"],
            after=report["ece_after"],
            auroc="not measured" if auroc is None else f"{auroc:.3f}",
        )
    if report is not None and Confidence(**confidence).unknown_is_doubt:
        origin = f"{_ONLY_DOUBT}{origin}"
    temperature = confidence["temperature"]
    return _CONFIDENCE.format(temperature=temperature, nothing=nothing, origin=origin)


def _client(name: str, manifest: Manifest) -> str:
    """A command or a line of Python that asks the model."""
    kind = manifest.export_kind
    arguments = manifest.input_format.client_arguments
    if kind.default == ADAPT_AND_PREDICT and arguments:
        return f"python client.py {arguments} --model {shlex.quote(plain(name))}"
    wide, signature = "", f"{kind.default}{manifest.input_format.suffix}"
    if manifest.input_dtype == "float64":  # a client narrows what it isn't told of
        inputs = [SUPPORT_X, QUERY_X] if kind.takes_support else [X]
        wide = f", wide_inputs={json.dumps(inputs)}"
    return f'GrpcClient("localhost:8500", {json.dumps(name)}{wide}).predict("{signature}", {{...}})'


def _request(manifest: Manifest, inputs: dict[str, Any]) -> str:
    """A request to `serving_default`, or to its variant for encoded examples."""
    suffix, parts = manifest.input_format.suffix, manifest.input_format.shown()
    if not suffix:
        return '{"inputs": {' + ", ".join(f'"{name}": [...]' for name in inputs) + "}}"
    others = {SUPPORT_Y: [[0, 1]], SUPPORT_SIZE: [2]}
    request: dict[str, Any] = {}
    for name in inputs:
        for ending, part in parts.items() if name in EXAMPLES else ():
            values = {SUPPORT_X: [[part, part]], QUERY_X: [[part]], X: [part]}
            request[name + ending] = values[name]
        if name in others:
            request[name] = others[name]
    return json.dumps({"signature_name": f"{SERVING_DEFAULT}{suffix}", "inputs": request})
