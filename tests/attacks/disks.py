"""Real small and read-only disks, where this process may mount some."""

import contextlib
import subprocess

import pytest


@contextlib.contextmanager
def full(folder, kilobytes: int, *, left: int = 0):
    """Mounts a tmpfs of so many kilobytes at `folder`, a new one.

    Args:
        folder: to be made.
        kilobytes: its size.
        left: 0, or how many of them to leave when `fill` is called.

    Yields:
        A function without arguments that fills it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder)

    def fill():
        with contextlib.suppress(OSError), open(folder / "ballast", "wb", buffering=0) as file:
            while True:
                file.write(b"\0" * 4096)
        if left:
            with open(folder / "ballast", "r+b") as file:
                file.truncate(max(0, file.seek(0, 2) - 1024 * left))

    try:
        yield fill
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@contextlib.contextmanager
def read_only(folder):
    """Makes a folder read-only, for root too."""
    _mount("--bind", folder, folder)
    try:
        _mount("-o", "remount,ro,bind", folder)
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def _mount(*arguments):
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"mounting is not permitted here: {done.stderr.strip()}")
