"""Vectors or images with one label each, from a file of your own: NPZ, CSV or Parquet.

    tfmeta train arrays --data-dir embeddings.npz --algorithm prototypical
    tfmeta train arrays --data-dir plants.csv --set pipeline.label=species --ways 3
    tfmeta train arrays --data-dir digits.npz --ways 3       # np.savez("digits.npz", x=images, y=y)

An NPZ has the arrays `x` (or `X`) and `y` (or `label`), and may have `group` and `split`. For a CSV
or Parquet file, options name the columns. Features need no preparation: the training split's mean
and deviation become constants of the network, so that a served model takes raw features too.

If `x` holds images, they are read like image files: the network sees them as images, and a served
model takes image files too. Numbers other than uint8 are rounded to the 256 grey levels of files.
"""

import numpy as np

from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.class_source import ClassSource
from tfmeta.episodes.labelled_rows import classes_of
from tfmeta.episodes.splitting import TEST, VALIDATION
from tfmeta.errors import UserError
from tfmeta.pipelines import MAP_OF_FEATURES, PHOTOGRAPHS
from tfmeta.reading.array_pixels import check_channels_last, look_like_images, why_no_images
from tfmeta.reading.feature_columns import feature_names, input_scaling, prepared_columns
from tfmeta.reading.image_arrays import fitted, format_of
from tfmeta.reading.image_files import pinned_format
from tfmeta.reading.origins import Origins
from tfmeta.reading.row_likeness import MOST_FEATURES, table_options
from tfmeta.reading.sensor_windows import are_windows
from tfmeta.reading.table_options import TableOptions
from tfmeta.reading.tables import Table, find_file

_MOST_CHANNELS = 80  # of windows of whose features, a dozen of each channel, there is a map


def build(
    *,
    data_dir=None,
    file=None,
    label: str = "label",
    group=None,
    split=None,
    features=None,
    exclude=None,
    standardise: bool = True,
    missing=None,
    categories=None,
    images=None,
    size=None,
    channels=None,
    invert=None,
    resize: str | None = None,
    value_range=None,
    rotations: bool = False,
    split_by: str = "auto",
    validation: float = VALIDATION,
    test: float = TEST,
    split_seed: int = 0,
) -> ClassSource:
    """The pipeline.

    Args:
        data_dir: the file, or a folder that holds exactly one.
        file: its name in the folder, if there are several.
        label: the column (array) of the classes; in an NPZ it may also be `y`.
        group: the column of the classes' groups; in an NPZ `group` if there is one.
        split: the column that says train, validation or test; in an NPZ `split` if there is one.
        features: the columns of the features; None takes all other columns.
        exclude: columns that are no features, in place of naming all others.
        standardise: whether the network brings the features to one scale; see `input_scaling`.
        missing, categories: for texts and gaps among the features; see `TableOptions`.
        images: whether the examples of an NPZ are images; None uses `look_like_images`.
        size, channels, invert, resize, value_range: for images; see `image_arrays.format_of`.
        rotations: whether quarter turns of a class are further classes; only for square images.
        split_by, validation, test, split_seed: see `split_classes`; used if no column has the
            split.

    Raises:
        UserError: if the file can't be read, a value is missing or is no number, or a class is in
            two groups or splits.
    """
    options = TableOptions(missing, categories)
    columns = {"label": label, "group": group, "split": split}
    table, chosen = _read(data_dir, file, columns, options)
    texts = {option: table.text(name, option) for option, name in chosen.items()}
    used = {name: option for option, name in chosen.items()}
    names = feature_names(table, features, used=used, exclude=exclude)
    image_options = {
        "size": size,
        "channels": channels,
        "invert": invert,
        "resize": resize,
        "value_range": value_range,
        "rotations": rotations or None,
    }
    are_images = _are_images(table, images)
    if not are_images:
        _refuse_for_vectors(image_options, table)
        options.check(table, names)
    classes = classes_of(
        texts, by=split_by, validation=validation, test=test, seed=split_seed, names=table.rows
    )
    image_format = None
    if are_images:
        examples, image_format = _read_images(table, image_options)
    else:
        in_training = np.isin(classes["labels"], classes["splits"]["train"])
        examples, row_format = options.applied(
            table, names, in_training, answers=(chosen["label"],)
        )
    notes = _notes(table, are_images, images)
    index = ClassIndex(examples, **classes, origins=Origins(names=table.rows, notes=notes))
    source = ClassSource("arrays", index, input_format=image_format, rotations=rotations)
    if image_format is not None:
        source.pinned_options = _pinned(image_format, image_options)
        if not rotations:  # classes that are turned anew have no features that are computed once
            source.learning = PHOTOGRAPHS
        return source
    training = examples[index.rows("train")]
    source.network_options = scaling = input_scaling(training, standardise)
    source.input_format, source.pinned_options = row_format, options.pinned(row_format)
    source.prepared = prepared_columns(examples, scaling, row_format, index.labels)
    if are_windows(training.shape[1:]):
        part = "head" if training.shape[2] <= _MOST_CHANNELS else "none"
        source.learning = {**MAP_OF_FEATURES, "network": "rocket", "train": part}
        source.network = "conv1d"  # of who names a part of the learning
    elif training.ndim == 2:
        source.learning = _learning(training, scaling)
    return source


