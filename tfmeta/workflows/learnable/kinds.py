"""All kinds of data that `tfmeta.learn` can learn from, and which one a request is for."""

from tfmeta.workflows.learnable.image_folders import Images
from tfmeta.workflows.learnable.images_in_arrays import ImagesInArrays
from tfmeta.workflows.learnable.kind import Learnable
from tfmeta.workflows.learnable.request import Request
from tfmeta.workflows.learnable.rows import Rows
from tfmeta.workflows.learnable.sound_folders import Sounds
from tfmeta.workflows.learnable.texts import TextFolders, Texts
from tfmeta.workflows.learnable.values import Values

# The first one that takes the data learns it.
KINDS: tuple[Learnable, ...] = (
    Sounds(),
    TextFolders(),
    Images(),
    Texts(),
    Values(),
    ImagesInArrays(),
    Rows(),
)


def kind_of(request: Request) -> Learnable:
    """The kind of the data that is asked for, with its options checked.

    Raises:
        UserError: if an option is for other data, or the data can't be read.
    """
    kind = next(kind for kind in KINDS if kind.takes(request))
    kind.check(request)
    return kind
