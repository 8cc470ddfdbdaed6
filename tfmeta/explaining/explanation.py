"""What an explanation consists of, and its JSON."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tfmeta.episodes.target_kind import TargetKind
from tfmeta.errors import UserError
from tfmeta.explaining.question import Question
from tfmeta.reading.example_parts import Box
from tfmeta.reading.example_reader import Place
from tfmeta.terminal import UNLIMITED
from tfmeta.user_files import AnyPath

SUM, LEFT_OUT = "sum", "leave-one-out"


def check_explainable(kind: TargetKind, model: Path) -> None:
    """Raises UserError for a policy: left out alone, a step tears its trajectory apart."""
    if not kind.are_right_answers:
        raise UserError(
            f"{model} answers with {kind.name}; expected classes or values. What a policy makes of "
            "its trajectories is shown by tfmeta evaluate and tfmeta report"
        )


@dataclass(frozen=True)
class SupportExample:
    """What one support example does to the answer.

    Attributes:
        place: where it comes from.
        label: the name of its class, or its target.
        effect: above zero if it speaks for the explained class, or raises the value; None if it
            can't be said.
        weight: the factor of `measure` in `effect`, if the answer is a sum over the support set.
        measure: how the method compares it with the query, in its own terms.
        copies: where else the support set has the same example with the same target.
        contradicted_by: where it has the same example with another target.
        is_query: whether the query is the same to the bit.
    """

    place: Place
    label: str | list[float]
    effect: float | None
    weight: float | None = None
    measure: float | None = None
    copies: tuple[Place, ...] = ()
    contradicted_by: tuple[Place, ...] = ()
    is_query: bool = False

    def to_dict(self, measure: str | None) -> dict[str, Any]:
        """The JSON of it; `measure` is the name of that."""
        facts = {**self.place.to_dict(), "label": self.label, "effect": self.effect}
        if measure is not None:
            facts |= {"weight": self.weight, measure.replace(" ", "_"): self.measure}
        same = {"copies": self.copies, "contradicted_by": self.contradicted_by}
        facts |= {name: [str(place) for place in places] for name, places in same.items() if places}
        return {**facts, "is_query": True} if self.is_query else facts


@dataclass(frozen=True)
class SupportEffects:
    """What the support examples do to the answer.

    Attributes:
        method: "sum" if the answer is a sum over the support set, whose parts the effects are;
            "leave-one-out" if each is what the score loses when the learner adapts without the
            example and its copies.
        of: what the effects are parts of, in words.
        total: of all effects and of `rest`; None for "leave-one-out".
        rest: what is there before any example; None for "leave-one-out".
        measure: the name of what `SupportExample.measure` is; None if there is none.
        examples: in the order of the support set.
    """

    method: str
    of: str
    examples: Sequence[SupportExample]
    total: float | None = None
    rest: float | None = None
    measure: str | None = None

    @property
    def strongest(self) -> list[SupportExample]:
        """The examples whose effect is known, those that speak most for the answer first."""
        known = [each for each in self.examples if each.effect is not None]
        return sorted(known, key=lambda each: -(each.effect or 0.0))

    def joint_effect(self, row: int) -> float | None:
        """The effect of an example and of its copies together."""
        example = self.examples[row]
        if example.effect is None or self.method == LEFT_OUT:  # copies are left out together
            return example.effect
        same = [each for each in self.examples if each.place in example.copies]
        return example.effect + sum(each.effect or 0.0 for each in same)

    def to_dict(self) -> dict[str, Any]:
        """The JSON of it."""
        sums = {} if self.total is None else {"total": self.total, "rest": self.rest}
        return {
            "method": self.method,
            "of": self.of,
            **sums,
            "examples": [each.to_dict(self.measure) for each in self.examples],
        }


@dataclass(frozen=True)
class InputEffects:
    """What the parts of the query do to the answer.

    Attributes:
        names: of the parts.
        effects: `(parts,)`, what the score loses when the part is hidden.
        boxes: of a picture's parts: first and last row, first and last column.
        picture: of a picture: the query `(height, width, 1 or 3)`, from 0 to 1.
        heat: of a picture: `(height, width)`, the mean effect of the parts over each place.
        replaced_by: what stands in place of a hidden part.
        axes: see `InputFormat.picture_axes`.
    """

    names: Sequence[str]
    effects: np.ndarray
    boxes: Sequence[Box] | None = None
    picture: np.ndarray | None = None
    heat: np.ndarray | None = None
    replaced_by: str = "the mean of the support"
    axes: tuple[str, str] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON of it."""
        boxes: Sequence[Any] = self.boxes or [None] * len(self.names)
        parts = [
            {"part": name, **({} if box is None else {"box": list(box)}), "effect": float(effect)}
            for name, effect, box in zip(self.names, self.effects, boxes, strict=True)
        ]
        return {"method": "occlusion", "replaced_by": self.replaced_by, "parts": parts}


