"""What changes for the clients of a model when a server takes its next version."""

from pathlib import Path

from tfmeta.errors import UserError
from tfmeta.exporting.manifest import Manifest


def change_for_clients(version: Path) -> str | None:
    """Says that clients of the version before can't use this one; None if they can, or none is.

    A server takes the newest version as soon as it is there. Other classes are no such change.

    Args:
        version: `exported/NAME/VERSION`, just written.
    """
    numbers = [int(each.name) for each in version.parent.iterdir() if each.name.isdecimal()]
    earlier = [number for number in numbers if number < int(version.name)]
    if not earlier:
        return None
    before = version.parent / str(max(earlier))
    try:
        was, now = Manifest.read(before), Manifest.read(version)
    except UserError:  # it is damaged, or of a newer tfmeta
        return None
    changes = [
        f"{what} ({old} before, {new} now)"
        for what, old, new in (
            ("the kind", was.kind, now.kind),
            ("the answers", was.targets, now.targets),
            ("the inputs", _inputs(was), _inputs(now)),
        )
        if old != new
    ]
    if not changes:
        return None
    return (
        f"clients of the version before, {before}, can't use {version}, which a server takes as it "
        f"is the newest; what changed: {'; '.join(changes)}. Export to another folder with "
        "--output (in Python, output)"
    )


def _inputs(manifest: Manifest) -> str:
    """What a client sends, in words."""
    taken = manifest.input_format
    if encoded := taken.inputs_of("x"):
        return ", ".join(sorted(encoded))
    shape = " x ".join(map(str, manifest.input_shape))
    return ", ".join(taken.features) or f"numbers of shape {shape}"
