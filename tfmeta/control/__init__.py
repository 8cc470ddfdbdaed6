"""Model-predictive control by a model that adapts to the last transitions.

>>> from tfmeta.control import Controller
"""

from tfmeta.control.controller import Controller
from tfmeta.control.cross_entropy import Bounds, CrossEntropy
from tfmeta.control.dynamics import Dynamics, LearnerDynamics, ServedDynamics

__all__ = [
    "Bounds",
    "Controller",
    "CrossEntropy",
    "Dynamics",
    "LearnerDynamics",
    "ServedDynamics",
]
