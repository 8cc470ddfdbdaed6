"""Sample episodes with what the learner says of them, and which classes it confuses."""

from typing import Any

import numpy as np

from tfmeta.evaluation.adaptation import Adaptation
from tfmeta.training.board.confusion_picture import Pair, confusion_picture
from tfmeta.training.board.curve_picture import curve_picture
from tfmeta.training.board.episode_picture import episode_picture
from tfmeta.training.board.markdown_tables import table
from tfmeta.training.board.shown_episodes import ShownEpisodes
from tfmeta.training.board.summaries import write_histogram, write_picture, write_text

_MOST_EPISODES, _MOST_ROWS, _MOST_PAIRS = 2, 25, 20  # that are shown


def write_samples(adaptation: Adaptation, shown: ShownEpisodes) -> None:
    """Writes a few episodes for the default writer's step, and of classes the confusion.

    Args:
        adaptation: of the episodes.
        shown: the same episodes.
    """
    if shown.names is None:
        for number, answers in enumerate(adaptation.answers[:_MOST_EPISODES]):
            _write_values(number, answers, shown)
        return
    chances = [_probabilities(answers) for answers in adaptation.answers]
    said = [each.argmax(-1) for each in chances]
    sure = [each.max(-1) for each in chances]
    for number in range(min(_MOST_EPISODES, len(said))):
        _write_classes(number, said[number], sure[number], shown)
    pairs = [
        (names[right], names[answer])
        for names, task, answers in zip(shown.names, shown.tasks, said, strict=True)
        for right, answer in zip(task.query_y, answers, strict=True)
    ]
    _write_confusion(pairs)
    is_right = np.array([right == answer for right, answer in pairs])
    confidences = np.concatenate(sure)
    write_histogram("confidence/right_answers", confidences[is_right])
    write_histogram("confidence/wrong_answers", confidences[~is_right])


def _write_classes(number: int, said: Any, sure: Any, shown: ShownEpisodes) -> None:
    assert shown.names is not None  # of classes
    task, names, tag = shown.tasks[number], shown.names[number], f"episodes/{number}"
    if shown.has_pictures:
        write_picture(tag, episode_picture(task, said, names, sure))
        return
    support, queries = shown.words(number)
    learned = [(names[y], words) for y, words in zip(task.support_y, support, strict=True)]
    calls = (names[a] if a != y else "right" for y, a in zip(task.query_y, said, strict=True))
    answered = [
        (words, names[right], call, f"{100 * confidence:.0f}%")
        for words, right, call, confidence in zip(queries, task.query_y, calls, sure, strict=True)
    ]
    answered.sort(key=lambda row: row[2] == "right")  # mistakes first
    titles = ("query", "its class", "the answer", "confidence")
    parts = [table(("class", "support"), learned[:_MOST_ROWS]), "**Queries**"]
    write_text(tag, "\n\n".join([*parts, table(titles, answered[:_MOST_ROWS])]))


def _write_values(number: int, answers: np.ndarray, shown: ShownEpisodes) -> None:
    task, tag = shown.tasks[number], f"episodes/{number}"
    if shown.are_curves:
        write_picture(tag, curve_picture(task, answers))
        return
    _, queries = shown.words(number)
    values = (", ".join(f"{v:.5g}" for v in row) for row in task.query_y.tolist())
    said = (", ".join(f"{v:.5g}" for v in row) for row in answers.tolist())
    rows = list(zip(queries, values, said, strict=True))
    write_text(tag, table(("query", "target", "answer"), rows[:_MOST_ROWS]))


def _write_confusion(pairs: list[Pair]) -> None:
    if wrong := [pair for pair in pairs if pair[0] != pair[1]]:
        write_picture("confusion", confusion_picture(pairs))
        counts = sorted(
            ((wrong.count(pair), pair) for pair in {*wrong}), key=lambda c: (-c[0], c[1])
        )
        rows = [(*pair, number) for number, pair in counts[:_MOST_PAIRS]]
        write_text("confused_classes", table(("class", "was called", "times"), rows))


def _probabilities(logits: np.ndarray) -> np.ndarray:
    """The softmax of `(queries, classes)`."""
    raised = np.exp(logits - logits.max(-1, keepdims=True))
    shares: np.ndarray = raised / raised.sum(-1, keepdims=True)
    return shares
