"""Which folders of a user's folder are classes, and what is in them. Imports no TensorFlow.

The folder may have one of these layouts, which is recognised:

    ROOT/CLASS/*
    ROOT/GROUP/CLASS/*                      groups, such as alphabets of characters
    ROOT/{train,validation,test}/...        either of these in split folders
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from tfmeta.errors import UserError, listed
from tfmeta.reading.split_names import SPLIT_NAMES
from tfmeta.user_files import is_hidden, printable

# Sorts paths of one folder as they sort by themselves, in a fifth of the time.
_NAME = attrgetter("name")


@dataclass(frozen=True)
class FoundClass:
    """A class folder with its split and group, if it has these, and its sorted files."""

    folder: Path
    split: str | None
    group: str | None
    files: list[Path]

    @property
    def name(self) -> str:
        name = printable(self.folder.name)
        return f"{printable(self.group)}/{name}" if self.group else name


def find_classes(
    root: Path,
    groups: bool | None = None,
    split_folders: bool | None = None,
    noun: str = "images",
) -> list[FoundClass]:
    """The class folders, sorted by split, group and name.

    Args:
        root, groups, split_folders, noun: see `ClassFolders`.

    Raises:
        UserError: if there are no class folders, they are at different depths, or a class is in two
            splits.
    """
    if not root.is_dir():
        raise UserError(f"{root} is no folder; expected one with a folder of {noun} for each class")
    tops = folders_in(root)
    known = [SPLIT_NAMES.get(top.name.lower()) for top in tops]
    if split_folders is None:
        split_folders = _has_splits(root, tops, known, groups)
    elif split_folders and not _are_splits(known):
        raise UserError(f"received pipeline.split_folders=true; {_not_the_splits(root, tops)}")
    parts = list(zip(known, tops, strict=True)) if split_folders else [(None, root)]
    has_groups = _has_groups([folder for _, folder in parts]) if groups is None else groups
    found = []
    for split, part in parts:
        homes = [(g.name, g) for g in folders_in(part)] if has_groups else [(None, part)]
        for group, home in homes:
            found += [FoundClass(f, split, group, files_in(f)) for f in folders_in(home)]
    if not found:
        raise UserError(f"{root} has no class folders; expected a folder of {noun} for each class")
    _check(found, root, noun)
    return found


def _are_splits(known: Sequence[str | None]) -> bool:
    return len(set(known)) == len(known) and None not in known and {"train", "test"} <= set(known)


def _has_splits(
    root: Path, tops: list[Path], known: Sequence[str | None], groups: bool | None
) -> bool:
    """Whether the folders are splits: they have names of splits, and hold folders and no images.

    A class may have the name of a split. Folders with such names that are no splits are refused,
    because they would silently become groups.
    """
    deep = [top for top in tops if folders_in(top)]
    if _are_splits(known):
        if not deep:
            raise UserError(
                f"{root} has {_named(tops)}, which hold no folders; expected class folders in "
                "them, if they are splits. If they are classes of these names, "
                "rename them, or train with --set pipeline.split_folders=false"
            )
        return True
    if groups is None and any(top in deep for top, name in zip(tops, known, strict=True) if name):
        raise UserError(
            f"{_not_the_splits(root, tops)}. If these are groups of classes, "
            "rename them, or train with --set pipeline.groups=true"
        )
    return False


def _not_the_splits(root: Path, tops: list[Path]) -> str:
    return (
        f"{root} has {_named(tops)}; expected one folder each of train, test and, if you have it, "
        "validation (val, valid, dev), and no other"
    )


def _named(folders: list[Path]) -> str:
    return listed([printable(folder.name) for folder in folders])


def _has_groups(parts: Sequence[Path]) -> bool:
    """Whether the first level holds groups, which are folders with folders and without files."""
    firsts = [folder for part in parts for folder in folders_in(part)]
    deep = [folder for folder in firsts if folders_in(folder)]
    flat = [folder for folder in firsts if files_in(folder)]
    if deep and flat:
        raise UserError(
            f"{deep[0]} holds folders and {flat[0]} holds files; expected class folders at one "
            f"depth: ROOT/CLASS/file or ROOT/GROUP/CLASS/file. {_moved(deep[0])}"
        )
    return bool(deep)


def _moved(folder: Path) -> str:
    """What helps where a folder holds classes of its own, or is one."""
    inside = next(iter(folders_in(folder))).name
    return (
        f"If {folder.name} is one class, move the files up into it; if {inside} is one, move it "
        f"beside {folder.name}, as {folder.name}-{inside}"
    )


def _check(found: Sequence[FoundClass], root: Path, noun: str) -> None:
    deeper = [folder for each in found for folder in folders_in(each.folder)]
    if deeper:
        raise UserError(
            f"class folder {deeper[0].parent} has a folder in it, {deeper[0].name}; expected "
            f"{noun} alone. {_moved(deeper[0].parent)}"
        )
    seen: dict[str, FoundClass] = {}
    for each in found:
        other = seen.setdefault(each.name, each)
        if other is not each:
            raise UserError(
                f"class {each.name} of {root} is in the splits {other.split} and {each.split}; "
                "expected each class in one only, because new classes are what is tested. The "
                "folder of one split is what tfmeta learn and predict --labelled take"
            )


def unused_entries(
    root: Path, used: Iterable[Path], folders: Iterable[Path]
) -> tuple[tuple[str, ...], list[Path]]:
    """The entries of a folder that are no examples, so that all of them are reported.

    Args:
        root: the folder.
        used: paths of the files that are read.
        folders: other paths to examine, in addition to the folders of these files.

    Returns:
        `(passed_over, lost)`: the names, relative to the root, of hidden files, files in place of
        folders, folders without classes and so on; and the broken links.
    """
    used, inside = set(used), {root}
    for folder in {path.parent for path in used}.union(folders):
        inside |= {folder, *folder.parents}
    inside -= used
    passed_over: list[str] = []
    lost: list[Path] = []
    waiting = [root]
    while waiting:
        for entry in sorted(waiting.pop().iterdir(), key=_NAME):
            if entry in used:
                continue
            if entry in inside and entry.is_dir():
                waiting.append(entry)
            elif is_lost(entry) and not is_hidden(entry):
                lost.append(entry)
            else:
                passed_over.append(printable(entry.relative_to(root)))
    return tuple(sorted(passed_over)), sorted(lost)


def hold_mostly(root: Path, suffixes: Sequence[str]) -> bool:
    """Whether most files in the folders of a folder have one of some suffixes."""
    files = [file for file in root.glob("*/**/*") if file.is_file() and not is_hidden(file)]
    return 2 * sum(file.suffix.lower() in suffixes for file in files) > len(files)


def is_lost(path: Path) -> bool:
    """Whether a path is a broken link, or a link in a circle."""
    return path.is_symlink() and not path.exists()


def folders_in(folder: Path) -> list[Path]:
    """The sorted folders of a folder without hidden ones; empty if there is no such folder."""
    entries = folder.iterdir() if folder.is_dir() else ()
    return sorted(p for p in entries if p.is_dir() and not is_hidden(p))


def files_in(folder: Path) -> list[Path]:
    """The sorted files of a folder without hidden files; empty if there is no such folder.

    Broken links are among them; reading them reports them.
    """
    files = folder.iterdir() if folder.is_dir() else ()
    shown = (file for file in files if not is_hidden(file))
    return sorted((file for file in shown if file.is_file() or is_lost(file)), key=_NAME)
