"""Warm-up records: a request for each signature, with the answer that the Python learner gives.

TensorFlow Serving replays the requests when it loads the model, so that the first user does not
wait for it; `tfmeta verify` replays them too, and compares. They are of random examples: an export
needs no data, and gives none away.
"""

import functools
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfmeta.errors import UserError
from tfmeta.exporting import task_state
from tfmeta.exporting.contract import (
    BYTES,
    QUERY_X,
    SUPPORT_SIZE,
    SUPPORT_X,
    SUPPORT_Y,
    X,
)
from tfmeta.exporting.kinds.export_kind import Part
from tfmeta.exporting.loading.tensor_protos import to_proto
from tfmeta.exporting.verifying.comparison import largest_difference
from tfmeta.exporting.verifying.verifier import TOLERANCE
from tfmeta.exporting.writing.adapted_functions import support_of
from tfmeta.exporting.writing.served_functions import ServedFunctions
from tfmeta.learners.common_sizes import CommonSizes
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.networks import unscaled
from tfmeta.precision import OF_A_NUDGE, OF_ITS_EFFECT, rounding_error
from tfmeta.reading.images import to_unit

# By signature: its inputs and its outputs, each by name.
Requests = dict[str, tuple[dict[str, np.ndarray], dict[str, np.ndarray]]]

NUM_TASKS, NUM_SHOTS, NUM_QUERIES = 2, 1, 3
NUM_WAYS = 5  # of a learner that takes any number of classes
# How the examples are tried for a sensitive spot.
_NUM_NUDGES, _MOST_DRAWS = 6, 20
_MOST_CHANGE = rounding_error(np.float32, OF_ITS_EFFECT)


def requests_of(served: ServedFunctions) -> Requests:
    """A request for each signature of the served functions, and its answer."""
    return _task_requests(served) if served.kind.takes_support else _adapted_requests(served)


def _task_requests(served):
    """Those of kinds that get support sets in requests, worked out eagerly, task by task."""
    learner = served.learner
    support, query, encoded = _well_conditioned(
        functools.partial(_draw, served), _task_responses(served)
    )
    own = support[SUPPORT_X], support[SUPPORT_Y]
    if served.options.padded:
        support, encoded = _padded(support, encoded)
    adapt = CommonSizes(num_examples=support[SUPPORT_X].shape[1]).given_to(learner.adapt)
    states = [adapt(*map(tf.constant, task)) for task in zip(*own, strict=True)]
    outputs = [
        _checked_answer(learner, state, task, query_x)
        for state, task, query_x in zip(states, zip(*own, strict=True), query[QUERY_X], strict=True)
    ]
    answers = _numpy(served.answer(tf.stack(outputs)))
    named = [task_state.flatten(state) for state in states]
    state = {name: np.stack([each[name].numpy() for each in named]) for name in named[0]}
    tensors = {**support, **query, **state}
    returned = {Part.STATE: state, Part.ANSWER: answers}
    requests = {
        each.name: (
            {key: tensors[key] for part in each.takes for key in served.specs[part]},
            returned[each.returns],
        )
        for each in served.kind.signatures
    }
    return _with_bytes(requests, encoded)


def answers_of(learner) -> str:
    """Whose answers the records hold: Keras's own, or the learner's where it has no other way."""
    by_keras = type(learner).reference_answer is not MetaLearner.reference_answer
    return "Keras on assigned weights" if by_keras else "the Python learner"


def _checked_answer(learner, state, support, query_x):
    """What an export must answer: the word of Keras alone, where the method has such a way.

    Args:
        state: the task state that the learner makes of the support set.
        support: `(x, y)` of one task.
        query_x: `(queries, ...)`.

    Raises:
        UserError: if the learner's own answer is another.
    """
    query_x = tf.constant(query_x)
    own = learner.predict_with(state, query_x)
    reference = learner.reference_answer(*map(tf.constant, support), query_x)
    if reference is None:
        return own
    apart = largest_difference(own.numpy(), reference.numpy())
    if not apart <= TOLERANCE:
        raise UserError(
            f"{type(learner).__name__} answers other than its network does when Keras runs it on "
            f"the same weights: the two differ by {apart:.1e}, expected at most {TOLERANCE:.0e}. "
            "Nothing was exported; please report the network",
            exit_status=1,
        )
    return reference


def _padded(support, encoded):
    """The same support sets with an example too many, the first one again as a server pads."""
    support = {name: _with_first(values) for name, values in support.items()}
    rows = support[SUPPORT_Y].shape[1]
    support[SUPPORT_SIZE] = np.full(NUM_TASKS, rows - 1, np.int32)
    if encoded[SUPPORT_X] is not None:
        encoded = {**encoded, SUPPORT_X: _with_first(encoded[SUPPORT_X])}
    return support, encoded


def _with_first(values):
    return np.concatenate([values, values[:, :1]], 1)


def _well_conditioned(draw, respond):
    """The first draw whose responses rounding can't change by much, or the best of many.

    Where some ReLU is within a rounding error of turning over, or large logits nearly cancel, two
    right ways to compute an answer differ by 1e-5 and more: there is no one answer to compare with.

    Args:
        draw: a seed -> anything.
        respond: a draw, and a function that changes examples a little -> arrays.
    """
    best, least = None, np.inf
    for seed in range(_MOST_DRAWS):
        drawn = draw(seed)
        change = _sensitivity(functools.partial(respond, drawn))
        if best is None or change < least:
            best, least = drawn, change
        if least <= _MOST_CHANGE:
            break
    return best


