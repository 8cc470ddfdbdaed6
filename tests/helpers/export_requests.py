"""Requests to the exports of `trained`, and what the learners in Python answer to them."""

import io

import numpy as np
import tensorflow as tf
from trained import random_images

NUM_TASKS, NUM_SUPPORT, NUM_QUERIES = 3, 7, 4  # not those of the warm-up requests


def support_request(num_tasks=NUM_TASKS):
    labels = np.arange(NUM_SUPPORT, dtype=np.int32) % 5
    labels = np.stack([np.roll(labels, task) for task in range(num_tasks)])
    return {"support_x": random_images(num_tasks, NUM_SUPPORT), "support_y": labels}


def learner_request(num_tasks=NUM_TASKS):
    return {
        **support_request(num_tasks),
        "query_x": random_images(num_tasks, NUM_QUERIES, seed=2),
    }


def sine_request():
    rng = np.random.default_rng(3)
    x = rng.uniform(-5, 5, (NUM_TASKS, NUM_SUPPORT, 1)).astype(np.float32)
    query_x = rng.uniform(-5, 5, (NUM_TASKS, NUM_QUERIES, 1)).astype(np.float32)
    return {"support_x": x, "support_y": np.sin(x), "query_x": query_x}


def state_of(learner, request, task):
    return learner.adapt(
        tf.constant(request["support_x"][task]), tf.constant(request["support_y"][task])
    )


def python_outputs(learner, request):
    """What the learner answers eagerly, a task at a time: `(tasks, queries, outputs)`."""
    return np.stack(
        [
            learner.predict_with(state_of(learner, request, t), tf.constant(query_x)).numpy()
            for t, query_x in enumerate(request["query_x"])
        ]
    )


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def strings(values, shape):
    array = np.empty(len(values), object)
    array[:] = values
    return array.reshape(shape)


# Refusals


def spoilt(request, name, change):
    return {**request, name: change(request[name].copy())}


def with_nan(array):
    array[0, -1] = np.nan
    return array
