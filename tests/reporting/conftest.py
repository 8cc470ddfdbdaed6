"""A report that several files read."""

import pytest
from read_reports import Page, report_of_two


@pytest.fixture(scope="session")
def two():
    """The report of two runs of classes."""
    return Page(report_of_two().read_text())
