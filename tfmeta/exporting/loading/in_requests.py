"""Queries that a model refuses together, asked in several requests."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from tfmeta.errors import UserError
from tfmeta.exporting.loading.genuine_protos import LoaderError
from tfmeta.reading.graph_messages import in_words

Outputs = dict[str, np.ndarray]
_QUERIES = re.compile(r"(?:\w+ and )?(?:query_)?x(?:_[^:]*)?: ")  # the input that is refused
_ALONE = re.compile(r"(?:query_)?x(?:_[^:]*)?: ")


class RefusedQueryError(UserError):
    """A model refuses one of the queries, whatever stands beside it.

    Attributes:
        refusal: what the model says.
        query: the number of the query.
    """

    def __init__(self, refusal: str, query: int):
        super().__init__(f"query {query} is refused: {refusal}", exit_status=1)
        self.refusal, self.query = refusal, query


def in_requests(
    ask: Callable[[np.ndarray], dict[str, Any]], queries: np.ndarray, *, first: int = 0
) -> Outputs:
    """The answers to all queries, asked at once; or in halves if the model refuses that.

    A request has limits, such as the pixels of all its images. The model checks them before it
    decodes anything. What it refuses of one query is found in the same way.

    Args:
        ask: queries -> their answers, whose first dimension is the queries.
        queries: `(queries, ...)`, none of whose answers depends on the others.
        first: the number of the first query.

    Raises:
        RefusedQueryError: if a query is refused alone.
        LoaderError: if the model refuses something else.
    """
    try:
        return ask(queries)
    except LoaderError as error:
        refusal = in_words(str(error))
        if not _QUERIES.match(refusal) or not len(queries):
            raise
        if len(queries) == 1:
            if not _ALONE.match(refusal):
                raise
            raise RefusedQueryError(refusal, first) from error
    half = len(queries) // 2
    parts = [in_requests(ask, queries[:half], first=first)]
    parts.append(in_requests(ask, queries[half:], first=first + half))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
