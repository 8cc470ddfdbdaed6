"""The unit of few-shot learning."""

from typing import Any, NamedTuple


class Episode(NamedTuple):
    """One task's support and query set, or a batch of them with a leading tasks dimension.

    With T tasks of N ways, K shots and Q queries (regression has N = 1):

    Attributes:
        support_x: `(T, N * K, ...)` what the learner adapts to.
        support_y: `(T, N * K)` int32 labels in [0, N), or `(T, K, outputs)` float targets.
        query_x: `(T, N * Q, ...)` what it must then answer.
        query_y: `(T, N * Q)` or `(T, Q, outputs)` the answers.

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
    """An Episode, or a batch of them, with the weights that a network learned its task best with.

    Attributes:
        support_x, support_y, query_x, query_y: as of `Episode`.
        weights: `{name: (T, ...)}` the network's optimal weights for each task.
        scales: `{name: (T, ...)}` how far each weight's optima are spread over the tasks.
    """

    support_x: Any
    support_y: Any
    query_x: Any
    query_y: Any
    weights: dict[str, Any]
    scales: dict[str, Any]


class PaddedEpisode(NamedTuple):
    """Episodes of several sizes, each filled up to the size of the largest there can be.

    What is an example stands first, class by class; behind it are zeros, with -1 as the label (for
    regression, zeros as the target). A learner takes each task without them.

    Attributes:
        support_x, support_y, query_x, query_y: as of `Episode`, of the largest size.
        support_size: `(T,)` int32, the support examples that each task has.
        query_size: `(T,)` int32, its queries.
    """

    support_x: Any
    support_y: Any
    query_x: Any
    query_y: Any
    support_size: Any
    query_size: Any


def without_solution(episodes: Any) -> Any:
    """A batch as a learner is tested on it: of a SolvedEpisode the Episode alone."""
    return Episode(*episodes[:4]) if isinstance(episodes, SolvedEpisode) else episodes