@dataclass(frozen=True)
class LayerEffect:
    """What the change of one layer does to the answer.

    Attributes:
        name: of the layer.
        is_head: whether it is the last layer that has weights.
        num_weights: that the inner steps may change.
        change: the length of the change over the length of these weights before; None if that is 0.
        share: of the layer in the squared length of the whole change.
        effect: what the score loses when this layer alone is put back.
    """

    name: str
    is_head: bool
    num_weights: int
    change: float | None
    share: float
    effect: float


@dataclass(frozen=True)
class AdaptationEffects:
    """What the inner steps changed, and which part of that the answer rests on.

    Attributes:
        layers: in the network's order.
        before: the score before the first step.
        features_only: the score if all layers but the head are as after the last step.
        head_only: the score if the head alone is as after the last step.
        after: the score after the last step.
    """

    layers: Sequence[LayerEffect]
    before: float
    features_only: float
    head_only: float
    after: float

    def to_dict(self) -> dict[str, Any]:
        """The JSON of it."""
        scores = ("before", "features_only", "head_only", "after")
        return {
            **{name: getattr(self, name) for name in scores},
            "layers": [vars(each) for each in self.layers],
        }


@dataclass(frozen=True)
class Explanation:
    """Why the learner answers one query as it does.

    Attributes:
        place: where the query comes from.
        question: what is explained.
        answer: as `tfmeta predict` gives it, without `unknown`: `{class: probability}`, or a list
            of values.
        score: the log-odds of the explained class, or the value.
        support: what the support examples do to it; None if an export has them baked in.
        input: what the parts of the query do to it.
        adaptation: what the inner steps do to it; None if the method takes none, or for an export.
    """

    place: Place
    question: Question
    answer: dict[str, float] | list[float]
    score: float
    support: SupportEffects | None
    input: InputEffects
    adaptation: AdaptationEffects | None

    def to_dict(self) -> dict[str, Any]:
        """The JSON of it."""
        question = self.question
        if isinstance(self.answer, dict):
            label, _ = max(self.answer.items(), key=lambda pair: pair[1])
            answer: dict[str, Any] = {"label": label, "probabilities": self.answer}
            answer["rival"] = question.rival_name
        else:
            answer = {"prediction": self.answer}
        return {
            **self.place.to_dict(),
            **answer,
            "explained": question.name,
            "score": self.score,
            "support": None if self.support is None else self.support.to_dict(),
            "input": self.input.to_dict(),
            "adaptation": None if self.adaptation is None else self.adaptation.to_dict(),
        }


@dataclass(frozen=True)
class Explanations:
    """What `tfmeta.explain` returns. `str` of it is the text that `tfmeta explain` prints.

    Every number comes from the learner's own `adapt` and `predict_with`, or from what an export
    answers, which holds no parts: then the third of these is missing, and the first is always what
    the answer loses.

    - What each support example adds, where the answer is a sum over the support set. Elsewhere what
      the answer loses when the learner adapts without the example.
    - What the answer loses when a part of the query is hidden: places of a picture or of a
      spectrogram, words, columns (occlusion; Zeiler and Fergus 2014,
      https://arxiv.org/abs/1311.2901, section 4.2). What stands in place of a part is the mean of
      the support set there; a word is left out.
    - How much the inner steps change each layer, and the answer with the changed features alone and
      with the changed head alone (the question of Raghu et al. 2020,
      https://arxiv.org/abs/1909.09157).

    Attributes:
        facts: the model, and what holds for all queries.
        support_pictures: `(support, height, width, 1 or 3)`, from 0 to 1; None if they are none.
        of_queries: one Explanation for each query, in their order.
    """

    facts: dict[str, Any]
    of_queries: Sequence[Explanation]
    support_pictures: np.ndarray | None = field(default=None, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """What `tfmeta explain --json` prints."""
        return {**self.facts, "queries": [each.to_dict() for each in self.of_queries]}

    def lines(self, width: int = UNLIMITED) -> list[str]:
        """What `tfmeta explain` prints, in lines of so many characters."""
        from tfmeta.explaining.explanation_lines import lines_of

        return lines_of(self, width)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def write_pictures(self, output: AnyPath) -> list[Path]:
        """Draws a picture of each explanation, which needs Matplotlib.

        Args:
            output: a new folder, or for one query a file that ends in .png.

        Returns:
            The files, in the order of the queries.

        Raises:
            UserError: if there is something else, or Matplotlib is missing.
        """
        from tfmeta.explaining.explanation_files import check_place, write_pictures

        return write_pictures(self, check_place(output, len(self.of_queries)))
