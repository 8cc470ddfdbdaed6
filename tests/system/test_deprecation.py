"""Old names work, warn once with what to use, and lead to the very same objects."""

import importlib
import sys
import warnings

import pytest

from tfmeta import deprecation
from tfmeta.deprecation import MOVED, renamed_argument, warn_renamed


@pytest.fixture(autouse=True)
def nothing_warned_yet(monkeypatch):
    monkeypatch.setattr(deprecation, "_warned", set())
    for old in MOVED:
        monkeypatch.delitem(sys.modules, old, raising=False)


@pytest.mark.parametrize("old", MOVED)
def test_a_module_is_found_under_its_old_name(old):
    with pytest.warns(DeprecationWarning, match=rf"{old} is called {MOVED[old]} since tfmeta 0"):
        before = importlib.import_module(old)
    now = importlib.import_module(MOVED[old])
    public = [name for name in vars(now) if not name.startswith("_")]
    assert public
    assert all(getattr(before, name) is getattr(now, name) for name in public)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = before.no_such_name


def test_the_warning_is_at_the_line_that_imports():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        from tfmeta.pipelines.splitting import split_classes  # noqa: F401
    (warning,) = caught
    assert warning.filename == __file__
    assert str(warning.message).endswith("stops working in 0.3; use tfmeta.episodes.splitting")


def test_a_module_that_never_was_is_not_found():
    with pytest.raises(ModuleNotFoundError, match=r"tfmeta\.pipelines\.no_such"):
        importlib.import_module("tfmeta.pipelines.no_such")


@renamed_argument("rate", "learning_rate", since="0.1", until="0.3")
def trained(*, learning_rate=1.0):
    return learning_rate


def test_an_argument_works_under_its_old_name():
    with pytest.warns(DeprecationWarning, match=r"trained\(rate=\) is called trained\(learning_"):
        assert trained(rate=0.5) == 0.5
    assert trained(rate=0.25) == 0.25  # a second warning would be an error
    assert trained(learning_rate=0.1) == 0.1
    with pytest.raises(TypeError, match="received rate and learning_rate; expected learning_rate"):
        trained(rate=1, learning_rate=2)


def test_a_warning_says_since_when_until_when_and_what_to_use():
    said = "a is called b since tfmeta 1.2, and stops working in 1.4; use b"
    with pytest.warns(DeprecationWarning, match=said):
        warn_renamed("a", "b", since="1.2", until="1.4")
    warn_renamed("a", "b", since="1.2", until="1.4")
