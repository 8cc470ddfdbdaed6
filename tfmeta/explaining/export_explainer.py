"""Explains the answers of an export, which has no parts: from its answers alone."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tfmeta.errors import UserError
from tfmeta.explaining.effects import input_effects, support_examples
from tfmeta.explaining.explanation import LEFT_OUT, Explanation, SupportEffects
from tfmeta.explaining.left_out_examples import can_do_without, copies
from tfmeta.explaining.question import Question, question_of
from tfmeta.reading.example_reader import Examples, Place, SupportSet
from tfmeta.reading.input_format import InputFormat
from tfmeta.reading.support_arrays import prepared

# Several of: (prepared queries `(queries, ...)`, for each answer the support examples that it is
# without) -> for each `(answers, queries, outputs)`, probabilities or values
Ask = Callable[[Sequence[tuple[np.ndarray, Sequence[Any]]]], Sequence[np.ndarray]]
_SMALLEST = float(np.finfo(np.float32).tiny)  # a probability of 0 has no logarithm


class ExportExplainer:
    """What the answers of a served model rest on, without a look inside.

    Args:
        ask: what asks it.
        input_format: of its examples.
        support: the support set, its x prepared; None if it is baked in.
        class_names: of the answers; None if they are values.
        num_outputs: the number of columns of an answer, whatever the support set; None if it has
            one for each of its classes.
    """

    def __init__(
        self,
        ask: Ask,
        input_format: InputFormat,
        support: SupportSet | None,
        *,
        class_names: Sequence[str] | None,
        num_outputs: int | None,
    ):
        self._ask, self._format = ask, input_format
        self._names, self._num_outputs = class_names, num_outputs
        self._support, self._x, self._groups = support, np.empty(0), list[np.ndarray]()
        if support is not None:
            self._x = np.asarray(support.x)
            self._groups, self._copies = copies(self._x, support.y), copies(self._x)

    @property
    def support_pictures(self) -> np.ndarray | None:
        """See `Explainer`; None too if the support set is baked in."""
        if self._support is None or not self._format.has_pictures:
            return None
        return np.asarray(self._format.pictures(self._x))

    def explain(
        self, places: Sequence[Place], queries: Examples, of: str | int | None = None
    ) -> list[Explanation]:
        """See `Explainer.explain`."""
        x = np.asarray(prepared(self._format, queries, "a query"))
        backgrounds = self._backgrounds(x)
        possible = self._possible()
        parts = [self._format.parts(queries[n], x[n], backgrounds[n]) for n in range(len(x))]
        hidden = [np.asarray(each.hidden, x.dtype).reshape(-1, *x.shape[1:]) for each in parts]
        groups = [[], *(self._groups[n] for n in possible)]
        # Asked once for all queries, because each time the model is loaded.
        (outputs, *without), (answers,) = self._answers(
            [(x, groups), (np.concatenate(hidden), [[]])]
        )
        questions = [question_of(each, self._names, of) for each in outputs]
        ends = np.cumsum([len(each) for each in hidden])
        found = []
        for n, (place, question) in enumerate(zip(places, questions, strict=True)):
            score = float(question.scores(outputs[n]))
            own = question.scores(answers[ends[n] - len(hidden[n]) : ends[n]])
            effects = input_effects(self._format, parts[n], x[n], (score, own))
            if self._support is None:
                whose = "the query" if x.ndim > 2 else "the queries"
                effects = replace(effects, replaced_by=f"the mean of {whose}")
            lost = {group: each[n] for group, each in zip(possible, without, strict=True)}
            found.append(
                Explanation(
                    place=place,
                    question=question,
                    answer=self._answer(outputs[n]),
                    score=score,
                    support=self._of_support(question, x[n], outputs[n], lost),
                    input=effects,
                    adaptation=None,
                )
            )
        return found

    def _answers(self, asked: Sequence[tuple[np.ndarray, Sequence[Any]]]) -> list[np.ndarray]:
        """Values, or logarithms of probabilities, which are logits too; for no query none."""
        some = iter(self._ask([each for each in asked if len(each[0])]))
        found = [next(some) if len(x) else np.zeros((len(groups), 0, 1)) for x, groups in asked]
        return found if self._names is None else [np.log(np.maximum(e, _SMALLEST)) for e in found]

    def _answer(self, outputs: np.ndarray) -> dict[str, float] | list[float]:
        if self._names is None:
            return [float(value) for value in outputs]
        probabilities = np.exp(outputs[: len(self._names)].astype(np.float64))
        probabilities /= probabilities.sum()
        return dict(zip(self._names, map(float, probabilities), strict=True))

    # The support set

    def _possible(self) -> list[int]:
        """The groups of copies that can be left out."""
        if self._support is None:
            return []
        y, number = np.asarray(self._support.y), self._num_outputs
        return [n for n, rows in enumerate(self._groups) if can_do_without(number, y, rows)]

    def _of_support(
        self, question: Question, x: np.ndarray, outputs: np.ndarray, lost: dict[int, Any]
    ) -> SupportEffects | None:
        if self._support is None:
            return None
        effects = np.full(len(self._support.y), np.nan)
        for group, answer in lost.items():
            effects[self._groups[group]] = question.scores(outputs) - question.scores(answer)
        examples = support_examples(self._support, self._x, x, effects, self._copies)
        return SupportEffects(LEFT_OUT, question.unit, examples)

    # What stands in place of a part

    def _backgrounds(self, x: np.ndarray) -> np.ndarray:
        """For each query `(queries, ...)`; without a support set only queries are at hand."""
        if self._support is not None:
            return np.broadcast_to(self._x.mean(0), x.shape)
        if x.ndim > 2:  # places of a picture or a spectrogram: those of the query
            own = x.mean(tuple(range(1, x.ndim - 1)), keepdims=True)
            return np.broadcast_to(own, x.shape)
        if len(x) == 1 and not self._format.are_ids:
            raise UserError(
                "received one query for an export that has its support set baked in; nothing says "
                "what is usual in place of its numbers. Give two queries or more, or explain the "
                "export of the kind learner with --support"
            )
        return np.broadcast_to(x.mean(0), x.shape)
