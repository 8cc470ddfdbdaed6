"""The kinds of input by name. Imports nothing, because `--help` lists the limits of each."""

from dataclasses import dataclass, field

Limit = tuple[int, str]  # by default, and what it limits


@dataclass(frozen=True)
class FormatRow:
    """One kind of input.

    Attributes:
        path: `module:class` of the InputFormat.
        limits: the most that a request may hold, `{name: (default, what it limits)}`.
        suffix: `InputFormat.suffix`, which exports add to the names of signatures.
    """

    path: str
    limits: dict[str, Limit] = field(default_factory=dict)
    suffix: str = ""


# A new kind of input is one file, and a row here.
FORMATS = {
    "image": FormatRow(
        "tfmeta.reading.image_format:ImageFormat",
        {
            "image_pixels": (25_000_000, "pixels in an encoded image, height times width"),
            "image_bytes": (25_000_000, "bytes in an encoded image"),
            "request_images": (10_000, "encoded images in a request, all its tasks together"),
            "request_pixels": (500_000_000, "pixels in all images of a request together"),
        },
        "_bytes",
    ),
    "text": FormatRow(
        "tfmeta.reading.text_format:TextFormat",
        {
            "text_bytes": (100_000, "bytes in a text"),
            "request_texts": (10_000, "texts in a request, all its tasks together"),
            "request_text_bytes": (10_000_000, "bytes in all texts of a request together"),
        },
        "_text",
    ),
    "row": FormatRow("tfmeta.reading.row_format:RowFormat"),
    "table": FormatRow(
        "tfmeta.reading.table_format:TableFormat",
        {"request_rows": (20_000, "rows in a request by columns, all its tasks together")},
        "_columns",
    ),
    "sound": FormatRow(
        "tfmeta.reading.sound_format:SoundFormat",
        {
            "sound_bytes": (25_000_000, "bytes in a sound file"),
            "sound_seconds": (600, "seconds of a sound"),
            "request_sounds": (10_000, "sound files in a request, all its tasks together"),
            "request_seconds": (20_000, "seconds of all sounds of a request together"),
        },
        "_bytes",
    ),
}
