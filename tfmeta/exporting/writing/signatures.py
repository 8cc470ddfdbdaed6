"""The functions that a served model offers, each traced from `adapt` and `predict_with`.

Dimension 0 of everything is tasks (of an adapted model: examples), so that a server may batch.
Each kind of export is a class with `functions`, a dict of name -> (function, input specs), of which
one is the `default`; `encoded_inputs.with_bytes` adds the same for encoded images.
"""

from abc import ABC, abstractmethod

import tensorflow as tf

from tfmeta.confidence import Confidence
from tfmeta.errors import UserError
from tfmeta.exporting import task_state
from tfmeta.exporting.limits import RequestLimits
from tfmeta.exporting.writing.refusals import (
    checked_queries,
    checked_rows,
    checked_state,
    checked_support,
    finite_answer,
)
from tfmeta.learners.common_sizes import CommonSizes
from tfmeta.learners.execution import map_tasks
from tfmeta.networks import input_dtype


class TaskSignatures(ABC):
    """Of every kind that takes support sets: what one of them does, for each task of a request.

    A task state travels as named tensors, `weights_head_kernel` and the like, in every kind.

    Args:
        learner: a MetaLearner.
        padded: support sets may be padded to a common size; an input `support_size` `(tasks,)`
            says how many examples of each are its own.
        confidence: how logits become probabilities and a score for unknown queries.
        are_images: examples are pixels, from 0 to 1.
        limits: the most that a request may hold.
    """

    class_names = None

    def __init__(
        self,
        learner,
        *,
        padded=False,
        confidence: Confidence | None = None,
        are_images: bool = False,
        limits: RequestLimits | None = None,
    ):
        self._learner, self._is_regression = learner, learner.target_kind.are_values
        self._are_images, self.limits = are_images, limits or RequestLimits()
        self.padded, self.confidence = padded, confidence or Confidence()
        example = tuple(learner.function.input_shape[1:])
        dtype = input_dtype(learner.network)
        y_spec = ((learner.num_outputs,), tf.float32) if self._is_regression else ((), tf.int32)
        self._support_specs = {
            "support_x": tf.TensorSpec((None, None, *example), dtype, "support_x"),
            "support_y": tf.TensorSpec((None, None, *y_spec[0]), y_spec[1], "support_y"),
        }
        self._query_spec = tf.TensorSpec((None, None, *example), dtype, "query_x")
        one_task = [tf.TensorSpec(s.shape[1:], s.dtype) for s in self._support_specs.values()]
        if padded:
            self._support_specs["support_size"] = tf.TensorSpec((None,), tf.int32, "support_size")
        self._state_like = task_state.specification(learner.adapt, one_task)
        self._state_specs = {
            name: tf.TensorSpec((None, *spec.shape), spec.dtype, name)
            for name, spec in task_state.flatten(self._state_like).items()
        }

    @property
    @abstractmethod
    def functions(self) -> dict:
        """`{name: (function, input specs)}`."""

    @property
    def num_outputs(self) -> int | None:
        """How many classes (or values) it answers with; None: as many as it is shown."""
        return self._learner.num_outputs

    def adapt(self, **inputs):
        support, sizes = self._support(inputs)
        state = self._map(lambda s: task_state.flatten(self._adapt_one(s, sizes)), support)
        return finite_answer(state, inputs)

    def predict(self, query_x, **state):
        inputs = {"query_x": query_x, **state}
        query_x = self._queries(query_x)
        state = checked_state(state, num_tasks=tf.shape(query_x)[0])
        return finite_answer(self.answer(self._map(self._predict_one, (state, query_x))), inputs)

    def checked_first(self, inputs: dict) -> dict:
        """The inputs of a `_bytes` variant, once what needs no decoding of them is checked."""
        checked, num_tasks = dict(inputs), None
        if (x := inputs.get("support_x_bytes")) is not None:
            y, size = inputs["support_y"], inputs.get("support_size")
            x, y, size = checked_rows(x, y, size, name="support_x_bytes", **self._rows())
            checked |= {"support_x_bytes": x, "support_y": y}
            checked |= {} if size is None else {"support_size": size}
            num_tasks = tf.shape(x)[0]
        if (x := inputs.get("query_x_bytes")) is not None:
            x = self._queries(x, name="query_x_bytes", num_tasks=num_tasks)
            checked["query_x_bytes"] = x
        return checked

    def _queries(self, x, **options):
        return checked_queries(x, most=self.limits.queries, are_images=self._are_images, **options)

    def _rows(self):
        return {"num_classes": self._learner.num_outputs, "most_rows": self.limits.support_rows}

    def _predict_specs(self):
        return {**self._state_specs, "query_x": self._query_spec}

    def _support(self, support):
        """The checked support sets, and the sizes that their tasks have in common."""
        x, y, size = checked_support(
            support["support_x"],
            support["support_y"],
            support.get("support_size"),
            are_images=self._are_images,
            **self._rows(),
        )
        if size is None:
            return (x, y), CommonSizes.of(y)
        return (x, y, size), CommonSizes.of(y, num_examples=tf.shape(y)[1])

    def _adapt_one(self, support, sizes):
        x, y, *size = support
        if size:
            x, y = x[: size[0]], y[: size[0]]
        return sizes.given_to(self._learner.adapt)(x, y)

    def _predict_one(self, task):
        state, query_x = task
        return self._learner.predict_with(task_state.unflatten(state, self._state_like), query_x)

    def _map(self, function, elements):
        return map_tasks(function, elements, vectorised=False)

    flatten = staticmethod(task_state.flatten)

    def answer(self, outputs) -> dict:
        """The network's outputs as a response: probabilities and labels, or predictions."""
        if self._is_regression:
            return {"prediction": outputs}
        label = tf.argmax(outputs, -1, output_type=tf.int32)
        return _classification(outputs, label, self.confidence)


