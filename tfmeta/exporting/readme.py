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
{images}

A request over REST:

    POST http://localhost:8501/v1/models/{name}:predict
    {request}

The same request always gets the same answer: nothing in the model changes. What it can't answer
(labels out of range, an empty support set, shapes that don't fit, NaN) it refuses with a message.
`tfmeta verify` checks all this.
"""

_WHAT = {
    "learner": "It adapts, inside the graph, to the support set that comes with a request.",
    "adapted": "Its support set is baked in.",
}


def text(name: str, facts: dict, requests: dict) -> str:
    """The README of the model `name`, from its manifest's facts and its warm-up requests."""
    default = "adapt_and_predict" if facts["kind"] == "learner" else "predict"
    images = "" if facts["image_format"] is None else _images(facts["image_format"])
    return _TEXT.format(
        name=name,
        kind=facts["kind"],
        algorithm=facts["algorithm"],
        mode=facts["mode"],
        what=_WHAT[facts["kind"]],
        dim0="tasks" if facts["kind"] == "learner" else "examples",
        signatures="".join(
            f"- `{signature}`{' (`serving_default`)' if signature == default else ''}: "
            f"{_shapes(inputs)} -> {_shapes(outputs)}\n"
            for signature, (inputs, outputs) in requests.items()
        ),
        images=images,
        request=_request(facts),
    )


def _shapes(tensors):
    shown = [f"`{name}`" for name in tensors]
    return ", ".join(shown if len(shown) <= 6 else [*shown[:4], f"... ({len(shown)} tensors)"])


def _images(image):
    ink = "255 minus the pixel, over 255" if image["invert"] else "the pixel over 255"
    return (
        f"Images are {image['height']}x{image['width']}x{image['channels']} floats in [0, 1] "
        f"({ink}); a `_bytes` input takes PNG, JPEG or GIF files of any size instead, one "
        "string for each."
    )


def _request(facts):
    if facts["image_format"] is None:
        inputs = ("x",) if facts["kind"] == "adapted" else ("support_x", "support_y", "query_x")
        return '{"inputs": {' + ", ".join(f'"{name}": [...]' for name in inputs) + "}}"
    image = '{"b64": "..."}'
    if facts["kind"] == "adapted":
        inputs = f'"x_bytes": [{image}]'
    else:
        inputs = (
            f'"support_x_bytes": [[{image}, {image}]], "support_y": [[0, 1]], '
            f'"query_x_bytes": [[{image}]]'
        )
    return '{"signature_name": "serving_default_bytes", "inputs": {' + inputs + "}}"
