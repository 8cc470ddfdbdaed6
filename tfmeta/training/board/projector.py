"""Files for TensorBoard's embedding projector, which shows examples as points in space.

The plugin reads them from the folder of a run's events: `projector_config.pbtxt`, which names the
others, a table of vectors, a table of what is known of each, and a picture of all examples. The
format: `ProjectorConfig` of tensorboard/plugins/projector/projector_config.proto.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tfmeta import files
from tfmeta.terminal import plain

_CELL = 48  # pixels of an example in the picture
_MOST_PER_SIDE = 8192 // _CELL  # TensorBoard reads pictures of up to 8192 pixels a side
_CONFIG = "projector_config.pbtxt"


def write_projector(
    folder: Path,
    vectors: np.ndarray,
    facts: Mapping[str, Sequence[str]],
    pictures: np.ndarray | None = None,
) -> None:
    """Writes the files, each whole or not at all; the caller must hold the lock of the run.

    Args:
        folder: of the run's events.
        vectors: `(examples, features)`.
        facts: two or more columns of one text per example, by their titles.
        pictures: `(examples, height, width, 1 or 3)` from 0 to 1; None if there are none.

    Raises:
        UserError: if a file can't be written.
    """
    rows = ["\t".join(f"{number:.6g}" for number in row) for row in vectors.tolist()]
    _write(folder / "embeddings.tsv", rows)
    columns = [[_plain(each) for each in (title, *facts[title])] for title in facts]
    _write(folder / "embeddings_metadata.tsv", map("\t".join, zip(*columns, strict=True)))
    lines = [
        "embeddings {",
        '  tensor_name: "embeddings of the queries"',
        '  tensor_path: "embeddings.tsv"',
        '  metadata_path: "embeddings_metadata.tsv"',
    ]
    if pictures is not None and len(pictures) <= _MOST_PER_SIDE**2:
        with files.whole(folder / "embeddings.png") as partial:
            _sprite(pictures).save(partial, "PNG")
        lines += [
            '  sprite { image_path: "embeddings.png"',
            f"    single_image_dim: {_CELL} single_image_dim: {_CELL} }}",
        ]
    _write(folder / _CONFIG, [*lines, "}"])


def _write(path: Path, lines: Any) -> None:
    with files.whole(path) as partial:
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _plain(text: str) -> str:
    """A text without what would end a cell."""
    return plain(text).replace("\t", " ").replace("\n", " ")


def _sprite(pictures: np.ndarray) -> Image.Image:
    """All pictures in one, in rows of as many as there are rows."""
    per_side = int(np.ceil(np.sqrt(len(pictures))))
    sheet = Image.new("RGB", (per_side * _CELL, per_side * _CELL))
    for number, picture in enumerate(pictures):
        pixels = np.uint8(np.clip(np.round(picture * 255), 0, 255))
        image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        place = (number % per_side * _CELL, number // per_side * _CELL)
        sheet.paste(image.convert("RGB").resize((_CELL, _CELL)), place)
    return sheet
