"""Workers meet before TensorFlow starts; each is a thread here, on a port of its own."""

import socket
import threading

import pytest
from worker_pairs import free_addresses

from tfmeta.errors import UserError
from tfmeta.training.cluster import Cluster
from tfmeta.training.meeting import Meeting


def met(*workers, wait=10.0):
    """What each meeting raised, or None; a worker is `(addresses, index, started_with)`."""
    results = {}

    def meet(number, addresses, index, started_with):
        meeting = Meeting(Cluster(addresses, index), started_with, wait=wait)
        try:
            meeting.hold(lambda line: None)
            results[number] = None
        except UserError as error:
            results[number] = error

    threads = [threading.Thread(target=meet, args=(i, *each)) for i, each in enumerate(workers)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return [results[number] for number in range(len(workers))]


def test_workers_that_are_started_alike_meet():
    addresses = free_addresses(3)
    assert met(*[(addresses, i, {"steps": 5}) for i in range(3)]) == [None] * 3


@pytest.mark.fault(
    "workers that were started with different settings or versions",
    "each refuses, with the name and both values",
)
def test_other_settings_are_refused():
    addresses = free_addresses(2)
    one, two = met((addresses, 0, {"steps": 5}), (addresses, 1, {"steps": 6, "seed": 1}))
    assert f"worker 1 ({addresses[1]}) was started with seed=1, and worker 0 with seed=n" in str(
        one
    )
    assert "was started with seed=null, and worker 1 with seed=1; expected the same" in str(two)


@pytest.mark.fault("workers that TF_CONFIG gives other addresses", "each refuses, with both lists")
def test_another_cluster_is_refused():
    addresses = free_addresses(2)
    errors = met((addresses, 0, {}), ((*addresses, "localhost:1"), 1, {}), wait=2.0)
    assert "cluster=" in str(errors[0])
    assert "waited 2 seconds in vain for worker 2 (localhost:1)" in str(errors[1])
    # One that only the other list names comes first.
    errors = met((addresses, 0, {}), ((*addresses, *free_addresses(1)), 2, {}), wait=2.0)
    assert "waited 2 seconds in vain for worker 1" in str(errors[0])


@pytest.mark.fault("two workers with the same index in TF_CONFIG", "refused: the port is taken")
def test_one_index_twice_is_refused():
    addresses = free_addresses(2)
    errors = met((addresses, 0, {}), (addresses, 0, {}), wait=1.0)
    assert any("can't be used (Address already in use)" in str(error) for error in errors)


@pytest.mark.fault("a port of TF_CONFIG that is in use", "refused with the port, status 1")
def test_a_port_in_use_is_refused():
    addresses = free_addresses(2)
    with socket.create_server(("", int(addresses[0].rpartition(":")[2]))):
        (error,) = met((addresses, 0, {}))
    assert f"port {addresses[0].rpartition(':')[2]} of worker 0" in str(error)
    assert "name another port in the TF_CONFIG of every worker" in str(error)
    assert error.exit_status == 1


@pytest.mark.fault("a worker that is never started", "the others stop waiting, and name it")
def test_a_missing_worker_is_waited_for_and_named():
    addresses = free_addresses(3)
    errors = met((addresses, 0, {}), (addresses, 2, {}), wait=1.0)
    for error in errors:
        assert f"waited 1 seconds in vain for worker 1 ({addresses[1]})" in str(error)
        assert error.exit_status == 1


def test_who_is_no_worker_gets_no_answer():
    addresses = free_addresses(2)
    said = []

    def visit():
        port = int(addresses[0].rpartition(":")[2])
        for text in (b"GET / HTTP/1.1\r\n\r\n", b'{"index": "2"}\n', b"[]\n"):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                connection.sendall(text)
                said.append(connection.recv(100))

    meeting = Meeting(Cluster(addresses, 0), {}, wait=5.0)
    with meeting._listening() as listener:
        server = threading.Thread(target=meeting._answer, args=(listener,), daemon=True)
        server.start()
        visit()
        meeting._is_over.set()
        server.join()
    assert said == [b"", b"", b""]
