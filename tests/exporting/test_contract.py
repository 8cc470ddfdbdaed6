"""The names of an export are those of the contract, also in the client that imports none of it."""

import ast
from pathlib import Path

import pytest

from tfmeta.exporting import client, contract
from tfmeta.user_files import is_hidden

BYTES, TEXT = "_bytes", "_text"
ENTRIES = ("a", ".b", "Thumbs.db", "DESKTOP.INI", "thumbs.db.png", "desktop", "~c", "é")


def names_in(*functions):
    """The strings in these functions of the client, docstrings apart."""
    tree = ast.parse(Path(client.__file__).read_text())
    found = set()
    for each in tree.body:
        if isinstance(each, ast.FunctionDef) and each.name in functions:
            for node in (inner for statement in each.body[1:] for inner in ast.walk(statement)):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
    return found


def test_the_client_asks_by_the_contracts_names():
    assert names_in("read_support", "probabilities_of") == {
        contract.SUPPORT_X + BYTES,
        contract.SUPPORT_X + TEXT,
        contract.SUPPORT_Y,
        contract.QUERY_X,
        contract.ADAPT_AND_PREDICT,
        contract.ADAPT,
        contract.PREDICT,
        contract.PROBABILITIES,
        *(BYTES, TEXT),
    }
    assert BYTES in names_in("_decoded")
    assert {BYTES, TEXT} <= {*contract.suffixes()}


def test_the_client_passes_over_the_files_that_tfmeta_passes_over(tmp_path):
    for name in ENTRIES:
        (tmp_path / name).touch()
    shown = {path.name for path in client._shown(tmp_path)}
    assert shown == {"a", "thumbs.db.png", "desktop", "~c", "é"}
    assert shown == {path.name for path in tmp_path.iterdir() if not is_hidden(path)}


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("predict", ""),
        ("predict_bytes", "_bytes"),
        ("adapt_text", "_text"),
        ("x_columns", "_columns"),
    ],
)
def test_suffixes(name, suffix):
    assert contract.suffix_of(name) == suffix
