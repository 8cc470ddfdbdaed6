"""A query that a model refuses is named, or left out if the user says so."""

import logging
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tfmeta import UserError
from tfmeta.exporting.contract import PREDICTION, VARIANCE
from tfmeta.exporting.loading.in_requests import RefusedQueryError
from tfmeta.reading.example_reader import Place
from tfmeta.workflows.predict import _answered
from tfmeta.workflows.queries import Queries

LONG = -1.0


def answer(support, x):
    if LONG in list(x):
        raise RefusedQueryError("it is too long", list(x).index(LONG))
    each = np.array(x)[:, np.newaxis]
    return {PREDICTION: each * 2, VARIANCE: each}


MODEL = SimpleNamespace(num_classes=None, class_names=None, answer=answer)


@pytest.mark.parametrize("kind", [np.array, list])
def test_what_is_refused_is_left_out_or_named(kind, caplog):
    x = [1.0, LONG, 2.0, LONG]
    places = [Place(f"{number}.wav", noun="sound") for number in range(4)]
    asked = Queries(places, kind(x), [None, None, 4.0, None])
    with pytest.raises(UserError, match=r"model does not answer 1\.wav: it is too long\. Its READ"):
        _answered(Path("model"), MODEL, asked, None, skips=False)
    with caplog.at_level(logging.WARNING, "tfmeta"):
        found = _answered(Path("model"), MODEL, asked, None, skips=True)
    assert [each.place.file for each in found] == ["0.wav", "2.wav"]
    assert [each.prediction for each in found] == [[2.0], [4.0]]
    assert [each.truth for each in found] == [None, 4.0]
    left_out = [record.getMessage() for record in caplog.records]
    assert [each.partition(" answer ")[2][:5] for each in left_out] == ["1.wav", "3.wav"]


def test_if_all_are_refused_the_last_one_is_named():
    asked = Queries([Place("0.wav", noun="sound")], [LONG], [None])
    with pytest.raises(UserError, match=r"does not answer 0\.wav"):
        _answered(Path("model"), MODEL, asked, None, skips=True)
