"""What an evaluation found, with its protocol."""

import math
from dataclasses import dataclass
from typing import Any

from tfmeta.episodes.episode_shape import in_words
from tfmeta.episodes.target_kind import ACTIONS, CLASSES, VALUES, kind_in
from tfmeta.errors import counted
from tfmeta.evaluation.facts import Facts

_FEWEST_HELD = 0.85  # of the targets, in 90% intervals that are wide enough


@dataclass(frozen=True)
class Result(Facts):
    """An accuracy or an error, with its protocol. `str(result)` says it in sentences.

    Attributes:
        facts: what `tfmeta evaluate --json` prints.
        not_recorded: why the result is not in the run's results.json; None if it is.
        checkpoint: which of the run's was asked for: "best" or "last"; `step` of the facts says of
            which step it is.
    """

    not_recorded: str | None = None
    checkpoint: str | None = None

    @property
    def accuracy(self) -> float | None:
        """The share of the queries that were answered rightly, from 0 to 1; None for values."""
        return self.facts.get("accuracy")

    @property
    def mse(self) -> float | None:
        """The mean squared error in the user's unit; None for classes."""
        return self.facts.get("mse")

    @property
    def ci95(self) -> float | None:
        """Half of the 95% interval over the tasks; None for one task."""
        return self.facts["ci95"]

    def lines(self) -> list[str]:
        return self.sentences()

    def sentences(self) -> list[str]:
        """The number with its protocol, the number after each inner step, and the episodes."""
        facts = self.facts
        shown = self._score()
        curve = zip(facts["adaptation_steps"], facts["adaptation_curve"], strict=True)
        by_step = ", ".join(f"{step}: {value:.3f}" for step, value in curve)
        adaptation = [f"after so many inner steps: {by_step}"] if "," in by_step else []
        tasks = counted(facts["num_tasks"], "task")
        if facts["ci95"] is not None:
            shown += " (95%)"
        protocol = (
            f"{shown}  {in_words(facts, kind=kind_in(facts))}, {facts['mode']}, "
            f"{tasks} of the {facts['split']} split of {facts['pipeline']}"
        )
        held = []
        if "coverage90" in facts:
            share = facts["coverage90"]
            narrow = ", which are too narrow" if share < _FEWEST_HELD else ""
            held = [f"{100 * share:.1f}% of the targets are within 90% intervals{narrow}"]
        episodes = f"episodes {facts['episodes_sha256'][:16]}, seed {facts['seed']}"
        if self.checkpoint is not None:
            episodes += f"; {self.checkpoint} checkpoint, of step {facts['step']}"
        return [protocol, *held, *adaptation, episodes, *self._baselines()]

    def _baselines(self) -> list[str]:
        """Each baseline with the paired difference, and whether the learner beats them all."""
        facts, lines = self.facts, []
        rows = facts.get("baselines", [])
        metric = kind_in(facts).metric
        unit, scale = ("%", 100.0) if metric == CLASSES.metric else ("", 1.0)
        for row in rows:
            score = scale * row[metric]
            interval = _within(row["difference_ci95"], ".2g", scale)
            lines.append(
                f"beside it  {row['name']} {score:.4g}{unit}, "
                f"difference {scale * row['difference']:+.4g}{interval}"
            )
        if rows and facts["ci95"] is None:
            lines.append("one task has no interval, and does not say what the learner beats")
        elif rows and (names := not_beaten(facts)):
            lines.append(f"the learner does NOT beat: {'; '.join(names)}")
        return lines

    def _score(self) -> str:
        """The metric with its interval."""
        facts, kind = self.facts, kind_in(self.facts)
        if kind == VALUES:
            return f"mean squared error {self._error()}"
        if kind == ACTIONS:
            return f"return {facts['return']:.6g}{_within(facts['ci95'], '.3g')}"
        return f"accuracy {100 * facts['accuracy']:.2f}%{_within(facts['ci95'], '.2f', 100)}"

    def _error(self) -> str:
        """The error in the user's unit, and for scaled targets as a share of their variance."""
        facts = self.facts
        root = math.sqrt(facts["mse"])
        shown = f"{facts['mse']:.6g}{_within(facts['ci95'], '.3g')}, its root {root:.4g}"
        if facts.get("target_spread") is None:
            return shown
        scaled = f"{facts['mse_scaled']:.4g}{_within(facts['ci95_scaled'], '.3g')}"
        return f"{shown}, {scaled} of their variance"


def _within(ci95: float | None, digits: str, scale: float = 1.0) -> str:
    """Half of an interval, as it stands behind a number; nothing if there is none."""
    return "" if ci95 is None else f" +- {scale * ci95:{digits}}"


def not_beaten(facts: dict[str, Any]) -> list[str]:
    """Names of the baselines that the learner is not surely better than."""
    sign = kind_in(facts).sign
    return [
        each["name"]
        for each in facts["baselines"]
        if each["difference_ci95"] is None
        or sign * each["difference"] - each["difference_ci95"] <= 0
    ]
