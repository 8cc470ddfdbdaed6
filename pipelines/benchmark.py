"""Few-shot benchmarks, in the folders in which they are published.

The folder is examined for these layouts, in this order: lists of each split's files or classes; one
folder per split; class folders without splits, which are split as published; pickles.
"""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.class_source import ClassSource
from tfmeta.errors import UserError, counted, described, listed
from tfmeta.reading.encoded_images import (
    file_state,
    image_facts,
    images_key,
    origins_of,
    read_images,
)
from tfmeta.reading.found_classes import (
    FoundClass,
    files_in,
    find_classes,
    folders_in,
    unused_entries,
)
from tfmeta.reading.image_files import FormatOptions, load_images
from tfmeta.reading.pickled_arrays import read_pickled_images
from tfmeta.reading.split_names import SPLITS
from tfmeta.user_files import printable

SHORT_NAMES = dict(zip(SPLITS, ("train", "val", "test"), strict=True))  # of splits in file names


@dataclass(frozen=True)
class Benchmark:
    """The facts that differ between benchmarks.

    Attributes:
        name: of the pipeline.
        layouts: what its folder may hold, for messages.
        standard: `{split: class names}` as published.
        class_homes: where, in the user's folder, class folders without a split may be.
        read_lists: a function: the user's folder -> `({split: {class: files}}, list files)`, or
            None if there are no lists of splits.
        pickles: name of the pickles, with `{}` in place of the split.
        pickle_keys: the keys of the images and of their classes in a pickle.
    """

    name: str
    layouts: str
    standard: dict[str, tuple[str, ...]]
    class_homes: tuple[str, ...]
    read_lists: Callable
    pickles: str
    pickle_keys: tuple[str, str]


def open_benchmark(
    benchmark: Benchmark,
    data_dir,
    options: FormatOptions,
    *,
    rotations: bool = False,
    stream: bool = False,
    skip_unreadable: bool = False,
) -> ClassSource:
    """The source of a benchmark's episodes.

    Args:
        benchmark: which benchmark.
        data_dir: the user's folder.
        options: how to read the images.
        rotations, stream, skip_unreadable: see `image_folder.build`.

    Raises:
        UserError: if the folder has none of the layouts, lacks a class or a file that a list names,
            has a class in two splits, or holds a file that can't be read.
    """
    root = Path(data_dir or "")
    if data_dir is None or not root.is_dir():
        raise UserError(
            f"{benchmark.name} needs its folder, received --data-dir {data_dir}; expected one with "
            f"{benchmark.layouts}"
        )
    found, lists = _find(benchmark, root)
    if found:
        files = [file for each in found for file in each.files]
        loaded = load_images(root, files, options, skip_unreadable=skip_unreadable, stream=stream)
        labels = np.repeat(np.arange(len(found)), [len(each.files) for each in found])[loaded.kept]
        classes = [(each.split, each.name) for each in found]
        examples, image_format, origins = loaded.examples, loaded.image_format, loaded.origins
        used = [*files, *lists]
    else:
        pickles, image_format = _pickles(benchmark, root), options.resolve([])
        examples, labels, classes, origins = _read_pickles(benchmark, pickles, image_format, stream)
        used = pickles.values()
    _check_splits(root, classes)
    passed_over, lost = unused_entries(root, used, [each.folder for each in found])
    passed_over = (*passed_over, *(printable(path.relative_to(root)) for path in lost))
    index = ClassIndex(
        examples,
        labels,
        {s: np.flatnonzero([split == s for split, _ in classes]) for s in SPLITS},
        tuple(name for _, name in classes),
        origins=replace(origins, passed_over=passed_over),
    )
    return ClassSource(benchmark.name, index, input_format=image_format, rotations=rotations)


def all_or_none(paths: dict[str, Path]) -> dict[str, Path] | None:
    """The paths of the splits if all of them exist; None if none does.

    Raises:
        UserError: if only some of them exist.
    """
    there = [path.name for path in paths.values() if path.exists()]
    lacking = [path.name for path in paths.values() if not path.exists()]
    if there and lacking:
        folder = next(iter(paths.values())).parent
        raise UserError(
            f"{folder} has {', '.join(there)} but no {', '.join(lacking)}; expected one per split"
        )
    return paths if there else None


