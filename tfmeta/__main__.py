"""`python -m tfmeta ...` is `tfmeta ...`."""

from tfmeta.own_path import leave_working_folder

leave_working_folder()

from tfmeta.cli import main  # noqa: E402

if __name__ == "__main__":
    main(prog_name="tfmeta")
