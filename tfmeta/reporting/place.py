"""Where a report goes, and what it needs. Imports no TensorFlow."""

from pathlib import Path

from tfmeta.extras import import_extra
from tfmeta.replaceable import check_replaceable

MARK = '<meta name="generator" content="tfmeta report">'  # near the beginning of every report
_BEGINNING = 1000  # bytes
_NEEDED = {"matplotlib": "Matplotlib", "jinja2": "Jinja2"}


def check_place(path: Path) -> None:
    """Refuses a place for a report before anything takes time.

    Raises:
        UserError: if a package is not installed, the name does not end in .html, the folder does
            not exist, or the file that is there is no report.
    """
    for module, package in _NEEDED.items():
        import_extra(module, package=package, extra="report")
    check_replaceable(path, "--output FILE.html", "report of tfmeta report", _is_report)


def _is_report(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return MARK.encode() in file.read(_BEGINNING)
    except OSError:
        return False
