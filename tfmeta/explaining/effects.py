"""Effects of support examples and of parts of the input, whoever answers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfmeta.explaining.explanation import InputEffects, SupportExample
from tfmeta.reading.example_parts import ExampleParts
from tfmeta.reading.example_reader import SupportSet
from tfmeta.reading.input_format import InputFormat


def support_examples(
    support: SupportSet,
    support_x: np.ndarray,
    query: np.ndarray,
    effects: np.ndarray,
    same: Sequence[np.ndarray],
    weights_and_measures: tuple[Any, Any] | None = None,
) -> list[SupportExample]:
    """What each support example does, with what is the same as it.

    Args:
        support: the support set.
        support_x: its examples, prepared.
        query: one, prepared.
        effects: `(support,)`; NaN for what can't be said.
        same: the places of examples that are the same, see `left_out_examples.copies`.
        weights_and_measures: `(support,)` each, of an answer that is a sum; None for others.
    """
    places, content = support.places, query.tobytes()
    weights, measures = weights_and_measures or (None, None)
    found: list[Any] = [None] * len(places)
    for rows in same:
        is_query = support_x[rows[0]].tobytes() == content
        for row in rows:
            alike = [n for n in rows if n != row]
            equal = [n for n in alike if np.array_equal(support.y[n], support.y[row])]
            found[row] = SupportExample(
                place=places[row],
                label=_label(support, row),
                effect=float(effects[row]) if np.isfinite(effects[row]) else None,
                weight=None if weights is None else float(weights[row]),
                measure=None if measures is None else float(measures[row]),
                copies=tuple(places[n] for n in equal),
                contradicted_by=tuple(places[n] for n in alike if n not in equal),
                is_query=is_query,
            )
    return found


def _label(support: SupportSet, row: int) -> str | list[float]:
    if support.class_names is None:
        return [float(value) for value in support.y[row]]
    return support.class_names[int(support.y[row])]


def input_effects(
    input_format: InputFormat,
    parts: ExampleParts,
    x: np.ndarray,
    scores: tuple[float, np.ndarray],
) -> InputEffects:
    """What the score loses when a part of a query is hidden.

    Args:
        input_format: of the query.
        parts: of it.
        x: the query, prepared.
        scores: of the query, and `(parts,)` of the query with each part hidden.
    """
    effects = scores[0] - scores[1]
    if parts.boxes is None:
        return InputEffects(parts.names, effects)
    heat = input_format.as_seen(parts.spread(effects)[..., np.newaxis])[..., 0]
    picture = np.asarray(input_format.pictures(x))
    axes = input_format.picture_axes
    return InputEffects(parts.names, effects, parts.boxes, picture, heat, axes=axes)