def _notes(table: Table, are_images: bool, images: bool | None) -> tuple[str, ...]:
    """Why what may be images is learned as vectors."""
    x = table.columns["x"] if table.is_npz else None
    why = None if x is None or are_images or images is False else why_no_images(x)
    return () if why is None else (f"x of shape {x.shape} is taken for vectors; {why}",)


def _learning(training: np.ndarray, scaling: dict) -> dict:
    """Ridge regression on a map of the columns and their likeness; none of very many columns."""
    options = table_options(training, **scaling)
    flat = {f"network.{name}": value for name, value in options.items()}
    train = {"train": "none"} if training.shape[1] > MOST_FEATURES else {}
    return {**MAP_OF_FEATURES, "network": "table", **flat, **train}


def _read(data_dir, file, columns, options):
    """The table, and the columns that are no features, `{option: name}`."""
    chosen = {option: str(name) for option, name in columns.items() if name is not None}
    table = options.read(find_file("arrays", data_dir, file), tuple(chosen.values()))
    if table.is_npz:
        chosen |= {o: o for o in ("group", "split") if o not in chosen and o in table.columns}
        if columns["label"] == "label" and "label" not in table.columns:
            chosen["label"] = "y"
    return table, chosen


def _are_images(table: Table, images: bool | None) -> bool:
    if images not in (None, True, False):
        raise UserError(f"received pipeline.images={images}; expected true or false")
    if images and not table.is_npz:
        raise UserError(
            f"received pipeline.images=true for {table.path}; expected an NPZ file, whose array x "
            "holds images. Or use the pipeline image-folder, for image files"
        )
    if images is False or not table.is_npz:
        return False
    if images is None:
        check_channels_last(table.columns["x"], f"x of {table.path}")
        return look_like_images(table.columns["x"])
    return True


def _refuse_for_vectors(options: dict, table: Table) -> None:
    given = [option for option, value in options.items() if value is not None]
    if given:
        shape = table.columns["x"].shape[1:] if table.is_npz else "columns"
        raise UserError(
            f"received pipeline.{given[0]}, which is for images; the examples of {table.path} are "
            f"vectors ({shape}). Leave it out, or if they are images: --set pipeline.images=true"
        )


def _read_images(table, options):
    table.numbers(["x"], "features")  # refuses missing values and texts, and names their rows
    x, what = table.columns["x"], f"x of {table.path}"
    own = {name: value for name, value in options.items() if name != "rotations"}
    image_format = format_of(x, what, **own)
    return fitted(x, image_format, what), image_format


def _pinned(image_format, options):
    """The options that the images decided, so that other images are read in the same way."""
    left_open = {name: options[name] for name in ("size", "channels", "invert")}
    found = pinned_format(image_format, **left_open)
    return {**found, "images": True, "value_range": list(image_format.array_range)}
