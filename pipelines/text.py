"""Texts with one label each, such as intents, from a file of your own: CSV, JSON lines or Parquet.
Or from a folder with a folder of .txt files per class.

    tfmeta train text --data-dir intents.csv --algorithm prototypical
    tfmeta train text --data-dir intents.jsonl --set pipeline.label=intent --shots 5

A text becomes the ids of its tokens. Tokens are the three letters at each place of its words, and
in scripts without spaces one, two and three letters: a word that training never saw shares some
with words that it saw. Or they are the words themselves, or the word pieces of a pretrained network
(`tokenizers.py`). The vocabulary comes from the training split alone. A served model takes texts
and makes the same ids; `token_ids` makes them in Python. For your own embeddings use `arrays`.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.class_source import ClassSource
from tfmeta.episodes.labelled_rows import classes_of
from tfmeta.episodes.splitting import TEST, VALIDATION
from tfmeta.errors import UserError, listed
from tfmeta.reading.found_classes import files_in
from tfmeta.reading.origins import Origins
from tfmeta.reading.prepared_tokens import PreparedTokens
from tfmeta.reading.tables import find_file
from tfmeta.reading.text_folders import SUFFIX, holds_texts
from tfmeta.reading.text_format import IN_GRAPH, NO_TOKENS, TextFormat
from tfmeta.reading.text_rows import ROW_SUFFIXES, read_text_rows
from tfmeta.reading.tokenizer import RESERVED
from tfmeta.reading.tokenizers import TOKENIZERS

_MOST_IDS = 2**24  # ids that a float32 can tell apart


def build(
    *,
    data_dir=None,
    file=None,
    text: str = "text",
    label: str = "label",
    group=None,
    split=None,
    vocabulary: int | list = 10_000,
    length: int | None = None,
    tokenizer: str | None = None,
    split_by: str = "auto",
    validation: float = VALIDATION,
    test: float = TEST,
    split_seed: int = 0,
) -> ClassSource:
    """The pipeline.

    Args:
        data_dir: the file, or a folder that holds exactly one; or a folder with a folder of .txt
            files per class, in the layouts of `image-folder`, which takes none of the columns.
        file: its name in the folder, if there are several.
        text: the column of the texts.
        label: the column of the classes.
        group: the column of the classes' groups.
        split: the column that says train, validation or test.
        vocabulary: the largest number of ids, for the most frequent words of training and two ids
            that are no words; or the words themselves, in the order of their ids.
        length: number of tokens of a text that are used; the others at its end are cut off. None:
            256 n-grams, 64 word pieces or 32 words.
        tokenizer: "ngrams", the three letters at each place of a word, and one to three letters in
            scripts without spaces; "trigrams", of these single letters alone; "unicode", the words;
            "wordpiece", the pieces of MiniLM, and "unigram", those of multilingual E5, which have
            their own vocabularies; or "ascii", words by the spaces and punctuation of ASCII alone.
            None is what suits the network, or "ngrams"; but if `vocabulary` has the words, None is
            "ascii", as in older runs.
        split_by, validation, test, split_seed: see `split_classes`; used if no column has the
            split.

    Raises:
        UserError: if the file can't be read, a value is missing, or a class is in two groups or
            splits.
    """
    words = vocabulary if _is_words(vocabulary) else None
    if words is None:
        _check_whole("vocabulary", vocabulary, RESERVED + 1, _MOST_IDS)
    tokenizer = tokenizer or ("ngrams" if words is None else "ascii")
    if tokenizer not in TOKENIZERS:
        raise UserError(
            f"received pipeline.tokenizer={tokenizer!r}; expected {' or '.join(TOKENIZERS)}"
        )
    rule = TOKENIZERS[tokenizer]
    if words is not None and not rule.counts_training:
        raise UserError(
            f"received words as pipeline.vocabulary; pipeline.tokenizer={tokenizer} has its own. "
            "Leave them out"
        )
    length = rule.length if length is None else length
    _check_whole("length", length, rule.least_length, _MOST_IDS)
    chosen = _chosen(text=text, label=label, group=group, split=split)
    path = _place(data_dir, file, chosen)
    columns, names = read_text_rows(path, chosen)
    texts = columns.pop("text")
    classes = classes_of(
        {option: np.array(values) for option, values in columns.items()},
        by=split_by,
        validation=validation,
        test=test,
        seed=split_seed,
        names=names,
    )
    if words is None:
        in_training = np.isin(classes["labels"], classes["splits"]["train"])
        in_training = [texts[row] for row in np.flatnonzero(in_training)]
        words = rule.vocabulary_of(in_training, vocabulary)
    if len(words) == RESERVED:
        raise UserError(f"the training texts of {path} have no word but punctuation; expected some")
    ids, lengths = rule.ids(texts, words, length)
    index = ClassIndex(ids, **classes, origins=_origins(names, texts))
    text_format = _format(words, length, tokenizer, chosen)
    source = ClassSource("text", index, input_format=text_format)
    source.vocabulary, source.length, source.tokenizer = words, length, tokenizer
    # Later texts must not change the id of a word, nor a later tokenizer the words.
    source.pinned_options = {"tokenizer": tokenizer}
    if rule.counts_training:
        source.pinned_options["vocabulary"] = words
    rows = {split: index.rows(split) for split in index.splits}
    kept = {} if text_format is None else {"no_tokens": text_format.no_tokens}
    source.prepared = PreparedTokens(ids, rows, lengths, texts, **kept)
    source.network, source.network_options = rule.network, _network_options(ids, rows, len(words))
    return source


def _place(data_dir: Any, file: Any, chosen: dict[str, str]) -> Path:
    """The file of the texts, or their folder."""
    if data_dir is None or file is not None or not _is_of_texts(Path(data_dir)):
        return find_file("text", data_dir, file, ROW_SUFFIXES)
    if named := [option for option, name in chosen.items() if name != option]:
        raise UserError(
            f"received pipeline.{named[0]}={chosen[named[0]]} for {data_dir}, a folder of texts, "
            "whose folders are the classes; expected it for a file with such a column"
        )
    return Path(data_dir)


def _is_of_texts(folder: Path) -> bool:
    """Whether a folder's folders hold its texts.

    Raises:
        UserError: if a table in it may hold them, too, or nothing does.
    """
    tables = [file.name for file in files_in(folder) if file.suffix.lower() in ROW_SUFFIXES]
    are_texts = holds_texts(folder)
    if folder.is_dir() and not tables and not are_texts:
        raise UserError(
            f"{folder} holds no file of texts ({', '.join(ROW_SUFFIXES)}), nor folders of mostly "
            f"{SUFFIX} files; expected one such file, or a folder of {SUFFIX} files per class"
        )
    if tables and are_texts:
        raise UserError(
            f"{folder} holds {listed(tables)} and folders of {SUFFIX} files; expected one "
            "of the two. Give the file's own path, or move it elsewhere"
        )
    return are_texts


def _chosen(**columns: Any) -> dict[str, str]:
    """The columns that are named, `{option: name}`; the texts and the classes differ."""
    if columns["text"] == columns["label"]:
        raise UserError(
            f"received {columns['text']!r} as the column of the texts and of the classes; expected "
            "two columns"
        )
    return {option: str(name) for option, name in columns.items() if name is not None}


def token_ids(
    texts: list[str], vocabulary: list[str], length: int, *, tokenizer: str
) -> np.ndarray:
    """Texts as ids for a network: float32 `(texts, length)`, cut off or padded with 0.

    Args:
        texts: any texts; the id of a token that is not in the vocabulary is 1.
        vocabulary: of the source, in the order of the ids.
        length: of the source.
        tokenizer: of the source.
    """
    return TOKENIZERS[tokenizer].ids(texts, vocabulary, length)[0]


def _format(words, length, tokenizer, columns):
    """How a served model makes the ids; None for a tokenizer that no graph can compute."""
    if tokenizer not in IN_GRAPH:
        return None
    named = {f"{name}_column": columns[name] for name in ("text", "label")}
    try:
        return TextFormat(tuple(words), length, tokenizer, **named)
    except ValueError as error:
        raise UserError(f"pipeline.vocabulary: {error}") from error


def _network_options(ids, rows, number):
    """The number of ids, and the inverse document frequency of each in the training texts."""
    training = ids[rows["train"]].astype(np.int64)
    pairs = np.unique(np.arange(len(training))[:, np.newaxis] * number + training)
    having = np.bincount(pairs % number, minlength=number)
    # As in scikit-learn: as if one more text had every token.
    weights = np.log((1 + len(training)) / (1 + having)) + 1
    return {"vocabulary_size": number, "token_weights": np.round(weights, 4).tolist()}


def _origins(names, texts):
    """With digests of the texts as they were given: different texts may have the same ids."""
    digests = tuple(hashlib.blake2b(t.encode(), digest_size=16).digest() for t in texts)
    return Origins(names=names, digests=digests, passed_over=names.passed_over)


def _is_words(vocabulary):
    if not isinstance(vocabulary, list):
        return False
    if tuple(vocabulary[:RESERVED]) != NO_TOKENS or not all(isinstance(w, str) for w in vocabulary):
        raise UserError(
            f"received a pipeline.vocabulary that begins with {vocabulary[:3]}; expected a number, "
            f"or words from id 0 on, of which the first are {list(NO_TOKENS)}"
        )
    return True


def _check_whole(name, value, least, most):
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise UserError(
            f"received pipeline.{name}={value!r}; expected a whole number from {least} to {most}"
        )
