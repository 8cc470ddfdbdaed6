"""docs/faults.md says what the tests try."""

from fault_table import PAGE, faults, page


def test_the_table_of_faults_is_that_of_the_tests():
    assert PAGE.read_text() == page(), "docs/faults.md is out of date: make faults"


def test_every_fault_says_what_is_tried_and_what_happens():
    assert all(tried and happens for tried, happens, _ in faults())
