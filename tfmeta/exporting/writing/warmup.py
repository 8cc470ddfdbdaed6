"""Warm-up records: a request for each signature, with the answer that the Python learner gives.

TensorFlow Serving answers the requests when it loads the model, so that the first user does not
wait. `tfmeta verify` sends them too, and compares the answers. The examples are random: an export
needs no data, and gives none away.
"""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta.errors import UserError
from tfmeta.exporting import task_state
from tfmeta.exporting.contract import (
    QUERY_X,
    SUPPORT_SIZE,
    SUPPORT_X,
    SUPPORT_Y,
    X,
)
from tfmeta.exporting.kinds.export_kind import Part
from tfmeta.exporting.loading.tensor_protos import to_proto
from tfmeta.exporting.verifying.comparison import largest_difference
from tfmeta.exporting.writing.adapted_functions import AdaptedFunctions, support_of
from tfmeta.exporting.writing.conditioning import Nudge, well_conditioned
from tfmeta.exporting.writing.served_functions import OUTPUTS, ServedFunctions
from tfmeta.exporting.writing.task_functions import TaskFunctions
from tfmeta.learners.common_sizes import CommonSizes
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.networks import unscaled
from tfmeta.reading.input_format import InputFormat

Tensors = dict[str, np.ndarray]  # by name
Parts = dict[str, np.ndarray]  # encoded examples: see `InputFormat.draw_inputs`
Encoded = dict[str, Parts]  # by the name of an input
Requests = dict[str, tuple[Tensors, Tensors]]  # inputs and outputs, by signature

NUM_TASKS, NUM_SHOTS, NUM_QUERIES = 2, 1, 3
NUM_WAYS = 5  # for a learner that takes any number of classes


def requests_of(served: TaskFunctions | AdaptedFunctions) -> tuple[Requests, float]:
    """A request for each signature of the served functions, and its answer.

    Returns:
        `(requests, tolerance)`: how far an answer may be from the one here, relative above 1.
    """
    if isinstance(served, AdaptedFunctions):
        return _adapted_requests(served)
    return _task_requests(served)


def _task_requests(served: TaskFunctions) -> tuple[Requests, float]:
    """For kinds that get support sets in requests; worked out eagerly, task by task."""
    learner = served.learner
    (support, query, encoded), tolerance = well_conditioned(
        functools.partial(_draw, served), _task_responses(served)
    )
    own = support[SUPPORT_X], support[SUPPORT_Y]
    if served.options.padded:
        support, encoded = _padded(support, encoded)
    adapt = CommonSizes(num_examples=support[SUPPORT_X].shape[1]).given_to(learner.adapt)
    states = [adapt(*map(tf.constant, task)) for task in zip(*own, strict=True)]
    answered = [
        _checked_answer(served, state, task, query_x, tolerance)
        for state, task, query_x in zip(states, zip(*own, strict=True), query[QUERY_X], strict=True)
    ]
    answers = _numpy(served.answer(tf.nest.map_structure(lambda *each: tf.stack(each), *answered)))
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
    return _with_encoded(requests, encoded, served.options.input_format), tolerance


def answers_of(learner: MetaLearner) -> str:
    """Whose answers the records hold: Keras's own, or the learner's if there is no other way."""
    by_keras = type(learner).reference_answer is not MetaLearner.reference_answer
    return "Keras on assigned weights" if by_keras else "the Python learner"


def _checked_answer(
    served: ServedFunctions,
    state: dict[str, Any],
    support: Sequence[Any],
    query_x: np.ndarray,
    tolerance: float,
) -> dict[str, tf.Tensor]:
    """What an export must respond with: what Keras alone answers, where the method has a way.

    Args:
        state: the task state that the learner makes of the support set.
        support: `(x, y)` of one task.
        query_x: `(queries, ...)`.
        tolerance: how far apart the two may be, relative above 1.

    Raises:
        UserError: if the learner itself answers something else.
    """
    learner, query_x = served.learner, tf.constant(query_x)
    answered = served.answered(state, query_x)
    own = answered[OUTPUTS]
    support_x, support_y = map(tf.constant, support)
    reference = learner.reference_answer(support_x, support_y, query_x)
    if reference is None:
        return answered
    apart = largest_difference(own.numpy(), reference.numpy())
    if not apart <= tolerance:
        raise UserError(
            f"{type(learner).__name__} and its network, run by Keras on the same weights, give "
            f"different answers: the two differ by {apart:.1e}, expected at most {tolerance:.0e}. "
            "Nothing was exported; please report the network",
            exit_status=1,
        )
    return {**answered, OUTPUTS: reference}


def _padded(support: Tensors, encoded: Encoded) -> tuple[Tensors, Encoded]:
    """The same support sets with the first example again at the end, as a server pads."""
    support = {name: _with_first(values) for name, values in support.items()}
    rows = support[SUPPORT_Y].shape[1]
    support[SUPPORT_SIZE] = np.full(NUM_TASKS, rows - 1, np.int32)
    parts = {ending: _with_first(values) for ending, values in encoded[SUPPORT_X].items()}
    return support, {**encoded, SUPPORT_X: parts}


