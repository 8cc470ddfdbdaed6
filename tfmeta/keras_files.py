"""Models from `.keras` files, which may come from a stranger.

Keras's safe mode refuses lambdas and other things that are known to run code. Here it is the
opposite: what a file may name is listed, and anything else is refused before Keras reads it.
"""

import io
import operator
import os
import sys
import zipfile
from typing import Any

from tfmeta import strict_json
from tfmeta.errors import UserError
from tfmeta.keras_names import MODULES_OF_CLASSES, MODULES_OF_CODE, PRIVATE
from tfmeta.named_code import refuse_code, trusts_files
from tfmeta.user_files import AnyPath, check_expansion, open_file

_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
_MEMBERS = (_CONFIG, "metadata.json", "training.json", _WEIGHTS)  # of Keras, and of a checkpoint
_ASSETS = "assets/"  # the words of a TextVectorization and similar layers
_FEW = 2**20  # weights that a network may have in addition to those in its file
_MOST_CONFIG = 64 * 2**20  # bytes; a network of a thousand layers has one

_MODULES_OF_FUNCTIONS = (
    "builtins",  # Keras's name for its own activations, losses and metrics
    "keras.activations",
    "keras.losses",
    "keras.metrics",
    "keras.initializers",
    "keras.regularizers",
    "keras.constraints",
    "keras.ops",
)
_VALUES = ("__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__")


def load_model(path: AnyPath) -> Any:
    """The model in a `.keras` file; for a damaged file Keras may raise anything.

    Raises:
        UserError: if it is no regular file; if it holds or asks for anything other than layers of
            Keras and tfmeta, and classes that this program registered; or if its content is far
            larger than the file; unless the user trusts it (`--trust`).
    """
    import keras

    if not trusts_files():
        with open_file(path) as file, zipfile.ZipFile(file) as archive:
            _check_members(path, archive)
            config = _config(archive)
            check_config(config, path)
            _check_size(path, config, _check_weights(path, archive))
    return keras.models.load_model(path, safe_mode=not trusts_files())


def check_config(config: Any, path: AnyPath | None) -> None:
    """Raises UserError if Keras is to build something that is not listed here.

    Args:
        config: JSON, as `keras.saving.serialize_keras_object` makes it.
        path: of the file that has it.
    """
    if trusts_files():
        return
    left = [config]
    while left:
        each = left.pop()
        if isinstance(each, list | tuple):
            left += each
        elif isinstance(each, dict):
            left += each.values()
            if "class_name" in each and not _is_known(each):
                raise refuse_code(_asked(each), path)
            if isinstance(each.get("vocabulary"), str):
                raise refuse_code(f"the words in the file {each['vocabulary']!r}", path)


def _asked(config: Any) -> str:
    module, name = config.get("module"), config["class_name"]
    if name == "function":
        return f"the function {config.get('config')!r} of {module}"
    registered = config.get("registered_name")
    known_as = f", registered as {registered!r}" if registered not in (None, name) else ""
    return f"the class {name!r} of {module}{known_as}"


def _is_known(config: Any) -> bool:
    import keras

    name, module = config["class_name"], config.get("module")
    registered, inner = config.get("registered_name"), config.get("config")
    if name in _VALUES:
        return True
    if not all(isinstance(text, str | None) for text in (name, module, registered)):
        return False
    look_up = keras.saving.get_registered_object  # Keras looks here first too
    if name == "function":
        is_name = isinstance(inner, str)
        return is_name and (bool(look_up(inner)) or module in _MODULES_OF_FUNCTIONS)
    if look_up(registered if registered is not None else name) is not None:
        return True
    if registered not in (None, name):
        return False
    found = _found(module, name)
    origin = getattr(found, "__module__", "")
    is_listed = origin.startswith(MODULES_OF_CLASSES) and origin not in MODULES_OF_CODE
    return isinstance(found, type) and is_listed


def _found(module: Any, name: str) -> Any:
    """The class that Keras would take, or None; nothing is imported to find it."""
    import keras

    if module is None or not f"{module}.".startswith("keras."):
        return None
    if module.startswith(PRIVATE):
        return vars(sys.modules[module]).get(name) if module in sys.modules else None
    try:
        return operator.attrgetter(f"{module}.{name}".removeprefix("keras."))(keras)
    except AttributeError:
        return None


def _check_members(path: AnyPath, archive: Any) -> None:
    sizes = [member.file_size for member in archive.infolist()]
    check_expansion(path, sum(sizes), os.path.getsize(path))
    for member in archive.infolist():
        name = member.filename
        is_asset = name.startswith(_ASSETS) and ".." not in name.split("/")
        if name not in _MEMBERS and not is_asset:
            raise UserError(f"{path} holds {name!r}; expected what learner.save() made")


def _config(archive: Any) -> Any:
    size = archive.getinfo(_CONFIG).file_size
    if size > _MOST_CONFIG:
        raise ValueError(f"its {_CONFIG} has {size} bytes; expected {_MOST_CONFIG} at most")
    return strict_json.loads(archive.read(_CONFIG))


def _check_weights(path: AnyPath, archive: Any) -> Any:
    """Counts the weights; they must be in the file itself, with as many bytes as in memory."""
    import h5py

    if _WEIGHTS not in archive.namelist():
        raise ValueError(f"it holds no {_WEIGHTS}")
    with h5py.File(io.BytesIO(archive.read(_WEIGHTS)), "r") as weights:
        groups, seen, number = [weights], set(), 0  # a group may contain itself
        while groups:
            group = groups.pop()
            address = h5py.h5o.get_info(group.id).addr
            if address in seen:
                continue
            seen.add(address)
            for name in group:
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise refuse_code(f"weights elsewhere ({name!r} is a link)", path)
                each = group[name]
                if isinstance(each, h5py.Group):
                    groups.append(each)
                elif each.external or each.is_virtual:
                    raise refuse_code(f"weights in other files ({name!r})", path)
                else:
                    check_expansion(f"{name} of {path}", each.nbytes, each.id.get_storage_size())
                    number += each.size
    return number


def _check_size(path: AnyPath, config: Any, number: Any) -> None:
    """Refuses a network with more weights than the file: a few bytes may ask for a large one."""
    import keras

    from tfmeta.network_size import count_weights

    options = config.get("config")
    network = options.get("network", config) if isinstance(options, dict) else config
    asked = count_weights(lambda: keras.saving.deserialize_keras_object(network))
    if asked > number + _FEW:
        raise ValueError(f"its network has {asked} weights, and it holds {number}")
