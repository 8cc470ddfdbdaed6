"""Invented alphabets, drawn by a seeded stroke program: the embedded default, no download.

    tfmeta train glyphs --algorithm maml --steps 300

An alphabet has a style, a character is a few strokes in it, and every drawer has a hand of their
own (`glyph_drawing.py`). It stands in for Omniglot where nothing can be downloaded.
"""

import numpy as np

from tfmeta.images import ImageFormat
from tfmeta.pipelines.class_source import ClassIndex, ClassSource
from tfmeta.pipelines.glyph_drawing import draw_glyphs

IMAGES = ImageFormat(28, 28, channels=1, invert=False)
NUM_ALPHABETS, NUM_VALIDATION, NUM_TEST = 24, 3, 6


def build(*, data_dir=None, split_seed: int = 0, rotations: bool = False) -> ClassSource:
    """The pipeline: 15 alphabets for training, 3 for validation, 6 for test.

    Args:
        data_dir: not used; the glyphs are drawn in memory.
        split_seed: which alphabets go where, and how they look.
        rotations: quarter turns of a character are classes of their own; off, since some of the
            invented characters are their own half turn.
    """
    del data_dir
    glyphs = draw_glyphs(num_alphabets=NUM_ALPHABETS, seed=split_seed)
    num_characters, num_drawers = glyphs.images.shape[:2]
    order = np.random.default_rng(split_seed).permutation(NUM_ALPHABETS)
    parts = np.split(order, [NUM_VALIDATION, NUM_VALIDATION + NUM_TEST])
    splits = {
        split: np.flatnonzero(np.isin(glyphs.alphabets, alphabets))
        for split, alphabets in zip(("validation", "test", "train"), parts, strict=True)
    }
    index = ClassIndex(
        glyphs.images.reshape(-1, *IMAGES.shape),
        np.repeat(np.arange(num_characters), num_drawers),
        splits,
        glyphs.names,
        glyphs.alphabets,
    )
    return ClassSource("glyphs", index, image_format=IMAGES, rotations=rotations)
