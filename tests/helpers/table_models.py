"""Exports of a table with categories and gaps, made once a session, and questions for them."""

import csv

import numpy as np
from made_once import made_once

import tfmeta

COLOURS = ("red", "blue")


@made_once("learned-table")
def learned(path):
    """Exports of a table whose classes follow the colour, and the age where there is no colour."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(40):
        label, has_colour = "xy"[number % 2], number % 4 < 2
        age = rng.normal() + 3 * (number % 2)
        colour = COLOURS[number % 2] if has_colour else ""
        rows.append(["" if number % 5 == 0 else f"{age:.4f}", colour, number % 7, label])
    path.mkdir()
    with (path / "train.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["age", "hair colour", "size", "label"], *rows])
    options = {"missing": "mean", "categories": '{"hair colour": "auto"}'}
    tfmeta.learn(path / "train.csv", output=path / "model", **options)


QUERIES = {"age": [None, 3.5, 0.25], "hair colour": ["blue", "", "green"], "size": [1, 2, 3]}
REQUEST = {
    "x_age": np.float32([np.nan, 3.5, 0.25]),
    "x_hair_colour": np.array([b"blue", b"", b"green"], object),
    "x_size": np.float32([1, 2, 3]),
}
