"""Random texts in requests to served models, a third of them malformed."""

import model_answers
import pytest
import random_texts
import text_exports
from trained import version_of

NUM_REQUESTS = 1000  # per model; 5,000 each were sent once by hand


@pytest.mark.attack(
    "2,000 requests of random texts, a third of them malformed",
    "each is answered, or refused by the input's name; the model goes on serving",
)
@pytest.mark.parametrize(
    ("export", "signature"),
    [("adapted_export", "predict_text"), ("learner_export", "adapt_and_predict_text")],
)
def test_random_requests(export, signature):
    version = version_of(getattr(text_exports, export)())
    arguments = str(version), signature, NUM_REQUESTS, 0
    number, wrong = model_answers.in_loader(random_texts.attack, *arguments)
    assert wrong == []
    assert NUM_REQUESTS / 4 < number < NUM_REQUESTS / 2
