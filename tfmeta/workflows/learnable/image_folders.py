"""Folders of images, one folder per class."""

from typing import Any, ClassVar

from tfmeta import pipelines
from tfmeta.training.opening import suited_to_network
from tfmeta.workflows.learnable.classes import learned
from tfmeta.workflows.learnable.embedded import embedded_task
from tfmeta.workflows.learnable.kind import Learnable
from tfmeta.workflows.learnable.request import CHOOSING, GAPS, Request
from tfmeta.workflows.learnable.task import ONE_TASK, Task
from tfmeta.workflows.learned import Learned

DEFAULT_NETWORK = "efficientnet_lite2"
OF_TABLES: dict[str, str] = dict.fromkeys(("label", "target", "text", *CHOOSING, *GAPS), "a table")


class Images(Learnable):
    """A folder with a folder of images per class."""

    what = "a folder"
    not_for: ClassVar = OF_TABLES

    def takes(self, request: Request) -> bool:
        return request.place.is_dir()

    def learn(self, request: Request) -> Learned:
        return learned(task_of_images(request), request)


def task_of_images(request: Request) -> Task:
    name = request.network or DEFAULT_NETWORK
    source = pipelines.build(
        "image-folder",
        data_dir=request.place,
        options={**ONE_TASK, **options_of_images(name, "image-folder")},
        skip_unreadable=request.skips_unreadable,
    )
    return embedded_task(source, name, request)


def options_of_images(network: str, pipeline: str) -> dict[str, Any]:
    """How a pipeline reads images for a network."""
    return {"channels": 3, "invert": False, **suited_to_network(network, pipeline)}
