"""docs/faults.md and docs/security.md say what the tests try."""

import pytest
from fault_table import PAGES, marked, page


@pytest.mark.parametrize("mark", PAGES)
def test_the_table_is_that_of_the_tests(mark):
    assert PAGES[mark][0].read_text() == page(mark), f"{PAGES[mark][0]} is out of date: make faults"


@pytest.mark.parametrize("mark", PAGES)
def test_every_line_says_what_is_tried_and_what_happens(mark):
    assert all(tried and happens for tried, happens, _ in marked(mark))
