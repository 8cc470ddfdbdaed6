"""A source of images for the tests of augmentation."""

import pytest
from augmented import source_of


@pytest.fixture(scope="session")
def images():
    return source_of((8, 8, 1))
