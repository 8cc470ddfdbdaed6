"""Looks for files that break a reader, led by what of its code they reach (Atheris, libFuzzer).

    python coverage_guided.py KIND SECONDS FOLDER

For the kinds of `mutated_files` whose readers are Python: what they reach can be seen. Status 0 if
nothing was found: no error but UserError, no hang over 10 s, no more than 1 GB beside TensorFlow.
"""

import sys
from pathlib import Path

import atheris

_READERS = ["tfmeta", "pickle", "zipfile", "json", "csv", "numpy.lib"]
_OPTIONS = ("-timeout=10", "-rss_limit_mb=2048", "-max_len=4096", "-print_final_stats=1")


def main(kind, seconds, folder):
    import mutated_files

    from tfmeta import UserError

    sys.argv[1:] = [seconds, folder]  # as `mutated_files` is told where to write
    seeds = Path(folder) / "seeds"
    seeds.mkdir(parents=True, exist_ok=True)
    name, whole, _, read = getattr(mutated_files, kind)()
    for number, content in enumerate(whole):
        (seeds / str(number)).write_bytes(content)
        (Path(folder) / name).write_bytes(content)
        read(Path(folder) / name)

    def one(content):
        (Path(folder) / name).write_bytes(content)
        try:
            read(Path(folder) / name)
        except UserError as error:
            if not str(error).strip():
                raise ValueError("an empty line") from error

    options = [f"-max_total_time={seconds}", f"-artifact_prefix={folder}/found-", *_OPTIONS]
    atheris.Setup([sys.argv[0], *options, str(seeds)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    with atheris.instrument_imports(include=_READERS):
        main(*sys.argv[1:])
