"""A picture of sample episodes as the network sees them, after resizing and inversion.

Imports no TensorFlow, so that a wrong place is refused before TensorFlow is loaded.
"""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from tfmeta import files
from tfmeta.errors import UserError
from tfmeta.name_labels import draw_name, width_of
from tfmeta.replaceable import check_replaceable
from tfmeta.terminal import plain

SPLIT, SEED, NUM_EPISODES = "train", 0, 3
_MARK = ("Software", "tfmeta inspect")  # a text chunk of every sheet
_WAIT = 60  # seconds that another process may take to draw the same sheet
_MOST_CLASSES, _MOST_SHOTS, _MOST_QUERIES = 20, 10, 5  # shown of an episode
_CELL, _LARGEST_CELL = 84, 168  # pixels of an image's longer side: usual, and at most
_MARGIN, _GAP, _SET_GAP, _LINE = 16, 4, 28, 22  # pixels
_LEAST_LABEL, _MOST_LABEL = 64, 220  # pixels for the names of classes, beside the images
_PAPER, _INK, _FAINT = (255, 255, 255), (32, 32, 32), (128, 128, 128)


def check_free(path: Path) -> None:
    """Refuses a place for a contact sheet where there is another file.

    Raises:
        UserError: if the name does not end in .png, the folder does not exist, or the file that is
            there is no contact sheet.
    """
    check_replaceable(
        path, "--contact-sheet FILE.png", "contact sheet of tfmeta inspect", _is_sheet
    )


def _is_sheet(path: Path) -> bool:
    try:
        with Image.open(path, formats=("PNG",)) as image:
            return image.info.get(_MARK[0]) == _MARK[1]
    except (OSError, SyntaxError, ValueError):
        return False


def sheet_shape(source: Any, shape: Any) -> Any:
    """The EpisodeShape that is drawn: as given, but with no more queries than are shown."""
    _, most_examples = source.limits(SPLIT, shape)
    queries = min(shape.num_queries, _MOST_QUERIES, most_examples - shape.num_shots)
    return shape.changed(num_queries=max(1, queries))


def why_not(source: Any, shape: Any) -> str | None:
    """Why there can be no sheet for such a source; None if there can be one."""
    if not source.input_format.has_pictures or source.target_kind.are_values:
        return "the examples are no images with classes"
    try:
        source.check(SPLIT, sheet_shape(source, shape))
    except UserError:  # training would refuse it too, so the report has it
        return "no training episode can be drawn"
    return None


def write_contact_sheet(path: Path, source: Any, shape: Any) -> None:
    """Draws sample training episodes into a PNG file, one block per episode.

    Args:
        path: a file that `check_free` accepts.
        source: an EpisodeSource for which `why_not` is None.
        shape: the EpisodeShape of the task.

    Raises:
        UserError: if the file can't be written.
    """
    from tfmeta.episodes.episode_shape import in_words  # imports TensorFlow

    drawn = sheet_shape(source, shape)
    dataset = source.episodes(SPLIT, drawn, seed=SEED, num_tasks=NUM_EPISODES)
    support_x, support_y, query_x, query_y = map(np.asarray, next(iter(dataset))[:4])
    pictures = source.input_format.pictures
    batch = [pictures(support_x), support_y, pictures(query_x), query_y]
    title = f"{plain(source.name)}, {SPLIT} split, {in_words(shape.protocol())}, seed {SEED}"
    text = PngInfo()
    text.add_text(*_MARK)
    names = source.names_of_classes(SPLIT, drawn, SEED, NUM_EPISODES)
    sheet = draw_sheet(batch, title, names)
    with files.locked(path, wait=_WAIT), files.whole(path) as partial:
        sheet.save(partial, "PNG", pnginfo=text)


