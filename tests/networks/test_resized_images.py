"""Images are resized in the graph as Pillow does it."""

import numpy as np
import pytest
from closeness import assert_close
from PIL import Image

from tfmeta.networks.resized_images import ResizedImages


@pytest.mark.parametrize("size", [1, 20, 31, 33, 224])
def test_it_is_pillows_bicubic_larger_and_smaller(size):
    images = np.random.default_rng(0).random((2, 45, 31, 3), np.float32)
    resized = ResizedImages(size)(images).numpy()
    assert resized.shape == (2, size, size, 3)
    for i in range(2):
        for channel in range(3):
            plane = Image.fromarray(images[i, ..., channel])
            expected = np.asarray(plane.resize((size, size), Image.BICUBIC))
            # Sums of up to 45 pixels in rows and in columns, whose negative weights cancel.
            assert_close(resized[i, ..., channel], expected, scale=1.0)
