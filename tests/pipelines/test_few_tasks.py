"""The pipeline `regression` on a table of very few tasks: what helps is said, and it helps."""

import pytest

from tfmeta import UserError
from tfmeta.pipelines.regression import build
from tfmeta.training.plan import Plan
from tfmeta.training.settings import Settings


def written(folder, tasks):
    """A table of nine rows per task."""
    rows = [f"{i},{task},{i * i}" for i in range(9) for task in tasks]
    path = folder / "data.csv"
    path.write_text("\n".join(["x,task,target", *rows]))
    return path


@pytest.mark.parametrize(
    ("tasks", "options", "words"),
    [
        ("ab", {}, r"1 task for validation and 1 for test leave none of 2 .* Add tasks, or train"),
        ("ab", {}, r"without those splits: --set pipeline\.validation=0 --set validation_tasks=0$"),
        ("a", {}, r"validation_tasks=0 --set pipeline\.test=0$"),
        ("abc", {"test": 3}, r"lower --set pipeline\.validation or pipeline\.test$"),
        ("abc", {"test": 1.5}, r"expected a whole number of tasks"),
    ],
)
def test_too_few_tasks_to_split_are_refused_with_the_way_out(tmp_path, tasks, options, words):
    with pytest.raises(UserError, match=words):
        build(data_dir=written(tmp_path, tasks), **options)


def test_two_tasks_can_be_trained_on_as_the_message_says(tmp_path):
    settings = Settings(
        "regression",
        data_dir=str(written(tmp_path, "ab")),
        pipeline_options={"validation": 0},
        validation_tasks=0,
        shots=3,
        queries=3,
    )
    assert Plan.make(settings).refusals() == []
