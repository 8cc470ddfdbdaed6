"""Sources of noise, and batches of their episodes with augmentation."""

import functools

import numpy as np

from tfmeta.episodes.augmentation import build_augmentation
from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.class_source import ClassSource
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.reading.image_format import ImageFormat
from tfmeta.reading.row_format import PLAIN

SHAPE = EpisodeShape(3, 1, 2)
NOISE = {"GaussianNoise": {"stddev": 0.1}}

# What each random layer of Keras needs to do something, and the examples that it takes if not RGB.
OPTIONS = {
    "AlphaDropout": {"rate": 0.3},
    "Dropout": {"rate": 0.3},
    "GaussianDropout": {"rate": 0.3},
    "GaussianNoise": {"stddev": 0.1},
    "RandomBrightness": {"factor": 0.3},
    "RandomColorDegeneration": {"factor": 0.5},
    "RandomColorJitter": {
        f"{name}_factor": 0.3 for name in ("brightness", "contrast", "saturation", "hue")
    },
    "RandomContrast": {"factor": 0.3},
    "RandomCrop": {"height": 8, "width": 8},
    "RandomElasticTransform": {"factor": 1.0},
    "RandomErasing": {"factor": 1.0},
    "RandomGaussianBlur": {"factor": 1.0},
    "RandomHue": {"factor": 0.3},
    "RandomInvert": {"factor": 0.5},
    "RandomPerspective": {"factor": 1.0},
    "RandomPosterization": {"factor": 4},
    "RandomRotation": {"factor": 0.2},
    "RandomSaturation": {"factor": 0.3},
    "RandomSharpness": {"factor": 0.5},
    "RandomShear": {"x_factor": 0.3},
    "RandomTranslation": {"height_factor": 0.2, "width_factor": 0.2},
    "RandomZoom": {"height_factor": 0.2},
    "Solarization": {"addition_factor": 0.3, "threshold_factor": 0.5},
    "SpatialDropout1D": {"rate": 0.3},
    "SpatialDropout2D": {"rate": 0.3},
    "SpatialDropout3D": {"rate": 0.3},
}


def source_of(shape, *, same=False):
    """24 classes of 6 examples: uint8 images of noise, or float vectors; or all of them one."""
    rng = np.random.default_rng(0)
    is_image = len(shape) == 3
    x = rng.integers(0, 256, (144, *shape)).astype(np.uint8 if is_image else np.float32)
    index = ClassIndex(
        np.broadcast_to(x[:1], x.shape).copy() if same else x,
        np.repeat(np.arange(24), 6),
        {"train": np.arange(24), "validation": np.arange(0), "test": np.arange(0)},
        tuple(map(str, range(24))),
    )
    return ClassSource("noise", index, input_format=ImageFormat(*shape) if is_image else PLAIN)


def batch(source, layers=(), *, seed=0, first=0, num_tasks=3, shape=SHAPE):
    """The first batch of training episodes, of seed 0; the augmentation's seed is another's."""
    built = build_augmentation(list(layers), source, seed=seed) if layers else None
    dataset = source.episodes("train", shape, num_tasks=num_tasks, first=first, augmentation=built)
    assert dataset.element_spec == _plain_spec(source, shape, num_tasks)
    return type(dataset.element_spec)(*(part.numpy() for part in next(iter(dataset))))


@functools.cache
def _plain_spec(source, shape, num_tasks):
    return source.episodes("train", shape, num_tasks=num_tasks).element_spec


def examples(episodes):
    return np.concatenate([episodes.support_x, episodes.query_x], 1)
