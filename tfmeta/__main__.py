"""`python -m tfmeta ...` is `tfmeta ...`."""

from tfmeta.cli import main

if __name__ == "__main__":
    main(prog_name="tfmeta")
