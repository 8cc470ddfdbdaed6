"""Random requests for `serving_fuzz.py`: good ones with the learner's answers, and spoilt ones."""

import itertools

import numpy as np

from tfmeta.exporting.verifying.malformed import malformed

SETTLED = 2e-6  # how little a nudge of the images may change a good request's answer


# Good requests and their answers, by TensorFlow's Python


def make_pool(run, number: int, seed: int, temperature: float) -> list:
    """`[(signature, inputs, expected outputs)]`, six for each of `number` draws, shuffled."""
    import tfmeta

    tfmeta.configure_runtime()
    from tfmeta.training.run_directory import RunDirectory

    inverted = RunDirectory.open(run).source_facts.image_format.invert
    learner, rng, pool = tfmeta.load(run), np.random.default_rng(seed), []
    for tried in itertools.count():
        if len(pool) == 6 * number:
            break
        if tried > 20 * number:
            raise SystemExit(f"only {len(pool) // 6} of {tried} draws have one right answer")
        pixels, labels = draw(learner, rng)
        if (outputs := settled(learner, pixels, labels, temperature)) is not None:
            pool += requests(pixels, labels, *outputs, inverted=inverted)
    return [pool[i] for i in rng.permutation(len(pool))]


def draw(learner, rng):
    """Pixels of support sets and queries, and labels: each class has an example, or a few."""
    tasks, ways = rng.integers(1, 4), learner.num_outputs or rng.integers(2, 7)
    more, queries = rng.integers(0, ways + 1), rng.integers(1, 6)
    shape = learner.function.input_shape[1:]

    def images(count):
        contrast = rng.integers(64, 257)
        return rng.integers(0, contrast, (tasks, count, *shape), dtype=np.int64).astype(np.uint8)

    labels = [
        rng.permutation(np.concatenate([np.arange(ways), rng.integers(0, ways, more)]))
        for _ in range(tasks)
    ]
    pixels = {"support_x": images(ways + more), "query_x": images(queries)}
    return pixels, np.array(labels, np.int32)


def settled(learner, pixels, labels, temperature):
    """The learner's states and answers; None if rounding could change them.

    Where a ReLU is within a rounding error of turning over, two right ways to compute the inner
    loop differ by more than any tolerance, and there is no one answer to compare with.
    """
    support, query = (unit(pixels[name]) for name in ("support_x", "query_x"))
    state, logits = answers(learner, support, labels, query)
    nudge = 1 + 3e-7 * np.random.default_rng(0).normal(size=support.shape).astype(np.float32)
    moved, others = answers(learner, support * nudge, labels, query)
    pairs = [(state[name], moved[name]) for name in state] + [(logits, others)]
    change = max(float(np.max(np.abs(a - b) / np.maximum(1, np.abs(a)))) for a, b in pairs)
    best = np.sort(logits, -1)
    if change > SETTLED or np.min(best[..., -1] - best[..., -2]) < 1e-4:
        return None
    exponentials = np.exp((logits - logits.max(-1, keepdims=True)) / temperature)
    probabilities = exponentials / exponentials.sum(-1, keepdims=True)
    return state, {"probabilities": probabilities, "label": logits.argmax(-1)}


def answers(learner, support, labels, query):
    """Task after task, eagerly: the state as named arrays, and the logits."""
    import tensorflow as tf

    from tfmeta.exporting import task_state

    tasks = zip(support, labels, query, strict=True)
    states, logits = [], []
    for x, y, questions in tasks:
        states.append(learner.adapt(tf.constant(x), tf.constant(y)))
        logits.append(learner.predict_with(states[-1], tf.constant(questions)).numpy())
    flat = [task_state.flatten(state) for state in states]
    return {name: np.stack([each[name] for each in flat]) for name in flat[0]}, np.stack(logits)


def unit(pixels):
    return pixels.astype(np.float32) * np.float32(1 / 255)


def requests(pixels, labels, state, answer, *, inverted):
    """The same question to each signature; in the files, ink is dark if the format inverts them."""
    plain = {name: unit(value) for name, value in pixels.items()}
    files = {name: 255 - value if inverted else value for name, value in pixels.items()}
    encoded = {f"{name}_bytes": png(value) for name, value in files.items()}
    for suffix, images in (("", plain), ("_bytes", encoded)):
        support = {f"support_x{suffix}": images[f"support_x{suffix}"], "support_y": labels}
        query = {f"query_x{suffix}": images[f"query_x{suffix}"]}
        yield f"adapt_and_predict{suffix}", {**support, **query}, answer
        yield f"adapt{suffix}", support, state
        yield f"predict{suffix}", {**state, **query}, answer


def png(pixels):
    import tensorflow as tf

    files = np.empty(pixels.shape[:2], object)
    for index in np.ndindex(*files.shape):
        files[index] = tf.io.encode_png(pixels[index]).numpy()
    return files


# What is wrong with a request: `{what, the input's name first: request}`


def all_malformed(inputs: dict, rng) -> dict:
    """`tfmeta.exporting.verifying.malformed`'s and more, of which `rng` chooses the places."""
    wrong = malformed(inputs)
    for key, value in inputs.items():
        wrong[f"{key} missing"] = {k: v for k, v in inputs.items() if k != key}
        others = {
            "of another dtype": np.zeros(value.shape),
            "of lower rank": value[0],
            "of higher rank": value[None],
            "of more tasks": np.concatenate([value, value[:1]]),
        }
        if value.dtype.kind == "f":
            others["with NaN or infinity"] = with_one(
                value, rng.choice([np.nan, np.inf, -np.inf]), rng
            )
        if "_x" in key and value.dtype.kind == "f":
            others["of another size"] = value[:, :, :-1]
        if key.endswith("_bytes"):
            file = value.flat[rng.integers(value.size)]
            short, noise = (
                file[: rng.integers(len(file) * 9 // 10)],
                rng.bytes(rng.integers(1, 200)),
            )
            others["truncated"] = with_one(value, short, rng)
            others["undecodable"] = with_one(value, noise, rng)
        wrong |= {f"{key} {what}": {**inputs, key: other} for what, other in others.items()}
    wrong["surplus of the signature"] = {**inputs, "surplus": np.zeros(1, np.float32)}
    if "support_y" in inputs:
        wrong |= malformed_labels(inputs, rng)
    return wrong


def malformed_labels(inputs, rng):
    labels = inputs["support_y"]
    gap = labels.copy()
    task, absent = rng.integers(len(labels)), rng.integers(labels.max())  # not the largest
    gap[task][gap[task] == absent] = absent + 1
    image = next(key for key in inputs if key.startswith("support_x"))
    return {
        "support_y negative": {**inputs, "support_y": with_one(labels, -1, rng)},
        "support_y too large": {**inputs, "support_y": with_one(labels, 1000, rng)},
        "support_y with a gap": {**inputs, "support_y": gap},
        "support_y longer": {**inputs, "support_y": np.concatenate([labels, labels[:, :1]], 1)},
        "support_y without images": {**inputs, image: inputs[image][:, :0]},
    }


def with_one(values, value, rng):
    """A copy in which one entry is another."""
    values = values.copy()
    values.flat[rng.integers(values.size)] = value
    return values
