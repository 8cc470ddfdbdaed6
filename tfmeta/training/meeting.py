"""Workers meet before they start TensorFlow, and see that they are to do the same.

TensorFlow waits for a missing worker without end, says of a port that is in use what its developers
need, and trains on if two workers were started with different settings.
"""

import contextlib
import errno
import json
import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from tfmeta.errors import UserError, listed
from tfmeta.training.cluster import VARIABLE, Cluster

WAIT_SECONDS = 600.0  # for the last worker: a machine's image may have to be fetched
_REPLY_SECONDS = 10.0
_POLL_SECONDS = 0.2
_TELL_SECONDS = 5.0
_MOST_BYTES = 2**20  # of what a worker says


class Meeting:
    """Each worker tells each other one what it was started with.

    Of two workers, the one with the larger number connects to the other, on the port that
    TensorFlow will use. One line of JSON goes each way.

    Args:
        cluster: the workers.
        started_with: what has to be the same for all, `{name: value}`.
        wait: seconds to wait for the others.
    """

    def __init__(self, cluster: Cluster, started_with: dict[str, Any], *, wait: float):
        self._cluster, self._wait = cluster, wait
        said = {"cluster": list(cluster.addresses), "index": cluster.index, **started_with}
        self._line = json.dumps(said, default=str).encode() + b"\n"
        self._said: dict[str, Any] = json.loads(self._line)
        self._heard: dict[int, dict[str, Any]] = {}
        self._is_over = threading.Event()

    def hold(self, say: Callable[[str], None]) -> None:
        """Waits until every worker has spoken with every other one.

        Args:
            say: is told for whom it waits.

        Raises:
            UserError: if the port is in use, a worker does not come, or was started with something
                else.
        """
        with self._listening() as listener:
            server = threading.Thread(target=self._answer, args=(listener,), daemon=True)
            server.start()
            try:
                self._visit_all(say)
            finally:
                self._is_over.set()
                server.join()
        for index in sorted(self._heard):
            self._compare(index, self._heard[index])

    def _listening(self) -> socket.socket:
        cluster = self._cluster
        try:
            try:
                both = {"family": socket.AF_INET6, "dualstack_ipv6": True}
                listener = socket.create_server(("", cluster.port), **both)  # type: ignore[arg-type]
            except (OSError, ValueError) as error:
                if getattr(error, "errno", None) == errno.EADDRINUSE:
                    raise
                listener = socket.create_server(("", cluster.port))  # a machine without IPv6
        except OSError as error:
            raise UserError(
                f"port {cluster.port} of {cluster.named(cluster.index)} can't be used "
                f"({os.strerror(error.errno or 0)}); expected a free one. End what listens there, "
                f"or name another port in the {VARIABLE} of every worker",
                exit_status=1,
            ) from error
        listener.settimeout(_POLL_SECONDS)
        return listener

    def _answer(self, listener: socket.socket) -> None:
        """Answers workers with larger numbers; anybody else gets no answer."""
        while not self._is_over.is_set():
            with contextlib.suppress(OSError, ValueError):
                connection, _ = listener.accept()
                with connection:
                    said = _line_of(connection)
                    if said["index"] > self._cluster.index:
                        connection.sendall(self._line)
                        self._heard[said["index"]] = said

    def _visit_all(self, say: Callable[[str], None]) -> None:
        everybody = set(range(len(self._cluster.addresses))) - {self._cluster.index}
        start = told = time.monotonic()
        while missing := sorted(everybody - self._heard.keys()):
            for index in missing:
                if index < self._cluster.index:
                    self._visit(index)
            names = listed([self._cluster.named(index) for index in missing])
            now = time.monotonic()
            if now - start > self._wait:
                raise UserError(
                    f"waited {self._wait:,.0f} seconds in vain for {names}; expected every worker "
                    f"of {VARIABLE} to be started, and to be reached from "
                    f"{self._cluster.addresses[self._cluster.index]}",
                    exit_status=1,
                )
            if now - told > _TELL_SECONDS:
                say(f"waiting for {names}")
                told = now + 60 - _TELL_SECONDS  # then each minute
            time.sleep(_POLL_SECONDS)

    def _visit(self, index: int) -> None:
        host, _, port = self._cluster.addresses[index].rpartition(":")
        with contextlib.suppress(OSError, ValueError):  # it is not there yet
            place = (host.strip("[]"), int(port))
            with socket.create_connection(place, timeout=_REPLY_SECONDS) as connection:
                connection.sendall(self._line)
                said = _line_of(connection)
            self._heard[index] = said

    def _compare(self, index: int, said: dict[str, Any]) -> None:
        """Raises UserError if another worker was started with something else."""
        other, this = self._cluster.named(index), f"worker {self._cluster.index}"
        if said["index"] != index:
            raise UserError(
                f"{other} says that it is worker {said['index']}; expected the task's index in the "
                f"{VARIABLE} of each worker to be the place of its own address"
            )
        for name in sorted(self._said.keys() | said.keys() - {"index"}):
            here, there = self._said.get(name), said.get(name)
            if name != "index" and here != there:
                raise UserError(
                    f"{other} was started with {name}={json.dumps(there)}, and {this} with "
                    f"{name}={json.dumps(here)}; expected the same for every worker"
                )


def _line_of(connection: socket.socket) -> dict[str, Any]:
    """What a worker says; raises ValueError if it is nothing that a worker says."""
    connection.settimeout(_REPLY_SECONDS)
    with connection.makefile("rb") as file:
        said = json.loads(file.readline(_MOST_BYTES))
    if not (isinstance(said, dict) and isinstance(said.get("index"), int)):
        raise ValueError("no worker")
    return said
