"""The kinds of export, one file each. Imports no TensorFlow: whoever loads an export reads this."""

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
