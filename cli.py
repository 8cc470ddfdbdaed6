"""`python cli.py ...` from a checkout is `tfmeta ...`."""

from tfmeta.cli import main

if __name__ == "__main__":
    main()
