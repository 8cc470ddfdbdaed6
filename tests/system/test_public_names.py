"""What users may rely on: the public names and their arguments change only on purpose."""

import importlib

import pytest
from public_names import PAGE, page

import tfmeta

COMMAND = "python tests/helpers/public_names.py"


def test_the_public_names_and_their_arguments_are_those_of_the_page():
    expected, received = PAGE.read_text(), page()
    assert received == expected, f"if that is wanted: {COMMAND}, and a line in CHANGELOG.md"


def test_what_is_no_public_name_is_refused_with_the_public_ones():
    with pytest.raises(AttributeError, match=r"no attribute 'Maml'; it has .*MAML"):
        tfmeta.Maml  # noqa: B018


@pytest.mark.parametrize("name", ["tfmeta", "tfmeta.networks"])
def test_the_public_names_can_be_listed(name):
    module = importlib.import_module(name)
    assert set(module.__all__) <= set(dir(module))
