"""What training is asked for is checked before anything is loaded."""

import pytest

from tfmeta import UserError
from tfmeta.workflows.train_request import TrainRequest


def test_a_run_in_the_folder_of_the_data_is_refused_where_folders_are_classes(tmp_path):
    (tmp_path / "cat").mkdir()
    data = {"data_dir": str(tmp_path)}
    for pipeline in "image-folder", "audio-folder":
        request = TrainRequest({"pipeline": pipeline, **data}, tmp_path / "runs" / "a", False)
        with pytest.raises(UserError, match=r"in the folder of the data, .* is a class\. Choose"):
            request.check_free()
        TrainRequest({"pipeline": pipeline, **data}, tmp_path.parent / "a", False).check_free()
    TrainRequest({"pipeline": "arrays", **data}, tmp_path / "runs" / "a", False).check_free()
