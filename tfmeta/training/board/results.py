"""The result of an evaluation, beside the training that led to it."""

from typing import Any

from tfmeta.episodes.episode_shape import Range
from tfmeta.episodes.target_kind import kind_in
from tfmeta.evaluation.result import Result
from tfmeta.training.board.event_writer import EventWriter
from tfmeta.training.board.summaries import write_scalar, write_text
from tfmeta.training.run_directory import RunDirectory


def write_result(run: RunDirectory, result: Result) -> None:
    """Writes a result under its protocol, as numbers and in words.

    TensorBoard sorts numbers by their names, so that the final ones are the first columns of
    HParams.

    Raises:
        UserError: if it can't be written.
    """
    facts, events = result.facts, EventWriter(run.tensorboard)
    kind = kind_in(facts)
    metric = kind.metric
    tag = f"final/{facts['split']}_{metric}{_protocol(facts, has_ways=not kind.are_values)}"
    try:
        with events.at(facts["step"]):
            write_scalar(tag, facts[metric])
            if facts["ci95"] is not None:
                write_scalar(f"{tag}_ci95", facts["ci95"])
            # Two plugins can't have one tag.
            write_text(f"{tag}_in_words", "\n\n".join(result.sentences()))
    finally:
        events.close()


def _protocol(facts: dict[str, Any], *, has_ways: bool) -> str:
    ways, shots = (
        Range.up_to(facts[f"num_{name}"], facts.get(f"least_{name}")) for name in ("ways", "shots")
    )
    return f"_{ways}way_{shots}shot" if has_ways else f"_{shots}shot"
