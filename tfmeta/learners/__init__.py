"""The algorithms, by the name that the command line gives them. Importing this is cheap."""

import importlib
from dataclasses import dataclass, field

from tfmeta.errors import UserError


@dataclass(frozen=True)
class Algorithm:
    """One name of `tfmeta train --algorithm`.

    Attributes:
        home: `module:class` of the learner.
        summary: one line on when to choose it.
        options: constructor arguments that make the name what it is.
    """

    home: str
    summary: str
    options: dict = field(default_factory=dict)

    def load(self) -> type:
        """The learner's class. Imports TensorFlow."""
        module, _, name = self.home.partition(":")
        return getattr(importlib.import_module(module), name)


ALGORITHMS = {
    "maml": Algorithm(
        "tfmeta.learners.maml:MAML",
        "gradient steps from a learned start, second order: the reference for any network and loss",
    ),
    "fomaml": Algorithm(
        "tfmeta.learners.maml:MAML",
        "MAML without second derivatives: cheaper with many inner steps, a little less accurate",
        {"first_order": True},
    ),
    "anil": Algorithm(
        "tfmeta.learners.maml:MAML",
        "MAML on the last layer alone: the smallest task state, the quickest to serve",
        {"adapt_layers": "head"},
    ),
}


def find(name: str) -> Algorithm:
    """The algorithm of that name.

    Raises:
        UserError: if there is none.
    """
    if name not in ALGORITHMS:
        raise UserError(f"unknown algorithm {name!r}; expected one of: {', '.join(ALGORITHMS)}")
    return ALGORITHMS[name]
