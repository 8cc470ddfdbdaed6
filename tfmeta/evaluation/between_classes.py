"""An `unknown` score where every class has one example, so that none can be held out."""

import numpy as np
import numpy.typing as npt

from tfmeta.confidence import Confidence
from tfmeta.evaluation.left_out import nearest_distances

# With squared distances in units of the median one between a class and the nearest other, examples
# of five classes were at 0.3 to 0.9 from the one example of theirs (medians of seven data sets),
# and those of other classes at 1.0 to 1.8. See docs/decisions.md.
_MIDDLE, _STEEPNESS = 0.85, 8.0


def confidence_between_classes(features: npt.NDArray[np.float32]) -> Confidence:
    """A score that rests on how far the classes are from each other.

    To the other classes, each class is one that they don't know. So a query is of no class if it is
    as far from the nearest example as they are. The temperature is 1: nothing says how sure the
    answers may be.

    Args:
        features: `(classes, units)`, one example of each class.
    """
    labels = np.arange(len(features))
    from_others = nearest_distances(features, labels)
    typical = float(np.median(from_others))
    if typical <= 0:  # most examples are the same
        return Confidence()
    return Confidence(bias=-_STEEPNESS * _MIDDLE, of_doubt=0.0, of_distance=_STEEPNESS / typical)
