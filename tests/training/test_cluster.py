"""TF_CONFIG: which workers it names, and what is refused of it."""

import json

import pytest

from tfmeta.errors import UserError
from tfmeta.training.cluster import Cluster, cluster_for

TWO = ["one:2222", "[::1]:2223"]


@pytest.fixture
def tf_config(monkeypatch):
    def set_to(content):
        text = content if isinstance(content, str) else json.dumps(content)
        monkeypatch.setenv("TF_CONFIG", text)

    monkeypatch.delenv("TF_CONFIG", raising=False)
    return set_to


def of_worker(index, kind="worker", **cluster):
    return {"cluster": cluster or {"worker": TWO}, "task": {"type": kind, "index": index}}


def test_the_workers_of_tf_config(tf_config):
    tf_config(of_worker("1"))  # launchers give the index as text
    cluster = Cluster.from_environment()
    assert (cluster.addresses, cluster.index, cluster.port) == (tuple(TWO), 1, 2223)
    assert not cluster.is_chief
    assert cluster_for("multiworker") == cluster_for("auto") == cluster


def test_a_chief_comes_before_the_workers(tf_config):
    tf_config(of_worker(1, chief=["chief:1"], worker=TWO))
    cluster = Cluster.from_environment()
    assert (cluster.addresses, cluster.index) == (("chief:1", *TWO), 2)
    tf_config(of_worker(0, "chief", chief=["chief:1"], worker=TWO))
    assert Cluster.from_environment().is_chief


def test_a_run_in_one_process_has_no_cluster(tf_config):
    assert cluster_for("auto") is cluster_for("single") is None
    tf_config("{}")
    assert cluster_for("auto") is None
    tf_config(of_worker(0))
    assert cluster_for("single") is cluster_for("mirrored") is None
    tf_config(of_worker(0, worker=TWO[:1]))
    assert cluster_for("multiworker") is None


@pytest.mark.fault("--strategy multiworker without TF_CONFIG", "refused, with an example of it")
def test_workers_need_tf_config(tf_config):
    del tf_config
    with pytest.raises(UserError, match=r"TF_CONFIG names no workers; expected TF_CONFIG='\{.clus"):
        cluster_for("multiworker")


@pytest.mark.fault(
    "a TF_CONFIG that is no JSON, or with jobs, addresses or indices that workers don't have",
    "refused: what is wrong, and what is expected",
)
@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{", "which is no JSON"),
        ("[1]", "which is no JSON object"),
        ({"cluster": TWO}, "a cluster of "),
        (of_worker(0, worker=TWO, ps=["a:1"]), "a cluster with ps, which tfmeta does not use"),
        (of_worker(0, worker="a:1"), "'a:1' for the addresses of worker, which is no list"),
        (of_worker(0, chief=["a:1", "b:1"], worker=TWO), "more than one chief"),
        (of_worker(0, worker=["one", "two:1"]), "the address 'one', which is no HOST:PORT"),
        (of_worker(0, worker=["one:70000"]), "the address 'one:70000', which is no HOST:PORT"),
        (of_worker(0, worker=["a:1", "a:1"]), "the address 'a:1' twice"),
        (of_worker(2), "whose index is not a whole number from 0 to 1"),
        (of_worker(-1), "whose index is not"),
        (of_worker(True), "whose index is not"),
        (of_worker(0, "chief"), "whose type is not 'worker'"),
        ({"cluster": {"worker": TWO}}, "the task None, whose type is not 'worker'"),
    ],
)
def test_a_wrong_tf_config_is_refused(tf_config, config, message):
    tf_config(config)
    with pytest.raises(UserError, match=message) as raised:
        cluster_for("auto")
    assert 'expected TF_CONFIG=\'{"cluster": {"worker": ["host0:2222"' in str(raised.value)
