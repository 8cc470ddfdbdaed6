"""Hypernetworks: one pass over the support set writes the weights of the network that answers."""

import math
from typing import Any

import keras
import tensorflow as tf

from tfmeta.episodes.episode import SolvedEpisode
from tfmeta.episodes.target_kind import CLASSES, VALUES
from tfmeta.keras_internals import layers_of
from tfmeta.learners.class_members import class_means, membership, without_absent
from tfmeta.learners.common_sizes import ITS_OWN, CommonSizes
from tfmeta.learners.computing_dtype import full
from tfmeta.learners.encoder_decoder import decoder, default_encoder, side_by_side
from tfmeta.learners.forward_pass import ForwardPass
from tfmeta.learners.half_precision import made_under
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.learners.moving_averages import MovingAverages
from tfmeta.learners.network_function import NetworkFunction
from tfmeta.learners.pairwise import inner_products
from tfmeta.learners.recipe import Recipe
from tfmeta.learners.weight_rules import constrained, refuse_forward_losses

_CHANNEL_NORMALISATIONS = (keras.layers.BatchNormalization, keras.layers.GroupNormalization)
_ALL_WEIGHTS_UP_TO = 10_000  # weights; "auto" generates all weights of a network up to this size


@keras.saving.register_keras_serializable("tfmeta")
class HyperNetwork(MetaLearner):
    """An encoder summarises the support set; a decoder turns the summary into a network's weights.

    A generated weight is a shared base plus the task's offset (Ha, Dai and Le 2017, section 3, for
    weights that a smaller network writes). The encoder takes the mean over the support set, so its
    order cannot matter (Zaheer et al. 2017, theorem 2). For small networks all weights are
    generated. For larger ones the scale and shift of each normalised channel are (Perez et al.
    2018, equation 1), as in CNAPs (Requeima et al. 2019, section 2.2). The head is that of CNAPs
    too: the weights of a class come from its examples alone, so that there can be any number of
    classes, and permuting their names permutes the answer.

    Ha et al., https://arxiv.org/abs/1609.09106; Zaheer et al., https://arxiv.org/abs/1703.06114;
    Perez et al., https://arxiv.org/abs/1709.07871; Requeima et al.,
    https://arxiv.org/abs/1906.07697.

    Args:
        network: a built `keras.Model`. If targets are values, it has its
            head, `(batch, ...) -> (batch, outputs)`. If the head is generated for each class, it
            ends with its embedding, `(batch, ...) -> (batch, units)`.
        generated: "all" weights, "modulation" (scale and shift of normalised channels), or "auto".
            "auto" is "all" for a network of up to 10,000 weights or without normalisation, else
            "modulation".
        class_head: whether to generate a head from the classes of the support set; None generates
            one if targets are classes.
        encoder: a built `keras.Model` that embeds an example. Without a class head its input is the
            example and its target, flattened and concatenated. None builds one that fits.
        units: number of units of each hidden layer of the encoder and the decoder.

    Task state: `weights`, the generated weights by name. If the head is generated, `head_kernel`
    `(units, classes)` and `head_bias` `(classes,)` are among them.

    Raises:
        ValueError: if there is nothing to modulate, or the network has a head and one is generated.
    """

    def __init__(
        self,
        network: keras.Model,
        *,
        generated: str = "auto",
        class_head: bool | None = None,
        encoder: Any = None,
        units: int = 128,
        **kwargs: Any,
    ):
        super().__init__(network, **kwargs)
        if generated not in ("auto", "all", "modulation"):
            raise ValueError(
                f"received generated={generated!r}; expected 'auto', 'all' or 'modulation'"
            )
        if class_head is None:
            class_head = self._target_kind != VALUES
        self.refuse_regression(class_head and self._target_kind == VALUES)
        if class_head:
            self._target_kind = CLASSES
        if class_head and "head_kernel" in self.function.weight_names:
            raise ValueError(
                "received a network with a head of its own; with class_head=True the head is "
                "generated. Build it without (num_outputs=None), or give class_head=False"
            )
        self.generated, self.class_head, self.units = generated, class_head, units
        self._positions = self._generated_positions()
        if isinstance(encoder, dict):  # it comes from the config of a saved learner
            encoder = keras.saving.deserialize_keras_object(encoder)
        if not isinstance(encoder, keras.Model | None):
            raise ValueError(f"received encoder={encoder!r}; expected a built keras.Model")
        if encoder is None:
            with made_under(self.dtype_policy):
                encoder = default_encoder(self.function, class_head=class_head, units=units)
        self.encoder = encoder
        refuse_forward_losses(self.encoder)
        self._encoder_function = NetworkFunction(self.encoder)
        self.function.keep_as_it_is("generates their weights")
        self._functions = [self.function, self._encoder_function]
        self.moving_averages = MovingAverages.of(self._functions)
        self._shapes = [network.trainable_variables[p].shape for p in self._positions]
        code = self._encoder_function.output_shape[-1]
        with made_under(self.variable_dtype):  # what writes weights rounds nothing
            self.decoder = decoder(code, units, sum(math.prod(s) for s in self._shapes))
            if class_head:
                features = self.function.output_shape[-1]
                self.head_decoder = decoder(features, units, features + 1, name="head_decoder")

    @property
    def num_outputs(self) -> Any:
        return None if self.class_head else self.function.output_shape[-1]

    @classmethod
    def recipe(cls, options: dict[str, Any], *, regression: bool) -> Recipe:
        if regression:
            options = {"class_head": False, **options}
            # The gradients of 64 tasks together do not fit into the cache, and a step takes 50 ms;
            # with 16 tasks it takes 4 ms.
            return Recipe(options, steps=40_000, meta_batch=16)
        if options.get("class_head") is False:
            return Recipe(options)
        return Recipe(
            options,
            steps=3_000,
            meta_batch=4,
            outer_learning_rate=2e-3,
            train_episode={"ways": 20, "queries": 5},
            has_head=False,
        )

    def _generated_positions(self) -> Any:
        variables = self.network.trainable_variables
        small = sum(math.prod(v.shape) for v in variables) <= _ALL_WEIGHTS_UP_TO
        if self.generated == "all" or (self.generated == "auto" and small):
            return list(range(len(variables)))
        normalised = {
            id(variable)
            for layer in layers_of(self.network)
            if isinstance(layer, _CHANNEL_NORMALISATIONS)
            for variable in layer.trainable_variables
        }
        positions = [i for i, variable in enumerate(variables) if id(variable) in normalised]
        if not positions and self.generated == "auto":
            return list(range(len(variables)))
        if not positions:
            raise ValueError(
                "received a network without scale and shift after a normalisation, which "
                "generated='modulation' needs; expected such layers, or generated='all'"
            )
        return positions

    def adapt(
        self, support_x: tf.Tensor, support_y: tf.Tensor, *, sizes: CommonSizes = ITS_OWN
    ) -> dict[str, Any]:
        """One pass over the support set; a generated head needs another, of modulated features."""
        forward = ForwardPass(batch_statistics=self.transductive)
        weights = self._generate(support_x, support_y, forward, sizes)
        if self.class_head:
            features = full(forward(self.function, support_x, weights=weights))
            weights = {**weights, **self._head(features, support_y, sizes)}
        return {"weights": weights}

    def predict_with(self, task_state: dict[str, Any], query_x: tf.Tensor) -> tf.Tensor:
        weights = task_state["weights"]
        forward = ForwardPass(batch_statistics=self.transductive)
        return self._answer(weights, full(forward(self.function, query_x, weights=weights)))

    def reference_answer(
        self, support_x: tf.Tensor, support_y: tf.Tensor, query_x: tf.Tensor
    ) -> tf.Tensor | None:
        """Assigns the generated weights to the network. See `MetaLearner.reference_answer`."""
        forward = ForwardPass(batch_statistics=self.transductive)
        generated = list(self._generate(support_x, support_y, forward, ITS_OWN).values())
        head: dict[str, tf.Tensor] = {}
        with self.plain_network.borrowed() as network:
            for position, value in zip(self._positions, generated, strict=True):
                self.network.trainable_variables[position].assign(value)
            if self.class_head:
                features = network(support_x, training=self.transductive)
                head = self._head(features, support_y, ITS_OWN)
            return self._answer(head, network(query_x, training=self.transductive))

    def task_gradients(
        self, episode: Any, *, sizes: CommonSizes = ITS_OWN
    ) -> tuple[list[tf.Tensor], dict[str, Any]]:
        """Gradients of the query loss, or of the distance from the optimum of a `SolvedEpisode`."""
        forward = ForwardPass(batch_statistics=True)
        num_support = tf.shape(episode.support_x)[0]

        def outer_loss() -> tuple[tf.Tensor, tf.Tensor]:
            weights = self._generate(episode.support_x, episode.support_y, forward, sizes)
            x = tf.concat([episode.support_x, episode.query_x], 0)
            outputs = full(forward(self.function, x, weights=weights))
            if self.class_head:
                head = self._head(outputs[:num_support], episode.support_y, sizes)
                weights = {**weights, **head}
            answer = self._answer(weights, outputs[num_support:])
            if isinstance(episode, SolvedEpisode):
                return parameter_error(weights, episode), answer
            return self.task_loss(episode.query_y, answer), answer

        gradients, logs = self.gradients_of(outer_loss)
        return gradients, {**logs, "statistics": forward.statistics(self._functions)}

    def _generate(
        self, support_x: tf.Tensor, support_y: tf.Tensor, forward: ForwardPass, sizes: CommonSizes
    ) -> dict[str, tf.Tensor]:
        """The generated weights by name, each the sum of the shared base and the task's offset."""
        code = self._code(support_x, support_y, forward, sizes)
        flat = self.decoder(code[tf.newaxis])[0]
        offsets = tf.split(flat, [math.prod(shape) for shape in self._shapes])
        base = self.function.weights()
        moved = [
            base[position] + tf.reshape(offset, shape)
            for position, offset, shape in zip(self._positions, offsets, self._shapes, strict=True)
        ]
        variables = [self.network.trainable_variables[position] for position in self._positions]
        names = [self.function.weight_names[position] for position in self._positions]
        return dict(zip(names, constrained(variables, moved), strict=True))

    def _code(
        self, support_x: tf.Tensor, support_y: tf.Tensor, forward: ForwardPass, sizes: CommonSizes
    ) -> tf.Tensor:
        """The mean of the encoded support set, `(units,)`; every class counts the same."""
        if not self.class_head:
            y = self.target_scale.scaled(support_y)
            rows = side_by_side(support_x, y, self.num_outputs)
            return tf.reduce_mean(full(forward(self._encoder_function, rows)), 0)
        encoded = full(forward(self._encoder_function, support_x))
        members = membership(support_y, encoded.dtype, sizes)
        # The sum is over examples, so that it has as many terms for any number of columns.
        shares = tf.reduce_sum(members / tf.maximum(tf.reduce_sum(members, 0), 1.0), 1)
        return tf.matmul(shares[tf.newaxis], encoded)[0] / tf.reduce_sum(shares)

    def _head(
        self, features: Any, support_y: tf.Tensor, sizes: CommonSizes
    ) -> dict[str, tf.Tensor]:
        """A linear classifier from each class's mean features.

        It starts as the classifier of prototypical networks (Snell et al. 2017, equation 8).
        """
        members = membership(support_y, features.dtype, sizes)
        means = class_means(features, members)
        # Computed for each example, and then taken from one example per class. With one row per
        # class, rounding would depend on the number of columns.
        learned = self.head_decoder(tf.gather(means, support_y))
        learned = tf.gather(learned, tf.argmax(members, 0))
        bias = learned[:, -1] - tf.reduce_sum(means**2, -1)
        return {
            "head_kernel": tf.transpose(2 * means + learned[:, :-1]),
            "head_bias": without_absent(bias[tf.newaxis], tf.reduce_sum(members, 0))[0],
        }

    def _answer(self, weights: dict[str, tf.Tensor], outputs: tf.Tensor) -> tf.Tensor:
        if not self.class_head:
            return self.target_scale.restored(outputs)
        # Not a matrix product, because it sums in another order when there is one more class. Large
        # terms nearly cancel here, and the answer for a task must not depend on the rest of its
        # batch.
        return inner_products(outputs, tf.transpose(weights["head_kernel"])) + weights["head_bias"]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "generated": self.generated,
            "class_head": self.class_head,
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "units": self.units,
        }


def parameter_error(weights: dict[str, tf.Tensor], episode: SolvedEpisode) -> tf.Tensor:
    """The mean squared distance of all weights from the optimum, in units of their spread.

    Args:
        weights: the generated weights, by name.
        episode: of one task, with `weights` and their `scales` under the same names.
    """
    distances = [
        tf.reshape((weights[name] - optimum) / episode.scales[name], [-1])
        for name, optimum in episode.weights.items()
    ]
    return tf.reduce_mean(tf.concat(distances, 0) ** 2)
