"""What `tfmeta.learn` can learn from: one kind of data, one file."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from tfmeta.workflows.learnable.request import Request
from tfmeta.workflows.learnable.words import refuse
from tfmeta.workflows.learned import Learned
from tfmeta.workflows.learned_values import LearnedValues


class Learnable(ABC):
    """A kind of data.

    Attributes:
        what: the data in a sentence, such as "a folder".
        not_for: the options that are for other data, by name: for which.
    """

    what: ClassVar[str]
    not_for: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def takes(self, request: Request) -> bool:
        """Whether the data is of this kind; the kinds are asked in the order of `KINDS`."""

    @abstractmethod
    def learn(self, request: Request) -> Learned | LearnedValues:
        """Learns it and exports both models; see `tfmeta.learn`."""

    def check(self, request: Request) -> None:
        """Raises UserError if an option is for other data."""
        options = {**request.reading, "network": request.network}
        for name, others in self.not_for.items():
            refuse(name, options.get(name), self.what, others)
