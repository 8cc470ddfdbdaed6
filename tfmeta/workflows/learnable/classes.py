"""The models of a task of classes, and what is said of them."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta.confidence import Confidence
from tfmeta.episodes.class_source import ClassSource
from tfmeta.errors import UserError, counted, listed
from tfmeta.evaluation.between_classes import confidence_between_classes
from tfmeta.evaluation.held_out import Head, HeldOut
from tfmeta.inspection.class_names import names_alike
from tfmeta.inspection.identity import alike, given_digests
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.network_registry import NETWORKS
from tfmeta.reading.number_checks import is_number
from tfmeta.reading.prepared_columns import PreparedColumns
from tfmeta.workflows.learn_exports import CHOSEN, export_both
from tfmeta.workflows.learnable.request import Request
from tfmeta.workflows.learnable.task import Task
from tfmeta.workflows.learned import HeldOutShare, Learned, confusions_of, in_words, suspects_of
from tfmeta.workflows.right_answers import in_numbers, never_right

_WITHOUT_HELD_OUT = Head("ridge", {"regularisation": 0.5}, remembers=True)


def learned(task: Task, request: Request) -> Learned:
    """Exports the models of a task of classes, and says what was found out.

    Raises:
        UserError: if all examples are the same, or a model can't be written or fails a check.
    """
    _check_differ(task.source.index.examples)
    index, names = task.source.index, task.source.index.class_names
    found = task.held_out
    head = _WITHOUT_HELD_OUT if found is None else found.head
    request.progress.advance(CHOSEN, f"{head} chosen")
    by = None if request.groups is None else request.groups_called
    words = in_words(found, by)
    model = task.make_learner(head)
    confidence = found.confidence if found else _untested_confidence(task, model)
    confidence = replace(confidence, report={"in_words": words})
    source = task.source
    baked_in = {"support": (task.support_x, task.labels), "class_names": list(names)}
    shared: dict[str, Any] = {"confidence": lambda: confidence}
    shared["input_format"] = source.input_format
    shared["limits"] = source.input_format.limits_for(index.origins)
    adapted, learner = export_both(
        model,
        request.folder,
        shared=shared,
        baked_in=baked_in,
        progress=request.progress,
    )
    return Learned(
        adapted=adapted,
        learner=learner,
        network=f"{task.network}, beside pixels" if task.pixels else task.network,
        head=str(head),
        class_names=names,
        num_examples=len(index.labels),
        held_out=HeldOutShare.of(found, by) if found else None,
        confusions=confusions_of(found, names) if found else (),
        suspects=suspects_of(found, names, index.origins) if found else (),
        temperature=confidence.temperature,
        rests_on=words,
        notes=request.notes,
        warnings=(
            *_untested(task, found, by),
            *(() if request.place.is_dir() else _numbers_alone(task)),
            *names_alike(names),
            *(_same_names(names) if request.place.is_dir() else ()),
            *_warnings(task.source),
        ),
        seconds=time.monotonic() - request.started,
    )


def _check_differ(examples: Any) -> None:
    if all(np.array_equal(examples[0], examples[n]) for n in range(1, len(examples))):
        raise UserError(
            f"all {len(examples)} examples are the same to the model, so that nothing tells the "
            "classes apart; expected examples that differ"
        )


def _untested_confidence(task: Task, learner: MetaLearner) -> Confidence:
    """That of one example per class, by how far they are from each other."""
    state = learner.adapt(tf.constant(task.support_x), tf.constant(task.labels))
    return confidence_between_classes(state["memory"].numpy())


def _untested(task: Task, found: HeldOut | None, by: str | None) -> Iterator[str]:
    """What the measured accuracy does not say."""
    known = NETWORKS.get(task.network)
    if known and known.num_parameters and not known.pretrained:
        yield f"{task.network} is drawn at random; a pretrained network makes better features"
    names = task.source.index.class_names
    if found:
        yield from _never_right(found, names)
    if found and not found.tried_all:
        yield (
            f"logistic regression was not tried, which would take hours for {len(task.labels):,} "
            f"examples of {len(names):,} classes; it is often better with many examples per class. "
            "Learn fewer of them to see"
        )
    held_out = found.answers.labels if found else task.labels
    alone = np.setdiff1d(task.labels, held_out).tolist()
    if alone:
        few = f"examples of one {by} each, which" if by else "one example each, which"
        yield (
            f"{listed([names[label] for label in alone])}: {few} can't be held out, so that "
            "nothing is known of how well these classes are recognised"
        )


def _numbers_alone(task: Task) -> Iterator[str]:
    """Values of a table, which were taken for classes."""
    names, counts = task.source.index.class_names, task.source.index.counts
    if (counts == 1).sum() > len(names) / 2 and all(is_number(name) for name in names):
        yield (
            "most classes are numbers with one example each; the values of a table of features are "
            "learned with --target COLUMN, in Python target=NAME; of a pair (x, y) any name will do"
        )


def _never_right(found: HeldOut, class_names: Sequence[str]) -> Iterator[str]:
    """Classes that were not recognised once, which the share of all examples does not show."""
    labels, answers = found.answers.labels.tolist(), found.answers.known.argmax(-1).tolist()
    if which := never_right(labels, answers):
        shown = listed(in_numbers([(class_names[label], number) for label, number in which]))
        yield f"never recognised when held out: {shown}; give more examples of what looks like this"


def _same_names(class_names: Sequence[str]) -> Iterator[str]:
    """Folders of one name in several folders, each of which is a class of its own."""
    number = Counter(name.rpartition("/")[2] for name in class_names)
    if several := [name for name, count in number.items() if count > 1]:
        shown = [name for name in class_names if name.rpartition("/")[2] == several[0]]
        yield (
            f"{listed(shown)} are classes of their own; put the files into one folder if they are "
            "one class"
        )


def _blank(source: ClassSource) -> Iterator[str]:
    """Examples without content, such as silent sounds, which teach their class nothing."""
    prepared, names = source.prepared, source.index.origins.names
    if prepared is None:
        return
    flags = np.concatenate([np.zeros(0, bool), *map(prepared.is_blank, prepared.chunks())])
    if blank := np.flatnonzero(flags).tolist():
        shown = listed([names[n] for n in blank])
        yield f"{prepared.noun} that {prepared.blank_words}: {shown}; leave them out"


def _warnings(source: ClassSource) -> Iterator[str]:
    index, prepared = source.index, source.prepared
    yield from source.left_out({})
    if isinstance(prepared, PreparedColumns):
        yield from prepared.warnings(prepared.facts())
    yield from _blank(source)
    found = alike(index, given_digests(index))
    for kind, harm in (
        ("across_classes", "their labels contradict each other"),
        ("within_class", "the measured accuracy is too good"),
    ):
        if sets := found[kind]:
            shown = [index.origins.names[number] for number in _two_of(sets[0], index.labels)]
            where = kind.replace("_", " ")
            found_sets = counted(len(sets), "set")
            yield f"{found_sets} of equal examples {where}, such as {listed(shown)}; {harm}"


def _two_of(alike_ones: Sequence[int], labels: Any) -> tuple[int, int]:
    """Two of some examples, by their numbers; of two classes if there are several."""
    first, second, *_ = alike_ones
    others = (number for number in alike_ones if labels[number] != labels[first])
    return first, next(others, second)
