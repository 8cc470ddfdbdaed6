"""Imports run one way: a room of the package knows those below it, never those above."""

import ast
from pathlib import Path

import pytest

import tfmeta
from tfmeta import pipelines

# From the first that is built on to the last. What stands in one line may import its like.
LAYERS = (
    "tfmeta",  # the modules beside the rooms: errors, files, names, ...
    "tfmeta.reading",
    "tfmeta.environments",
    "tfmeta.episodes",
    "tfmeta.pipelines",
    "tfmeta.networks",
    "tfmeta.learners",
    "tfmeta.evaluation",
    "tfmeta.training",
    "tfmeta.inspection",
    "tfmeta.explaining",
    "tfmeta.exporting",
    "tfmeta.reporting",
    "tfmeta.control",
    "tfmeta.workflows",
    "tfmeta.commands",
)
# Doors that open upwards on purpose, each only when it is called.
DOORS = {
    ("tfmeta.learners.episode_model", "tfmeta.exporting"): "Keras's own: `learner.export(path)`",
    ("tfmeta.cli", "tfmeta.commands"): "the list of the commands",
    ("tfmeta.__init__", "tfmeta.networks"): "the public names",
}
PACKAGE = Path(tfmeta.__file__).parent
SOURCES = Path(pipelines.__file__).parent


def modules():
    """`(dotted name, path)` of each file of the package."""
    for folder, package in ((PACKAGE, "tfmeta"), (SOURCES, "tfmeta.pipelines")):
        for path in sorted(folder.rglob("*.py")):
            name = ".".join(path.relative_to(folder).with_suffix("").parts)
            yield f"{package}.{name}", path


def imported(path) -> set[str]:
    """Modules of the package that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tfmeta":
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name for a in node.names if a.name.startswith("tfmeta.")}
    return found


def room_of(module: str) -> str:
    first = ".".join(module.split(".")[:2])
    return first if first in LAYERS else "tfmeta"


@pytest.mark.parametrize(("module", "path"), list(modules()), ids=lambda value: str(value))
def test_no_module_imports_from_a_room_above_its_own(module, path):
    rank = LAYERS.index(room_of(module))
    above = {
        room
        for room in map(room_of, imported(path))
        if LAYERS.index(room) > rank and (module, room) not in DOORS
    }
    assert not above, f"{module} belongs below {', '.join(sorted(above))}"


def test_every_room_has_its_place():
    rooms = {
        f"tfmeta.{p.name}" for p in PACKAGE.iterdir() if p.is_dir() and not p.name.startswith("__")
    }
    assert rooms - {"tfmeta.pipelines"} == set(LAYERS) - {"tfmeta", "tfmeta.pipelines"}


def test_no_two_files_have_one_name_for_two_things():
    """A command and its workflow are one thing; so are a pipeline and the command that feeds it."""
    paired = {"tfmeta.commands", "tfmeta.workflows", "tfmeta.pipelines"}
    places = {}
    for module, path in modules():
        if path.stem != "__init__":
            places.setdefault(path.stem, set()).add(room_of(module))
    twice = {name: rooms for name, rooms in places.items() if len(rooms) > 1 and rooms - paired}
    assert not twice
