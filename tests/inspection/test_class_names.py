"""Names of classes that are one number, and those that only look like it."""

import pytest

from tfmeta.inspection.class_names import form_of, names_alike


@pytest.mark.parametrize("names", [("1", "1.0", "01", " 1 ", "1e0"), ("0", "-0", "-0.0"), ("inf",)])
def test_a_number_has_one_form_however_it_is_written(names):
    assert len({form_of(name) for name in names}) == 1


def test_large_numbers_that_differ_are_two_classes():
    assert [*names_alike([str(10**17), str(10**17 + 1)])] == []
    assert len([*names_alike(["7", "7.0"])]) == 1


@pytest.mark.parametrize("name", ["5e12345678", "5e999999999999999999999", "nan", "9" * 5000])
def test_what_float64_has_no_room_for_is_a_name_too(name):
    """As the beginning of a digest is, which folders may be called by."""
    assert form_of(name) == form_of(name)
    assert [*names_alike([name, "bear"])] == []
