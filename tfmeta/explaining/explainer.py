"""Explains a learner's answers on one support set."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta.confidence import Confidence
from tfmeta.explaining import explanation as parts_of
from tfmeta.explaining.effects import input_effects, support_examples
from tfmeta.explaining.explanation import Explanation
from tfmeta.explaining.left_out_examples import answers_without, can_do_without, copies
from tfmeta.explaining.question import Question, question_of
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.learners.support_parts import SupportParts
from tfmeta.learners.task_inputs import as_examples, as_targets
from tfmeta.reading.example_reader import Examples, Place, SupportSet
from tfmeta.reading.input_format import InputFormat
from tfmeta.reading.support_arrays import prepared

_MOST_AT_ONCE = 256  # inputs with a hidden part that are answered in one call
_MOST_BYTES = 64 * 2**20  # of them


class Explainer:
    """What a learner's answers rest on, after it has adapted to a support set.

    Every number comes from the learner's own `adapt` and `predict_with`.

    Args:
        learner: any MetaLearner.
        input_format: of its examples.
        support: the support set.
        on_progress: called with the number of adaptations done, and of all, where it takes many.
        prepare: makes of examples what the network takes; None is the format's own way.
    """

    def __init__(
        self,
        learner: MetaLearner,
        input_format: InputFormat,
        support: SupportSet,
        *,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
        prepare: Callable[[Any], Any] | None = None,
    ):
        self._learner, self._format, self._support = learner, input_format, support
        self._on_progress, self._prepare = on_progress, prepare
        support_x = self._prepared(support.x, "the support set")
        self._x = as_examples(learner, support_x, name="support_x")
        self._y = as_targets(learner, support.y, name="support_y")
        self._state = learner.adapt(self._x, self._y)
        self._change = learner.inner_change(self._x, self._y)
        self._background = np.asarray(self._x).mean(0)
        self._same = copies(self._x)
        self._groups = copies(self._x, self._y)

    @property
    def facts(self) -> dict[str, Any]:
        """The method, and the shapes of what it keeps of the support set."""
        return {"method": self._learner.method_name, "task_state": _shapes(self._state)}

    @property
    def support_pictures(self) -> np.ndarray | None:
        """`(support, height, width, 1 or 3)`, from 0 to 1; None if the examples are none."""
        if not self._format.has_pictures:
            return None
        return np.asarray(self._format.pictures(np.asarray(self._x)))

    def explain(
        self, places: Sequence[Place], queries: Examples, of: str | int | None = None
    ) -> list[Explanation]:
        """An Explanation of each query; each is answered alone.

        Args:
            places: where the queries come from.
            queries: as their reader returned them.
            of: see `question_of`.

        Raises:
            UserError: if the support set has no such class, or a query is refused.
        """
        x = self._prepared(queries, "a query")
        x = as_examples(self._learner, x, name="query_x")
        outputs = self._answers(self._state, x)
        names = self._support.class_names
        questions = [question_of(each, names, of) for each in outputs]
        left_out = None if self._parts(x[:1]) is not None else self._left_out(x)
        return [
            Explanation(
                place=place,
                question=question,
                answer=self._answer(outputs[n]),
                score=float(question.scores(outputs[n])),
                support=self._of_support(
                    question, x[n : n + 1], outputs[n], None if left_out is None else left_out[:, n]
                ),
                input=self._of_input(question, queries[n], x[n], outputs[n]),
                adaptation=self._of_adaptation(question, x[n : n + 1]),
            )
            for n, (place, question) in enumerate(zip(places, questions, strict=True))
        ]

    def _prepared(self, examples: Examples, name: str) -> Any:
        if self._prepare is not None:
            return self._prepare(examples)
        return prepared(self._format, examples, name)

    def _answers(self, state: Any, x: Any) -> np.ndarray:
        """Outputs `(queries, outputs)`; in the transductive mode each query is answered alone."""
        most = max(1, _MOST_BYTES // max(1, int(np.prod(x.shape[1:])) * x.dtype.size))
        most = 1 if self._learner.transductive else min(_MOST_AT_ONCE, most)
        calls = (x[start : start + most] for start in range(0, len(x), most))
        return np.concatenate([self._learner.predict_with(state, part).numpy() for part in calls])

    def _answer(self, outputs: np.ndarray) -> Any:
        names = self._support.class_names
        if names is None:
            return [float(value) for value in outputs]
        probabilities = Confidence().probabilities(tf.constant(outputs[: len(names)])).numpy()
        return dict(zip(names, map(float, probabilities), strict=True))

    # The support set, whose features a frozen network makes once

    @cached_property
    def _encoded(self) -> tuple[Any, Any]:
        return self._learner.encoded(self._x), self._y

    def _parts(self, x: Any) -> SupportParts | None:
        """The answer to one query `(1, ...)` as a sum over the support set, if it is one."""
        return self._learner.task_learner().support_parts(*self._encoded, self._learner.encoded(x))

    def _left_out(self, x: Any) -> np.ndarray:
        """The outputs without each group of copies `(groups, queries, outputs)`; NaN for none."""
        learner, y = self._learner.task_learner(), np.asarray(self._y)
        encoded = self._learner.encoded(x)
        number = learner.num_outputs
        possible = [n for n, rows in enumerate(self._groups) if can_do_without(number, y, rows)]
        groups = [self._groups[n] for n in possible]
        sets = [encoded]
        if self._learner.transductive:
            sets = [encoded[n : n + 1] for n in range(len(x))]
        found: list[Any] = []
        for number, each in enumerate(sets if groups else []):

            def advance(done: int, total: int, number: int = number) -> None:
                self._on_progress(number * total + done, len(sets) * total)

            found.append(answers_without(learner, self._encoded, each, groups, advance))
        answers = np.concatenate(found, 1) if found else np.zeros((0, len(x), 1))
        every = np.full((len(self._groups), *answers.shape[1:]), np.nan)
        every[possible] = answers
        return every

    def _of_support(
        self, question: Question, x: Any, outputs: np.ndarray, left_out: np.ndarray | None
    ) -> parts_of.SupportEffects:
        sums = self._parts(x)
        if sums is None:
            assert left_out is not None
            lost = question.scores(outputs) - question.scores(left_out)
            effects = np.empty(len(self._y))
            for rows, effect in zip(self._groups, lost, strict=True):
                effects[rows] = effect
            examples = self._examples(x, effects)
            return parts_of.SupportEffects(parts_of.LEFT_OUT, question.unit, examples)
        effects = question.lead(sums.parts[0])
        weights, measures = question.lead(sums.weights[0]), np.asarray(sums.measures[0])
        rest = float(question.lead(sums.rest[0]))
        of = question.name
        if question.rival_name is not None:
            of = f"the {sums.of} of {question.name} less that of {question.rival_name}"
        return parts_of.SupportEffects(
            parts_of.SUM,
            of,
            self._examples(x, effects, (weights, measures)),
            total=float(effects.sum() + rest),
            rest=rest,
            measure=sums.measure,
        )

    def _examples(
        self, x: Any, effects: np.ndarray, weights_and_measures: tuple[Any, Any] | None = None
    ) -> list[parts_of.SupportExample]:
        return support_examples(
            self._support,
            np.asarray(self._x),
            np.asarray(x[0]),
            effects,
            self._same,
            weights_and_measures,
        )

    # The input

    def _of_input(
        self, question: Question, query: Any, x: Any, outputs: np.ndarray
    ) -> parts_of.InputEffects:
        x = np.asarray(x)
        parts = self._format.parts(query, x, self._background)
        hidden = as_examples(self._learner, parts.hidden, name="query_x")
        answers = self._answers(self._state, hidden) if len(hidden) else np.empty((0, len(outputs)))
        scores = float(question.scores(outputs)), question.scores(answers)
        return input_effects(self._format, parts, x, scores)

    # The weights

    def _of_adaptation(self, question: Question, x: Any) -> parts_of.AdaptationEffects | None:
        change = self._change
        if change is None:
            return None

        def score(layers: Any) -> float:
            state = change.with_changed(set(layers))
            return float(question.scores(self._answers(state, x)[0]))

        layers = change.layers()
        every = range(len(layers))
        head = {n for n in every if layers[n].is_head}
        after, whole = score(every), sum(each.moved**2 for each in layers) or 1.0
        return parts_of.AdaptationEffects(
            [
                parts_of.LayerEffect(
                    name=each.name,
                    is_head=each.is_head,
                    num_weights=each.num_weights,
                    change=each.moved / each.size if each.size else None,
                    share=each.moved**2 / whole,
                    effect=after - score(set(every) - {n}),
                )
                for n, each in enumerate(layers)
            ],
            before=score(()),
            features_only=score(set(every) - head),
            head_only=score(head),
            after=after,
        )


def _shapes(state: Any, name: str = "") -> dict[str, list[int]]:
    """The shape of each tensor of a task state, by its name."""
    if not isinstance(state, dict):
        return {name: list(state.shape)}
    found: dict[str, list[int]] = {}
    for key, each in state.items():
        found |= _shapes(each, f"{name}/{key}" if name else str(key))
    return found