def _with_first(values: np.ndarray) -> np.ndarray:
    return np.concatenate([values, values[:, :1]], 1)


def _task_responses(served: TaskFunctions) -> Callable[[Any, Nudge], list[np.ndarray]]:
    """For `well_conditioned`: the task states and answers of a draw."""

    @functools.partial(tf.function, autograph=False)  # many calls, of many steps each
    def respond_one(x: tf.Tensor, y: tf.Tensor, query_x: tf.Tensor) -> Any:
        state = served.learner.adapt(x, y)
        return state, served.answer(served.answered(state, query_x))

    def respond(drawn: Any, nudge: Nudge) -> list[np.ndarray]:
        support, query, _ = drawn
        nudge = _unless_ids(served, nudge)
        support_x, query_x = nudge(support[SUPPORT_X]), nudge(query[QUERY_X])
        tasks = zip(support_x, support[SUPPORT_Y], query_x, strict=True)
        every = [respond_one(*map(tf.constant, task)) for task in tasks]
        return [tensor.numpy() for tensor in tf.nest.flatten(every)]

    return respond


def _unless_ids(served: ServedFunctions, nudge: Nudge) -> Nudge:
    """The nudge; for ids, which rounding can't change, what changes nothing."""
    return (lambda x: x) if served.options.input_format.are_ids else nudge


def _draw(served: TaskFunctions, seed: int) -> tuple[Tensors, Tensors, Encoded]:
    """Random support sets and queries, and the same as they are encoded."""
    learner = served.learner
    rng, are_values = np.random.default_rng(seed), learner.target_kind.are_values
    ways = 1 if are_values else learner.num_outputs or NUM_WAYS
    shots = 10 if are_values else NUM_SHOTS
    support_x, encoded_support = _examples(served, rng, ways * shots)
    query_x, encoded_queries = _examples(served, rng, NUM_QUERIES)
    if are_values:
        support_y = learner.drawn_targets(rng, (NUM_TASKS, shots))
    else:
        support_y = np.tile(np.repeat(np.arange(ways, dtype=np.int32), shots), (NUM_TASKS, 1))
    support = {SUPPORT_X: support_x, SUPPORT_Y: support_y}
    encoded = {SUPPORT_X: encoded_support, QUERY_X: encoded_queries}
    return support, {QUERY_X: query_x}, encoded


def _adapted_requests(served: AdaptedFunctions) -> tuple[Requests, float]:
    """For a model that has its support set baked in."""
    learner, state = served.learner, served.state

    def answer(x: np.ndarray) -> Tensors:
        return _numpy(served.answer(served.answered(state, tf.constant(x))))

    def draw(seed: int) -> tuple[np.ndarray, Parts]:
        x, encoded = _examples(served, np.random.default_rng(seed), NUM_QUERIES)
        return x[0], {ending: values[0] for ending, values in encoded.items()}

    def respond(drawn: Any, nudge: Nudge) -> list[np.ndarray]:
        return list(answer(_unless_ids(served, nudge)(drawn[0])).values())

    (x, encoded), tolerance = well_conditioned(draw, respond)
    support = support_of(learner, served.options)
    answers = _numpy(served.answer(_checked_answer(served, state, support, x, tolerance)))
    requests = {each.name: ({X: x}, answers) for each in served.kind.signatures}
    return _with_encoded(requests, {X: encoded}, served.options.input_format), tolerance


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


def _examples(
    served: ServedFunctions, rng: np.random.Generator, number: int
) -> tuple[np.ndarray, Parts]:
    """Random examples `(tasks, number, ...)`, and as they are encoded, if they are."""
    learner, input_format = served.learner, served.options.input_format
    shape = (NUM_TASKS, number, *learner.function.input_shape[1:])

    def draw_numbers() -> np.ndarray:
        # Above the middle, which is not negative, for networks that take ids.
        return unscaled(learner.network, 2 * np.abs(rng.normal(size=shape)))

    encoded = input_format.draw_inputs(rng, (NUM_TASKS, number), draw_numbers)
    if encoded:
        inputs = {SUPPORT_X + ending: tf.constant(each) for ending, each in encoded.items()}
        return input_format.prepare_inputs(inputs, name=SUPPORT_X).numpy(), encoded
    return draw_numbers(), {}


def _with_encoded(requests: Requests, encoded: Encoded, input_format: InputFormat) -> Requests:
    """The requests, and if there are encoded examples also the same with those."""
    every = dict(requests)
    for name, (inputs, outputs) in requests.items() if input_format.suffix else ():
        as_encoded: Tensors = {}
        for key, value in inputs.items():
            parts = encoded.get(key, {"": value})
            as_encoded |= {key + ending: part for ending, part in parts.items()}
        every[name + input_format.suffix] = (as_encoded, outputs)
    return every


def _numpy(outputs: dict[str, tf.Tensor]) -> Tensors:
    return {name: value.numpy() for name, value in outputs.items()}
