"""Pictures of environments: the figure beside MuJoCo's geometry, and what is in which pixel."""

import io

import numpy as np
import pytest
from closeness import assert_close
from PIL import Image

from tfmeta import UserError
from tfmeta.environments.drawing import colours
from tfmeta.environments.pictures import animation, can_be_drawn, frames, paths_picture
from tfmeta.environments.stick_figure import STEP_SECONDS, distances, limbs

GOAL = np.array([0.325, -0.325])


def near(picture, place, colour, reach=1):
    """Whether a pixel within reach of a place has the colour."""
    pixels, (x, y) = np.asarray(picture), (round(float(each)) for each in place)
    part = pixels[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1]
    return (part == colour).all(-1).any()


@pytest.fixture
def cheetah(tmp_path, monkeypatch):
    """MuJoCo writes its warnings into a file in the working folder."""
    monkeypatch.chdir(tmp_path)
    gymnasium = pytest.importorskip("gymnasium", reason="the extra control")
    pytest.importorskip("mujoco", reason="the extra control")
    return gymnasium.make("HalfCheetah-v5").unwrapped


def test_the_limbs_are_where_mujoco_has_them(cheetah):
    rng = np.random.default_rng(0)
    for _ in range(5):
        position, velocity = rng.uniform(-0.8, 0.8, 9), rng.normal(size=9)
        cheetah.set_state(position, velocity)
        found = limbs(np.concatenate([position[1:], velocity, [7.0]]))  # and a task
        names = ("torso", "head", "bthigh", "bshin", "bfoot", "fthigh", "fshin", "ffoot")
        data = [(cheetah.data.geom(name), cheetah.model.geom(name)) for name in names]
        for (one, other), (geometry, model) in zip(found, data, strict=True):
            along = geometry.xmat.reshape(3, 3)[:, 2] * model.size[1]
            ends = np.stack([geometry.xpos - along, geometry.xpos + along])[:, [0, 2]]
            ends[:, 0] -= position[0]
            if np.sum((ends[0] - one) ** 2) > np.sum((ends[1] - one) ** 2):
                ends = ends[::-1]  # a limb has no direction
            # The file's angles are float32 to MuJoCo.
            assert_close(np.stack([one, other]), ends, scale=1, dtype=np.float32)


def test_the_distance_is_the_velocity_summed_up(cheetah):
    observation, *_ = cheetah.step(np.ones(6))
    assert observation[8] == cheetah.data.qvel[0]
    assert_close(STEP_SECONDS, cheetah.dt)
    observations = np.zeros((5, 17))
    observations[:, 8] = 3 * STEP_SECONDS * np.arange(5)  # an acceleration of 3 m/s^2
    assert_close(distances(observations), 1.5 * (STEP_SECONDS * np.arange(5)) ** 2)


def test_a_frame_has_each_cheetah_in_its_row_and_colour():
    still = np.zeros((9, 17))
    shown = frames("half-cheetah-velocity", {"before": still, "after": still[:1]}, every=4)
    assert len(shown) == 3  # the first, the fifth and the last step
    width, height = shown[0].size
    grey, blue = colours(2)
    middle = 1.5 * width / 4 - 0.7 * width / 4  # the torso is 0.7 m above the ground
    assert near(shown[0], (width / 2, middle), grey)
    assert near(shown[0], (width / 2, middle + height / 2), blue)
    pixels = np.asarray(shown[0])
    assert not (pixels[height // 2 :] == grey).all(-1).any()
    ran = still.copy()
    ran[:, 8] = 20.0  # metres in a second
    first, *_, last = frames("half-cheetah-velocity", {"before": ran})
    assert np.any(np.asarray(first) != np.asarray(last))  # the marks, and how far it came


def test_paths_are_in_their_colours_and_the_goal_on_top():
    grey, orange, blue = colours(3)
    right = np.array([[0.0, 0.0], [0.325, 0.0]])
    up = np.array([[0.0, 0.0], [0.0, 0.325], [0.0, 0.4]])
    to_goal = np.array([[0.0, 0.0], GOAL])
    paths = {"before": [right, np.zeros((1, 2))], "after 1 step": [up], "after 2 steps": [to_goal]}
    picture = paths_picture(paths, GOAL, side=260)  # 200 pixels a metre
    assert picture.size == (260, 260)
    for place, colour in (((170, 130), grey), ((130, 60), orange), ((160, 160), blue)):
        assert near(picture, place, colour)
    assert near(picture, (195, 195), (32, 32, 32))  # the goal, in ink
    assert not near(picture, (60, 200), grey, reach=20)
    far = paths_picture({"after": [np.array([[0.0, 0.0], [0.0, 5.0]])]}, GOAL, side=260)
    assert near(far, (130, 130 - 130 / 1.1), blue)  # what leaves the square is not cut off


def test_a_path_grows_and_stays():
    path = np.linspace([0, 0], [0.4, 0], 9)
    shown = frames("point-navigation", {"before": path, "after": path[:3]}, GOAL, every=4)
    assert len(shown) == 3
    grey, blue = colours(2)
    scale = 120 / 0.65
    for frame, (reached, ended) in zip(shown, [(0, 0), (0.2, 0.1), (0.4, 0.1)], strict=True):
        assert near(frame, (120 + scale * ended, 120), blue)
        if reached:
            assert near(frame, (120 + scale * reached, 120), grey)
            assert not near(frame, (120 + scale * (reached + 0.1), 120), grey)


def test_the_file_plays_again_and_again():
    path = np.linspace([0, 0], [0.4, 0.2], 12)
    file = Image.open(io.BytesIO(animation("point-navigation", {"after": path}, GOAL)))
    shown = frames("point-navigation", {"after": path}, GOAL)
    assert (file.format, file.info["loop"], file.n_frames) == ("GIF", 0, len(shown))
    for number, frame in enumerate(shown):
        file.seek(number)
        assert file.info["duration"] == 50
        x, y = 120 + 120 / 0.65 * path[2 * number if number < 6 else -1] * [1, -1]
        assert near(file.convert("RGB"), (x, y), np.asarray(frame)[round(y), round(x)])


def test_what_can_not_be_drawn_is_refused():
    assert can_be_drawn("half-cheetah-direction")
    assert not can_be_drawn("Pendulum-v1")
    with pytest.raises(UserError, match="no pictures of Pendulum-v1; expected one of: point"):
        frames("Pendulum-v1", {"before": np.zeros((3, 2))})
    for episodes in ({}, {"before": np.zeros((0, 17))}):
        with pytest.raises(UserError, match="expected one or more episodes of one or more"):
            frames("half-cheetah-direction", episodes)
    with pytest.raises(UserError, match="no task for point-navigation; expected the goal"):
        frames("point-navigation", {"before": np.zeros((3, 2))})
