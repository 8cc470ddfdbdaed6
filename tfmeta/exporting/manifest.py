"""tfmeta.json: what an export says about itself."""

import hashlib
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, get_type_hints

import numpy as np

from tfmeta import strict_json
from tfmeta import typed_fields as typed
from tfmeta.episodes.target_kind import CLASSES, TargetKind
from tfmeta.episodes.target_kind import KINDS as TARGET_KINDS
from tfmeta.errors import UserError
from tfmeta.exporting.contract import MANIFEST
from tfmeta.exporting.kinds import KINDS
from tfmeta.exporting.kinds.export_kind import ExportKind
from tfmeta.precision import OF_AN_EXPORT, rounding_error
from tfmeta.reading.example_reader import ExampleReader
from tfmeta.reading.formats import from_record, to_record
from tfmeta.reading.input_format import InputFormat

# Raise it when an older tfmeta would misunderstand what is written, and teach `read` the old form.
# Files of format 1 do not say so; in all else they are like those of format 2.
FORMAT = 2
_FORMAT_KEY = "format"
_UNSIGNED = ("files",)  # files have digests of their own
_AT_ONCE = 2**20  # bytes


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What is known about an exported model, whatever its format."""

    kind: Annotated[str, typed.one_of(*KINDS)]
    algorithm: Annotated[str, typed.TEXT]
    mode: Annotated[str, typed.TEXT]  # inductive or transductive
    tfmeta: Annotated[str, typed.TEXT]  # the version that exported it
    input_format: InputFormat  # in the file by `formats.to_record`
    class_names: Annotated[list[str] | None, typed.or_null(typed.TEXTS)]
    confidence: Annotated[dict[str, Any], typed.OBJECT]

    @property
    def export_kind(self) -> ExportKind:
        """What the kind's name stands for."""
        return KINDS[self.kind]

    def to_json(self) -> str:
        """The content of tfmeta.json, with a digest of itself."""
        # Not `asdict`, which would copy each word of a vocabulary.
        own = {key.name: getattr(self, key.name) for key in fields(self)}
        record = to_record(own.pop("input_format"))
        facts = {_FORMAT_KEY: FORMAT, **own, **record}
        facts = typed.with_digest(facts, without=_UNSIGNED)
        return strict_json.dumps(facts, indent=2) + "\n"


@dataclass(frozen=True, kw_only=True)
class Manifest(ModelFacts):
    """What tfmeta.json says about a SavedModel, each key of the type that `tfmeta export` writes.

    Whether the model is like this is another question; see `loading.agreement`.
    """

    input_shape: Annotated[list[int], typed.SHAPE]  # of one example
    input_dtype: Annotated[str, typed.TEXT]
    num_outputs: Annotated[int | None, typed.or_null(typed.COUNT)]  # None: any number of classes
    target_centre: Annotated[Any, typed.or_null(typed.NUMBERS)]
    target_spread: Annotated[Any, typed.or_null(typed.NUMBERS)]
    padded: Annotated[bool, typed.TRUTH]  # whether support sets may be padded
    answers_of: Annotated[str, typed.TEXT]  # who worked out the answers in the warm-up records
    files: Annotated[dict[str, str], typed.DIGESTS]  # SHA-256 by path
    # Exports of older versions do not say these.
    targets: Annotated[str | None, typed.or_null(typed.one_of(*TARGET_KINDS))] = None
    # Exports that name no limits have them in the graph alone.
    limits: Annotated[dict[str, int], typed.OBJECT] = field(default_factory=dict)
    # How far an answer may be from the one in a warm-up record, relative above 1.
    tolerance: Annotated[float, typed.SHARE] = rounding_error(np.float32, OF_AN_EXPORT)

    @classmethod
    def read(cls, folder: str | Path) -> "Manifest":
        """The manifest of a version.

        Args:
            folder: `exported/NAME/VERSION`.

        Raises:
            UserError: if it is missing, damaged, or of a newer format.
        """
        path = Path(folder) / MANIFEST
        content = typed.read_object(path, {})
        _check_format(content, path)
        hints = get_type_hints(cls, include_extras=True)
        kinds = {
            key.name: hints[key.name].__metadata__[0]
            for key in fields(cls)
            if key.name != "input_format" and (_is_required(key) or key.name in content)
        }
        typed.checked(content, kinds, str(path))
        input_format = from_record(content, str(path))
        manifest = cls(input_format=input_format, **{name: content[name] for name in kinds})
        manifest._check_values(path)
        typed.check_digest(content, str(path), without=_UNSIGNED)
        return manifest

    def reader(self) -> ExampleReader:
        """What reads a user's support sets and queries for the model.

        Raises:
            UserError: if the export does not say what its answers are.
        """
        if self.targets is None and not self.input_format.suffix:
            raise UserError(
                f"this export was made by tfmeta {self.tfmeta}, which did not write whether its "
                "answers are classes or values; export the run again"
            )
        return self.input_format.reader(tuple(self.input_shape), self.target_kind.given_size)

    @property
    def target_kind(self) -> TargetKind:
        """The kind of targets; classes where an old export does not say it."""
        has_classes = self.targets in (None, CLASSES.name)
        return TargetKind.of_size(None if has_classes else self.num_outputs, self.targets)

    def _check_values(self, path: Path) -> None:
        for name in self.files:
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise UserError(
                    f"{path} is missing or damaged: it names {name!r}, a file elsewhere"
                )


@dataclass(frozen=True, kw_only=True)
class LiteRTManifest(ModelFacts):
    """What tfmeta.json says inside a LiteRT file."""

    signatures: dict[str, Any]  # shapes of inputs and outputs, by name
    largest_difference: float  # between an answer of the file and the learner's


def digest_of(path: str | Path) -> str:
    """The SHA-256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while part := file.read(_AT_ONCE):
            digest.update(part)
    return digest.hexdigest()


def _is_required(key: Field[Any]) -> bool:
    return key.default is MISSING and key.default_factory is MISSING


def _check_format(content: dict[str, Any], path: Path) -> None:
    """Raises UserError if a newer tfmeta wrote the file."""
    if _FORMAT_KEY not in content:
        return
    typed.checked(content, {_FORMAT_KEY: typed.COUNT}, str(path))
    if content[_FORMAT_KEY] > FORMAT:
        raise UserError(
            f"{path} is of format {content[_FORMAT_KEY]}, and this version of tfmeta reads formats "
            f"up to {FORMAT}. A newer version wrote it; install that: pip install --upgrade "
            "tfmeta, or export again with this version",
            exit_status=1,
        )
