"""The workers that train a run together, as TF_CONFIG names them. Imports no TensorFlow."""

import os
from dataclasses import dataclass
from typing import Any

from tfmeta import strict_json
from tfmeta.errors import UserError, listed

VARIABLE = "TF_CONFIG"
_JOBS = ("chief", "worker")  # in the order of the workers' numbers
_EXAMPLE = (
    '\'{"cluster": {"worker": ["host0:2222", "host1:2222"]}, '
    '"task": {"type": "worker", "index": 0}}\', with each worker\'s own index'
)


@dataclass(frozen=True)
class Cluster:
    """The workers of a run, each a process; worker 0 is the chief.

    Attributes:
        addresses: HOST:PORT of each worker; on the port TensorFlow listens for the others.
        index: the number of this process among them.
    """

    addresses: tuple[str, ...]
    index: int

    @property
    def is_chief(self) -> bool:
        return self.index == 0

    @property
    def port(self) -> int:
        """On which this worker listens."""
        return int(self.addresses[self.index].rpartition(":")[2])

    def named(self, index: int) -> str:
        """A worker in words."""
        is_known = 0 <= index < len(self.addresses)  # not if another TF_CONFIG names it
        return f"worker {index} ({self.addresses[index]})" if is_known else f"worker {index}"

    @classmethod
    def from_environment(cls) -> "Cluster | None":
        """The cluster of TF_CONFIG; None if the variable is not set or names none.

        Raises:
            UserError: if it is no such variable as TensorFlow's workers have.
        """
        text = os.environ.get(VARIABLE, "").strip()
        if not text:
            return None
        try:
            config = strict_json.loads(text)
        except ValueError as error:
            raise _refused(f"{text!r}, which is no JSON ({error})") from error
        if not isinstance(config, dict):
            raise _refused(f"{text!r}, which is no JSON object")
        if not config.get("cluster"):
            return None
        jobs = _checked_jobs(config["cluster"])
        return cls(tuple(jobs["chief"] + jobs["worker"]), _checked_index(config.get("task"), jobs))


def cluster_for(strategy: str) -> Cluster | None:
    """The several workers of a run's strategy; None for a run in one process.

    Raises:
        UserError: as `Cluster.from_environment`; or if there must be workers, and TF_CONFIG names
            none.
    """
    if strategy not in ("auto", "multiworker"):
        return None
    cluster = Cluster.from_environment()
    if cluster is None and strategy == "multiworker":
        raise UserError(
            f"received --strategy multiworker, and {VARIABLE} names no workers; expected "
            f"{VARIABLE}={_EXAMPLE}. On one machine alone, choose mirrored or single"
        )
    return cluster if cluster and len(cluster.addresses) > 1 else None


def _checked_jobs(cluster: Any) -> dict[str, list[str]]:
    """The addresses of each of `_JOBS`."""
    if not isinstance(cluster, dict):
        raise _refused(f"a cluster of {cluster!r}")
    others = [job for job in cluster if job not in _JOBS]
    if others:
        raise _refused(
            f"a cluster with {listed(others)}, which tfmeta does not use: every process of a run "
            "trains"
        )
    jobs = {job: cluster.get(job, []) for job in _JOBS}
    for job, addresses in jobs.items():
        if not isinstance(addresses, list):
            raise _refused(f"{addresses!r} for the addresses of {job}, which is no list")
    if len(jobs["chief"]) > 1:
        raise _refused("more than one chief")
    addresses = jobs["chief"] + jobs["worker"]
    for address in addresses:
        if not _is_address(address):
            raise _refused(f"the address {address!r}, which is no HOST:PORT")
    twice = [address for address in addresses if addresses.count(address) > 1]
    if twice or not addresses:
        raise _refused(f"the address {twice[0]!r} twice" if twice else "no address")
    return jobs


def _is_address(address: Any) -> bool:
    host, _, port = address.rpartition(":") if isinstance(address, str) else ("", "", "")
    return bool(host) and port.isascii() and port.isdecimal() and 0 < int(port) < 2**16


def _checked_index(task: Any, jobs: dict[str, list[str]]) -> int:
    kind, index = (task.get(key) for key in ("type", "index")) if isinstance(task, dict) else (0, 0)
    if kind not in _JOBS or not jobs[kind]:
        has = " or ".join(f"{job!r}" for job in _JOBS if jobs[job])
        raise _refused(f"the task {task!r}, whose type is not {has}")
    # Launchers fill it in as text.
    if isinstance(index, str) and index.isascii() and index.isdecimal():
        index = int(index)
    most = len(jobs[kind]) - 1
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index <= most:
        raise _refused(f"the task {task!r}, whose index is not a whole number from 0 to {most}")
    return index if kind == "chief" else len(jobs["chief"]) + index


def _refused(what: str) -> UserError:
    return UserError(f"received {VARIABLE} with {what}; expected {VARIABLE}={_EXAMPLE}")
