"""Packages of extras, as if they were not installed: code to begin a Python process with."""

# scikit-learn takes a None in sys.modules for a pandas that somebody has imported.
WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("pandas", "pyarrow"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
for name in ("tensorflow_datasets", "importlib_resources", "tensorboard", "matplotlib", "jinja2"):
    sys.modules[name] = None
"""
