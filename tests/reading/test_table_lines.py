"""Lines of tables in a terminal: as wide as it shows them, and names that are whole."""

import pytest
from rich.cells import cell_len

from tfmeta.inspection.lines import UNLIMITED, grid, labelled, wrapped

WIDE = "猫の写真 и кошки " * 12  # letters of two cells and of one


@pytest.mark.fault("texts and labels with letters two cells wide", "lines fit in 80 columns")
@pytest.mark.parametrize("width", [30, 80])
def test_wide_letters_are_counted_as_a_terminal_does(width):
    lines = wrapped(WIDE, width, first=" -  ", later="    ")
    assert len(lines) > 1
    assert max(map(cell_len, lines)) <= width
    assert " ".join(" ".join(lines).split()[1:]) == WIDE.strip()
    rows = labelled([("猫", WIDE), ("cat", "short")], width)
    assert max(map(cell_len, rows)) <= width
    starts = {cell_len(line[: line.index(found)]) for line, found in zip(rows, "猫", strict=False)}
    assert starts == {1}
    assert cell_len(rows[-1][: rows[-1].index("short")]) == cell_len(" 猫  ") + 1


@pytest.mark.fault("class names with spaces, beside long file names", "no name is broken")
def test_names_with_spaces_are_never_broken():
    name, of_class = f"{'a long folder/' * 6}IMG  0001 (copy).png", f"my {'own ' * 30}class"
    lines = grid(("example", "class", "split"), [(name, of_class, "train")], 80)
    for whole in (name, of_class):
        assert sum(whole in line for line in lines) == 1


@pytest.mark.parametrize("text", ["", "one", "two words", "a  b, c", "x" * 200, "né " * 50])
def test_what_is_wrapped_is_all_there(text):
    for width in (10, 80, UNLIMITED):
        lines = wrapped(text, width, first="- ", later="  ")
        assert "".join("".join(lines)[1:].split()) == "".join(text.split())
        assert all(cell_len(line) <= width or len(line.split()) <= 2 for line in lines)
    assert wrapped(text, UNLIMITED) == [text.rstrip()]
