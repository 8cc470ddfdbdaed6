"""The pages of the site that stand beside docs/ in the repository, and links between the two.

A page in docs/ links to a file outside it as GitHub shows it. On the site CONTRIBUTING.md and its
like are pages; a link to any other file of the repository becomes the file's path as code.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
# Files of the repository that are pages of the site.
PAGES = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security-policy.md",
}
_LINK = re.compile(r"\[([^\]]*)\]\(([^)#:\s]+)(#[^)]*)?\)")


def on_files(files, *, config):
    for source, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text()))
    return files


def on_page_markdown(markdown, *, page, config, files):
    here = page.file.src_uri
    root_file = {page: source for source, page in PAGES.items()}.get(here)
    folder = "" if root_file else posixpath.dirname(f"docs/{here}")

    def linked(match):
        text, target, anchor = match.group(1), match.group(2), match.group(3) or ""
        path = posixpath.normpath(posixpath.join(folder, target))
        name = PAGES.get(path, path.removeprefix("docs/") if path.startswith("docs/") else None)
        if name is not None:
            return f"[{text}]({posixpath.relpath(name, posixpath.dirname(here) or '.')}{anchor})"
        if not (ROOT / path).exists():
            return match.group(0)  # for MkDocs to say that it leads nowhere
        bare = text.strip("`")
        return f"`{path}`" if posixpath.basename(path).startswith(bare) else f"{text} (`{path}`)"

    return _LINK.sub(linked, markdown)
