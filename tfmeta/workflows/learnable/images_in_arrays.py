"""Images in the array of an NPZ file, with their classes."""

from typing import ClassVar

from tfmeta import pipelines
from tfmeta.reading.array_pixels import look_like_images
from tfmeta.reading.tables import read_table
from tfmeta.workflows.learnable.classes import learned
from tfmeta.workflows.learnable.embedded import embedded_task
from tfmeta.workflows.learnable.image_folders import DEFAULT_NETWORK, options_of_images
from tfmeta.workflows.learnable.kind import Learnable
from tfmeta.workflows.learnable.request import CHOOSING, GAPS, Request
from tfmeta.workflows.learnable.task import ONE_TASK
from tfmeta.workflows.learned import Learned

_ARRAYS = ".npz"


class ImagesInArrays(Learnable):
    """An NPZ file whose array `x` holds images."""

    what = "a table"
    not_for: ClassVar = {"skip_unreadable": "a folder"}

    def takes(self, request: Request) -> bool:
        if request.place.suffix.lower() != _ARRAYS:
            return False
        x = read_table(request.place, text=()).columns.get("x")
        return x is not None and look_like_images(x)

    def learn(self, request: Request) -> Learned:
        name = request.network or DEFAULT_NETWORK
        columns = request.columns(*CHOOSING, *GAPS)
        options = {**ONE_TASK, **columns, **options_of_images(name, "arrays")}
        source = pipelines.build("arrays", data_dir=request.place, options=options)
        return learned(embedded_task(source, name, request), request)