def _find(benchmark, root):
    """The classes with their files, by split and name, and the files that list them."""
    try:
        by_lists = benchmark.read_lists(root)
    except UserError:
        raise
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise UserError(
            f"the lists of {benchmark.name} in {root} can't be read ({described(error)}); expected "
            "text in UTF-8, as it was published"
        ) from error
    if by_lists is None and (folders := _split_folders(root)):
        return [
            replace(each, split=split)
            for split, folder in folders.items()
            for each in find_classes(folder, groups=False, split_folders=False)
        ], []
    by_split, lists = by_lists or (_standard(benchmark, root), [])
    found = [
        FoundClass(root / name, split, None, sorted(set(files)))
        for split in SPLITS
        for name, files in sorted(by_split.get(split, {}).items())
    ]
    _check_complete(root, found, lists[0].parent if lists else f"the {benchmark.name} split")
    return found, lists


def _split_folders(root):
    for prefix in ("", "meta-"):
        paths = {split: root / f"{prefix}{short}" for split, short in SHORT_NAMES.items()}
        # A class may be called `train` too, so a folder is a split only if it holds folders or
        # links.
        splits = any(path.is_dir() and folders_in(path) for path in paths.values())
        if splits and all_or_none(paths):
            return paths
    return None


def _standard(benchmark, root):
    """`{split: {class: files}}` for class folders without splits; empty if there are none."""
    names = [name for each in benchmark.standard.values() for name in each]
    for home in (root / home for home in benchmark.class_homes):
        if any((home / name).is_dir() for name in names):
            return {
                split: {name: files_in(home / name) for name in each}
                for split, each in benchmark.standard.items()
            }
    return {}


def _check_complete(root, found, lists):
    there = [[file for file in each.files if file.is_file()] for each in found]
    missing = [each.name for each, files in zip(found, there, strict=True) if not files]
    what = "class"
    if not missing:
        files = {file for each in found for file in each.files} - {
            f for each in there for f in each
        }
        missing, what = sorted(file.name for file in files), "file"
    if missing:
        raise UserError(
            f"{root} lacks {counted(len(missing), what)} of {lists}: "
            f"{listed(missing)}; expected every one. Add them, or use "
            "image-folder, with a split of your own"
        )


def _check_splits(root, classes):
    split_of = {}
    for split, name in classes:
        if split_of.setdefault(name, split) != split:
            raise UserError(
                f"class {name} of {root} is in the splits {split_of[name]} and {split}; expected "
                "each class in one only"
            )


def _pickles(benchmark, root):
    paths = {s: root / benchmark.pickles.format(short) for s, short in SHORT_NAMES.items()}
    long = {s: root / benchmark.pickles.format(s) for s in SPLITS}  # another name for validation
    if (found := all_or_none({s: p if p.exists() else long[s] for s, p in paths.items()})) is None:
        raise UserError(f"{root} is no folder of {benchmark.name}; expected {benchmark.layouts}")
    return found


def _read_pickles(benchmark, pickles, image_format, stream):
    """`(examples, labels, classes, origins)`, with `(split, name)` of each class."""

    def items():
        for split, path in pickles.items():
            images, members = read_pickled_images(path, benchmark.pickle_keys)
            for name, numbers in sorted(members.items()):
                # Numbers start again in each split, so they can't be the classes' names.
                name = name if isinstance(name, str) else f"{split}/{name}"
                for number in numbers:
                    facts = {"names": f"{path.name}/{number}", "classes": (split, name)}
                    yield images[number], facts

    key = images_key(image_format, map(file_state, pickles.values())) if stream else None
    examples, facts = read_images(items(), _examine, image_format, key=key)
    classes = list(dict.fromkeys(map(tuple, facts["classes"])))
    number_of = {each: number for number, each in enumerate(classes)}
    labels = np.array([number_of[tuple(each)] for each in facts["classes"]])
    return examples, labels, classes, origins_of(facts["names"], facts)


def _examine(item):
    pixels, facts = item
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    content = buffer.getvalue()
    return content, {**image_facts(content), **facts}
