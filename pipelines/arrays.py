"""Feature vectors with a label each, from a file of your own: NPZ, CSV or Parquet.

    tfmeta train arrays --data-dir embeddings.npz --algorithm prototypical
    tfmeta train arrays --data-dir plants.csv --set pipeline.label=species --ways 3

An NPZ has the arrays `x` (examples, ...) and `y` (or `label`), and may have `group` and `split`. Of
a CSV or Parquet file the columns are named by options. Raw features will do: the training split's
mean and deviation become constants of the network, so that a served model takes raw ones too.
"""

import numpy as np

from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.class_source import ClassSource
from tfmeta.episodes.splitting import SPLIT_NAMES, SPLITS, TEST, VALIDATION, split_classes
from tfmeta.errors import UserError, listed
from tfmeta.reading.prepared_columns import PreparedColumns
from tfmeta.reading.tables import Table, find_file, names_in, read_table


def build(
    *,
    data_dir=None,
    file=None,
    label: str = "label",
    group=None,
    split=None,
    features=None,
    standardise: bool = True,
    split_by: str = "auto",
    validation: float = VALIDATION,
    test: float = TEST,
    split_seed: int = 0,
) -> ClassSource:
    """The pipeline.

    Args:
        data_dir: the file, or a folder that holds exactly one.
        file: its name in the folder, if there are several.
        label: the column (array) of the classes; in an NPZ `y` will do as well.
        group: the column of the classes' groups; in an NPZ `group` if there is one.
        split: the column that says train, validation or test; in an NPZ `split` if there is one.
        features: the columns of the features; None: all others.
        standardise: have the network bring the features to one scale; see `input_scaling`.
        split_by, validation, test, split_seed: see `split_classes`; where no column says the split.

    Raises:
        UserError: if the file can't be read, a value is missing or no number, or a class is in two
            groups or splits.
    """
    chosen = {"label": label, "group": group, "split": split}
    chosen = {option: str(name) for option, name in chosen.items() if name is not None}
    table = read_table(find_file("arrays", data_dir, file), text=tuple(chosen.values()))
    if table.is_npz:
        chosen |= {o: o for o in ("group", "split") if o not in chosen and o in table.columns}
        if label == "label" and "label" not in table.columns and "y" in table.columns:
            chosen["label"] = "y"
    texts = {option: table.text(name, option) for option, name in chosen.items()}
    used = {name: option for option, name in chosen.items()}
    names = feature_names(table, features, used)
    examples = table.features(names)
    classes = classes_of(
        texts, by=split_by, validation=validation, test=test, seed=split_seed, path=table.path
    )
    index = ClassIndex(examples, **classes)
    source = ClassSource("arrays", index)
    source.network_options = input_scaling(examples[index.rows("train")], standardise)
    source.prepared = prepared_columns(source, names, table)
    return source


def feature_names(table: Table, features, used: dict) -> list[str]:
    """The columns of the features: those that are named, or all that have no other use.

    Args:
        table: what the file holds.
        features: see `names_in`; None: all.
        used: `{column: option}` what other options chose.

    Raises:
        UserError: if that leaves none, one is named twice, or one has another use.
    """
    if table.is_npz:
        if features is not None:
            raise UserError(
                f"received pipeline.features={features}; the features of an NPZ file are its "
                "array x, whole. Leave the option out"
            )
        return ["x"]
    free = [name for name in table.columns if name not in used]
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


def input_scaling(examples: np.ndarray, standardise: bool) -> dict:
    """What brings raw features to one scale: constants for `networks.mlp`.

    Args:
        examples: `(examples, ...)` of the training split.
        standardise: False: nothing.

    Returns:
        `{"input_mean": [...], "input_scale": [...]}`, a number each for every feature, flattened;
        and `"input_dtype": "float64"` if the examples are.

    Raises:
        UserError: if `standardise` is neither True nor False.
    """
    if not isinstance(standardise, bool):
        raise UserError(f"received pipeline.standardise={standardise}; expected true or false")
    if not standardise:
        return {}
    flat = examples.reshape(len(examples), -1)
    scale = flat.std(0, dtype=np.float64)
    scale[scale == 0] = 1.0
    options = {"input_mean": flat.mean(0, dtype=np.float64).tolist(), "input_scale": scale.tolist()}
    # What is float64 has digits that float32 would lose before the mean is taken off.
    return options | ({"input_dtype": "float64"} if examples.dtype == np.float64 else {})


def prepared_columns(source, names, table: Table) -> PreparedColumns:
    """The features as the network sees them, by their names where they have some."""
    names = () if table.is_npz else tuple(names)
    return PreparedColumns(source.index.examples, source.network_options, names)


def classes_of(texts: dict, *, path, **split_options) -> dict:
    """Sorts rows into classes, and those into splits: what a `ClassIndex` has beside examples.

    Args:
        texts: `(rows,)` text of each: `label`, and maybe `group` and `split`.
        path: of the file, for what is said of it.
        split_options: see `split_classes`; where there is no `split`.

    Raises:
        UserError: if a class is in two groups or splits, or a split is unknown or missing.
    """
    names, first, labels = np.unique(texts["label"], return_index=True, return_inverse=True)

    def of_class(values, option):
        """Each class's group (split), which all its rows must have."""
        expected = values[first]
        rows = np.flatnonzero(values != expected[labels])
        if len(rows):
            row, others = rows[0], sorted(set(names[labels[rows]].tolist()))
            raise UserError(
                f"{len(others)} classes of {path} have two values of {option}: {listed(others)} "
                f"({names[labels[row]]} has {expected[labels[row]]} and, in row {row + 1}, "
                f"{values[row]}); expected one {option} a class"
            )
        return expected

    group_names, groups = (), None
    if "group" in texts:
        group_names, groups = np.unique(of_class(texts["group"], "group"), return_inverse=True)
    if "split" in texts:
        split_of = of_class(_known_splits(texts["split"], path), "split")
        splits = {split: np.flatnonzero(split_of == split) for split in SPLITS}
    else:
        splits = split_classes(len(names), groups=groups, **split_options)
    return {
        "labels": labels,
        "splits": splits,
        "class_names": tuple(names.tolist()),
        "groups": groups,
        "group_names": tuple(map(str, group_names)),
    }


def _known_splits(values, path):
    known = {value: SPLIT_NAMES.get(value.lower()) for value in set(values.tolist())}
    unknown = sorted(value for value, split in known.items() if split is None)
    if unknown or "train" not in known.values():
        problem = f"unknown: {listed(unknown)}" if unknown else "no row is in train"
        raise UserError(
            f"the splits in {path} are {listed(sorted(known))} ({problem}); expected train, "
            "validation (val, valid, dev) and test"
        )
    return np.array([known[value] for value in values.tolist()])
