"""Environments as tasks: what is drawn follows from the number, and from what the learner does."""

import io

import numpy as np
import pytest
from closeness import assert_at_most, assert_close, assert_far_apart, assert_uniform
from PIL import Image
from scipy import stats

import tfmeta
from tfmeta import EpisodeShape, UserError
from tfmeta.environments.pictures import still
from tfmeta.environments.policy_targets import PolicyTargets
from tfmeta.learners.targets import default_loss
from tfmeta.pipelines import build, listing
from tfmeta.pipelines.gym import GymSource

SHAPE = EpisodeShape(1, 2, 3)  # two trajectories to learn from, three afterwards
HORIZON = 5
COLUMNS = PolicyTargets(2)


@pytest.fixture(scope="module")
def source():
    return build("gym:point-navigation", options={"horizon": HORIZON})


@pytest.fixture(scope="module")
def learner(source):
    tfmeta.configure_runtime()
    network = tfmeta.networks.policy((2,), 4, hidden=(4,), initial_deviation=0.05)
    made = tfmeta.MAML(network, inner_learning_rate=0.5, targets="actions", seed=0)
    made.compile(loss=default_loss(source.target_kind))
    return made


def drawn(source, first, count, split="test", shape=SHAPE):
    (episodes,) = source.episodes(split, shape, first=first, num_tasks=count).take(1)
    return [each.numpy() for each in episodes]


def test_it_is_listed_with_its_options():
    row = listing()["gym:NAME"]
    assert "environments of Gymnasium" in row["summary"]
    names = {"horizon", "discount", "gae_lambda", "clip", "knows_task", "epochs"}
    assert set(row["options"]) == names


def test_it_says_what_its_targets_are(source):
    assert source.target_kind.metric == "return"
    assert (source.target_kind.size, source.target_kind.given_size) == (4, 5)
    facts = source.facts
    assert type(facts).from_dict(facts.to_dict()) == facts
    assert source.input_format.features == ("observation_1", "observation_2")
    assert source.input_format.answers == COLUMNS.names


def test_without_a_learner_actions_are_random_and_follow_from_the_number(source):
    both, second = drawn(source, 4, 2), drawn(source, 5, 1)
    for together, alone in zip(both, second, strict=True):
        np.testing.assert_array_equal(together[1], alone[0])
    _, support_y, query_x, query_y = drawn(source, 0, 200)
    assert support_y.shape == (200, 2 * HORIZON, 6)
    assert query_x.shape == (200, 3 * HORIZON, 2)
    actions = COLUMNS.actions(query_y)
    assert_uniform(stats.norm.cdf(actions.astype(np.float64)), 0, 1)
    assert not np.array_equal(*(drawn(source, 0, 1, split)[0] for split in ("train", "test")))


def found_goal(after, rewards):
    """Where the goal is and its squared length, by places and the rewards there."""
    rows, right = [], []
    for place, reward in zip(after.reshape(-1, 2), rewards.ravel(), strict=True):
        rows.append([*(2 * place), -1.0])  # reward = 2 p.g - |p|^2 - |g|^2
        right.append(reward + place @ place)
    return np.linalg.lstsq(np.array(rows), np.array(right), rcond=None)[0]


def test_points_move_as_they_act_and_are_rewarded_for_being_near(source):
    _, _, x, y = drawn(source, 0, 3)
    x, y = (each.reshape(3, 3, HORIZON, -1) for each in (x, y))
    moved = x[:, :, :-1] + np.clip(COLUMNS.actions(y)[:, :, :-1], -0.1, 0.1)
    np.testing.assert_array_equal(x[:, :, 0], np.zeros((3, 3, 2)))
    assert_close(x[:, :, 1:], moved, scale=1)
    # Three rewards and places tell where the goal is; all trajectories of a task have the same one.
    after, rewards = x[:, :, 1:].astype(np.float64), COLUMNS.rewards(y)[:, :, :-1]
    for task in range(3):
        goal = found_goal(after[task], rewards[task])
        # Places differ by their noise alone, so that rounding is enlarged.
        assert_close(goal[2], goal[:2] @ goal[:2], dtype=np.float32, roundings=4096)
        assert_at_most(np.abs(goal[:2]), np.float32(0.51))


def test_a_learner_acts_before_and_after_it_has_adapted(source, learner):
    bound = source.acted_in_by(_policies(source, learner))
    support_x, support_y, query_x, query_y = drawn(bound, 0, 2)
    assert query_y.shape[-1] == COLUMNS.given + 1 + 2  # tried without steps, and after one
    assert COLUMNS.num_tried(query_y) == 2
    for task in range(2):
        before = learner.network(support_x[task]).numpy()
        _assert_acted(before, support_y[task])
        state = learner.adapt(support_x[task], support_y[task])
        _assert_acted(learner.predict_with(state, query_x[task]).numpy(), query_y[task])
        assert_far_apart(before, learner.predict_with(state, support_x[task]).numpy())
    np.testing.assert_array_equal(COLUMNS.rewards(query_y), COLUMNS.rewards(query_y, 1))
    assert not np.array_equal(COLUMNS.rewards(query_y, 0), COLUMNS.rewards(query_y, 1))
    alone = drawn(bound, 1, 1)
    for together, each in zip((support_x, support_y, query_x, query_y), alone, strict=True):
        assert_close(together[1], each[0], scale=1)
    trained_on = drawn(bound, 0, 1, "train")[3]
    assert COLUMNS.num_tried(trained_on) == 1  # that of the training step


