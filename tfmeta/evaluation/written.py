"""Scores and differences as people read them. Imports no TensorFlow."""

from typing import Any

from tfmeta.episodes.target_kind import CLASSES

PLUS_MINUS = "+-"  # every terminal can show it


def written_score(metric: str, score: float, ci95: float | None = None) -> str:
    """A score, with half of its 95% interval if there is one.

    Args:
        metric: "accuracy", a fraction that is written in percent, "mse" or "return".
        score: of it.
        ci95: in the same unit.
    """
    if metric != CLASSES.metric:
        return f"{score:.4g}" if ci95 is None else f"{score:.4g} {PLUS_MINUS} {ci95:.2g}"
    if ci95 is None:
        return f"{100 * score:.1f}%"
    return f"{100 * score:.1f} {PLUS_MINUS} {100 * ci95:.1f}%"


def written_difference(metric: str, row: dict[str, Any]) -> str:
    """A paired difference, `difference` and `difference_ci95` of a row, with its sign."""
    difference, ci95 = row["difference"], row["difference_ci95"]
    if metric != CLASSES.metric:
        return f"{difference:+.4g} {PLUS_MINUS} {ci95:.2g}"
    return f"{100 * difference:+.2f} {PLUS_MINUS} {100 * ci95:.2f}%"
