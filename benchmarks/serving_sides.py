"""What answers in `serving.py`: the C++ loader, the Python learner and torch, each in its process.

All do the same: MAML's test steps on conv4 with the support set's statistics, and the queries'
probabilities after them.
"""

import os
import threading

import numpy as np

WAYS = 5
WEIGHTS = {  # of the network that torch has too
    "head_kernel",
    "head_bias",
    *(f"conv{block}_kernel" for block in range(1, 5)),
    *(f"norm{block}_{kind}" for block in range(1, 5) for kind in ("gamma", "beta")),
}


class Served:
    def __init__(self, export, num_threads, onednn):
        os.environ["TF_ENABLE_ONEDNN_OPTS"] = str(int(onednn))
        from tfmeta.exporting.loading.c_loader import CLoader

        self._model = CLoader(export, num_threads=num_threads)

    def adapt(self, support_x, support_y, query_x):
        return self._model.run("adapt", {"support_x": support_x, "support_y": support_y})

    def predict(self, state, query_x):
        return self._model.run("predict", {**state, "query_x": query_x})["probabilities"]

    def adapt_and_predict(self, **inputs):
        return self._model.run("adapt_and_predict", inputs)["probabilities"]


class Eager:
    def __init__(self, run, temperature):
        import tfmeta

        tfmeta.configure_runtime()
        import tensorflow as tf

        self._tf, self._learner, self._temperature = tf, tfmeta.load(run), temperature

    def adapt(self, support_x, support_y, query_x):
        constant = self._tf.constant
        tasks = zip(support_x, support_y, strict=True)
        return [self._learner.adapt(constant(x), constant(y)) for x, y in tasks]

    def predict(self, state, query_x):
        tasks = zip(state, query_x, strict=True)
        logits = [self._learner.predict_with(s, self._tf.constant(q)) for s, q in tasks]
        return self._tf.nn.softmax(self._tf.stack(logits) / self._temperature).numpy()

    def adapt_and_predict(self, **inputs):
        return self.predict(self.adapt(**inputs), inputs["query_x"])

    def facts(self):
        """What torch needs to do the same."""
        learner, values = self._learner, self._learner.function.weights()
        return {
            "algorithm": type(learner).__name__,
            "temperature": self._temperature,
            "inner_steps": learner.test_inner_steps,
            "inner_learning_rate": float(learner.inner_learning_rate),
            "weights": {
                name: value.numpy()
                for name, value in zip(learner.function.weight_names, values, strict=True)
            },
        }


class Torch:
    """Task after task, or (`vmapped`) all tasks of a request as one computation."""

    def __init__(self, facts, num_threads, vmapped):
        os.environ["OMP_NUM_THREADS"] = str(num_threads)
        import torch

        torch.set_num_threads(num_threads)
        self._torch, self._vmapped, self._temperature = torch, vmapped, facts["temperature"]
        self._steps, self._rate = facts["inner_steps"], facts["inner_learning_rate"]
        self._weights = {n: torch.tensor(v) for n, v in torch_weights(facts["weights"]).items()}
        self._local = threading.local()  # functional_call puts weights into a module meanwhile

    def adapt(self, support_x, support_y, query_x):
        return self._map(self._adapt_one, self._images(support_x), self._labels(support_y))

    def predict(self, state, query_x):
        answers = self._map(self._predict_one, state, self._images(query_x))
        return (answers if self._vmapped else self._torch.stack(answers)).numpy()

    def adapt_and_predict(self, **inputs):
        return self.predict(self.adapt(**inputs), inputs["query_x"])

    def _images(self, array):
        return self._torch.from_numpy(np.moveaxis(array, -1, -3))

    def _labels(self, array):
        return self._torch.from_numpy(array.astype(np.int64))

    def _map(self, function, *tasks):
        if not hasattr(self._local, "network"):
            self._local.network = torch_network(filters=self._weights["norm1.bias"].shape[0])
        with self._torch.no_grad():
            if self._vmapped:
                return self._torch.vmap(function)(*tasks)
            return [function(*task) for task in zip(*tasks, strict=True)]

    def _adapt_one(self, x, y):
        weights = self._weights
        for _ in range(self._steps):
            gradients = self._gradients(weights, x, y)
            weights = {
                name: value - self._rate * gradients[name] for name, value in weights.items()
            }
        return weights, self._call(weights, x, keep=True)

    def _predict_one(self, state, x):
        weights, statistics = state
        return (self._call(weights, x, statistics) / self._temperature).softmax(-1)

    def _gradients(self, weights, x, y):
        def loss(weights):
            return self._torch.nn.functional.cross_entropy(self._call(weights, x), y)

        if self._vmapped:
            return self._torch.func.grad(loss)(weights)
        with self._torch.enable_grad():  # a quarter faster than torch.func.grad
            weights = {name: value.detach().requires_grad_() for name, value in weights.items()}
            gradients = self._torch.autograd.grad(loss(weights), list(weights.values()))
        return dict(zip(weights, gradients, strict=True))

    def _call(self, weights, *inputs, **options):
        return self._torch.func.functional_call(self._local.network, weights, inputs, options)


def torch_network(filters):
    from torch import nn
    from torch.nn import functional

    class Conv4(nn.Module):
        def __init__(self):
            super().__init__()
            for block in range(1, 5):
                convolution = nn.Conv2d(filters if block > 1 else 1, filters, 3, 2, bias=False)
                self.add_module(f"conv{block}", convolution)
                self.add_module(f"norm{block}", nn.BatchNorm2d(filters))  # for its weights
            self.head = nn.Linear(4 * filters, WAYS)

        def forward(self, x, statistics=None, keep=False):
            """Logits, normalised with `statistics` or else the batch's; `keep`: those instead."""
            seen = []
            for block in range(1, 5):
                convolution, norm = (getattr(self, f"{kind}{block}") for kind in ("conv", "norm"))
                missing = (-(-x.shape[-1] // 2) - 1) * 2 + 3 - x.shape[-1]  # TensorFlow's "same"
                before, after = missing // 2, missing - missing // 2
                x = convolution(functional.pad(x, (before, after, before, after)))
                if keep:
                    seen.append((x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)))
                mean, variance = statistics[block - 1] if statistics else (None, None)
                x = functional.batch_norm(
                    x, mean, variance, norm.weight, norm.bias, not statistics, eps=1e-3
                )
                x = functional.relu(x, inplace=True)
            return seen if keep else self.head(x.flatten(1))

    return Conv4()


def torch_weights(weights: dict) -> dict:
    """Keras's weights by torch's names, in torch's order of dimensions."""
    names, renamed = {"kernel": "weight", "gamma": "weight", "beta": "bias", "bias": "bias"}, {}
    for name, value in weights.items():
        layer, kind = name.split("_")
        if value.ndim == 4:
            value = value.transpose(3, 2, 0, 1)
        elif value.ndim == 2:  # Keras flattened (height, width, filters)
            value = value.reshape(4, -1, WAYS).transpose(2, 1, 0).reshape(WAYS, -1)
        renamed[f"{layer}.{names[kind]}"] = value.copy()
    return renamed
