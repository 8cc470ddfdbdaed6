"""The same vectors in every kind of file."""

import pytest
from blobs import blobs, frame, npz

# What is read


@pytest.fixture(scope="session")
def same_data(tmp_path_factory):
    """The same rows as NPZ, CSV and Parquet: `{kind: file}`."""
    folder = tmp_path_factory.mktemp("same")
    x, labels = blobs()
    frame().to_csv(folder / "data.csv", index=False)
    frame().to_parquet(folder / "data.parquet")
    return {
        "npz": npz(folder, x=x, y=labels),
        "csv": folder / "data.csv",
        "parquet": folder / "data.parquet",
    }
