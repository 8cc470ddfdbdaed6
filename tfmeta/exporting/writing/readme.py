"""The README beside an exported model: what it takes, what it gives, how to serve it."""

import json
import shlex
import urllib.parse

from tfmeta.exporting.limits import RequestLimits
from tfmeta.terminal import markdown, plain

_TEXT = """\
# {name}

A tfmeta export of kind `{kind}` ({algorithm}, {mode}). {what}

## Serve it

`base_path` is the folder that holds the version folders:

    docker run --rm -p 8500:8500 -p 8501:8501 \\
      -v {volume} -e MODEL_NAME={word} tensorflow/serving

Port 8500 is gRPC, 8501 REST. Of the files in this folder, the server takes as further arguments:

- `--enable_batching --enable_per_model_batching_parameters`: it then merges requests as
  `batching_params.pbtxt` says. Dimension 0 of every tensor is {dim0}, so that it may. Requests
  that are merged share their fate: where one is refused, so are the others of its batch.
- `--model_config_file`: `models.config`, in place of `MODEL_NAME`: several models, which versions
  of each, and labels for them. The newest version is served alone unless that says otherwise.
- `--monitoring_config_file`: `monitoring.config`, for Prometheus at
  `http://localhost:8501/monitoring/prometheus/metrics`.

At its start the server replays `assets.extra/tf_serving_warmup_requests`, so that no user waits
for a first request. `client.py` is a client for gRPC and for REST, to use or to copy from:

    {client}

A default gRPC client refuses messages over 4 MiB; that one sets `grpc.max_receive_message_length`.

## Signatures

{signatures}
{notes}A request over REST:

    POST http://localhost:8501/v1/models/{url}:predict
    {request}

The same request always gets the same answer: nothing in the model changes. What it can't answer
(labels out of range, an empty support set, shapes that don't fit, NaN, numbers so large that the
answer would be NaN) it refuses with a message.
`tfmeta verify` checks all this.
"""

_WHAT = {
    "learner": "It adapts, inside the graph, to the support set that comes with a request.",
    "generator": "It turns a support set into a task's weights, and answers queries with those.",
    "adapted": "Its support set is baked in.",
}
_WEIGHTS = """\
`predict` takes every tensor that `generate` returns, by the same name: `weights_` and the weight's
own name, and what else the method keeps of a task. Weights that no task changes are in the model.
"""
_ANY_CLASSES = """\
A task may have any number of classes: labels from 0 to one less than its support examples. An
answer has a column for each label up to the largest, of all the tasks that are run together; where
one has fewer classes than another, the rest have a probability of zero.
"""
_PADDED = """\
Support sets of several sizes share a request when the smaller are padded: `support_size` says how
many of a task's rows, from the first, are its own; in the rest anything may stand. The server's
own padding (`pad_variable_length_inputs` in `batching_params.pbtxt`) therefore changes no support
set. It is off, because it would also pad task states that are sent to `predict`, and the queries:
turn it on for requests that differ in nothing but the size of the support set.
"""
_LIMITS = """\
What a request may hold at most; one beyond is refused before the work that it would make, with the
limit's name. Where the server merges requests, those of a request are of the merged one. To change
one, export again with `--most-image-pixels N` and its like.

| limit | at most | of what |
| --- | --- | --- |
{rows}
"""
_CONFIDENCE = """\
`probabilities` are a softmax over a temperature of {temperature:.3g}; `unknown`, from 0 to 1, is
high for a query that is of none of the support set's classes.{origin}
"""
_UNMEASURED = """ Neither was fitted on data;
`tfmeta export` does so where the run's data is at hand."""
_MEASURED = """ Both were fitted on {num_tasks} tasks of
the {fitted_on} split of {pipeline}, and measured on as many of its {split} split ({num_ways}-way
{num_shots}-shot, {num_queries} queries a class, {mode}, seed {seed}):

| | before | after |
| --- | --- | --- |
| expected calibration error, 15 bins | {before:.2%} | {after:.2%} |
| AUROC of `unknown`, the other queries being of {num_ways} other classes | | {auroc} |"""


