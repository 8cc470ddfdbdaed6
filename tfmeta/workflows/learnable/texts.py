"""Files and folders of texts, each with its class."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import ClassVar, cast

import keras
import numpy as np

from tfmeta import pipelines
from tfmeta.episodes.class_source import ClassSource
from tfmeta.errors import counted, listed
from tfmeta.evaluation.held_out import Head
from tfmeta.learners.feature_cache import cached_features
from tfmeta.learners.on_features import OnFeatures, told_apart
from tfmeta.network_registry import NETWORKS
from tfmeta.networks.in_parts import computed
from tfmeta.reading.prepared_tokens import PreparedTokens
from tfmeta.reading.text_columns import check_tokens
from tfmeta.reading.text_folders import holds_texts
from tfmeta.reading.text_rows import names_of_columns
from tfmeta.training.network_choice import network_function, taken_by
from tfmeta.training.opening import suited_to_network
from tfmeta.workflows.learnable.classes import learned
from tfmeta.workflows.learnable.image_folders import OF_TABLES
from tfmeta.workflows.learnable.kind import Learnable
from tfmeta.workflows.learnable.network import network_for
from tfmeta.workflows.learnable.request import CHOOSING, GAPS, Request
from tfmeta.workflows.learnable.task import (
    ONE_TASK,
    Task,
    checked_source,
    first_unless_surely_worse,
    held_out_of,
    learner_of,
    told_while_embedding,
)
from tfmeta.workflows.learnable.text_column import text_column
from tfmeta.workflows.learned import Learned

# The pretrained networks, the first of which is taken that is installed. Each with the standard
# errors by which the held-out answers of TF-IDF must be likelier to be taken in its place: of texts
# in a language that it knows well, and of others.
TEXT_NETWORKS = {"multilingual_e5": (2.0, 1.0), "minilm": (1.0, 0.0)}
# Tokens of a text, and different tokens of thousands of texts: there is a feature of each.
_MOST_LENGTH, _FEW_TOKENS, _MANY_TEXTS = 2048, 4096, 4096
# Pieces of a word on average, at most, in a language that a network knows well: MiniLM has 1.1 to
# 1.6 in English and 2.0 in German, E5 1.1 to 1.8 in both, French, Arabic and Swahili. And those of
# each text that are in no word.
_MOST_PIECES, _ENDS = 1.8, 2
_NOT_CUT = 0.99  # of the texts, whose length decides what a pretrained network costs
# The default network of texts without its map, which is drawn at random before training.
TFIDF, _UNTRAINED = "TF-IDF", {"embedding_size": 0}


class Texts(Learnable):
    """A CSV, JSONL or Parquet file with a column of texts."""

    what = "texts"
    not_for: ClassVar = {
        "skip_unreadable": "a folder",
        **dict.fromkeys(("target", *CHOOSING, *GAPS), "a table of features"),
    }

    def takes(self, request: Request) -> bool:
        return text_column(request.place, request.reading) is not None

    def learn(self, request: Request) -> Learned:
        notes = [*request.notes, *_not_learned(request)]
        notes += () if request.network else _advice()
        return learned(task_of_texts(request), replace(request, notes=tuple(notes)))


class TextFolders(Texts):
    """A folder with a folder of texts per class."""

    what = "a folder of texts"
    not_for: ClassVar = {**OF_TABLES, "skip_unreadable": "images and sounds"}

    def takes(self, request: Request) -> bool:
        return request.place.is_dir() and holds_texts(request.place)


def task_of_texts(request: Request) -> Task:
    """The task of a file of texts, of whose tokens a network makes features.

    If no network is named, it is a pretrained one that is installed, or TF-IDF; see `chosen`. The
    pretrained one is taken where no text can be held out, for TF-IDF knows no word but those of
    these few texts.
    """
    if request.network:
        return _texts_embedded(request, request.network)
    tfidf = partial(_texts_embedded, request, TFIDF)
    for name in TEXT_NETWORKS:
        if NETWORKS[name].is_installed:
            return chosen(_texts_embedded(request, name), tfidf())
    return tfidf()


def _not_learned(request: Request) -> Iterator[str]:
    """The columns of the file that a model of texts does not take."""
    if request.place.is_dir():
        return
    used = [text_column(request.place, request.reading), *request.columns().values()]
    used += [request.groups] if isinstance(request.groups, str) else []
    if others := [name for name in names_of_columns(request.place) if name not in used]:
        yield f"not learned: {listed(others)}, because a model of texts takes one column"


def _advice() -> Iterator[str]:
    """What would make better features, if nothing of it is installed."""
    if not any(NETWORKS[name].is_installed for name in TEXT_NETWORKS):
        best = next(iter(TEXT_NETWORKS))
        yield (
            f"compared by TF-IDF alone; {best} knows a hundred languages and is mostly better "
            f"({NETWORKS[best].installed_by}, 91 MB)"
        )


def chosen(pretrained: Task, tfidf: Task) -> Task:
    """The pretrained network's task, unless the held-out answers of the other are likelier.

    Of few examples they say little about which is better, so that TF-IDF must be surely so, above
    all of texts in a language that the pretrained network knows.
    """
    pieces = _tokens_of(pretrained.source).tokens_per_word(ends=_ENDS)
    known, unknown = TEXT_NETWORKS[pretrained.network]
    standard_errors = known if pieces <= _MOST_PIECES else unknown
    return first_unless_surely_worse([pretrained, tfidf], standard_errors=standard_errors)


def _tokens_of(source: ClassSource) -> PreparedTokens:
    return cast(PreparedTokens, source.prepared)


def _texts_embedded(request: Request, name: str) -> Task:
    """The task of texts, whose features the network of that name makes."""
    place, columns = request.place, request.columns()
    columns["text"] = text_column(place, request.reading)
    options = {**ONE_TASK, **columns, **suited_to_network(name, "text")}
    source = checked_source(pipelines.build("text", data_dir=place, options=options), request)
    rows = np.arange(len(source.index.labels))
    check_tokens(_tokens_of(source).texts(rows) or [], source.index.origins.names)
    if size := _size_of_texts(name, source):
        options |= size
        source = checked_source(pipelines.build("text", data_dir=place, options=options), request)
    network = _network_of_texts(name, source)
    x = source.index.examples
    embedded = told_while_embedding(
        request.progress,
        lambda done, total: f"{done:,} of {counted(total, 'text')} embedded by {name}",
    )
    # TF-IDF is of these texts alone, so that no later run would find its features.
    make = computed if name == TFIDF else cached_features
    made = make(network, x, on_progress=embedded)
    held_out = held_out_of(made, source, request)
    return Task(source, held_out, told_apart(network, made), partial(_learner, network), name)


def _learner(network: keras.Model, head: Head) -> OnFeatures:
    """The head on what the network makes of texts."""
    features = keras.Input(network.output_shape[1:], name="features")
    same = keras.Model(features, keras.layers.Identity(name="same")(features), name="features")
    return OnFeatures(network, learner_of(head, same))


def _size_of_texts(name: str, source: ClassSource) -> dict[str, int]:
    """Options by which all of most texts counts, and the features of many texts fit in memory.

    A pretrained network computes as much for each text as for the longest. So its length doubles
    until few texts are longer.

    Args:
        name: of the network.
        source: of the texts, as its default options have them.
    """
    prepared = _tokens_of(source)
    tokens = prepared.facts()["tokens"]
    if name != TFIDF:
        length, most = tokens["length"], NETWORKS[name].most_tokens if name in NETWORKS else 0
        while length < min(most, prepared.length_of(_NOT_CUT)):
            length *= 2
        length = min(length, most) if most else length
        return {"length": length} if length != tokens["length"] else {}
    is_large = len(source.index.labels) > _MANY_TEXTS
    length = min(max(tokens["most"], tokens["length"]), _MOST_LENGTH)
    return {"length": length, **({"vocabulary": _FEW_TOKENS} if is_large else {})}


def _network_of_texts(name: str, source: ClassSource) -> keras.Model:
    is_tfidf = name == TFIDF
    name = "auto" if is_tfidf else name
    given = taken_by(network_function(name, source), source.network_options)
    if is_tfidf:
        given |= _UNTRAINED
    return network_for(source, name, **given)
