"""Random requests for `serving_fuzz.py`: good ones with the learner's answers, and spoilt ones."""

import itertools
from functools import partial

import numpy as np

from tfmeta.exporting.verifying.malformed import malformed

SETTLED = 2e-6  # how little a nudge of the examples may change a good request's answer


# Good requests and their answers, by TensorFlow's Python


def make_pool(run, number: int, seed: int, temperature: float) -> list:
    """`[(signature, inputs, expected outputs)]`, six for each of `number` draws, shuffled."""
    import tfmeta

    tfmeta.configure_runtime()
    from tfmeta.training.run_directory import RunDirectory

    input_format = RunDirectory.open(run).source_facts.input_format
    learner, rng, pool = tfmeta.load(run), np.random.default_rng(seed), []
    for tried in itertools.count():
        if len(pool) == 6 * number:
            break
        if tried > 20 * number:
            raise SystemExit(f"only {len(pool) // 6} of {tried} draws have one right answer")
        encoded, labels = draw(learner, input_format, rng)
        plain = {
            name: np.array(input_format.prepare_inputs(parts, name=name))
            if input_format.suffix
            else parts[name]
            for name, parts in encoded.items()
        }
        if (outputs := settled(learner, plain, labels, temperature)) is not None:
            pool += requests(plain, encoded, labels, *outputs, suffix=input_format.suffix)
    return [pool[i] for i in rng.permutation(len(pool))]


def draw(learner, input_format, rng):
    """Encoded examples by input, and labels: each class has an example, or a few."""
    tasks, ways = rng.integers(1, 4), learner.num_outputs or rng.integers(2, 7)
    more, queries = rng.integers(0, ways + 1), rng.integers(1, 6)
    labels = [
        rng.permutation(np.concatenate([np.arange(ways), rng.integers(0, ways, more)]))
        for _ in range(tasks)
    ]
    encoded = {}
    for name, number in (("support_x", ways + more), ("query_x", queries)):
        shape = (tasks, number, *learner.function.input_shape[1:])
        draw_numbers = partial(_drawn, learner, rng, shape)
        parts = input_format.draw_inputs(rng, (tasks, number), draw_numbers)
        parts = parts or {"": rng.normal(size=shape).astype(np.float32)}
        encoded[name] = {name + ending: part for ending, part in parts.items()}
    return encoded, np.array(labels, np.int32)


def _drawn(learner, rng, shape):
    from tfmeta.networks import unscaled

    return unscaled(learner.network, rng.normal(size=shape))


def settled(learner, plain, labels, temperature):
    """The learner's states and answers; None if rounding could change them.

    Where a ReLU is within a rounding error of turning over, two right ways to compute the inner
    loop differ by more than any tolerance, and there is no one answer to compare with.
    """
    support, query = plain["support_x"], plain["query_x"]
    state, logits = answers(learner, support, labels, query)
    nudge = 1 + 3e-7 * np.random.default_rng(0).normal(size=support.shape).astype(np.float32)
    nudged = np.where(
        support == np.rint(support), support, support * nudge
    )  # ids stay what they are
    moved, others = answers(learner, nudged, labels, query)
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


def requests(plain, encoded, labels, state, answer, *, suffix):
    """The same question to each signature."""
    as_they_are = {name: {name: value} for name, value in plain.items()}
    for end, examples in (("", as_they_are), (suffix, encoded)):
        support = {**examples["support_x"], "support_y": labels}
        query = examples["query_x"]
        yield f"adapt_and_predict{end}", {**support, **query}, answer
        yield f"adapt{end}", support, state
        yield f"predict{end}", {**state, **query}, answer


# What is wrong with a request: `{what, the input's name first: request}`


def all_malformed(inputs: dict, input_format, rng) -> dict:
    """`tfmeta.exporting.verifying.malformed`'s and more, of which `rng` chooses the places."""
    wrong = malformed(inputs, input_format)
    for key, value in inputs.items():
        wrong[f"{key} missing"] = {k: v for k, v in inputs.items() if k != key}
        others = {
            "of another dtype": np.zeros(value.shape),
            "of lower rank": value[0],
            "of higher rank": value[None],
            "of more tasks": np.concatenate([value, value[:1]]),
        }
        if value.dtype.kind == "f":
            odd = [np.inf, -np.inf] if input_format.may_be_nan(key) else [np.nan, np.inf, -np.inf]
            others["with NaN or infinity"] = with_one(value, rng.choice(odd), rng)
        if key in ("support_x", "query_x"):
            others["of another size"] = value[:, :, :-1]
        if key.endswith("_bytes"):  # a part of a text, or noise, may be a text
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
    examples = [key for key in inputs if key.startswith("support_x")]
    return {
        "support_y negative": {**inputs, "support_y": with_one(labels, -1, rng)},
        "support_y too large": {**inputs, "support_y": with_one(labels, 1000, rng)},
        "support_y with a gap": {**inputs, "support_y": gap},
        "support_y longer": {**inputs, "support_y": np.concatenate([labels, labels[:, :1]], 1)},
        "support_y without examples": inputs | {key: inputs[key][:, :0] for key in examples},
    }


def with_one(values, value, rng):
    """A copy in which one entry is another."""
    values = values.copy()
    values.flat[rng.integers(values.size)] = value
    return values
