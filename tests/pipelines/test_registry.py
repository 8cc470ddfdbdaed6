"""How a pipeline is found: by its name, by a module, by an entry point."""

import sys
from importlib.metadata import EntryPoint

import pytest

from tfmeta import UserError, pipelines
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.pipelines.sinusoid import Sinusoid

# The registry
OWN_PIPELINE = """
from tfmeta.pipelines.sinusoid import Sinusoid

not_a_builder = 3


class Own(Sinusoid):
    def __init__(self, data_dir, size):
        self.data_dir, self.size = data_dir, size


def make(*, data_dir=None, size=2):
    return Own(data_dir, size)
"""


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    """The name of an importable module with a builder `make`."""
    name = "tfmeta_test_own_pipeline"
    (tmp_path / f"{name}.py").write_text(OWN_PIPELINE)
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    sys.modules.pop(name, None)


@pytest.fixture
def installed(own_module, monkeypatch):
    """Entry points as another distribution would bring them: waves, and a sinusoid that clashes."""

    def entry_points(*, group):
        if group != "tfmeta.pipelines":
            return ()
        return tuple(EntryPoint(n, f"{own_module}:make", group) for n in ("waves", "sinusoid"))

    monkeypatch.setattr(pipelines, "entry_points", entry_points)


def test_every_registered_pipeline_has_a_builder_and_a_summary():
    for name, pipeline in pipelines.PIPELINES.items():
        module, _, function = pipeline.home.partition(":")
        assert callable(getattr(__import__(module, fromlist=[function]), function))
        assert pipeline.summary, name


def test_a_builder_is_found_by_module_and_name(own_module):
    source = pipelines.build(f"{own_module}:make", data_dir="here", options={"size": 5})
    assert isinstance(source, EpisodeSource)
    assert (source.data_dir, source.size) == ("here", 5)


@pytest.mark.usefixtures("installed")
def test_installed_pipelines_are_found_but_replace_none_of_ours():
    assert pipelines.build("waves").size == 2
    assert type(pipelines.build("sinusoid")) is Sinusoid
    with pytest.raises(UserError, match=r"unknown pipeline 'nope'; expected one of: .*waves"):
        pipelines.build("nope")


def test_an_unknown_pipeline_is_refused_with_the_known_ones():
    known = r"sinusoid, glyphs, omniglot, image-folder, .*optima, or package\.module:builder"
    with pytest.raises(UserError, match=f"unknown pipeline 'mnist'; expected one of: .*{known}"):
        pipelines.build("mnist")


def test_an_unknown_option_is_refused_with_the_known_ones(own_module):
    with pytest.raises(UserError, match=r"has no option 'sise'; it has: size$"):
        pipelines.build(f"{own_module}:make", options={"sise": 5})
    with pytest.raises(UserError, match=r"sinusoid has no option 'data_dir'; it has: none"):
        pipelines.build("sinusoid", options={"data_dir": "x"})


@pytest.mark.parametrize(
    "home", ["{}:other", "{}:not_a_builder", "tfmeta_test_no_such:make", ":make", ".relative:make"]
)
def test_a_builder_that_cannot_be_loaded_is_refused(own_module, home):
    name = home.format(own_module)
    with pytest.raises(UserError, match=f"cannot load pipeline '{name}'"):
        pipelines.build(name)


@pytest.mark.parametrize("name", ["sinusoid", "glyphs"])
def test_a_pipeline_without_data_refuses_a_place_of_data(name, tmp_path):
    with pytest.raises(UserError, match=f"received a data_dir, '.*'; {name} has no data to read"):
        pipelines.build(name, data_dir=tmp_path)


def test_a_name_that_is_nearly_right_is_named():
    for name, wrong in (("glyphs", "gliphs"), ("image-folder", "image_folder")):
        with pytest.raises(UserError, match=rf"'{wrong}' \(did you mean {name}\?\); expected"):
            pipelines.build(wrong)
