"""The site builds without a warning, and its reference has every public name and setting."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import settings_page

import tfmeta

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"


def test_the_site_builds_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", tmp_path / "site"]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    learners = (tmp_path / "site" / "reference" / "learners.html").read_text()
    assert "Model-Agnostic Meta-Learning, second order or first" in learners  # MAML's docstring


def test_the_list_of_settings_is_that_of_the_code():
    assert settings_page.PAGE.read_text() == settings_page.page(), "out of date: make faults"


@pytest.mark.parametrize("name", sorted(set(tfmeta.__all__)))
def test_every_public_name_is_in_the_reference(name):
    pages = "".join(path.read_text() for path in REFERENCE.glob("*.md"))
    assert f"::: tfmeta.{name}\n" in pages


@pytest.fixture
def hooks():
    spec = importlib.util.spec_from_file_location("docs_hooks", ROOT / "docs" / "hooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("page", "link", "expected"),
    [
        ("security.md", "[policy](../SECURITY.md)", "[policy](security-policy.md)"),
        ("security-policy.md", "[x](docs/security.md)", "[x](security.md)"),
        ("security-policy.md", "[`files.py`](tfmeta/files.py)", "`tfmeta/files.py`"),
        ("guide/start.md", "[them](../files.md#a)", "[them](../files.md#a)"),
        ("guide/start.md", "[a](nowhere.md)", "[a](nowhere.md)"),  # for MkDocs to warn of
        ("guide/start.md", "[a](https://example.org/a)", "[a](https://example.org/a)"),
    ],
)
def test_links_lead_to_pages_or_name_files(hooks, page, link, expected):
    file = type("File", (), {"src_uri": page})
    made = type("Page", (), {"file": file})
    assert hooks.on_page_markdown(link, page=made, config=None, files=None) == expected
