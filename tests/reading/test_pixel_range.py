"""A served model of images takes pixels from 0 to 1, and says so where others come."""

import numpy as np
import pytest
import trained
from model_answers import refusal, served


@pytest.mark.fault(
    "a served request with pixels from 0 to 255 where 0 to 1 is expected",
    "refused by the input's name, with what to do",
)
@pytest.mark.parametrize("name", ["support_x", "query_x"])
@pytest.mark.parametrize("spoil", [lambda x: 255 * x, lambda x: 2 * x - 1, lambda x: x + 0.01])
def test_pixels_beyond_the_unit_are_refused_by_name(name, spoil):
    request = {
        "support_x": np.linspace(0, 1, 5 * 28 * 28, dtype=np.float32).reshape(1, 5, 28, 28, 1),
        "support_y": np.arange(5, dtype=np.int32)[np.newaxis],
        "query_x": np.linspace(0, 1, 3 * 28 * 28, dtype=np.float32).reshape(1, 3, 28, 28, 1),
    }
    export = trained.learner_export()
    rounded = {**request, name: request[name] * np.float32(1 + 1e-6)}
    assert np.isfinite(served(export, "adapt_and_predict", rounded)["probabilities"]).all()
    code, message = refusal(export, "adapt_and_predict", {**request, name: spoil(request[name])})
    assert code == "INVALID_ARGUMENT"
    assert f"{name}: expected pixels from 0 to 1" in message


def test_an_adapted_model_refuses_them_too():
    x = np.full((2, 28, 28, 1), 255, np.float32)
    _, message = refusal(trained.adapted_export(), "predict", {"x": x})
    assert "x: expected pixels from 0 to 1, received others; divide those of 0 to 255" in message
