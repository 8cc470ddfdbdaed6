"""The nearest mean that `inspect` tells, beside scikit-learn's on the same prepared episodes."""

import numpy as np
import pytest
from closeness import assert_close
from sklearn.neighbors import NearestCentroid

from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.inspection import baseline
from tfmeta.pipelines import build

EPISODES = 40  # of each number of shots


def vectors(folder):
    rng, labels = np.random.default_rng(0), np.repeat(np.arange(30), 25)
    x = 3 * rng.normal(size=(30, 6))[labels] + 4 * rng.normal(size=(750, 6))
    np.savez(folder / "data.npz", x=x * [1, 10, 100, 1, 1e-3, 1] + 5, y=labels)
    return build("arrays", data_dir=folder)


@pytest.mark.fault(
    "the nearest mean of `inspect`, on vectors",
    "scikit-learn's, on the same prepared episodes",
)
def test_the_nearest_mean_is_scikit_learns(tmp_path, monkeypatch):
    monkeypatch.setattr(baseline, "NUM_EPISODES", EPISODES)
    source = vectors(tmp_path)
    shape = EpisodeShape(5, 1, 15)
    found = baseline.baselines(source, shape, seed=3)
    assert [each["num_shots"] for each in found] == [1, 5]
    for each in found:
        names = ("num_ways", "num_shots", "num_queries")
        its_shape = EpisodeShape(*(each[name] for name in names), skip_small_classes=True)
        dataset = source.episodes(each["split"], its_shape, seed=3, num_tasks=baseline._BATCH)
        right = []
        for batch in dataset.take(EPISODES // baseline._BATCH).as_numpy_iterator():
            for support_x, support_y, query_x, query_y in zip(*batch[:4], strict=True):
                # Together: a text's columns are the tokens that the episode has.
                seen = source.prepared.vectors(np.concatenate([support_x, query_x]))
                seen = np.split(seen.astype(np.float64), [len(support_x)])
                with np.errstate(invalid="ignore"):  # no variance within a class of one
                    model = NearestCentroid().fit(seen[0], support_y)
                right.append(model.predict(seen[1]) == query_y)
        right = np.concatenate(right)
        assert len(right) == EPISODES * each["num_ways"] * each["num_queries"]
        assert_close(each["accuracy"], right.mean())
        assert each["accuracy"] > each["chance"] + 0.05
