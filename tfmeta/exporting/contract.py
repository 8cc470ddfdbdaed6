"""The names in an export: of its files, of its signatures, and of their inputs and outputs.

Whatever writes, loads, checks or describes an export takes the names from here. `client.py` is for
users to copy and imports nothing of tfmeta, so it spells them itself; a test compares the two.
"""

from tfmeta.reading.format_registry import FORMATS

# Files of a version's folder
MANIFEST = "tfmeta.json"
MODEL = "saved_model.pb"
WARM_UP = "assets.extra/tf_serving_warmup_requests"
README = "README.md"
CLIENT = "client.py"

# Inputs
SUPPORT_X = "support_x"  # examples to adapt to
SUPPORT_Y = "support_y"  # their labels or values
SUPPORT_SIZE = "support_size"  # how many of a task's rows are not padding
QUERY_X = "query_x"  # examples to answer
X = "x"  # the same, for a model that has its support set inside
EXAMPLES = (SUPPORT_X, QUERY_X, X)

# Outputs
PROBABILITIES = "probabilities"
LABEL = "label"
UNKNOWN = "unknown"
PREDICTION = "prediction"  # in place of these three where the answer is a value
VARIANCE = "variance"  # beside it, if the learner has one

# Signatures
ADAPT_AND_PREDICT = "adapt_and_predict"
ADAPT = "adapt"
GENERATE = "generate"
PREDICT = "predict"
SERVING_DEFAULT = "serving_default"  # the name that clients use when they name none


def suffixes() -> tuple[str, ...]:
    """What the names of signatures end in that take encoded examples, of all kinds of input."""
    return tuple(dict.fromkeys(row.suffix for row in FORMATS.values() if row.suffix))


def suffix_of(name: str) -> str:
    """The suffix of a signature's name; an empty string if it has none."""
    return next((suffix for suffix in suffixes() if name.endswith(suffix)), "")
