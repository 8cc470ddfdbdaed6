"""`tfmeta.inspect`: what is in the data, and what is wrong with it, before anything trains."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tfmeta.flags import check_flags
from tfmeta.inspection.contact_sheet import check_free, why_not, write_contact_sheet
from tfmeta.inspection.findings import make_report
from tfmeta.inspection.lines import UNLIMITED
from tfmeta.inspection.report_tables import report_lines
from tfmeta.named_code import trusting
from tfmeta.terminal import plain_values
from tfmeta.training.flat_settings import as_flat
from tfmeta.training.opening import open_source
from tfmeta.training.plan import Plan
from tfmeta.training.settings import Settings
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import path


@dataclass(frozen=True)
class Inspection:
    """What was found in the data; true if `tfmeta.train` would take it.

    Attributes:
        facts: what `tfmeta inspect --json` prints.
        prepared_lines: `(name, what was found)` pairs of what a source prepares, such as images.
    """

    facts: dict[str, Any]
    prepared_lines: Sequence[tuple[str, str]] = ()

    def __bool__(self) -> bool:
        return not self.refusals

    def __getitem__(self, name: str) -> Any:
        return self.facts[name]

    @property
    def refusals(self) -> list[str]:
        """Why training would refuse the data; empty if it would take them."""
        return self.facts["refusals"]

    def lines(self, width: int = UNLIMITED) -> list[str]:
        """The report in tables of so many characters, control characters shown escaped."""
        # Before they are laid out, for then they are longer.
        facts, lines = plain_values(self.facts), plain_values(self.prepared_lines)
        sheet = facts["contact_sheet"]
        where = sheet["file"] or f"none, because {sheet['skipped']}"
        return [*report_lines(facts, width, lines), f"contact sheet: {where}"]

    def __str__(self) -> str:
        return "\n".join(self.lines())


def inspect(
    pipeline: str,
    *,
    contact_sheet: AnyPath | None = None,
    trust: bool = False,
    **settings: Any,
) -> Inspection:
    """Says what is in the data of a pipeline, as `tfmeta inspect` does.

    Args:
        pipeline: name or `package.module:builder`.
        contact_sheet: a PNG file of sample episodes to write; None for none.
        trust: run code that a file names, if it is not tfmeta's own.
        **settings: of the training that the data is for, as in `tfmeta.train`, with `data_dir` and
            `pipeline_options`.

    Raises:
        UserError: if a setting makes no sense, the data can't be read, or `contact_sheet` exists.
    """
    check_flags(trust=trust)
    file = None if contact_sheet is None else path("contact_sheet", contact_sheet)
    with trusting(trust):
        given = Settings.of_new_run(as_flat({"pipeline": pipeline, **settings}))
        if file is not None:
            check_free(file)
        plan = Plan.make(given, open_source(replace(given, skip_unreadable=True)))
        facts, source, shape = make_report(plan), plan.source, plan.task_shape
        sheet = {"file": None, "skipped": "none was asked for"}
        if file is not None:
            reason = why_not(source, shape)
            if reason is None:
                write_contact_sheet(file, source, shape)
            sheet = {"file": None if reason else str(file), "skipped": reason}
        lines = source.input_format.seen() or [
            ("for the network", f"shape {tuple(source.input_shape)}")
        ]
        lines += [] if source.prepared is None else source.prepared.lines(facts)
    return Inspection(facts | {"contact_sheet": sheet}, lines)
