"""Requests that a server merges into batches are answered as if each came alone."""

from concurrent.futures import ThreadPoolExecutor

import model_answers
import numpy as np
import pytest
import serving_batching
import trained
from served_models import TRANSPORTS, assert_same, curve

from tfmeta.exporting.client import ServerError

# Batching


def at_once(served, requests, transport="grpc") -> list:
    """The answers, or the ServerErrors, to requests that are sent together."""
    client = served.client(transport)

    def ask(request):
        try:
            return client.predict("adapt_and_predict", request)
        except ServerError as error:
            return error

    with ThreadPoolExecutor(len(requests)) as pool:
        answers = list(pool.map(ask, requests))
    client.close()
    return answers


@TRANSPORTS
def test_requests_that_are_merged_are_answered_as_if_alone(batching, transport):
    requests = [curve(tasks=1, seed=1), curve(tasks=2, seed=2)]  # neither fills a batch
    answers = at_once(batching, requests, transport)
    for request, answer in zip(requests, answers, strict=True):
        alone = model_answers.served(trained.sinusoid_export(), "adapt_and_predict", request)
        assert_same(answer, alone)


def test_merged_requests_of_other_sizes_are_padded_with_their_own_first_element(batching):
    requests = [curve(tasks=1, queries=1, seed=1), curve(tasks=2, queries=4, seed=2)]
    answers = at_once(batching, requests)
    first = requests[0]["query_x"]
    as_padded = {**requests[0], "query_x": np.repeat(first, 4, axis=1)}
    for request, answer in zip([as_padded, requests[1]], answers, strict=True):
        alone = model_answers.served(trained.sinusoid_export(), "adapt_and_predict", request)
        assert_same(answer, alone)


def test_a_batch_shares_its_refusal_and_the_next_is_answered(batching):
    bad = curve(tasks=1)
    bad["query_x"][0, 0, 0] = np.nan
    for error in at_once(batching, [bad, curve(tasks=2)]):
        assert isinstance(error, ServerError)
        assert "query_x: expected finite numbers" in str(error)
    requests = [curve(tasks=1, seed=1), curve(tasks=2, seed=2)]
    assert all(isinstance(answer, dict) for answer in at_once(batching, requests))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda r: {**r, "query_x": r["query_x"][:1]}, "must have equal 0th-dimension size"),
        (lambda r: {**r, "query_x": r["query_x"][0, 0, 0]}, "must have at least one dimension"),
        (lambda r: curve(tasks=4), "Task size 4 is larger than maximum input batch size 3"),
    ],
)
def test_what_does_not_go_into_a_batch_is_refused(batching, change, expected):
    code, message = batching.refusal(change(curve(tasks=2)))
    assert code == "INVALID_ARGUMENT"
    assert expected in message


def test_a_batch_that_does_not_fill_runs_after_its_timeout():
    batcher = serving_batching.Batcher(lambda _, inputs: inputs, max_batch_size=3, timeout=0.01)
    requests = [curve(tasks=2, seed=seed) for seed in (1, 2)]  # no two of them fit in one
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda request: batcher.run("any", request), requests))
    for request, answer in zip(requests, answers, strict=True):
        assert_same(answer, request)


def test_without_padding_only_like_shapes_are_merged():
    short, long = curve(queries=1), curve(queries=2)
    with pytest.raises(serving_batching.LoaderError, match="padding is turned off") as caught:
        serving_batching.merge([short, long], pad=False)
    assert caught.value.code == "FAILED_PRECONDITION"
    merged = serving_batching.merge([short, short], pad=False)
    parts = serving_batching.split(merged, [1, 1])
    for key, value in short.items():
        assert merged[key].shape == (2, *value.shape[1:])
        np.testing.assert_array_equal(parts[1][key], value)
    with pytest.raises(serving_batching.LoaderError, match="does not equal the sum"):
        serving_batching.split(merged, [1, 2])
