"""Settings in JSON files: a run's config.json, and what `--config` reads.

A file says under `format` how it was written. Files of format 1 do not say so.
"""

from pathlib import Path
from typing import Any

from tfmeta import files, strict_json
from tfmeta.errors import UserError
from tfmeta.named_code import from_file
from tfmeta.training.settings import Settings
from tfmeta.typed_fields import DIGEST, check_digest, with_digest
from tfmeta.user_files import AnyPath

FORMAT = 2
_KEY = "format"


def config_content(settings: Settings) -> dict[str, Any]:
    """What config.json holds: the settings, the format and a digest of both."""
    return with_digest({_KEY: FORMAT, **settings.to_flat()})


def read_config(path: str | Path) -> dict[str, Any]:
    """A JSON file of settings, as a flat dict.

    No code is imported by a name that comes from the file; see `named_code`.

    Raises:
        UserError: if the file is missing, is not a JSON object, or is of a newer format.
    """
    return _settings_in(_read(path), path)


def read_run_config(path: Path, facts_path: Path) -> Settings:
    """The settings of a run.

    Args:
        path: its config.json.
        facts_path: its source.json.

    Raises:
        UserError: as `read_config`, or if the file was changed after it was written.
    """
    content = _read(path)
    check_digest(content, str(path))
    flat = _settings_in(content, path)
    if _KEY not in content:
        flat = {**_unwritten_in_format_1(flat.get("pipeline", ""), facts_path), **flat}
    return Settings().updated(flat)


def _read(path: AnyPath) -> Any:
    try:
        content = strict_json.read(path, dict)
    except UserError:
        raise
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read the settings in {path}: {error}") from error
    number = content.get(_KEY, 1)
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise UserError(
            f"{path} is damaged: received {_KEY}={number!r}; expected a whole number from 1 up",
            exit_status=1,
        )
    if number > FORMAT:
        raise UserError(
            f"{path} is of format {number}, and this version of tfmeta reads formats up to "
            f"{FORMAT}. A newer version wrote it; install that: pip install --upgrade tfmeta",
            exit_status=1,
        )
    return content


def _settings_in(content: Any, path: AnyPath) -> Any:
    return from_file({k: value for k, value in content.items() if k not in (_KEY, DIGEST)}, path)


def _unwritten_in_format_1(pipeline: Any, facts_path: Any) -> Any:
    """The options with which older runs read their data, when there was no other way.

    Images were read as they are stored, and image-like arrays of an NPZ were vectors.
    """
    facts = files.read_json(facts_path)
    image = facts.get("image_format") if isinstance(facts, dict) else None
    option, value = ("images", False) if image is None else ("as_stored", True)
    if image is not None and (not isinstance(image, dict) or "background" in image):
        return {}
    from tfmeta.pipelines import options_of

    try:
        known = options_of(pipeline)
    except UserError:  # the pipeline is not installed, which matters only when its data is read
        return {}
    return {f"pipeline.{option}": value} if option in known else {}
