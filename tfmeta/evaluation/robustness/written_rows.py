"""Rows of a test of robustness as people read them. Imports no TensorFlow."""

from typing import Any

from tfmeta.evaluation.written import written_difference, written_score


def columns(metric: str) -> tuple[str, ...]:
    """The headings of `cells`."""
    return ("condition", metric, "difference", "ece", "unknown")


def cells(metric: str, row: dict[str, Any]) -> tuple[str, ...]:
    """A row: a star marks a difference that holds.

    Args:
        metric: "accuracy" or "mse".
        row: see `Tested`.
    """
    difference = ""
    if row.get("difference") is not None:
        difference = f"{written_difference(metric, row)} {'*' if row['holds'] else ' '}"
    auroc = row.get("unknown_auroc")
    return (
        condition_of(row),
        written_score(metric, row[metric], row["ci95"]),
        difference,
        f"{row['ece']:.3f}" if "ece" in row else "",
        "" if auroc is None else f"{auroc:.3f}",
    )


def condition_of(row: dict[str, Any]) -> str:
    """The name, what is changed where that may be either, and the severity."""
    parts = (curve_of(row), row["severity"] or "")
    return " ".join(str(each) for each in parts if each)


def curve_of(row: dict[str, Any]) -> str:
    """What the severities of one change have in common: its name, and for attacks what it hits."""
    is_attack = row["name"] in ("fgsm", "pgd")
    return f"{row['name']} {row['part']}" if is_attack else str(row["name"])


def strengths(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """For each change what it hits and how strong its severities are."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["severity"]:
            found.setdefault(row["name"], []).append(row)
    return [(name, _strengths(each)) for name, each in found.items()]


def _strengths(rows: list[dict[str, Any]]) -> str:
    parts = " or ".join(dict.fromkeys(row["part"] for row in rows))
    each = dict.fromkeys(row["strength"] for row in rows)
    numbers = [strength.partition(" ")[0] for strength in each]
    units = {strength.partition(" ")[2] for strength in each}
    unit = units.pop() if len(units) == 1 else ""
    said = f"{', '.join(numbers)} {unit}" if unit else "; ".join(each)
    return f"{parts}: {said}"


def explained(facts: dict[str, Any]) -> str:
    """What the columns mean, and the protocol that they share."""
    number = sum("difference" in row for row in facts["conditions"])
    said = (
        "Differences are to the clean episodes, with 95% intervals; a star marks those that hold: "
        f"p is less than 5% after Holm's correction for {number}. "
    )
    if any("ece" in row for row in facts["conditions"]):
        said += f"ece is the expected calibration error of {_confidence(facts['confidence'])}. "
    if any(row.get("unknown_auroc") is not None for row in facts["conditions"]):
        said += (
            "unknown is how often a query of a class that is not in the task, one of the task "
            "before, has a higher unknown score than one of the task's own (AUROC). "
        )
    return f"{said}Seed {facts['seed']}."


def _confidence(confidence: dict[str, Any]) -> str:
    if confidence["fitted_on"] is None:
        return f"the softmax as it is, without calibration: {confidence['why']}"
    return (
        f"probabilities after calibration on {confidence['num_tasks']} tasks of the "
        f"{confidence['fitted_on']} split"
    )
