"""Gives a worker of xdist whole files, or whole folders below a room's, which share what is dear.

xdist's own groups don't work with pytest 9.2, which no longer lets a plugin rename a test.
"""

import os
from pathlib import PurePosixPath

import pytest
from xdist.scheduler import LoadScopeScheduling


def place_of(nodeid: str) -> str:
    """`tests/ROOM/FILE`, or `tests/ROOM/FOLDER` for the files of a folder."""
    path = PurePosixPath(nodeid.partition("::")[0])
    return str(PurePosixPath(*path.parts[:3]))


class WholeFiles(LoadScopeScheduling):
    """A worker's piece of work is a place."""

    def _split_scope(self, nodeid):
        return place_of(nodeid)


@pytest.hookimpl(optionalhook=True)  # there is no such hook without xdist
def pytest_xdist_make_scheduler(config, log):
    return WholeFiles(config, log)


def pytest_collection_modifyitems(items):
    """First the places with slow tests, then those with many: none is left for the end."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return
    places = {}
    for item in items:
        places.setdefault(place_of(item.nodeid), []).append(item)
    first = sorted(places.values(), key=lambda place: (not _has_slow_tests(place), -len(place)))
    items[:] = [item for place in first for item in place]


def _has_slow_tests(items):
    return any(item.get_closest_marker("slow") for item in items)
