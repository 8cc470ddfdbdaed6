"""What an install puts where: `tfmeta` and nothing else. No test here needs a network."""

import configparser
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
OFFLINE = ["--no-index", "--no-deps", "--no-build-isolation"]
WHERE = "import tfmeta, tfmeta.pipelines; print(tfmeta.__file__); print(tfmeta.pipelines.__file__)"


def run(*command, cwd):
    """The standard output of a command that must succeed, free of this shell's PYTHONPATH."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}{done.stderr}"
    return done.stdout


def imported_from(python, *, cwd):
    """The files that `tfmeta` and `tfmeta.pipelines` are for that interpreter."""
    return [Path(line).resolve() for line in run(python, "-c", WHERE, cwd=cwd).splitlines()]


def environment_beside(folder):
    """A fresh environment that sees this one's packages behind its own: (python, site-packages)."""
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    paths = sysconfig.get_paths(vars={"base": str(folder), "platbase": str(folder)})
    python = Path(paths["scripts"]) / Path(sys.executable).name
    # A folder named in a .pth file is searched, but the .pth files inside it are not read: this
    # environment's own editable tfmeta stays out of sight.
    behind = "\n".join({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    (Path(paths["purelib"]) / "behind.pth").write_text(behind + "\n")
    return python, Path(paths["purelib"])


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of all that is tracked, so that builds leave nothing in the real one."""
    copy = tmp_path_factory.mktemp("packaging") / "checkout"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "cli.py"):
        shutil.copy(ROOT / name, copy)
    for name in ("tfmeta", "pipelines", "tests", "benchmarks"):
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", ".*")
            shutil.copytree(ROOT / name, copy / name, ignore=ignored, symlinks=True)
    return copy


@pytest.fixture(scope="module")
def wheel(checkout):
    folder = checkout.parent / "wheel"
    run(*PIP, "wheel", *OFFLINE, "--wheel-dir", folder, checkout, cwd=checkout.parent)
    (built,) = folder.glob("*.whl")
    return built


def test_wheel_holds_the_whole_of_tfmeta_and_nothing_else(wheel, checkout):
    with zipfile.ZipFile(wheel) as archive:
        names = {n for n in archive.namelist() if not n.endswith("/")}
    info = {n for n in names if n.startswith("tfmeta-") and n.split("/")[0].endswith(".dist-info")}
    sources = {
        f"{home}/{path.relative_to(checkout / folder).as_posix()}"
        for folder, home in (("tfmeta", "tfmeta"), ("pipelines", "tfmeta/pipelines"))
        for path in (checkout / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "tfmeta/pipelines/__init__.py" in names
    assert names - info == sources


def test_wheel_declares_the_console_script(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/entry_points.txt"))
        entry_points = configparser.ConfigParser()
        entry_points.read_string(archive.read(name).decode())
    assert dict(entry_points["console_scripts"]) == {"tfmeta": "tfmeta.cli:main"}


def test_installed_wheel_is_imported_from_where_it_was_put(wheel, tmp_path):
    python, site_packages = environment_beside(tmp_path / "venv")
    run(*PIP, "install", *OFFLINE, "--target", site_packages, wheel, cwd=tmp_path)
    home = site_packages.resolve() / "tfmeta"
    assert imported_from(python, cwd=tmp_path) == [
        home / "__init__.py",
        home / "pipelines" / "__init__.py",
    ]
    landed = {p.name for p in site_packages.iterdir()} - {"behind.pth", "bin", "__pycache__"}
    assert {name.split("-")[0] for name in landed} == {"tfmeta"}


def test_editable_install_is_imported_from_anywhere(checkout, tmp_path):
    python, site_packages = environment_beside(tmp_path / "venv")
    pip = [*PIP, "--python", python, "install", *OFFLINE, "--ignore-installed"]
    run(*pip, "--editable", checkout, cwd=tmp_path)
    here = checkout.resolve()
    for cwd in (tmp_path, checkout):
        assert imported_from(python, cwd=cwd) == [
            here / "tfmeta" / "__init__.py",
            here / "pipelines" / "__init__.py",
        ]
    landed = {p.name for p in site_packages.iterdir()} - {"behind.pth", "__pycache__"}
    assert all(name.startswith(("tfmeta-", "__editable__")) for name in landed), landed


@pytest.mark.parametrize("module", ["tfmeta", "tfmeta.cli", "tfmeta.pipelines"])
def test_import_leaves_tensorflow_alone(module, tmp_path):
    code = f"import sys, {module}; print(sorted({{'tensorflow', 'keras'}} & set(sys.modules)))"
    assert run(sys.executable, "-c", code, cwd=tmp_path).strip() == "[]"