def _sensitivity(respond) -> float:
    """The most that a nudge changes a response; of the nudges up to the first that is much."""
    rng, worst = np.random.default_rng(0), 0.0

    def nudge(x):
        size = rounding_error(x.dtype, OF_A_NUDGE)
        return x * (1 + size * rng.normal(size=x.shape)).astype(x.dtype)

    responses = respond(lambda x: x)
    for _ in range(_NUM_NUDGES):
        moved = zip(responses, respond(nudge), strict=True)
        worst = max(worst, *(_change(before, after) for before, after in moved))
        if worst > _MOST_CHANGE:
            break
    return worst


def _change(before, after) -> float:
    """Relative above 1; of labels all or nothing."""
    if before.dtype.kind != "f":
        return 0.0 if (before == after).all() else np.inf
    return largest_difference(after, before)


def _task_responses(served):
    """For `_well_conditioned`: the task states and answers of a draw."""

    @functools.partial(tf.function, autograph=False)  # many calls, of many steps each
    def respond_one(x, y, query_x):
        state = served.learner.adapt(x, y)
        return state, served.answer(served.learner.predict_with(state, query_x))

    def respond(drawn, nudge):
        support, query, _ = drawn
        support_x, query_x = nudge(support[SUPPORT_X]), nudge(query[QUERY_X])
        tasks = zip(support_x, support[SUPPORT_Y], query_x, strict=True)
        every = [respond_one(*map(tf.constant, task)) for task in tasks]
        return [tensor.numpy() for tensor in tf.nest.flatten(every)]

    return respond


def _draw(served, seed):
    """Random support sets and queries, and their images as files."""
    learner = served.learner
    rng, are_values = np.random.default_rng(seed), learner.target_kind.are_values
    ways = 1 if are_values else learner.num_outputs or NUM_WAYS
    shots = 10 if are_values else NUM_SHOTS
    support_x, support_bytes = _examples(served, rng, ways * shots)
    query_x, query_bytes = _examples(served, rng, NUM_QUERIES)
    if are_values:
        support_y = rng.normal(size=(NUM_TASKS, shots, learner.num_outputs)).astype(np.float32)
    else:
        support_y = np.tile(np.repeat(np.arange(ways, dtype=np.int32), shots), (NUM_TASKS, 1))
    support = {SUPPORT_X: support_x, SUPPORT_Y: support_y}
    encoded = {SUPPORT_X: support_bytes, QUERY_X: query_bytes}
    return support, {QUERY_X: query_x}, encoded


def _adapted_requests(served):
    """Those of a model that has its support set baked in."""
    learner, state = served.learner, served.state

    def answer(x):
        return _numpy(served.answer(learner.predict_with(state, tf.constant(x))))

    def draw(seed):
        x, encoded = _examples(served, np.random.default_rng(seed), NUM_QUERIES)
        return x[0], None if encoded is None else encoded[0]

    def respond(drawn, nudge):
        return list(answer(nudge(drawn[0])).values())

    x, encoded = _well_conditioned(draw, respond)
    support = support_of(learner, served.options)
    answers = _numpy(served.answer(_checked_answer(learner, state, support, x)))
    requests = {each.name: ({X: x}, answers) for each in served.kind.signatures}
    return _with_bytes(requests, {X: encoded})


def write(path: str | Path, model_name: str, requests: Requests) -> None:
    """The TFRecord file that TensorFlow Serving looks for."""
    from tensorflow_serving.apis import prediction_log_pb2

    with tf.io.TFRecordWriter(str(path)) as writer:
        for name, (inputs, outputs) in requests.items():
            log = prediction_log_pb2.PredictionLog()
            request = log.predict_log.request
            request.model_spec.name = model_name
            request.model_spec.signature_name = name
            for key, value in inputs.items():
                request.inputs[key].CopyFrom(to_proto(value))
            for key, value in outputs.items():
                log.predict_log.response.outputs[key].CopyFrom(to_proto(value))
            writer.write(log.SerializeToString(deterministic=True))


def _examples(served, rng, number):
    """Random examples `(tasks, number, ...)`, and as PNG files if they are images."""
    learner, image_format = served.learner, served.options.image_format
    shape = (NUM_TASKS, number, *learner.function.input_shape[1:])
    if image_format is None:
        # None is negative, for networks that take ids.
        return unscaled(learner.network, 2 * np.abs(rng.normal(size=shape))), None
    pixels = rng.integers(0, 256, shape, dtype=np.uint8)
    encoded = np.empty(shape[:2], object)
    for index in np.ndindex(*shape[:2]):
        encoded[index] = tf.io.encode_png(pixels[index]).numpy()
    # The decoder's own word on the pixels: an inverted format turns them over.
    return to_unit(image_format.decode_all(tf.constant(encoded))).numpy(), encoded


def _with_bytes(requests, encoded):
    every = dict(requests)
    if next(iter(encoded.values())) is None:
        return every
    for name, (inputs, outputs) in requests.items():
        as_bytes = {
            **{key: value for key, value in inputs.items() if key not in encoded},
            **{key + BYTES: encoded[key] for key in inputs if key in encoded},
        }
        every[name + BYTES] = (as_bytes, outputs)
    return every


def _numpy(outputs):
    return {name: value.numpy() for name, value in outputs.items()}
