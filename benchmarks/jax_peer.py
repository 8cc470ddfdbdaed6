"""MAML in JAX on the benchmark's own tasks: `jit(vmap(grad))`, convolutions by patches.

`lax.conv` under `vmap` is a grouped convolution, whose gradient is twenty times slower on a CPU.
"""

from typing import Any

import jax
import jax.numpy as jnp
import optax

EPSILON = 1e-3


def _convolution(x: Any, kernel: Any, stride: int) -> Any:
    """A 3x3 convolution with Keras's margins, `(n, h, w, c)` -> `(n, h', w', f)`."""
    sizes = [-(-size // stride) for size in x.shape[1:3]]
    missing = [
        max(0, (number - 1) * stride + 3 - size)
        for size, number in zip(x.shape[1:3], sizes, strict=True)
    ]
    x = jnp.pad(x, [(0, 0), *((each // 2, each - each // 2) for each in missing), (0, 0)])
    views = [
        x[
            :,
            i : i + (sizes[0] - 1) * stride + 1 : stride,
            j : j + (sizes[1] - 1) * stride + 1 : stride,
        ]
        for i in range(3)
        for j in range(3)
    ]
    return jnp.concatenate(views, -1) @ kernel.reshape(-1, kernel.shape[-1])


def conv4(case: dict[str, Any]) -> Any:
    """The network of a case as a function of our weights and images."""
    options = case["network"]
    pools = options.get("downsampling") == "pool"

    def network(weights: list[Any], x: Any) -> Any:
        *of_blocks, kernel, bias = weights
        for block in range(4):
            filters, scale, offset = of_blocks[3 * block : 3 * block + 3]
            x = _convolution(x, filters, 1 if pools else 2)
            mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
            x = jax.nn.relu((x - mean) * jax.lax.rsqrt(variance + EPSILON) * scale + offset)
            if pools:
                height, width = (size // 2 for size in x.shape[1:3])
                x = x[:, : 2 * height, : 2 * width]
                x = x.reshape(-1, height, 2, width, 2, x.shape[-1]).max((2, 4))
        x = x.mean((1, 2)) if options.get("features") == "mean" else x.reshape(len(x), -1)
        return x @ kernel + bias

    return network


def mlp(weights: list[Any], x: Any) -> Any:
    for kernel, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        x = jax.nn.relu(x @ kernel + bias)
    return x @ weights[-2] + weights[-1]


class Jax:
    """As a peer of `torch_peers.py`; one compiled function takes the whole outer step."""

    def __init__(self, case: dict[str, Any], weights: list[Any], folder: str | None):
        del folder
        values = len(case["size"]) == 1
        network = mlp if values else conv4(case)
        rate, steps = case["options"]["inner_learning_rate"], case["options"]["inner_steps"]
        optimizer = optax.adam(1e-3)

        def loss(weights: Any, x: Any, y: Any) -> Any:
            outputs = network(weights, x)
            if values:
                return jnp.mean((outputs - y) ** 2)
            return optax.softmax_cross_entropy_with_integer_labels(outputs, y).mean()

        def of_task(
            weights: Any, support_x: Any, support_y: Any, query_x: Any, query_y: Any
        ) -> Any:
            for _ in range(steps):
                gradients = jax.grad(loss)(weights, support_x, support_y)
                weights = [w - rate * g for w, g in zip(weights, gradients, strict=True)]
            return loss(weights, query_x, query_y)

        of_tasks = jax.vmap(jax.value_and_grad(of_task), in_axes=(None, 0, 0, 0, 0))

        def step(weights: Any, state: Any, batch: Any) -> Any:
            losses, gradients = of_tasks(weights, *batch)
            updates, state = optimizer.update([g.mean(0) for g in gradients], state)
            return optax.apply_updates(weights, updates), state, losses.mean()

        self.weights = [jnp.asarray(w) for w in weights]
        self.state = optimizer.init(self.weights)
        self.compiled = jax.jit(step)

    def tensors(self, batch: list[Any]) -> list[Any]:
        return [jnp.asarray(each) for each in batch]

    def step(self, batch: list[Any]) -> float:
        self.weights, self.state, loss = self.compiled(self.weights, self.state, batch)
        return float(loss)
