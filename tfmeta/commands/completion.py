"""What the shell completes: names of pipelines and the like, runs, exports. Without TensorFlow."""

from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

_RUN, _EXPORT = "config.json", "*/tfmeta.json"  # what such a folder holds


def pipelines(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[Any]:
    """The names of pipelines, with their summaries."""
    from tfmeta.pipelines import listing

    summaries = {name: each["summary"] for name, each in listing().items() if "NAME" not in name}
    return _named(summaries, incomplete)


def algorithms(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[Any]:
    """The names of algorithms, with their summaries."""
    from tfmeta.learners import ALGORITHMS

    return _named({name: each.summary for name, each in ALGORITHMS.items()}, incomplete)


def networks(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[Any]:
    """The names of networks, with their summaries."""
    from tfmeta.network_registry import NETWORKS

    return _named({name: each.summary for name, each in NETWORKS.items()}, incomplete)


def runs(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[Any]:
    """Run directories; where there are none, any folder."""
    return _folders([_RUN], incomplete)


def exports(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[Any]:
    """Exports; where there are none, any folder."""
    return _folders([_EXPORT], incomplete)


def models(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[Any]:
    """Runs and exports; where there are none, any folder."""
    return _folders([_RUN, _EXPORT], incomplete)


def _named(summaries: dict[str, str], incomplete: str) -> list[Any]:
    return [
        CompletionItem(name, help=summary)
        for name, summary in summaries.items()
        if name.startswith(incomplete)
    ]


def _folders(markers: list[str], incomplete: str) -> list[Any]:
    """The folders that begin so and hold a marker, themselves or one level deeper."""
    parent, _, beginning = incomplete.rpartition("/")
    root = Path(f"{parent}/" if incomplete.startswith("/") else parent or ".")
    found = set()
    for marker in markers:
        for pattern in (f"*/{marker}", f"*/*/{marker}"):
            for path in root.glob(pattern):
                folder = path.parents[marker.count("/")]
                if folder.relative_to(root).parts[0].startswith(beginning):
                    found.add(str(folder))
    # The shell itself completes folders if it gets no other item.
    return [CompletionItem("", type="dir"), *map(CompletionItem, sorted(found))]
