"""`tfmeta.predict`: names or values for a user's examples, by an export or a run.

Imports TensorFlow only for a run.
"""

import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tfmeta import children
from tfmeta.errors import UserError
from tfmeta.exporting.contract import PREDICTION, PROBABILITIES, UNKNOWN, VARIANCE
from tfmeta.exporting.loading.in_requests import RefusedQueryError
from tfmeta.flags import check_flags
from tfmeta.named_code import trusting
from tfmeta.reading.example_reader import (
    ExampleReader,
    InMemory,
    NamedColumns,
    Place,
    SupportSet,
)
from tfmeta.reading.file_rows import shortened
from tfmeta.reading.in_memory import is_in_memory, read_support
from tfmeta.terminal import plain
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import check_names, check_timeout, path
from tfmeta.workflows.predictors import ExportPredictor, RunPredictor
from tfmeta.workflows.queries import Queries, data_or_paths, read_queries

_LOGGER = logging.getLogger("tfmeta")


@dataclass(frozen=True)
class Prediction:
    """What a model says about one query, if the answers are classes.

    Attributes:
        place: where the query stands.
        label: the name of the likeliest class.
        confidence: its probability.
        unknown: from 0 to 1, how likely the query is of none of the classes.
        probabilities: `{class: probability}`.
        truth: the class that the user gave; None if there is none.
    """

    place: Place
    label: str
    confidence: float
    unknown: float
    probabilities: dict[str, float]
    truth: str | None = None

    @property
    def image(self) -> str | None:
        """The file of the query; None if it is a text that was given itself."""
        return self.place.file

    def to_dict(self) -> dict[str, Any]:
        """What `tfmeta predict --json` prints of it."""
        return {
            **self.place.to_dict(),
            "label": self.label,
            "confidence": self.confidence,
            "unknown": self.unknown,
            "probabilities": self.probabilities,
            **_given("truth", self.truth),
        }

    def __str__(self) -> str:
        wrong = "" if self.truth in (None, self.label) else f"  is {self.truth}"
        shown = f"{self.place}  {self.label}  {self.confidence:.3f}  unknown {self.unknown:.3f}"
        return shown + wrong


