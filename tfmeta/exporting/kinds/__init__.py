"""The kinds of export, one file each. Imports no TensorFlow: whoever loads an export reads this."""

from tfmeta.errors import UserError
from tfmeta.exporting.kinds.adapted import ADAPTED
from tfmeta.exporting.kinds.export_kind import ExportKind
from tfmeta.exporting.kinds.generator import GENERATOR
from tfmeta.exporting.kinds.learner import LEARNER

KINDS: dict[str, ExportKind] = {
    kind.name: kind
    for kind in (
        LEARNER,
        ADAPTED,
        GENERATOR,
    )
}


def check_litert(kind: ExportKind) -> None:
    """Raises UserError if the kind can't be a LiteRT file."""
    if kind.instead_of_litert is None:
        able = [name for name, each in KINDS.items() if each.instead_of_litert]
        raise UserError(
            f"kind {kind.name} can't be a LiteRT file; expected kind {' or '.join(able)}, or "
            "format saved-model"
        )
