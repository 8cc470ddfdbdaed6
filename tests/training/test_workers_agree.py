"""What workers agree on; the others' answers are made up here."""

import numpy as np
import pytest
import tensorflow as tf

from tfmeta.errors import UserError
from tfmeta.training.cluster import Cluster
from tfmeta.training.workers import Workers

CLUSTER = Cluster(("one:1", "two:2", "three:3"), 0)


@pytest.fixture
def workers():
    """The first of three; `workers.say(change)` changes what the last one says."""

    class Three(Workers):
        change = staticmethod(lambda values: values)

        def gathered(self, values):
            values = np.asarray(values, np.float64)
            return np.stack([values, values, self.change(values)])

    return Three(CLUSTER)


def test_what_all_have_in_common_is_no_matter(workers):
    workers.check_same("settings", {"steps": 5}, "Mend it")
    assert workers.together(lambda: 7) == 7
    assert workers.by_chief(lambda: 8) == 8


@pytest.mark.fault("workers with other data", "each refuses, and names the worker that differs")
def test_other_data_are_refused(workers):
    workers.change = lambda words: words + 1
    with pytest.raises(UserError, match=r"worker 2 \(three:3\) has data that differ .* Mend it"):
        workers.check_same("data", ["a", "b"], "Mend it")


@pytest.mark.fault("one worker that can't begin", "the others stop too, and name it")
def test_the_failure_of_one_is_the_failure_of_all(workers):
    workers.change = lambda flag: flag + 1
    with pytest.raises(UserError, match=r"worker 2 \(three:3\) could not go on") as raised:
        workers.together(lambda: 7)
    assert raised.value.exit_status == 1
    said = []
    workers.change = lambda flag: said.append(flag[0]) or flag
    with pytest.raises(KeyError):
        workers.together(lambda: {}["nothing"])  # one's own error stays what it is
    assert said == [1.0]


@pytest.mark.parametrize(
    ("message", "named"),
    [
        (
            "Collective ops is aborted by: Error reported from /job:worker/task:1: The following "
            "tasks are unhealthy (stopped sending heartbeats):\n/job:worker/replica:0/task:2\nThe "
            "tasks have crashed.",
            r"worker 2 \(three:3\)",
        ),
        (
            "failed to connect to all addresses; last error: UNKNOWN: Connection refused\n"
            "Additional GRPC error information from remote target /job:worker/replica:0/task:1 "
            "while calling /tensorflow.WorkerService/CompleteInstance",
            r"worker 1 \(two:2\)",
        ),
        ("Collective ops is aborted by: Socket closed", "another worker"),
    ],
)
def test_a_lost_worker_is_one_line(workers, message, named):
    line = rf"^{named} has ended or can't be reached.*tfmeta train --resume --run-dir runs/x$"
    with pytest.raises(UserError, match=line) as raised, workers.watched("runs/x"):
        raise tf.errors.UnavailableError(None, None, message)
    assert raised.value.exit_status == 1


def test_one_process_has_tensorflows_own_errors():
    with pytest.raises(tf.errors.UnavailableError), Workers().watched("runs/x"):
        raise tf.errors.UnavailableError(None, None, "gone")
