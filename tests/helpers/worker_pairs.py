"""Two workers on this machine: processes that TF_CONFIG gives an address each."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import trained

ALIKE = [sys.executable, str(Path(__file__).with_name("replicas_alike.py"))]


def free_addresses(number):
    """Addresses of this machine on which nobody listens."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    addresses = tuple(f"127.0.0.1:{each.getsockname()[1]}" for each in sockets)
    for each in sockets:
        each.close()
    return addresses


def started(*commands):
    """A worker for each command, and their addresses."""
    addresses = free_addresses(len(commands))
    cluster = {"worker": addresses}
    workers = []
    for index, command in enumerate(commands):
        config = {"cluster": cluster, "task": {"type": "worker", "index": index}}
        environment = {**os.environ, "TF_CONFIG": json.dumps(config)}
        workers.append(
            subprocess.Popen(
                list(map(str, command)), env=environment, stderr=subprocess.PIPE, text=True
            )
        )
    return workers, addresses


def trainings(*arguments):
    """`tfmeta train ARGUMENTS` by two workers."""
    command = [*trained.COMMAND, "train", *arguments, "--strategy", "multiworker"]
    return started(command, command)


def ended(workers):
    """`(status, standard error)` of each, when all have ended; none outlives a failure."""
    try:
        told = [worker.communicate(timeout=600)[1] for worker in workers]
        return [(w.returncode, text) for w, text in zip(workers, told, strict=True)]
    finally:
        for worker in workers:
            worker.kill()
