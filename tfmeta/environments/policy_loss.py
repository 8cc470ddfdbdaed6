"""The loss and the metric of policies: a clipped surrogate, and the return."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfmeta.environments.credit import advantages, check_shares
from tfmeta.environments.gaussian_policy import log_probability
from tfmeta.environments.policy_targets import PolicyTargets
from tfmeta.errors import UserError


@keras.saving.register_keras_serializable("tfmeta")
class PolicyLoss(keras.losses.Loss):
    """Minus the clipped surrogate of PPO: `-min(r A, clip(r, 1 - epsilon, 1 + epsilon) A)`.

    Schulman et al. 2017, https://arxiv.org/abs/1707.06347, equation 7. r is the density of an
    action under the policy, divided by that under the policy that acted; A is its advantage. Where
    the two policies are the same, its gradient is the policy gradient; and its second derivatives
    are right too, which those of `A log(density)` are not (ProMP, Rothfuss et al. 2019,
    https://arxiv.org/abs/1810.06784, section 5). So it is the loss of the inner loop and of the
    outer one.

    Args:
        num_actions: the numbers in an action.
        clip: epsilon.
        discount, gae_lambda: of the advantages; see `credit.advantages`.

    Raises:
        UserError: if the clip is not between 0 and 1, or another number not from 0 to 1.
    """

    def __init__(
        self,
        num_actions: int,
        *,
        clip: float = 0.2,
        discount: float = 0.99,
        gae_lambda: float = 1.0,
        name: str = "policy_loss",
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        check_shares(discount=discount, gae_lambda=gae_lambda)
        if isinstance(clip, bool) or not isinstance(clip, int | float) or not 0 < clip < 1:
            raise UserError(f"received clip={clip!r}; expected a number between 0 and 1")
        self.columns = PolicyTargets(num_actions)
        self.clip, self.discount, self.gae_lambda = clip, discount, gae_lambda

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """The loss of each row.

        Args:
            y_true: `(rows, columns)`, see `PolicyTargets`.
            y_pred: `(rows, 2 actions)`, the policy's means and log deviations.
        """
        y, columns = y_true, self.columns
        found = log_probability(y_pred, columns.actions(y))
        ratio = tf.exp(found - columns.log_probability(y))
        clipped = tf.clip_by_value(ratio, 1 - self.clip, 1 + self.clip)
        advantage = columns.advantages(y)
        return -tf.minimum(ratio * advantage, clipped * advantage)

    @property
    def given_columns(self) -> int:
        """The columns of a target that a client gives."""
        return self.columns.given

    def completed(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """A task's targets with their advantages, which a client leaves to us.

        Args:
            x: `(rows, ...)`, the observations.
            y: `(rows, columns)`, those that a client gives, or more.
        """
        columns = self.columns
        if y.shape[-1] != columns.given:
            return y
        seen = tf.reshape(x, (tf.shape(x)[0], x.shape[1:].num_elements()))
        credit = advantages(
            tf.cast(seen, y.dtype),
            columns.rewards(y),
            columns.steps(y),
            discount=self.discount,
            gae_lambda=self.gae_lambda,
        )
        return tf.concat([y, credit[:, tf.newaxis]], -1)

    def drawn(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Random targets of one trajectory, `(*shape, columns)`, as a client gives them."""
        y = rng.normal(size=(*shape, self.columns.given))
        y[..., self.columns.num_actions] = -self.columns.num_actions  # a likely density
        y[..., -1] = np.arange(shape[-1])
        return y

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_actions": self.columns.num_actions,
            "clip": self.clip,
            "discount": self.discount,
            "gae_lambda": self.gae_lambda,
        }


@keras.saving.register_keras_serializable("tfmeta")
class Return(keras.metrics.Mean):
    """The mean over the trajectories of the sum of their rewards.

    Args:
        num_actions: the numbers in an action.
    """

    def __init__(self, num_actions: int, *, name: str = "return", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.columns = PolicyTargets(num_actions)

    def update_state(self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: Any = None) -> Any:
        """Adds trajectories.

        Args:
            y_true: `(rows, columns)`, see `PolicyTargets`.
            y_pred: not needed.
            sample_weight: not needed; every trajectory counts the same.
        """
        del y_pred, sample_weight
        return super().update_state(self.columns.mean_return(y_true))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_actions": self.columns.num_actions}
