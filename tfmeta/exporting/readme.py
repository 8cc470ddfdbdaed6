"""The README beside an exported model: what it takes, what it gives, how to serve it."""

_TEXT = """\
# {name}

A tfmeta export of kind `{kind}` ({algorithm}, {mode}). {what}

## Serve it

`base_path` is the folder that holds the version folders:

    docker run --rm -p 8500:8500 -p 8501:8501 \\
      -v "$(pwd)/{name}:/models/{name}" -e MODEL_NAME={name} tensorflow/serving

`batching_params.pbtxt` is used when the server is started with `--enable_batching` and
`--enable_per_model_batching_parameters`. Dimension 0 of every tensor is {dim0}, so requests may be
batched together. A default gRPC client refuses answers over 4 MiB; set
`grpc.max_receive_message_length` for task states.

## Signatures

{signatures}
{notes}A request over REST:

    POST http://localhost:8501/v1/models/{name}:predict
    {request}

The same request always gets the same answer: nothing in the model changes. What it can't answer
(labels out of range, an empty support set, shapes that don't fit, NaN) it refuses with a message.
`tfmeta verify` checks all this.
"""

_WHAT = {
    "learner": "It adapts, inside the graph, to the support set that comes with a request.",
    "generator": "It turns a support set into a task's weights, and answers queries with those.",
    "adapted": "Its support set is baked in.",
}
_WEIGHTS = (
    "`predict` takes every tensor that `generate` returns, by the same name: `weights_` and the\n"
    "weight's own name, and what else the method keeps of a task. Weights that no task changes\n"
    "are in the model."
)
_ANY_CLASSES = (
    "A task may have any number of classes: labels from 0 to one less than its support examples.\n"
    "An answer has a column for each label up to the largest, of all the tasks that are run\n"
    "together; a class without an example has a probability of zero."
)


def text(name: str, facts: dict, requests: dict, *, default: str) -> str:
    """The README of a model.

    Args:
        name: the model's.
        facts: its manifest's.
        requests: its warm-up requests.
        default: the signature that is `serving_default` too.
    """
    return _TEXT.format(
        name=name,
        kind=facts["kind"],
        algorithm=facts["algorithm"],
        mode=facts["mode"],
        what=_WHAT[facts["kind"]],
        dim0="examples" if facts["kind"] == "adapted" else "tasks",
        signatures="".join(
            f"- `{signature}`{' (`serving_default`)' if signature == default else ''}: "
            f"{_shapes(inputs)} -> {_shapes(outputs)}\n"
            for signature, (inputs, outputs) in requests.items()
        ),
        notes="".join(f"{note}\n\n" for note in _notes(facts)),
        request=_request(facts, requests[default][0]),
    )


def _shapes(tensors):
    shown = [f"`{name}`" for name in tensors]
    if len(shown) <= 6:
        return ", ".join(shown)
    return ", ".join([*shown[:3], "...", f"{shown[-1]} ({len(shown)} tensors)"])


def _notes(facts):
    if facts["kind"] == "generator":
        yield _WEIGHTS
    if facts["num_outputs"] is None:
        yield _ANY_CLASSES
    if facts["image_format"] is not None:
        yield _images(facts["image_format"])


def _images(image):
    ink = "255 minus the pixel, over 255" if image["invert"] else "the pixel over 255"
    return (
        f"Images are {image['height']}x{image['width']}x{image['channels']} floats in [0, 1] "
        f"({ink}); a `_bytes` input takes PNG, JPEG or GIF files of any size instead, one "
        "string for each."
    )


def _request(facts, inputs):
    """A request to `serving_default`, or to its variant for image files."""
    if facts["image_format"] is None:
        return '{"inputs": {' + ", ".join(f'"{name}": [...]' for name in inputs) + "}}"
    image = '{"b64": "..."}'
    shown = {
        "x": f'"x_bytes": [{image}]',
        "support_x": f'"support_x_bytes": [[{image}, {image}]]',
        "support_y": '"support_y": [[0, 1]]',
        "query_x": f'"query_x_bytes": [[{image}]]',
    }
    listed = ", ".join(shown[name] for name in inputs)
    return '{"signature_name": "serving_default_bytes", "inputs": {' + listed + "}}"
