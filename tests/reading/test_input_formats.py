"""Every kind of input goes through the same checks; each names its own examples."""

import json

import numpy as np
import pytest
import tensorflow as tf

from tfmeta.errors import UserError
from tfmeta.exporting.limits import RequestLimits
from tfmeta.reading.format_registry import FORMATS
from tfmeta.reading.formats import check_shape, format_class, from_record, to_record
from tfmeta.reading.image_format import ImageFormat
from tfmeta.reading.origins import Origins
from tfmeta.reading.row_format import PLAIN, RowFormat
from tfmeta.reading.sound_format import SoundFormat
from tfmeta.reading.table_format import TableFormat
from tfmeta.reading.text_format import TextFormat

# One or more of each kind.
EXAMPLES = [
    ImageFormat(9, 7, channels=3),
    ImageFormat(6, 6, invert=True, background="black", resize="pad"),
    RowFormat(("height", "width"), ("label",)),
    TextFormat(("", "[UNK]", "karte", "größe", "我", "卡", "😀", "pay"), 6),
    SoundFormat(8000, 2400, mels=20, window=200, hop=80, highest=4000.0, centre=-40.0, spread=9.0),
    TableFormat(("age", "how old"), ("label",), None, {"how old": ("new", "old")}, {"age": 3.5}),
    TableFormat(("größe", "farbe"), ("label",), None, {"farbe": ("grün", "рыжий")}),
    PLAIN,
]
ENCODED = [each for each in EXAMPLES if each.suffix]


def words(input_format) -> str:
    return json.dumps(input_format.to_dict())[:60]


def test_every_kind_has_an_example():
    assert {each.kind for each in EXAMPLES} == FORMATS.keys()
    assert all(type(each) is format_class(each.kind) for each in EXAMPLES)


@pytest.mark.parametrize("input_format", EXAMPLES, ids=words)
def test_a_format_comes_back_from_json(input_format):
    record = json.loads(json.dumps(to_record(input_format)))
    assert from_record(record, "the file") == input_format
    assert "image_format" in record  # older versions expect it


@pytest.mark.parametrize("kind", FORMATS)
def test_a_damaged_record_is_refused_by_name(kind):
    record = {"image_format": None, f"{kind}_format": {"of": "nothing"}}
    with pytest.raises(UserError, match=rf"the file: {kind}_format.*missing"):
        from_record(record, "the file")
    with pytest.raises(UserError, match=rf"{kind}_format is 3, expected an object"):
        from_record({"image_format": None, f"{kind}_format": 3}, "the file")


def test_two_formats_in_one_record_are_refused():
    record = {**to_record(EXAMPLES[0]), **{"row_format": EXAMPLES[2].to_dict()}}
    with pytest.raises(UserError, match="it has image_format and row_format; expected one"):
        from_record(record, "the file")


def test_a_record_of_another_shape_is_refused():
    with pytest.raises(UserError, match=r"image_format is \[9, 7, 3\] and input_shape \[9, 7, 1\]"):
        check_shape(EXAMPLES[0], (9, 7, 1), "the file")


def drawn(input_format, seed, shape, name="x"):
    """Random encoded examples by the names of their inputs."""
    rng = np.random.default_rng(seed)
    parts = input_format.draw_inputs(
        rng, shape, lambda: rng.normal(size=shape + input_format.shape)
    )
    assert {name + ending for ending in parts} == input_format.inputs_of(name).keys()
    return {name + ending: values for ending, values in parts.items()}


def served_by(input_format, name="x"):
    """The preparation in a graph, after the checks of a request."""

    @tf.function(autograph=False)
    def served(inputs):
        limited = input_format.within_limits(inputs, RequestLimits())
        return input_format.prepare_limited(limited, name=name)

    types = input_format.inputs_of(name)
    return lambda inputs: served(
        {key: tf.constant(inputs[key].tolist(), dtype) for key, dtype in types.items()}
    )


@pytest.mark.parametrize("input_format", ENCODED, ids=words)
def test_a_graph_prepares_as_training_does(input_format):
    encoded = drawn(input_format, 0, (2, 5))
    trained_on = input_format.prepare_inputs(
        {key: tf.constant(values) for key, values in encoded.items()}, name="x"
    )
    assert trained_on.shape == (2, 5, *input_format.shape)
    assert trained_on.dtype == tf.float32
    assert np.array_equal(served_by(input_format)(encoded), trained_on)


@pytest.mark.parametrize("input_format", ENCODED, ids=words)
def test_what_is_spoilt_is_refused_by_the_name_of_the_input(input_format):
    good, served = drawn(input_format, 1, (2,), "of"), served_by(input_format, "of")
    assert served(good).shape[0] == 2
    assert input_format.spoilt_inputs
    for ending, changes in input_format.spoilt_inputs.items():
        key = f"of{ending}"
        for change in changes.values():
            spoilt = np.array([good[key][0], change(good[key][1])], object)
            with pytest.raises(tf.errors.InvalidArgumentError, match=key):
                served({**good, key: spoilt})


@pytest.mark.parametrize("input_format", ENCODED, ids=words)
def test_padding_can_be_prepared(input_format):
    rows = {
        f"x{ending}": np.array([each], object) for ending, each in input_format.paddings.items()
    }
    assert served_by(input_format)(rows).shape[0] == 1


@pytest.mark.parametrize("input_format", EXAMPLES, ids=words)
def test_the_limits_are_those_of_the_format(input_format):
    own = RequestLimits().of(input_format)
    assert own.keys() == {*input_format.limits, "support_rows", "queries"}
    others = RequestLimits.meanings().keys() - own.keys()
    for name in others:
        with pytest.raises(UserError, match=f"the limits {name}, and the model takes"):
            RequestLimits(**{name: 5}).of(input_format)


@pytest.mark.parametrize("input_format", ENCODED, ids=words)
def test_a_request_that_the_limits_do_not_admit_is_known(input_format):
    request = drawn(input_format, 2, (3,))
    needed = input_format.admitted(list(request.values()))
    assert needed.keys() == input_format.limits.keys()
    for name, least in needed.items():
        RequestLimits(**{name: least}).check_admit({"predict": (request, {})}, input_format)
        if least > 1:
            limits = RequestLimits(**{name: least - 1})
            with pytest.raises(UserError, match=f"the limit {name}={least - 1}; expected at least"):
                limits.check_admit({"predict": (request, {})}, input_format)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        (None, {}),
        ([(5000, 5000), (10, 10)], {}),
        ([(10, 10), (6048, 8064)], {"image_pixels": 48_771_072, "image_bytes": 48_771_072}),
    ],
)
def test_a_model_takes_images_as_large_as_those_that_it_learned(sizes, expected):
    origins = Origins(sizes=None if sizes is None else np.array(sizes, np.int32))
    assert EXAMPLES[0].limits_for(origins) == expected
    assert EXAMPLES[2].limits_for(origins) == {}  # rows
    RequestLimits(**expected).of(EXAMPLES[0])
