"""The public names, for type checkers and editors; `__init__.py` imports them on first use."""

from tfmeta import networks as networks
from tfmeta.episodes.episode import Episode as Episode
from tfmeta.episodes.episode_shape import EpisodeShape as EpisodeShape
from tfmeta.errors import UserError as UserError
from tfmeta.learners.bayes_linear import BayesLinear as BayesLinear
from tfmeta.learners.hypernetwork import HyperNetwork as HyperNetwork
from tfmeta.learners.maml import ANIL as ANIL
from tfmeta.learners.maml import FOMAML as FOMAML
from tfmeta.learners.maml import MAML as MAML
from tfmeta.learners.matching import Matching as Matching
from tfmeta.learners.meta_learner import MetaLearner as MetaLearner
from tfmeta.learners.meta_lstm import MetaLSTM as MetaLSTM
from tfmeta.learners.meta_sgd import MetaSGD as MetaSGD
from tfmeta.learners.on_features import OnFeatures as OnFeatures
from tfmeta.learners.prototypical import Prototypical as Prototypical
from tfmeta.learners.relation import Relation as Relation
from tfmeta.learners.reptile import Reptile as Reptile
from tfmeta.learners.ridge import Ridge as Ridge
from tfmeta.learners.siamese import Siamese as Siamese
from tfmeta.learners.transfer import Transfer as Transfer
from tfmeta.runtime import configure_runtime as configure_runtime
from tfmeta.training.loading import load as load
from tfmeta.workflows.compare import compare as compare
from tfmeta.workflows.derive import derive as derive
from tfmeta.workflows.episodes import write_episodes as write_episodes
from tfmeta.workflows.evaluate import evaluate as evaluate
from tfmeta.workflows.explain import explain as explain
from tfmeta.workflows.export import export as export
from tfmeta.workflows.inspect import inspect as inspect
from tfmeta.workflows.learn import learn as learn
from tfmeta.workflows.optima import write_optima as write_optima
from tfmeta.workflows.predict import predict as predict
from tfmeta.workflows.report import report as report
from tfmeta.workflows.robustness import robustness as robustness
from tfmeta.workflows.runs import runs as runs
from tfmeta.workflows.score import score as score
from tfmeta.workflows.train import train as train
from tfmeta.workflows.verify import verify as verify

__version__: str
__all__: list[str]

def __dir__() -> list[str]: ...
