"""Control: by a model that adapts to the last transitions, and by a policy that adapts.

>>> from tfmeta.control import Controller
"""

from tfmeta.control.adaptive_policy import Policy
from tfmeta.control.controller import Controller
from tfmeta.control.cross_entropy import Bounds, CrossEntropy
from tfmeta.control.dynamics import Dynamics, LearnerDynamics, ServedDynamics

__all__ = [
    "Bounds",
    "Controller",
    "CrossEntropy",
    "Dynamics",
    "LearnerDynamics",
    "Policy",
    "ServedDynamics",
]
