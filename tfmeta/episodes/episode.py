"""The unit of few-shot learning."""

from typing import Any, NamedTuple


class Episode(NamedTuple):
    """One task's support and query set, or a batch of them with a leading tasks dimension.

    With T tasks of N ways, K shots and Q queries (regression has N = 1):

    Attributes:
        support_x: `(T, N * K, ...)`, what the learner adapts to.
        support_y: `(T, N * K)` int32 labels in [0, N), or `(T, K, outputs)` float targets.
        query_x: `(T, N * Q, ...)`, what the learner must then answer.
        query_y: `(T, N * Q)` or `(T, Q, outputs)`, the right answers.

    Example:

    >>> x, y = np.zeros((1, 5, 28, 28, 1), np.float32), np.arange(5)[None]
    >>> Episode(x, y, x, y).support_x.shape
    (1, 5, 28, 28, 1)
    """

    support_x: Any
    support_y: Any
    query_x: Any
    query_y: Any


class SolvedEpisode(NamedTuple):
    """An Episode, or a batch of them, with the weights with which a network solves its task best.

    Attributes:
        support_x, support_y, query_x, query_y: see `Episode`.
        weights: `{name: (T, ...)}`, the network's best weights for each task.
        scales: `{name: (T, ...)}`, how much each weight's best values differ between tasks.
    """

    support_x: Any
    support_y: Any
    query_x: Any
    query_y: Any
    weights: dict[str, Any]
    scales: dict[str, Any]


class PaddedEpisode(NamedTuple):
    """Episodes of several sizes, each padded to the size of the largest that there can be.

    The examples come first, class by class. After them come zeros with the label -1 (for
    regression, with zeros as the target). A learner takes each task without this padding.

    Attributes:
        support_x, support_y, query_x, query_y: see `Episode`; they have the largest size.
        support_size: `(T,)` int32, the number of support examples of each task.
        query_size: `(T,)` int32, the number of queries of each task.
    """

    support_x: Any
    support_y: Any
    query_x: Any
    query_y: Any
    support_size: Any
    query_size: Any


def without_solution(episodes: Any) -> Any:
    """A batch for testing a learner: the Episode of a SolvedEpisode; others unchanged."""
    return Episode(*episodes[:4]) if isinstance(episodes, SolvedEpisode) else episodes
