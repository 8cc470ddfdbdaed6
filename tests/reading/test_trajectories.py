"""Files of logged trajectories that will not do, refused by name."""

import numpy as np
import pytest
from closeness import assert_close
from drifting import arrays, columns

from tfmeta import UserError
from tfmeta.reading.trajectories import trajectories_of
from tfmeta.reading.trajectory_file import TrajectoryFile, TrajectoryNames, read_columns


def read_trajectories(path, names):
    return trajectories_of(TrajectoryFile(path, read_columns(path, names), names), names)


def read(folder, found, **names):
    path = folder / "log.npz"
    np.savez(path, **found)
    return read_trajectories(path, TrajectoryNames(**names))


def changed(name, value, place=None):
    found = arrays()
    found[name] = value if place is None else found[name]
    if place is not None:
        found[name][place] = value
    return found


LESS = {name: values for name, values in arrays().items() if name != "actions"}
FAR = arrays()["observations"] + [1e9, 0]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (changed("actions", np.nan, 7), r"1 value .* missing: actions in row 8"),
        (changed("observations", np.inf, (3, 1)), r"1 value .* infinite, .*observations\[1\] in r"),
        (changed("next_observations", 1e39, (3, 1)), r"infinite, or beyond what float32 holds"),
        (
            changed("actions", np.zeros(5)),
            r"144 rows of observations, .* actions: \(5,\); expected",
        ),
        (changed("condition", np.array("calm")), r"shapes condition: \(\)"),
        (changed("actions", np.full(144, "left")), r"not numeric: actions \('left' in row 1\)"),
        (changed("actions", np.zeros((144, 2, 2))), r"shapes \[\(144, 2, 2\)\]; expected one vect"),
        (changed("next_observations", np.zeros((144, 1))), r"shape \(144, 1\) and observations of"),
        (changed("condition", "", 4), r"no condition \(condition\) in row 5; fill it in"),
        (
            changed("condition", "mud", 4),
            r"calm0 .* conditions calm and, in row 5, mud; expected o",
        ),
        (changed("observations", FAR), r"observations .* float32 loses it: number 1, counted"),
        (
            changed("terminals", np.arange(144) == 5),
            r"1 trajectory .* goes on after .* calm0 after r",
        ),
        (
            changed("terminals", np.arange(144)),
            r"terminals .* int64 of shape \(144,\); expected tru",
        ),
        (
            changed("next_observations", 0, 5),
            r"1 transition .* the first .* calm0: row 6 and row 7",
        ),
        (LESS, r"no array 'actions'; it has: observations, next_observations, trajectory"),
        ({"observations": np.zeros((0, 3))}, r"shape \(0, 3\); expected some"),
    ],
)
def test_arrays_that_will_not_do_are_refused(tmp_path, found, words):
    with pytest.raises(UserError, match=words):
        read(tmp_path, found)


def test_rows_in_another_order_are_refused(tmp_path):
    found = {name: values[::-1] for name, values in arrays().items()}
    with pytest.raises(UserError, match=r"132 transitions .* order of time, without gaps"):
        read(tmp_path, found)


def test_a_terminal_may_end_a_trajectory(tmp_path):
    ends = np.arange(144) % 12 == 11
    assert len(read(tmp_path, changed("terminals", ends)).names) == 12


def test_what_a_user_names_must_be_there(tmp_path):
    for option in ("terminals", "next_observations", "trajectory"):
        with pytest.raises(UserError, match=rf"no array 'mine'; .*pipeline\.{option}=NAME"):
            read(tmp_path, arrays(), **{option: "mine"})


def test_a_table_names_its_columns(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(columns(arrays())).drop(columns="action_0")
    frame.to_csv(tmp_path / "log.csv", index=False)
    with pytest.raises(UserError, match=r"no column 'action_\*'; it has: observation_0, obs"):
        read_trajectories(tmp_path / "log.csv", TrajectoryNames())
    with pytest.raises(UserError, match=r"not numeric: condition \('calm' in line 2\)"):
        read_trajectories(tmp_path / "log.csv", TrajectoryNames(actions="condition"))


def test_next_observations_belong_to_the_observations_of_their_name(tmp_path):
    """Whatever the order of the columns; arrays have none."""
    pandas = pytest.importorskip("pandas")
    frame, path = pandas.DataFrame(columns(arrays())), tmp_path / "log.csv"
    assert list(frame)[:2] == ["observation_0", "observation_1"]
    frame[["observation_1", *frame.columns.drop("observation_1")]].to_csv(path, index=False)
    expected, found = read(tmp_path, arrays()), read_trajectories(path, TrajectoryNames())
    assert_close(found.observations, expected.observations[:, ::-1], dtype=np.float32)
    assert_close(found.changes, expected.changes[:, ::-1], dtype=np.float32)
    frame.rename(columns={"next_observation_1": "next_observation_b"}).to_csv(path, index=False)
    with pytest.raises(UserError, match=r"do not go on alike: next_observation_1, next_observ"):
        read_trajectories(path, TrajectoryNames())


def test_a_file_that_is_none_is_refused(tmp_path):
    path = tmp_path / "log.npz"
    path.write_bytes(b"PK no archive")
    with pytest.raises(UserError, match=r"cannot read .*log\.npz: .* expected a whole \.npz file"):
        read_trajectories(path, TrajectoryNames())


def test_small_changes_of_large_numbers_are_kept(tmp_path):
    """Positions near 1000 that change by 1e-4: their float32 difference would have two digits."""
    found = {name: arrays()[name] for name in ("actions", "trajectory", "condition")}
    walk = np.random.default_rng(0).normal(size=(144, 1)) * 1e-4
    found["observations"] = np.cumsum(walk, 0) + np.linspace(1000, 2000, 144)[:, np.newaxis]
    read_back = read(tmp_path, found)
    rows = np.flatnonzero(np.arange(144) % 12 != 11)
    expected = np.diff(found["observations"], axis=0)[rows]
    np.testing.assert_array_equal(read_back.changes, expected.astype(np.float32))
