"""How the columns of a table are named in a message."""

import pytest

from tfmeta.reading.column_names import columns_in_words


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["age", "kind"], "age, kind"),
        (["age", " kind", ""], "age, ' kind', ''"),
        (["6.1", "2.8", "versicolor"], "6.1, 2.8, versicolor (the first line looks like data"),
        (["2019", "2020", "name", "kind"], "2019, 2020, name, kind"),
    ],
)
def test_columns_are_named_so_that_a_mistake_is_seen(names, words):
    found = columns_in_words(names)
    assert found.startswith(words)
    assert ("data" in found) == ("data" in words)
