"""A folder of invented photographs, as a user may have one: of mixed sizes, modes and formats."""

from pathlib import Path

import numpy as np
from PIL import Image

# A file's mode and format; JPEG has no palette, GIF and BMP no opacity that all readers agree on.
KINDS = (
    ("RGB", "jpg"),
    ("L", "png"),
    ("P", "gif"),
    ("RGBA", "png"),
    ("RGB", "bmp"),
    ("P", "png"),
    ("L", "jpg"),
)
_SIDES = (20, 49)  # pixels, from and to
_PATCHES = 4  # of a class's pattern, a side
_NOISE = 20  # deviation, of 255 grey levels
_LUMA = (0.299, 0.587, 0.114)  # as in Pillow's "L"


def make_photographs(folder, num_classes: int = 64, num_examples: int = 20, seed: int = 0) -> None:
    """Writes `folder/class00/00.jpg` and so on; no two files hold the same picture.

    A class is a pattern of 4x4 patches of colour, which differ in brightness too, so that the grey
    photographs among them show it as well. A photograph is that pattern, smoothly enlarged to a
    size of its own, brighter or darker, under noise.

    Args:
        folder: to be made.
        num_classes: class folders.
        num_examples: photographs a class, their modes and formats in turn those of `KINDS`.
        seed: of all that is drawn.
    """
    rng = np.random.default_rng(seed)
    for number in range(num_classes):
        pattern = Image.fromarray(_pattern(rng))
        home = Path(folder) / f"class{number:02d}"
        home.mkdir(parents=True)
        for example in range(num_examples):
            mode, suffix = KINDS[example % len(KINDS)]
            _photograph(pattern, mode, rng).save(home / f"{example:02d}.{suffix}")


def _pattern(rng):
    """uint8 `(patches, patches, 3)`, half of the patches dark and half of them bright."""
    num = _PATCHES**2
    bright = rng.permutation(np.repeat([60.0, 180.0], num // 2))[:, np.newaxis]
    colour = rng.uniform(-60, 60, (num, 3))
    colour -= (colour @ np.array(_LUMA))[:, np.newaxis]  # has no brightness of its own
    pixels = np.clip(bright + colour, 0, 255).astype(np.uint8)
    return pixels.reshape(_PATCHES, _PATCHES, 3)


def _photograph(pattern, mode, rng):
    height, width = rng.integers(*_SIDES, 2)
    pixels = np.asarray(pattern.resize((width, height), Image.Resampling.BICUBIC), float)
    pixels = pixels * rng.uniform(0.7, 1.2) + rng.normal(0, _NOISE, (height, width, 1))
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    if mode == "RGBA":
        image.putalpha(int(rng.integers(128, 256)))
        return image
    return image.convert(mode)
