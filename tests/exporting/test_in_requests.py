"""Queries that are too much for one request are asked in several; a bad one is found."""

import numpy as np
import pytest
import trained
from closeness import assert_close
from PIL import Image

import tfmeta
from tfmeta import UserError
from tfmeta.exporting.loading.genuine_protos import LoaderError
from tfmeta.exporting.loading.in_requests import RefusedQueryError, in_requests

TOO_MUCH = "x_bytes: pixels: received 9 expected at most 8 (request_pixels)"


def refused(what):
    return LoaderError(f"{{{{function_node f}}}} assertion failed: [{what}]")


class Model:
    """Answers with twice each query, of up to `most` in all, none of which is negative."""

    def __init__(self, most, refusal=TOO_MUCH):
        self.most, self.refusal, self.asked = most, refusal, []

    def __call__(self, queries):
        self.asked.append(len(queries))
        if (queries < 0).any():
            raise refused("query_x: expected no negative numbers")
        if queries.sum() > self.most:
            raise refused(self.refusal)
        return {"probabilities": 2 * queries}


def test_as_many_requests_are_made_as_the_limit_needs():
    queries = np.array([3, 1, 2, 5, 4, 0, 1])
    model = Model(most=8)
    np.testing.assert_array_equal(in_requests(model, queries)["probabilities"], 2 * queries)
    assert model.asked == [7, 3, 4, 2, 1, 1, 2]
    model = Model(most=100)
    in_requests(model, queries)
    assert model.asked == [7]


@pytest.mark.parametrize("queries", [[1, 2, -1, 3, 0], [-1], [5, 5, 5, 0, 0, 0, -1]])
def test_the_query_that_is_refused_is_named(queries):
    with pytest.raises(RefusedQueryError, match="no negative") as caught:
        in_requests(Model(most=8), np.array(queries))
    assert caught.value.query == queries.index(-1)


@pytest.mark.parametrize(
    "refusal", ["support_x_bytes: an image's pixels", "support_x and query_x: too many", "crashed"]
)
def test_what_is_wrong_with_something_else_is_of_no_query(refusal):
    with pytest.raises(LoaderError, match=refusal):
        in_requests(Model(most=-1, refusal=refusal), np.array([1, 2, 3]))


@pytest.mark.usefixtures("kept_exports")
@pytest.mark.fault(
    "`tfmeta predict` of more queries than a request may hold, such as 5,001",
    "they are asked in several requests; the answers are those of each alone",
)
def test_predict_answers_any_number_of_queries():
    export, support = trained.learner_export(), trained.support_folder()
    files = trained.query_files()
    many = tfmeta.predict(export, [*(5_000 // len(files) + 1) * files], support=support)
    assert len(many) > 5_000
    few = tfmeta.predict(export, files, support=support)
    for start in (0, len(many) // len(files) // 2 * len(files), len(many) - len(files)):
        for one, other in zip(many[start : start + len(files)], few, strict=True):
            assert one.image == other.image
            received, expected = (
                np.float32([*each.probabilities.values()]) for each in (one, other)
            )
            assert_close(received, expected)


@pytest.mark.usefixtures("kept_exports")
@pytest.mark.fault(
    "`tfmeta predict` of several images, one of more pixels than the model takes",
    "refused by the name of its file",
)
def test_predict_names_the_image_that_is_too_large(tmp_path):
    large = tmp_path / "large.png"
    Image.new("1", (5_001, 5_000)).save(large)
    files = [*trained.query_files(), large]
    with pytest.raises(UserError, match=r"not answer .*large\.png: .*25005000 .*\(image_pixels\)"):
        tfmeta.predict(trained.learner_export(), files, support=trained.support_folder())
