"""`learner`: the model adapts to the support set in each request."""

from tfmeta.exporting.contract import ADAPT, ADAPT_AND_PREDICT, PREDICT
from tfmeta.exporting.kinds.export_kind import ExportKind, Part, Signature

LEARNER = ExportKind(
    name="learner",
    summary="adapts in each request",
    description="It adapts, inside the graph, to the support set that comes with a request.",
    signatures=(
        Signature(ADAPT_AND_PREDICT, (Part.SUPPORT, Part.QUERIES), Part.ANSWER),
        Signature(ADAPT, (Part.SUPPORT,), Part.STATE),
        Signature(PREDICT, (Part.STATE, Part.QUERIES), Part.ANSWER),
    ),
    instead_of_litert=(
        "a learner that adapts its head alone (algorithm anil) or without gradients (such as "
        "prototypical), or an adapted model (kind adapted with a support set)"
    ),
)
