"""Invented alphabets, drawn from a seed; nothing is downloaded.

    tfmeta train glyphs --algorithm maml --steps 300

    python -m tfmeta.pipelines.glyphs FOLDER      # PNG files of it, to try `tfmeta predict` on

An alphabet has a style, a character is a few strokes in this style, and every drawer has a
handwriting of their own (`glyph_drawing.py`). It replaces Omniglot where nothing can be downloaded.
"""

import functools
import sys
from pathlib import Path

import numpy as np

from tfmeta import files
from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.class_source import ClassSource
from tfmeta.pipelines import refuse_data
from tfmeta.reading.glyph_drawing import draw_glyphs
from tfmeta.reading.image_format import ImageFormat

IMAGES = ImageFormat(28, 28, channels=1, invert=False)
NUM_ALPHABETS, NUM_VALIDATION, NUM_TEST = 24, 3, 6


def build(*, data_dir=None, split_seed: int = 0, rotations: bool = False) -> ClassSource:
    """The pipeline: 15 alphabets for training, 3 for validation, 6 for test.

    Args:
        data_dir: none; the glyphs are drawn in memory.
        split_seed: decides how the alphabets look, and which split each is in.
        rotations: whether quarter turns of a character are further classes; False by default,
            because some characters look the same after a half turn.

    Raises:
        UserError: if it gets `data_dir`.
    """
    refuse_data("glyphs", data_dir)
    glyphs = _drawn(split_seed)
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
    return ClassSource("glyphs", index, input_format=IMAGES, rotations=rotations)


@functools.lru_cache(maxsize=2)  # sets; a notebook builds the same one again and again
def _drawn(seed):
    glyphs = draw_glyphs(num_alphabets=NUM_ALPHABETS, seed=seed)
    glyphs.images.flags.writeable = False
    return glyphs


def write_sample(folder, *, num_ways: int = 5, num_queries: int = 2) -> None:
    """Writes a support set and queries of one test alphabet as PNG files, to try `predict` on.

    Args:
        folder: where `support/CLASS/0.png`, one per class, and `queries/CLASS-1.png` and so on are
            written.
        num_ways: number of classes.
        num_queries: number of query files per class.
    """
    index = build().index
    classes = index.classes("test")[:num_ways]
    for character in classes:
        name = index.class_names[character].replace("/", "-")
        images = index.examples[index.labels == character]
        with files.writing(folder):
            (Path(folder) / "support" / name).mkdir(parents=True, exist_ok=True)
            (Path(folder) / "queries").mkdir(exist_ok=True)
        _write_png(Path(folder) / "support" / name / "0.png", images[0])
        for number in range(1, num_queries + 1):
            _write_png(Path(folder) / "queries" / f"{name}-{number}.png", images[number])


def _write_png(path, image):
    from PIL import Image

    with files.whole(path) as partial:
        Image.fromarray(image[..., 0]).save(partial)


if __name__ == "__main__":
    write_sample(sys.argv[1])