def text(name: str, facts: dict, requests: dict, *, default: str) -> str:
    """The README of a model.

    Args:
        name: the model's.
        facts: its manifest's.
        requests: its warm-up requests.
        default: the signature that is `serving_default` too.
    """
    word = shlex.quote(plain(name))
    is_classifier = any("label" in outputs for _, outputs in requests.values())
    return _TEXT.format(
        name=markdown(name),
        word=word,
        volume=f'"$(pwd)/{name}:/models/{name}"'
        if word == name
        else f'"$(pwd)"/{word}:/models/{word}',
        url=urllib.parse.quote(name.encode("utf-8", "surrogateescape"), safe=""),
        kind=facts["kind"],
        client=_client(name, facts, default),
        algorithm=markdown(facts["algorithm"]),
        mode=facts["mode"],
        what=_WHAT[facts["kind"]],
        dim0="examples" if facts["kind"] == "adapted" else "tasks",
        signatures="".join(
            f"- `{signature}`{' (`serving_default`)' if signature == default else ''}: "
            f"{_shapes(inputs)} -> {_shapes(outputs)}\n"
            for signature, (inputs, outputs) in requests.items()
        ),
        notes="".join(f"{note}\n" for note in _notes(facts, is_classifier)),
        request=_request(facts, requests[default][0]),
    )


def _shapes(tensors):
    shown = [f"`{name}`" for name in tensors]
    if len(shown) <= 6:
        return ", ".join(shown)
    return ", ".join([*shown[:3], "...", f"{shown[-1]} ({len(shown)} tensors)"])


def _notes(facts, is_classifier):
    if facts["kind"] == "generator":
        yield _WEIGHTS
    if facts["num_outputs"] is None:
        yield _ANY_CLASSES
    if facts["padded"]:
        yield _PADDED
    if is_classifier:
        yield _confidence(facts["confidence"])
    if facts["image_format"] is not None:
        yield _images(facts["image_format"])
    yield _limits(facts)


def _limits(facts):
    """Those that the kind's signatures have."""
    rows = "".join(
        f"| `{name}` | {facts['limits'][name]:,} | {meaning} |\n"
        for name, (meaning, _) in RequestLimits.meanings().items()
        if name == "queries"
        or (name == "support_rows" and facts["kind"] != "adapted")
        or (name.split("_")[0] in ("image", "request") and facts["image_format"] is not None)
    )
    return _LIMITS.format(rows=rows.rstrip("\n"))


def _images(image):
    ink = "255 minus the pixel, over 255" if image["invert"] else "the pixel over 255"
    return (
        f"Images are {image['height']}x{image['width']}x{image['channels']} floats in [0, 1] "
        f"({ink}); a `_bytes` input takes PNG, JPEG or GIF files of any size instead, one "
        "string for each.\n"
    )


def _confidence(confidence):
    report, origin = confidence["report"], _UNMEASURED
    if report is not None:
        auroc = report["unknown_auroc"]
        origin = _MEASURED.format(
            **{key: markdown(v) if isinstance(v, str) else v for key, v in report.items()},
            before=report["ece_before"],
            after=report["ece_after"],
            auroc="not measured" if auroc is None else f"{auroc:.3f}",
        )
    return _CONFIDENCE.format(temperature=confidence["temperature"], origin=origin)


def _client(name, facts, default):
    if facts["kind"] == "learner" and facts["image_format"] is not None:
        return f"python client.py SUPPORT_DIR IMAGE... --model {shlex.quote(plain(name))}"
    wide = ""
    if facts.get("input_dtype") == "float64":  # a client narrows what it isn't told of
        inputs = ["x"] if facts["kind"] == "adapted" else ["support_x", "query_x"]
        wide = f", wide_inputs={json.dumps(inputs)}"
    return f'GrpcClient("localhost:8500", {json.dumps(name)}{wide}).predict("{default}", {{...}})'


def _request(facts, inputs):
    """A request to `serving_default`, or to its variant for image files."""
    if facts["image_format"] is None:
        return '{"inputs": {' + ", ".join(f'"{name}": [...]' for name in inputs) + "}}"
    image = '{"b64": "..."}'
    shown = {
        "x": f'"x_bytes": [{image}]',
        "support_x": f'"support_x_bytes": [[{image}, {image}]]',
        "support_y": '"support_y": [[0, 1]]',
        "support_size": '"support_size": [2]',
        "query_x": f'"query_x_bytes": [[{image}]]',
    }
    listed = ", ".join(shown[name] for name in inputs)
    return '{"signature_name": "serving_default_bytes", "inputs": {' + listed + "}}"
