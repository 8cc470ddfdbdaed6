"""MAML in PyTorch on the benchmark's own tasks: learn2learn's loop, higher, and torch.func.

Each makes the network of `cases.py` with the weights of ours, and answers transductively, which is
all that they have. `step(batch)` takes an outer step and returns the loss before it.
"""

import importlib
import sys
import types
from typing import Any

import torch
from torch import nn
from torch.nn import functional

EPSILON = 1e-3  # of Keras's batch normalisation


class SamePadding(nn.Conv2d):
    """A 3x3 convolution with Keras's margins, which are larger after the image than before it."""

    exact = True  # else PyTorch's own margins: as many products, without the copy

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.exact:
            return functional.conv2d(x, self.weight, self.bias, self.stride, 1)
        margins = []
        for size, stride in zip(x.shape[:1:-1], self.stride, strict=True):
            missing = max(0, (-(-size // stride) - 1) * stride + 3 - size)
            margins += [missing // 2, missing - missing // 2]
        return functional.conv2d(functional.pad(x, margins), self.weight, self.bias, self.stride)


def conv4(case: dict[str, Any], weights: list[Any]) -> nn.Module:
    """The network of a case, with our weights, which are in Keras's order and layout."""
    pools = case["network"].get("downsampling") == "pool"
    filters, channels = case["network"].get("filters", 64), case["size"][-1]
    layers: list[nn.Module] = []
    for _ in range(4):
        stride = 1 if pools else 2
        layers += [
            SamePadding(channels, filters, 3, stride, bias=False),
            nn.BatchNorm2d(filters, eps=EPSILON, track_running_stats=False),
            nn.ReLU(),
        ]
        layers += [nn.MaxPool2d(2)] if pools else []
        channels = filters
    mean = case["network"].get("features") == "mean"
    layers += [nn.AdaptiveAvgPool2d(1)] if mean else []
    *of_blocks, kernel, bias = map(torch.tensor, weights)
    positions = kernel.shape[0] // filters
    layers += [nn.Flatten(), nn.Linear(kernel.shape[0], kernel.shape[1])]
    # Features are flattened with their channels first here, and last in Keras.
    kernel = kernel.reshape(positions, filters, -1).transpose(0, 1).reshape(kernel.shape)
    network = nn.Sequential(*layers)
    ours = [w.permute(3, 2, 0, 1) if w.ndim == 4 else w for w in of_blocks] + [kernel.T, bias]
    for parameter, value in zip(network.parameters(), ours, strict=True):
        parameter.data.copy_(value)
    return network


def mlp(case: dict[str, Any], weights: list[Any]) -> nn.Module:
    """The dense network of the sinusoid, with our weights."""
    layers: list[nn.Module] = []
    for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
        layer = nn.Linear(*kernel.shape)
        layer.weight.data.copy_(torch.tensor(kernel).T)
        layer.bias.data.copy_(torch.tensor(bias))
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Peer:
    """What the three share: the network, the tasks as tensors and the outer optimizer.

    Args:
        case: its fields, of `cases.Case`.
        weights: of our network.
        folder: of a library's source, if the peer needs it.
    """

    def __init__(self, case: dict[str, Any], weights: list[Any], folder: str | None):
        self.inner_steps = case["options"]["inner_steps"]
        self.rate = case["options"]["inner_learning_rate"]
        self.is_values = len(case["size"]) == 1
        self.loss = functional.mse_loss if self.is_values else functional.cross_entropy
        self.network = (mlp if self.is_values else conv4)(case, weights)
        self.make(folder)
        self.optimizer = torch.optim.Adam(self.parameters(), 1e-3)

    def make(self, folder: str | None) -> None:
        """What a peer makes once."""

    def parameters(self) -> Any:
        return self.network.parameters()

    def tensors(self, batch: list[Any]) -> list[torch.Tensor]:
        """Support and query, inputs and targets, with images' channels first."""
        found = [torch.tensor(each) for each in batch]
        if not self.is_values:
            found = [t.permute(0, 1, 4, 2, 3).contiguous() if t.ndim == 5 else t for t in found]
            found = [t if t.is_floating_point() else t.long() for t in found]
        return found

    def step(self, batch: list[torch.Tensor]) -> float:
        self.optimizer.zero_grad()
        loss = self.backward(batch)
        self.optimizer.step()
        return loss

    def backward(self, batch: list[torch.Tensor]) -> float:
        """Fills in the gradients of the mean over the tasks; returns the mean loss."""
        raise NotImplementedError


class Learn2Learn(Peer):
    """`clone`, `adapt` and `backward` for each task, as its examples do."""

    def make(self, folder: str | None) -> None:
        for name, part in (("learn2learn", ""), ("learn2learn.algorithms", "/algorithms")):
            sys.modules[name] = types.ModuleType(name)  # its __init__ wants what is not needed
            sys.modules[name].__path__ = [f"{folder}/learn2learn{part}"]
        maml = importlib.import_module("learn2learn.algorithms.maml")
        self.model = maml.MAML(self.network, lr=self.rate, first_order=False)

    def backward(self, batch: list[torch.Tensor]) -> float:
        losses = []
        for support_x, support_y, query_x, query_y in zip(*batch, strict=True):
            task = self.model.clone()
            for _ in range(self.inner_steps):
                task.adapt(self.loss(task(support_x), support_y))
            loss = self.loss(task(query_x), query_y) / len(batch[0])
            loss.backward()
            losses.append(loss.item())
        return sum(losses)


class Higher(Peer):
    """`innerloop_ctx` for each task."""

    def make(self, folder: str | None) -> None:
        self.higher = importlib.import_module("higher")
        self.inner = torch.optim.SGD(self.network.parameters(), self.rate)

    def backward(self, batch: list[torch.Tensor]) -> float:
        losses = []
        for support_x, support_y, query_x, query_y in zip(*batch, strict=True):
            with self.higher.innerloop_ctx(
                self.network, self.inner, copy_initial_weights=False
            ) as (task, inner):
                for _ in range(self.inner_steps):
                    inner.step(self.loss(task(support_x), support_y))
                loss = self.loss(task(query_x), query_y) / len(batch[0])
                loss.backward()
            losses.append(loss.item())
        return sum(losses)


class TorchFunc(Peer):
    """All tasks as one computation: `vmap(grad)`."""

    def make(self, folder: str | None) -> None:
        from torch.func import functional_call, grad, grad_and_value, vmap

        def loss(weights: dict[str, torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> Any:
            return self.loss(functional_call(self.network, weights, (x,)), y)

        def of_task(weights: dict[str, torch.Tensor], *task: torch.Tensor) -> Any:
            support_x, support_y, query_x, query_y = task
            for _ in range(self.inner_steps):
                gradients = grad(loss)(weights, support_x, support_y)
                weights = {n: w - self.rate * gradients[n] for n, w in weights.items()}
            return loss(weights, query_x, query_y)

        self.of_tasks = vmap(grad_and_value(of_task), in_dims=(None, 0, 0, 0, 0))

    def backward(self, batch: list[torch.Tensor]) -> float:
        weights = {name: p.detach() for name, p in self.network.named_parameters()}
        gradients, losses = self.of_tasks(weights, *batch)
        for name, parameter in self.network.named_parameters():
            parameter.grad = gradients[name].mean(0)
        return losses.mean().item()


PEERS = {"learn2learn": Learn2Learn, "higher": Higher, "torch.func": TorchFunc}


def use_own_padding() -> None:
    """From now on, PyTorch's own margins, without a copy of the image."""
    SamePadding.exact = False
