"""Requests that an export refuses, and that it goes on answering."""

import numpy as np
import pytest
import trained
from export_requests import (
    NUM_QUERIES,
    NUM_TASKS,
    learner_request,
    sine_request,
    spoilt,
    support_request,
    with_nan,
)
from model_answers import refusal, served
from trained import random_images

REFUSED = {
    "label too high": ("support_y", lambda y: np.where(y == y[0, 0], 5, y).astype(np.int32)),
    "label negative": ("support_y", lambda y: y - 5),
    "too few labels": ("support_y", lambda y: y[:, 1:]),
    "a class without an example": ("support_y", lambda y: np.where(y == 2, 3, y)),
    "labels of fewer tasks": ("support_y", lambda y: y[1:]),
    "queries of fewer tasks": ("query_x", lambda x: x[1:]),
    "queries of more tasks": ("query_x", lambda x: np.concatenate([x, x])),
    "NaN in the support set": ("support_x", with_nan),
    "NaN in a query": ("query_x", with_nan),
    "infinity in a query": ("query_x", lambda x: x + np.float32("inf")),
}


@pytest.mark.parametrize("what", REFUSED)
def test_learner_refuses_and_goes_on(what):
    name, change = REFUSED[what]
    export, request = trained.learner_export(), learner_request()
    before = served(export, "serving_default", request)
    code, message = refusal(export, "serving_default", spoilt(request, name, change))
    assert code == "INVALID_ARGUMENT"
    assert name in message
    after = served(export, "serving_default", request)
    assert after["probabilities"].tobytes() == before["probabilities"].tobytes()


@pytest.mark.parametrize("what", [w for w, (name, _) in REFUSED.items() if name != "query_x"])
def test_adapt_refuses_what_adapt_and_predict_does(what):
    name, change = REFUSED[what]
    code, message = refusal(
        trained.learner_export(), "adapt", spoilt(support_request(), name, change)
    )
    assert code == "INVALID_ARGUMENT"
    assert name in message


@pytest.mark.parametrize("signature", ["serving_default", "adapt"])
def test_an_empty_support_set_is_refused(signature):
    request = learner_request() if signature == "serving_default" else support_request()
    request |= {key: request[key][:, :0] for key in ("support_x", "support_y")}
    code, message = refusal(trained.learner_export(), signature, request)
    assert code == "INVALID_ARGUMENT"
    assert "support_y: received an empty support set" in message


def test_regression_refuses_targets_that_are_no_numbers():
    code, message = refusal(
        trained.sinusoid_export(), "serving_default", spoilt(sine_request(), "support_y", with_nan)
    )
    assert code == "INVALID_ARGUMENT"
    assert "support_y" in message


@pytest.mark.parametrize("signature", ["predict", "serving_default"])
def test_adapted_refuses_nan_and_goes_on(signature):
    export, request = trained.adapted_export(), {"x": random_images(2)}
    code, message = refusal(export, signature, spoilt(request, "x", with_nan))
    assert code == "INVALID_ARGUMENT"
    assert "x: expected finite numbers" in message
    assert served(export, signature, request)["probabilities"].shape == (2, 5)


@pytest.mark.parametrize(
    "change",
    [lambda v: v[1:], lambda v: np.concatenate([v, v]), with_nan],
    ids=["fewer tasks", "more tasks", "NaN"],
)
@pytest.mark.parametrize("name", ["query_x", "weights_head_kernel", "statistics_norm1_moving_mean"])
def test_predict_refuses_a_task_state_that_does_not_fit(name, change):
    export = trained.learner_export()
    state = served(export, "adapt", support_request())
    request = {**state, "query_x": random_images(NUM_TASKS, NUM_QUERIES)}
    code, message = refusal(export, "predict", spoilt(request, name, change))
    assert code == "INVALID_ARGUMENT"
    assert name in message


def test_requests_change_no_file():
    before = trained.contents(trained.learner_export())
    served(trained.learner_export(), "serving_default", learner_request())
    assert trained.contents(trained.learner_export()) == before
