"""The pages that are written from the tests and the packages say what these say."""

import re
from importlib.metadata import requires

import pytest
from fault_table import PAGES, marked, page
from licence_table import licences, listed
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@pytest.mark.parametrize("mark", PAGES)
def test_the_table_is_that_of_the_tests(mark):
    assert PAGES[mark][0].read_text() == page(mark), f"{PAGES[mark][0]} is out of date: make faults"


@pytest.mark.parametrize("mark", PAGES)
def test_every_line_says_what_is_tried_and_what_happens(mark):
    assert all(tried and happens for tried, happens, _ in marked(mark))


def test_what_tfmeta_names_has_its_licence_in_the_table():
    named = {canonicalize_name(Requirement(line).name) for line in requires("tfmeta")}
    assert named & licences().keys() <= listed().keys(), "docs/licences.md: make faults"


def test_every_licence_is_a_permissive_one():
    stated = {licence for text in listed().values() for licence in re.split(r" AND | OR ", text)}
    permissive = (
        "0BSD Apache-2.0 BSD BSD-2-Clause BSD-3-Clause CC0-1.0 ISC MIT MIT-0 MIT-CMU MPL-2.0 "
        "PSF-2.0"
    )
    assert stated <= {*permissive.split(), "Zlib", "not stated"}
    # Its repository has the Apache License 2.0; its metadata says nothing.
    assert [name for name, licence in listed().items() if licence == "not stated"] == ["namex"]
