"""Where the pictures of explanations go. Imports neither TensorFlow nor Matplotlib."""

from pathlib import Path
from typing import TYPE_CHECKING

from tfmeta import files
from tfmeta.errors import UserError
from tfmeta.extras import import_extra
from tfmeta.reading.example_reader import Place
from tfmeta.user_files import AnyPath

if TYPE_CHECKING:
    from tfmeta.explaining.explanation import Explanations

_SUFFIX = ".png"
_MOST_LETTERS = 60  # of a file's name in the name of its picture


def check_place(output: AnyPath, num_queries: int = 1) -> Path:
    """A place for pictures, and whether they can be drawn.

    Args:
        output: a new folder, or a file that ends in .png.
        num_queries: how many pictures there will be, at least.

    Raises:
        UserError: if there is something already, the folder above it is missing, Matplotlib is, or
            there are several pictures for one file.
    """
    place = Path(output)
    if place.suffix.lower() == _SUFFIX and num_queries > 1:
        raise UserError(
            f"received --output {place} for {num_queries} queries; expected a folder, which gets a "
            "picture of each"
        )
    if place.suffix and place.suffix.lower() != _SUFFIX:
        raise UserError(
            f"received --output {place}; expected a new folder, or a file that ends in .png"
        )
    files.check_free(place)
    import_extra("matplotlib", package="Matplotlib", extra="report")
    return place


def write_pictures(found: "Explanations", place: Path) -> list[Path]:
    """Draws one picture per query.

    Args:
        found: the explanations.
        place: what `check_place` returned.

    Raises:
        UserError: if a file can't be written.
    """
    from tfmeta.explaining.explanation_pictures import draw

    is_file = place.suffix.lower() == _SUFFIX
    with files.locked(place), files.whole(place) as partial:
        if is_file:
            draw(found, 0, partial)
            return [place]
        partial.mkdir()
        names = [_name(n, each.place) for n, each in enumerate(found.of_queries)]
        for n, name in enumerate(names):
            draw(found, n, partial / name)
    return [place / name for name in names]


def _name(number: int, query: Place) -> str:
    """Of a query's picture: its number, from 1, and the name of the query's file if it fills it."""
    is_file = query.file is not None and query.row is None
    stem = f"-{Path(query.file or '').stem[:_MOST_LETTERS]}" if is_file else ""
    return f"{number + 1:03d}{stem}{_SUFFIX}"
