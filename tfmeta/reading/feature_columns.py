"""Which columns of a table are features, and the constants that bring them to one scale."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tfmeta.errors import UserError, listed
from tfmeta.reading.column_names import columns_in_words
from tfmeta.reading.prepared_columns import PreparedColumns
from tfmeta.reading.row_format import RowFormat
from tfmeta.reading.table_format import TableFormat
from tfmeta.reading.tables import Table, names_in


def feature_names(
    table: Table, features: Any = None, *, used: Mapping[str, str], exclude: Any = None
) -> list[str]:
    """The columns of the features: those that are named, or all that have no other use.

    Args:
        table: what the file holds.
        features: see `names_in`; None takes all columns that have no other use.
        used: `{column: option}`, the columns that other options chose.
        exclude: columns that have no use; see `names_in`.

    Raises:
        UserError: if no column is left, one is named twice, is not there, or has another use, or
            both features and what is none are named.
    """
    if table.is_npz:
        if features is not None or exclude is not None:
            option, value = ("exclude", exclude) if features is None else ("features", features)
            raise UserError(
                f"received pipeline.{option}={value}; the features of an NPZ file are its "
                "array x, whole. Leave the option out"
            )
        return ["x"]
    excluded = [] if exclude is None else names_in(exclude)
    if features is not None and excluded:
        raise UserError(
            f"received pipeline.features={features} and pipeline.exclude={exclude}; expected one "
            "of them: what is not named as a feature is none"
        )
    if unknown := [name for name in excluded if name not in table.columns]:
        raise UserError(
            f"{table.path} has no column {unknown[0]!r}; it has: "
            f"{columns_in_words(list(table.columns))}. Name what to leave out with --set "
            "pipeline.exclude=A,B"
        )
    free = [name for name in table.columns if name not in {*used, *excluded}]
    names = free if features is None else names_in(features)
    problem = listed([f"{name} is the {used[name]}" for name in names if name in used])
    if len(set(names)) < len(names):
        problem = f"{listed(names)} name one twice"
    if problem or not names:
        raise UserError(
            f"cannot take the features from {table.path}: {problem or 'no column is left'}; "
            f"expected columns of their own ({listed(free) or 'there are none'}). Name them with "
            "--set pipeline.features=A,B"
        )
    return names


def input_scaling(examples: np.ndarray, standardise: bool) -> dict[str, Any]:
    """The constants with which `networks.mlp` brings raw features to one scale.

    Args:
        examples: `(examples, ...)` of the training split.
        standardise: False for no scaling.

    Returns:
        `{"input_mean": [...], "input_scale": [...]}`, lists with one number per feature, flattened
        (of a constant one the deviation of its channel in windows, else 1);
        and `"input_dtype": "float64"` if the examples are float64.

    Raises:
        UserError: if `standardise` is neither True nor False.
    """
    if not isinstance(standardise, bool):
        raise UserError(f"received pipeline.standardise={standardise}; expected true or false")
    if not standardise:
        return {}
    flat = examples.reshape(len(examples), -1)
    scale = flat.std(0, dtype=np.float64)
    if examples.ndim == 3:  # windows, which may all begin at 0: there the channel's deviation
        of_channel = examples.std((0, 1), dtype=np.float64)
        scale = np.where(scale == 0, np.tile(of_channel, examples.shape[1]), scale)
    scale[scale == 0] = 1.0
    options = {"input_mean": flat.mean(0, dtype=np.float64).tolist(), "input_scale": scale.tolist()}
    # Examples are float64 if float32 would lose digits before the mean is subtracted.
    return options | ({"input_dtype": "float64"} if examples.dtype == np.float64 else {})


def prepared_columns(
    examples: np.ndarray,
    scaling: dict[str, Any],
    row_format: RowFormat | TableFormat,
    answers: np.ndarray | None = None,
) -> PreparedColumns:
    """The features as the network sees them, under their names if they have names.

    Args:
        examples: `(examples, ...)` of all splits.
        scaling: what `input_scaling` returned.
        row_format: of the examples.
        answers: whole numbers of classes `(examples,)`, or values `(examples, values)`.
    """
    return PreparedColumns(
        examples,
        scaling,
        row_format.features,
        answers,
        categories=row_format.category_places,
        marks=row_format.gap_places,
    )
