"""An explanation as lines of text."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.cells import cell_len

from tfmeta.errors import counted, listed
from tfmeta.explaining.explanation import (
    LEFT_OUT,
    AdaptationEffects,
    Explanation,
    Explanations,
    InputEffects,
    LayerEffect,
    SupportEffects,
    SupportExample,
)
from tfmeta.explaining.question import Question
from tfmeta.inspection.lines import grid, wrapped
from tfmeta.reading.example_reader import Place
from tfmeta.terminal import UNLIMITED, plain

_MOST_ROWS = 8  # of a table; --json has all
_WIDTH = 80  # of a line in a pipe, where there is no other limit
_MOST_CELLS, _LEAST_CELLS = 44, 16  # of a name in a sentence, and of one in a table
_MORE = "…"


def lines_of(found: Explanations, width: int) -> list[str]:
    """The lines of all explanations.

    Args:
        found: what was explained.
        width: of a line.
    """
    width = _WIDTH if width >= UNLIMITED else width
    lines: list[str] = []
    for each in found.of_queries:
        lines += ["", "", *_of_query(each, found.facts, width)]
    return lines[2:]


def _of_query(each: Explanation, facts: dict[str, Any], width: int) -> Iterator[str]:
    yield from wrapped(f"{shortened(name_of(each.place, None))}: {_answer(each)}", width)
    root = root_of(facts)
    if each.support is None:
        of_support = wrapped(f"Support: {facts['without']['support']}", width, later="  ")
    else:
        of_support = list(_of_support(each.support, root, width))
    for part in (
        of_support,
        _of_input(each, width),
        of_adaptation(each.adaptation, each.question, facts, width),
    ):
        yield ""
        yield from part


def root_of(facts: dict[str, Any]) -> str | None:
    """The folder or file of the support set; None if it is baked in."""
    return facts["support"] and facts["support"]["path"]


def _answer(each: Explanation) -> str:
    if not isinstance(each.answer, dict):
        return ", ".join(f"{value:.6g}" for value in each.answer)
    question, likely = each.question, sorted(each.answer.items(), key=lambda pair: -pair[1])
    words = ", ".join(f"{plain(name)} {value:.3f}" for name, value in likely[:3])
    if len(likely) > 3:
        words += f", {len(likely) - 3} others"
    asked = "" if question.name == likely[0][0] else f" Why {plain(question.name)}?"
    return f"{words}.{asked} {_sentence(question.unit)} are {each.score:+.2f}."


def _sentence(words: str) -> str:
    return plain(words[:1].upper() + words[1:])


# The support set


def _of_support(effects: SupportEffects, root: str | None, width: int) -> Iterator[str]:
    if effects.method == LEFT_OUT:
        heading = (
            f"Support: what {plain(effects.of)} would lose without the example "
            "(the learner adapts without it)"
        )
    else:
        rest = f", with {effects.rest:+.2f} before any example" if effects.rest else ""
        heading = (
            f"Support: what each example adds to {plain(effects.of)}, "
            f"together {effects.total:+.2f}{rest}"
        )
    yield from wrapped(heading, width, later="  ")
    known = [each for each in effects.strongest if each.effect]
    shown = _ends(known)
    columns = ["effect", *([effects.measure] if effects.measure else [])]
    right = list(columns)
    if not _in_class_folders(effects, root):
        columns.append("class" if isinstance(effects.examples[0].label, str) else "target")
    rows = [_support_row(each, len(columns), effects, root) for each in shown]
    yield from _table([*columns, "example"], rows, width, right=right)
    yield from _others([each.effect or 0.0 for each in known], len(shown))
    if nothing := sum(each.effect == 0 for each in effects.examples):
        yield f" {counted(nothing, 'example')} with no effect"
    unknown = [each for each in effects.examples if each.effect is None]
    if unknown:
        those = "it is" if len(unknown) == 1 else "each is"
        text = (
            f"{counted(len(unknown), 'example')} can't be left out: {those} all that the learner "
            "has of a class"
        )
        names = [shortened(name_of(each.place, root)) for each in unknown[:_MOST_ROWS]]
        more = [] if len(unknown) <= _MOST_ROWS else [_MORE]
        yield from wrapped(f"{text} ({', '.join([*names, *more])})", width, first=" ", later=" ")
    yield from _notes(effects, root, width)


def _in_class_folders(effects: SupportEffects, root: str | None) -> bool:
    """Whether the name of each example begins with that of its class."""
    return all(
        isinstance(each.label, str)
        and name_of(each.place, root).startswith(f"{plain(each.label)}/")
        for each in effects.examples
    )


def _support_row(
    each: SupportExample, num_columns: int, effects: SupportEffects, root: str | None
) -> list[str]:
    label = each.label
    if not isinstance(label, str):
        label = ", ".join(f"{value:.4g}" for value in label)
    measure = [] if effects.measure is None else [f"{each.measure:.4g}"]
    cells = [f"{each.effect:+.3f}", *measure, shortened(plain(label), _MOST_CELLS // 2)]
    return [*cells[:num_columns], name_of(each.place, root)]


def _notes(effects: SupportEffects, root: str | None, width: int) -> Iterator[str]:
    """What is the same as the query, and what the support set has twice."""
    told: set[Place] = set()
    for row, each in enumerate(effects.examples):
        name = shortened(name_of(each.place, root))
        notes = ["is the query itself"] if each.is_query else []
        if each.contradicted_by:
            others = _names(each.contradicted_by, root)
            notes.append(f"has another target in the same support set: {others}")
        if each.copies and each.place not in told:
            told |= set(each.copies)
            again = f"is there again as {_names(each.copies, root)}"
            joint = effects.joint_effect(row)
            together = "" if joint is None else f": {joint:+.3f} together"
            notes.append(again + together)
        if notes:
            yield from wrapped(f"{name} {'; it '.join(notes)}", width, first=" ", later="   ")


def _names(places: Sequence[Place], root: str | None) -> str:
    names = [shortened(name_of(place, root)) for place in places[:3]]
    return ", ".join([*names, *([_MORE] if len(places) > 3 else [])])


# The input and the weights


def _of_input(each: Explanation, width: int) -> Iterator[str]:
    found: InputEffects = each.input
    unit = plain(each.question.unit)
    heading = f"Input: what {unit} would lose if the part were hidden (replaced by "
    words = found.boxes is None and each.place.text is not None
    heading = (
        f"Input: what {unit} would lose without the word"
        if words
        else f"{heading}{found.replaced_by})"
    )
    yield from wrapped(heading, width, later="  ")
    pairs = sorted(zip(found.effects, found.names, strict=True), key=lambda pair: -pair[0])
    shown = _ends(pairs)
    rows = [[f"{effect:+.3f}", plain(name)] for effect, name in shown]
    yield from _table(["effect", "part"], rows, width, right=["effect"])
    if len(pairs) > len(shown):
        yield f" {counted(len(pairs) - len(shown), 'other')} between these"


def of_adaptation(
    found: AdaptationEffects | None, question: Question, facts: dict[str, Any], width: int
) -> Iterator[str]:
    """The lines on what the inner steps changed; None if a method takes none."""
    if found is None and "without" in facts:
        yield from wrapped(f"Adaptation: {facts['without']['adaptation']}", width, later="  ")
        return
    if found is None:
        kept = [f"{plain(n)} {tuple(shape)}" for n, shape in facts["task_state"].items()]
        yield from wrapped(
            f"Adaptation: {facts['method']} takes no inner steps, so no weight changes. Of the "
            f"support set it keeps {listed(kept)}",
            width,
            later="  ",
        )
        return
    scores = f"{plain(question.unit)}: {found.before:+.2f} before the first step"
    if all(layer.is_head for layer in found.layers):
        scores += f", {found.after:+.2f} after the last one; only the head is adapted"
    else:
        scores += (
            f", {found.features_only:+.2f} with the changed features alone, "
            f"{found.head_only:+.2f} with the changed head alone, {found.after:+.2f} with both"
        )
    yield from wrapped(f"Adaptation: {scores}", width, later="  ")
    columns = ["weights", "changed by", "share", "effect", "layer"]
    rows = [
        [
            f"{each.num_weights:,}",
            "from 0" if each.change is None else _percent(each.change),
            f"{100 * each.share:.0f}%",
            f"{each.effect:+.3f}",
            layer_name(each),
        ]
        for each in found.layers
    ]
    yield from _table(columns, rows, width, right=columns[:-1])


def _percent(share: float) -> str:
    return f"{100 * share:.2g}%" if share < 0.995 else f"{100 * share:,.0f}%"


# What the tables share


def _table(columns: list[str], rows: list[list[str]], width: int, *, right: Any) -> list[str]:
    """A table whose last column, of names, gets the room that the others leave."""
    if not rows:
        return [" none"]
    others = [max(map(cell_len, cells)) for cells in zip(columns, *rows, strict=True)][:-1]
    room = max(_LEAST_CELLS, width - sum(others) - 3 * len(others) - 2)
    rows = [[*row[:-1], shortened(row[-1], room)] for row in rows]
    return grid(columns, rows, width, right=right)


def _ends(ordered: Sequence[Any]) -> list[Any]:
    """The first and the last ones of many."""
    if len(ordered) <= _MOST_ROWS:
        return list(ordered)
    last = _MOST_ROWS // 4
    return [*ordered[: _MOST_ROWS - last], *ordered[len(ordered) - last :]]


def _others(effects: Sequence[float], shown: int) -> Iterator[str]:
    if len(effects) > shown:
        last = _MOST_ROWS // 4
        between = effects[shown - last : len(effects) - last]
        yield f" {counted(len(between), 'other')} between these, together {sum(between):+.3f}"


def name_of(place: Place, root: str | None) -> str:
    """The name of a support example or a query, without the folder or file of the support set."""
    if place.text is not None:
        return plain(place.text)
    if root is not None and place.file is not None:
        if place.row is not None and place.file == root:
            return str(Place(None, place.row, name=place.name))
        if place.file.startswith(f"{root}/"):
            return plain(place.file[len(root) + 1 :])
    return plain(place)


def layer_name(layer: LayerEffect) -> str:
    """The name of a layer; the head is marked."""
    is_told = layer.is_head and layer.name != "head"
    return f"{plain(layer.name)} (the head)" if is_told else plain(layer.name)


def shortened(name: str, most: int = _MOST_CELLS) -> str:
    """A name with its middle left out, if it takes more than so many cells of a terminal."""
    if cell_len(name) <= most:
        return name
    half = (most - 1) // 2
    start, end = name, name
    while cell_len(start) > half:
        start = start[:-1]
    while cell_len(end) > half:
        end = end[1:]
    return f"{start}{_MORE}{end}"