def draw_sheet(
    batch: list[np.ndarray], title: str, names: list[list[str]] | None = None
) -> Image.Image:
    """Draws the sheet.

    Args:
        batch: support_x `(tasks, examples, height, width, channels)` from 0 to 1, support_y
            `(tasks, examples)`, query_x and query_y; labels below 0 are padding.
        title: the first line of the sheet.
        names: the names of each task's classes, in the order of their labels; None shows "class 0"
            and so on.
    """
    tasks = [_rows(*task) for task in zip(*batch, strict=True)]
    names = names or [[f"class {n}" for n in range(len(rows))] for rows in tasks]
    tasks = [list(zip(*pair, strict=False)) for pair in zip(names, tasks, strict=True)]
    label = max(width_of(name, _MOST_LABEL) for rows in tasks for name, _ in rows)
    label = max(_LEAST_LABEL, label) + 3 * _GAP
    cell = _cell(batch[0][0, 0]).size
    sets = [sets for rows in tasks for _, sets in rows]
    columns = tuple(max(map(len, images)) for images in zip(*sets, strict=True))
    blocks = [_block(rows, cell, columns, label) for rows in tasks]
    font = ImageFont.load_default(size=16)
    width = max(blocks[0].width, int(font.getlength(title)))
    height = sum(block.height + _SET_GAP for block in blocks) + _LINE
    sheet = Image.new("RGB", (width + 2 * _MARGIN, height + 2 * _MARGIN - _SET_GAP // 2), _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((_MARGIN, _MARGIN), title, _INK, font)
    top = _MARGIN + _LINE + _SET_GAP // 2
    for number, block in enumerate(blocks):
        sheet.paste(block, (_MARGIN, top))
        draw.text((_MARGIN, top), f"episode {number}", _INK, ImageFont.load_default(size=12))
        top += block.height + _SET_GAP
    return sheet


def _rows(support_x: Any, support_y: Any, query_x: Any, query_y: Any) -> list[Any]:
    """`(support images, query images)` of each class that is shown."""
    labels = [label for label in np.unique(support_y) if label >= 0][:_MOST_CLASSES]
    return [
        (support_x[support_y == n][:_MOST_SHOTS], query_x[query_y == n][:_MOST_QUERIES])
        for n in labels
    ]


def _block(rows: Any, cell: Any, columns: Any, label: Any) -> Any:
    """One episode: a line of headings, then one row for each class."""
    (width, height), (num_support, num_queries) = cell, columns
    queries_at = label + num_support * (width + _GAP) + _SET_GAP
    size = (queries_at + num_queries * (width + _GAP), _LINE + len(rows) * (height + _GAP))
    block = Image.new("RGB", size, _PAPER)
    draw, font = ImageDraw.Draw(block), ImageFont.load_default(size=12)
    for left, heading in ((label, "support"), (queries_at, "queries")):
        draw.text((left, 0), heading, _FAINT, font)
    for number, (name, sets) in enumerate(rows):
        top = _LINE + number * (height + _GAP)
        draw_name(block, name, (0, top, label - 3 * _GAP, height), _INK)
        for first, images in zip((label, queries_at), sets, strict=True):
            for column, image in enumerate(images):
                block.paste(_cell(image), (first + column * (width + _GAP), top))
    return block


def _cell(pixels: np.ndarray) -> Any:
    """An example `(height, width, channels)` from 0 to 1 as an image of a cell's size."""
    image = image_of(pixels).convert("RGB")
    longer = max(image.size)
    if longer > _LARGEST_CELL:
        image.thumbnail((_LARGEST_CELL, _LARGEST_CELL))
        return image
    # By whole factors, so that pixels keep their values.
    factor = max(1, round(_CELL / longer))
    return image.resize((factor * image.width, factor * image.height), Image.Resampling.NEAREST)


def image_of(pixels: np.ndarray) -> Image.Image:
    """An example `(height, width, 1 or 3)` from 0 to 1 as an image of its own size."""
    levels = np.round(255 * np.asarray(pixels)).astype(np.uint8)
    return Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels)