def test_what_is_drawn_is_what_was_done_in_the_task(source, learner, monkeypatch):
    shown = []
    monkeypatch.setattr(
        "tfmeta.environments.task_drawing.still",
        lambda *seen: shown.append(seen) or still(*seen),
    )
    bound = source.acted_in_by(_policies(source, learner))
    drawing = bound.drawings("test", SHAPE, seed=0)(1)
    _, _, x, y = (each.reshape(1, -1, HORIZON, each.shape[-1]) for each in drawn(bound, 1, 1))
    ((environment, paths, goal),) = shown
    assert environment == "point-navigation"
    assert [*paths] == ["before", "after 1 step"]
    np.testing.assert_array_equal(np.stack(paths["after 1 step"]), x[0])
    before = np.stack(paths["before"]).astype(np.float64)
    expected = -np.sum((before[:, 1:] - goal) ** 2, -1)
    assert_close(COLUMNS.rewards(y, 0)[0, :, :-1], expected, dtype=np.float32, scale=1)
    assert f"the goal ({goal[0]:.3g}, {goal[1]:.3g}): before, after 1 step" in drawing.words
    assert drawing.still.size == (320, 320)
    assert Image.open(io.BytesIO(drawing.moving)).n_frames == 3  # of 5 steps, and the last
    assert GymSource("gym:own", source._acting).drawings("test", SHAPE, seed=0) is None


def _policies(source, learner):
    from tfmeta.learners.acting import LearnerPolicies

    assert learner.embedded(source, "test").is_acted_in
    return LearnerPolicies(learner)


def _assert_acted(answers, y):
    expected = stats.norm.logpdf(y[:, :2], answers[:, :2], np.exp(answers[:, 2:])).sum(1)
    assert_close(y[:, 2], np.float32(expected), scale=np.abs(expected).max())


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        (EpisodeShape(2, 1, 1), "has no classes"),
        (EpisodeShape(1, 2, 2).changed(num_shots=(1, 2)), "no ranges"),
    ],
)
def test_episodes_that_make_no_sense_are_refused(source, shape, reason):
    with pytest.raises(UserError, match=reason):
        source.check("train", shape)


def test_options_and_learners_that_make_no_sense_are_refused(source):
    for options, reason in (
        ({"discount": 1.5}, "received discount=1.5"),
        ({"clip": 0}, "received clip=0"),
        ({"horizon": 0}, "received horizon=0"),
        ({"epochs": 0}, "received epochs=0"),
    ):
        with pytest.raises(UserError, match=reason):
            build("gym:point-navigation", options=options)
    with pytest.raises(UserError, match="there is no environment no-such"):
        build("gym:no-such")
    with pytest.raises(UserError, match="has no data"):
        build("gym:point-navigation", data_dir="here")
    with pytest.raises(UserError, match="Prototypical takes no gradient steps"):
        source.check_method(tfmeta.Prototypical)
    source.check_method(tfmeta.Reptile)
    with pytest.raises(UserError, match="no examples to augment"):
        source.episodes("train", SHAPE, augmentation=lambda episodes, start: episodes)


class _OnTwo:
    num_replicas = num_replicas_in_sync = 2

    @property
    def distribute_strategy(self):
        return self


def test_several_devices_are_refused(source):
    with pytest.raises(UserError, match="received 2 devices for gym:point-navigation"):
        source.acted_in_by(_OnTwo())
    with pytest.raises(UserError, match="received 2 devices for gym:point-navigation"):
        source.check_learner(_OnTwo())


def test_what_needs_the_same_episodes_for_every_learner_refuses_it(source, tmp_path):
    with pytest.raises(UserError, match="a file of episodes needs episodes that are the same"):
        tfmeta.write_episodes("gym:point-navigation", tmp_path / "tests.npz", tasks=2)
    build("sinusoid").check_fixed("a file of episodes")
    assert not list(tmp_path.iterdir())


def test_a_batch_may_serve_several_steps():
    of_three = build("gym:point-navigation", options={"horizon": HORIZON, "epochs": 3})
    episodes = of_three.episodes("train", SHAPE, num_tasks=2).take(7)
    found = [each.query_y.numpy() for each in episodes]
    apart = [
        each.query_y.numpy() for each in _source().episodes("train", SHAPE, num_tasks=2).take(7)
    ]
    for step, each in enumerate(found):
        np.testing.assert_array_equal(each, apart[step // 3 * 3])
    assert not np.array_equal(found[0], found[3])
    later = of_three.episodes("train", SHAPE, num_tasks=2, first=6).take(1)
    np.testing.assert_array_equal(next(iter(later)).query_y, found[3])
    (tested,) = of_three.episodes("test", SHAPE, first=2, num_tasks=2).take(1)
    (expected,) = _source().episodes("test", SHAPE, first=2, num_tasks=2).take(1)
    np.testing.assert_array_equal(tested.query_y, expected.query_y)
    with pytest.raises(UserError, match=r"received epochs=3 and training from step 4 on; expected"):
        of_three.episodes("train", SHAPE, num_tasks=2, first=8)


def _source():
    return build("gym:point-navigation", options={"horizon": HORIZON})
