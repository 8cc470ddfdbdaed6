"""A model that is loaded for one answer answers as any other, and nothing in it is optimised."""

import tempfile

import model_answers
import numpy as np
import pytest
import trained
from closeness import assert_close

from tfmeta.exporting.loading.graph_scan import all_nodes


@pytest.fixture(params=[trained.learner_export, trained.adapted_export])
def version(request):
    return trained.version_of(request.param())


def _asked(version, folder, optimize):
    """In the process of the loader: the arrays of an answer."""
    from tfmeta.exporting.loading.c_loader import CLoader

    tempfile.tempdir = folder
    model = CLoader(version, optimize=optimize)
    tempfile.tempdir = None
    images = trained.random_images(2, 5)
    if "adapt" not in model.signatures:
        return model.run("serving_default", {"x": images[0]})
    support = {"support_x": images[:1], "support_y": np.arange(5, dtype=np.int32)[np.newaxis]}
    return model.run("adapt_and_predict", {**support, "query_x": images[1:]})


def _optimised_calls(version):
    """In the process of the loader: how many calls there are, and how many are optimised."""
    from tensorflow.core.protobuf import config_pb2

    from tfmeta.exporting.loading.c_loader import CLoader

    attributes = [node.attr for node in all_nodes(CLoader(version, optimize=False).meta_graph)]
    told = [each["config_proto"].s for each in attributes if "config_proto" in each]
    configs = [config_pb2.ConfigProto.FromString(each).graph_options for each in told]
    return len(told), sum(not each.rewrite_options.disable_meta_optimizer for each in configs)


def test_it_answers_as_an_optimised_one(version, tmp_path):
    before = trained.contents(version)
    expected, found = (
        model_answers.in_loader(_asked, str(version), str(tmp_path), optimize)
        for optimize in (True, False)
    )
    assert expected.keys() == found.keys()
    for name, values in expected.items():
        if values.dtype.hasobject:
            assert (values == found[name]).all()
        else:
            assert_close(found[name], values)
    assert trained.contents(version) == before
    assert not [*tmp_path.iterdir()]


def test_nothing_in_it_is_optimised(version):
    number, optimised = model_answers.in_loader(_optimised_calls, str(version))
    assert number
    assert not optimised