class LearnerSignatures(TaskSignatures):
    """`learner`: adapts to the support set that comes with the request. See `TaskSignatures`."""

    kind = "learner"
    default = "adapt_and_predict"

    @property
    def functions(self) -> dict:
        both = {**self._support_specs, "query_x": self._query_spec}
        return {
            "adapt_and_predict": (self.adapt_and_predict, both),
            "adapt": (self.adapt, self._support_specs),
            "predict": (self.predict, self._predict_specs()),
        }

    def adapt_and_predict(self, query_x, **support):
        inputs = {**support, "query_x": query_x}
        support, sizes = self._support(support)
        query_x = self._queries(query_x, num_tasks=tf.shape(support[0])[0])

        def answer_one(task):
            support, query_x = task
            return self._learner.predict_with(self._adapt_one(support, sizes), query_x)

        outputs = self._map(answer_one, (support, query_x))
        return finite_answer(self.answer(outputs), inputs)


class GeneratorSignatures(TaskSignatures):
    """`generator`: a support set becomes a task's weights. See `TaskSignatures`.

    Raises:
        UserError: if the learner's task state holds no weights.
    """

    kind = "generator"
    default = "generate"

    def __init__(self, learner, **options):
        super().__init__(learner, **options)
        if "weights" not in self._state_like:
            kinds = "--kind learner" if learner.transductive else "--kind learner or adapted"
            raise UserError(
                f"{type(learner).__name__} makes no weights for a task (it keeps "
                f"{', '.join(self._state_like)}), so it cannot be a generator; expected {kinds}"
            )

    @property
    def functions(self) -> dict:
        return {
            "generate": (self.adapt, self._support_specs),
            "predict": (self.predict, self._predict_specs()),
        }


class AdaptedSignatures:
    """`adapted`: one task's classes, its support set baked in.

    Args:
        learner: an inductive MetaLearner.
        state: the task state that `learner.adapt` returned.
        class_names: one a class, in the order of the labels; None for regression.
        confidence: how logits become probabilities and a score for unknown queries.
        are_images: examples are pixels, from 0 to 1.
        limits: the most that a request may hold.
    """

    kind = "adapted"
    default = "predict"
    padded = False

    def __init__(
        self,
        learner,
        state: dict,
        *,
        class_names: list[str] | None,
        confidence=None,
        are_images: bool = False,
        limits: RequestLimits | None = None,
    ):
        self._learner, self.class_names = learner, class_names
        self._are_images, self.limits = are_images, limits or RequestLimits()
        self.confidence = confidence or Confidence()
        example = tuple(learner.function.input_shape[1:])
        self._spec = tf.TensorSpec((None, *example), input_dtype(learner.network), "x")
        # Variables, so that the task's weights are in the weights file with all others.
        self.state = tf.nest.map_structure(lambda t: tf.Variable(t, trainable=False), state)

    @property
    def num_outputs(self) -> int:
        """How many classes (or values) it answers with."""
        return self._learner.num_outputs if self.class_names is None else len(self.class_names)

    @property
    def functions(self) -> dict:
        return {"predict": (self.predict, {"x": self._spec})}

    def predict(self, x):
        inputs = {"x": x}
        x = checked_queries(x, name="x", most=self.limits.queries, are_images=self._are_images)
        state = tf.nest.map_structure(tf.convert_to_tensor, self.state)
        return finite_answer(self.answer(self._learner.predict_with(state, x)), inputs)

    def checked_first(self, inputs: dict) -> dict:
        """As of `TaskSignatures`."""
        x = checked_queries(inputs["x_bytes"], name="x_bytes", most=self.limits.queries)
        return {"x_bytes": x}

    def answer(self, outputs) -> dict:
        """The network's outputs as a response: probabilities and class names, or predictions."""
        if self.class_names is None:
            return {"prediction": outputs}
        logits = outputs[:, : len(self.class_names)]
        label = tf.gather(tf.constant(self.class_names), tf.argmax(logits, -1))
        return _classification(logits, label, self.confidence)


def _classification(logits, label, confidence):
    return {
        "probabilities": confidence.probabilities(logits),
        "label": label,
        "unknown": confidence.unknown(logits),
    }
