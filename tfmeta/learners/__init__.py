"""The algorithms, by the name that the command line gives them. Importing this is cheap."""

from dataclasses import dataclass, field
from typing import Any

from tfmeta.errors import UserError, unknown
from tfmeta.named_code import import_named, why_not_imported


@dataclass(frozen=True)
class Algorithm:
    """One name of `tfmeta train --algorithm`.

    Attributes:
        learner: `module:class`.
        summary: one line on when to choose it.
        options: the constructor arguments that the name stands for.
    """

    learner: str
    summary: str
    options: dict[str, Any] = field(default_factory=dict)

    def load(self) -> type[Any]:
        """The learner's class. Imports TensorFlow.

        Raises:
            UserError: if it cannot be imported, or is no learner.
        """
        from tfmeta.learners.meta_learner import MetaLearner

        try:
            found = import_named(self.learner, "algorithm")
        except UserError:
            raise
        except Exception as error:  # a user's module may raise anything when it is imported
            why = why_not_imported(self.learner, error)
            raise UserError(f"cannot load the learner {self.learner!r} ({why})") from error
        if not (isinstance(found, type) and issubclass(found, MetaLearner)):
            raise UserError(
                f"{self.learner} is no learner; expected a subclass of tfmeta.MetaLearner"
            )
        return found


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
    "meta-sgd": Algorithm(
        "tfmeta.learners.meta_sgd:MetaSGD",
        "MAML that learns a rate for each weight too: more from a single inner step",
    ),
    "reptile": Algorithm(
        "tfmeta.learners.reptile:Reptile",
        "first order and no query set, many inner steps: for large networks and long adaptation",
    ),
    "meta-lstm": Algorithm(
        "tfmeta.learners.meta_lstm:MetaLSTM",
        "an LSTM as the update rule: when the inner optimizer itself is to be learned",
    ),
    "siamese": Algorithm(
        "tfmeta.learners.siamese:Siamese",
        "learns from pairs whether two examples are of one class: verification, and any classes",
    ),
    "prototypical": Algorithm(
        "tfmeta.learners.prototypical:Prototypical",
        "nearest class mean in a learned space, any number of classes: the first to try on images",
    ),
    "ridge": Algorithm(
        "tfmeta.learners.ridge:Ridge",
        "ridge regression in closed form on the features: the best head on a pretrained network",
    ),
    "transfer": Algorithm(
        "tfmeta.learners.transfer:Transfer",
        "a classifier of all training classes, and a simple head on its features: from scratch",
    ),
    "bayes-linear": Algorithm(
        "tfmeta.learners.bayes_linear:BayesLinear",
        "linear regression with a learned prior, in closed form: values with their variance",
    ),
    "matching": Algorithm(
        "tfmeta.learners.matching:Matching",
        "attention over the support set, any number of classes: where a class has several faces",
    ),
    "relation": Algorithm(
        "tfmeta.learners.relation:Relation",
        "learns the comparison of feature maps too, any number of classes: slower, finer",
    ),
    "hypernetwork": Algorithm(
        "tfmeta.learners.hypernetwork:HyperNetwork",
        "writes a network's weights in one pass over the support set: no gradients at serving time",
    ),
}


def find(name: str) -> Algorithm:
    """The algorithm of that name; `package.module:Class` names a learner from elsewhere.

    Raises:
        UserError: if there is none.
    """
    if name in ALGORITHMS:
        return ALGORITHMS[name]
    if ":" in name:
        return Algorithm(name, "a learner from elsewhere")
    raise UserError(
        f"{unknown('algorithm', name, ALGORITHMS)}; expected one of: {', '.join(ALGORITHMS)}, "
        "or package.module:Class"
    )