@dataclass(frozen=True)
class ValuePrediction:
    """What a model says about one query, if the answers are values.

    Attributes:
        place: where the query stands.
        prediction: one number for each value of a target, in the target's own unit.
        variance: of each of these numbers; None if the learner has none.
        truth: the right values, as the user gave them; None if there are none.
    """

    place: Place
    prediction: list[float]
    variance: list[float] | None = None
    truth: list[float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """What `tfmeta predict --json` prints of it."""
        known = {**_given("variance", self.variance), **_given("truth", self.truth)}
        return {**self.place.to_dict(), "prediction": self.prediction, **known}

    def __str__(self) -> str:
        shown = [f"{value:.6g}" for value in self.prediction]
        if self.variance is not None:
            pairs = zip(self.prediction, map(math.sqrt, self.variance), strict=True)
            shown = [f"{_digits(*pair)}  deviation {pair[1]:.3g}" for pair in pairs]
        if self.truth is not None:
            shown += ["is", *(f"{value:.6g}" for value in self.truth)]
        return "  ".join([str(self.place), *shown])


def _given(name: str, value: Any) -> dict[str, Any]:
    return {} if value is None else {name: value}


def _digits(value: float, deviation: float) -> str:
    """A value, down to a hundredth of its deviation."""
    size = abs(value) / deviation if deviation > 0 else 1.0
    return f"{value:.{max(6, 3 + math.ceil(math.log10(max(size, 1.0))))}g}"


def predict(
    model: AnyPath,
    images: AnyPath | Iterable[AnyPath] | NamedColumns | InMemory,
    *,
    support: AnyPath | InMemory | None = None,
    timeout: float = children.DEFAULT_TIMEOUT,
    trust: bool = False,
    **reading: bool,
) -> list[Any]:
    """Answers queries, as `tfmeta predict` does.

    Args:
        model: an export, `exported/NAME` or `exported/NAME/VERSION`, or a run, whose confidence is
            not fitted yet.
        images: the queries; a path or a list of paths. For a model that takes images: image files,
            folders of image files, or NPZ files with an array x of images; sounds likewise, as WAV,
            FLAC, OGG or other sound files. For a model that takes texts: the texts themselves, or
            files of them (CSV, JSON lines, or a text per line in a .txt file). For a model that
            takes rows: CSV or Parquet files with the columns that the model was trained on, the
            columns themselves (`{"age": [22, None], ...}`, a dictionary per row, or a data frame),
            or NPZ files with an array x. In place of an NPZ file, the array itself.
        support: a folder with a subfolder of files per class, an NPZ file of x and y, or a table
            with the answers in a column; or in memory a pair of examples and answers, or such a
            table; None for an `adapted` export.
        timeout: seconds that an export's answer may take.
        trust: run code that a run names or holds, if it is not tfmeta's own.
        **reading: `labelled`: the queries have answers, as support sets have, for `tfmeta.score`;
            folders may have any layout that `tfmeta.learn` takes. `skip_unreadable`: leave out
            queries that can't be read or are refused, and say which. Labelled queries in memory are
            given as a support set is.

    Returns:
        A Prediction of each query, in their order; if the answers are values, a ValuePrediction.

    Raises:
        UserError: if one of them is not there, can't be read, or does not fit the model.
    """
    check_names("predict", reading, ("labelled", "skip_unreadable"))
    check_flags(trust=trust, **reading)
    check_timeout(timeout)
    model = path("model", model)
    asked = data_or_paths(images, labelled=reading.get("labelled", False))
    with trusting(trust):
        is_run = (model / "config.json").is_file()
        predictor = RunPredictor(model) if is_run else ExportPredictor(model, timeout=timeout)
        reader = predictor.reader()
        queries = read_queries(reader, asked, **reading)
        check_support(model, support, is_adapted=predictor.is_adapted, reader=reader)
        skips = reading.get("skip_unreadable", False)
        return _answered(model, predictor, queries, support, skips=skips)


def _answered(
    model: Path,
    predictor: RunPredictor | ExportPredictor,
    asked: Queries,
    support: Any,
    *,
    skips: bool,
) -> list[Any]:
    number, taught = predictor.num_classes, None
    if support is not None:
        taught = read_support(predictor.reader(), support, num_classes=number)
    truths = asked.truths_as(taught.class_names if taught else predictor.class_names)
    asked = replace(asked, truths=truths)
    while True:
        try:
            answer = predictor.answer(taught, asked.x)
            break
        except RefusedQueryError as error:
            asked = _without_refused(asked, error, model, skips=skips)
    found = zip(_predictions(asked.places, taught, answer), asked.truths, strict=True)
    return [replace(each, truth=truth) for each, truth in found]


def _without_refused(
    asked: Queries, error: RefusedQueryError, model: Path, *, skips: bool
) -> Queries:
    """The queries but for one that the model refuses, if such are to be left out.

    Raises:
        UserError: that says where the query stands, if it may not be left out.
    """
    place = asked.places[error.query]
    place = replace(place, text=place.text and shortened(place.text))
    what = f"{model} does not answer {place}: {error.refusal}"
    if not skips or len(asked.places) == 1:
        way = "Its README.md says what it takes"
        raise UserError(f"{what}. {way}", exit_status=1) from error
    _LOGGER.warning("left out 1 query: %s", plain(what))
    return asked.without(error.query)


def check_support(model: Path, support: Any, *, is_adapted: bool, reader: ExampleReader) -> None:
    """Raises UserError if a model needs a support set and got none, or the other way round."""
    if is_adapted and support is not None:
        raise UserError(f"{model} has its support set baked in; leave --support out")
    if support is not None and not is_in_memory(support, with_answers=True):
        path("support", support)
    if not is_adapted and support is None:
        raise UserError(f"received no support set; expected --support {reader.support_in_words}")


def _predictions(
    places: list[Place], support: SupportSet | None, answer: dict[str, Any]
) -> list[Any]:
    if PREDICTION in answer:
        variances = answer[VARIANCE].tolist() if VARIANCE in answer else [None] * len(places)
        values = zip(places, answer[PREDICTION].tolist(), variances, strict=True)
        return [ValuePrediction(*each) for each in values]
    names: list[str] = support.class_names or [] if support else answer["class_names"]
    # A learner of 5 classes that is given 3: the answer is among the three.
    probabilities = answer[PROBABILITIES][:, : len(names)]
    if support is not None:
        probabilities = probabilities / probabilities.sum(-1, keepdims=True)
    return [
        Prediction(
            place=place,
            label=names[int(np.argmax(row))],
            confidence=float(row.max()),
            unknown=float(score),
            probabilities=dict(zip(names, row.tolist(), strict=True)),
        )
        for place, row, score in zip(places, probabilities, answer[UNKNOWN], strict=True)
    ]
