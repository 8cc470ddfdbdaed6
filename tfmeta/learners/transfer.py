"""Transfer: a classifier of all training classes, whose features a simple head then uses."""

from typing import Any

import keras
import tensorflow as tf

from tfmeta.errors import UserError
from tfmeta.learners.class_members import class_means, membership, without_absent
from tfmeta.learners.common_sizes import CommonSizes
from tfmeta.learners.distillation import soft_loss, teacher_for
from tfmeta.learners.feature_learner import FeatureLearner
from tfmeta.learners.forward_pass import ForwardPass
from tfmeta.learners.option_checks import check_name, check_share
from tfmeta.learners.pairwise import unit_vectors
from tfmeta.learners.positive_weights import logarithm_of
from tfmeta.learners.recipe import Recipe
from tfmeta.learners.support_parts import SupportParts
from tfmeta.learners.task_heads import COSINE, HEADS, LOGISTIC, STRENGTHS, head_parts, logits

_CLASSIFIERS = ("linear", "cosine")
_THEN = (None, "meta")
_TEACHERS_SHARE = 0.5  # as in the code of RFS, options r and a


@keras.saving.register_keras_serializable("tfmeta")
class Transfer(FeatureLearner):
    """Learns to tell all training classes apart; a task is learned by a head on the features.

    Training is that of an ordinary classifier: minibatches, cross-entropy and weight decay. Its
    classifier is linear (Tian et al. 2020, "RFS") or compares cosines (Chen et al. 2019,
    "Baseline++", section 3.2), and exports leave it out. The features of a task's examples are
    scaled to unit length, as in RFS, and the task's head learns from them.

    With a `teacher`, a Transfer that was trained before, half of the loss is the distance from its
    answers (RFS, section 3.3, "born-again"). A third generation has the second one as its teacher.

    With `then="meta"` the last steps of training are episodes, whose queries are compared with the
    mean of each class by scaled cosines (Chen et al. 2021, "Meta-Baseline", section 3.2). The scale
    is learned.

    Chen, Liu, Kira, Wang and Huang 2019, https://arxiv.org/abs/1904.04232. Tian, Wang, Krishnan,
    Tenenbaum and Isola 2020, https://arxiv.org/abs/2003.11539. Chen, Liu, Xu, Darrell and Wang
    2021, https://arxiv.org/abs/2003.04390.

    Args:
        network: a built `keras.Model`, `(batch, ...) -> (batch, units)`.
        num_training_classes: how many classes training tells apart. A label of a training episode
            is below it; see `EpisodeSource.with_class_numbers`. None for a learner that is not
            trained any more.
        num_steps: of training in all; only `then` needs it.
        head: what learns a task: "nearest-mean", "cosine", "ridge" or "logistic".
        regularisation: of "ridge" (by default 0.5) and "logistic" (by default 0.1, which is C = 10
            and no intercept in scikit-learn; RFS has C = 1), for features of unit length.
        classifier: "linear" or "cosine".
        label_smoothing: the share of a training label that all classes get equally.
        weight_decay: half of it times the squares of all matrices and kernels is added to the loss.
        scale: of the cosines at the start, and of the logits of all heads but "logistic".
        teacher: a trained Transfer of the same training classes, or the path of its `.keras` file;
            None for none.
        then: "meta" for episodes at the end of training; None for none.
        meta_share: the share of the steps that these episodes have.

    Task state: `head` `(classes, units)` and `shots` `(classes,)`.

    Raises:
        ValueError: if an option makes no sense, or the network does not end with a vector.

    Example:

    >>> learner = tfmeta.Transfer(tfmeta.networks.mlp((2,), None), num_training_classes=64)
    >>> support_x, support_y = np.eye(3, 2, dtype=np.float32), np.arange(3)
    >>> task_state = learner.adapt(support_x, support_y)
    >>> learner.predict_with(task_state, support_x[:1]).shape.as_list()
    [1, 3]
    """

    def __init__(
        self,
        network: keras.Model,
        *,
        num_training_classes: int | None = None,
        num_steps: int | None = None,
        head: str = LOGISTIC,
        regularisation: float | None = None,
        classifier: str = "linear",
        label_smoothing: float = 0.0,
        weight_decay: float = 5e-4,
        scale: float = 10.0,
        teacher: Any = None,
        then: str | None = None,
        meta_share: float = 0.2,
        **kwargs: Any,
    ):
        super().__init__(network, **kwargs)
        if len(self.function.output_shape) != 2:
            raise ValueError(
                f"received a network with outputs of shape {self.function.output_shape}; expected "
                "(batch, units)"
            )
        check_name("head", head, HEADS)
        check_name("classifier", classifier, _CLASSIFIERS)
        check_name("then", then, _THEN)
        if regularisation is not None and head not in STRENGTHS:
            raise ValueError(
                f"received regularisation={regularisation!r} and head={head!r}, which has none; "
                f"expected one of the heads {' and '.join(STRENGTHS)}, or no regularisation"
            )
        strength = STRENGTHS.get(head, 1.0) if regularisation is None else regularisation
        logarithm_of("regularisation", strength)
        check_share("label_smoothing", label_smoothing)
        check_share("meta_share", meta_share)
        if not weight_decay >= 0:
            raise ValueError(f"received weight_decay={weight_decay!r}; expected 0 or more")
        self.num_training_classes, self.num_steps = num_training_classes, num_steps
        self.head, self.regularisation, self.strength = head, regularisation, strength
        self.classifier, self.label_smoothing = classifier, label_smoothing
        self.weight_decay, self.scale = weight_decay, scale
        self.then, self.meta_share = then, meta_share
        start = keras.initializers.Constant(logarithm_of("scale", scale))
        self.log_scale = self.add_weight(shape=(), initializer=start, name="log_scale")
        if num_training_classes is not None:
            shape = (num_training_classes, self.function.output_shape[-1])
            self.class_weights = self.add_weight(shape=shape, name="class_weights")
            self.class_biases = self.add_weight(
                shape=shape[:1], initializer="zeros", name="class_biases"
            )
        self.teacher = None if teacher is None else teacher_for(self, teacher)

    @classmethod
    def recipe(cls, options: dict[str, Any], *, regression: bool) -> Recipe:
        """RFS, section 4.1: SGD with a momentum of 0.9 and minibatches of 64, from a rate of 0.05.

        A minibatch is two episodes, one for each of two cores, with two examples of each of 16
        classes. With episodes after it, it is one with four examples of each of 16 classes, so that
        an episode has three queries per class.
        """
        cls.refuse_regression(regression)
        is_meta = options.get("then") == "meta"
        return Recipe(
            {**({"head": COSINE} if is_meta else {}), **options},
            steps=40_000,
            meta_batch=1 if is_meta else 2,
            outer_learning_rate=0.05,
            outer_optimizer="momentum",
            train_episode={"ways": 16, "shots": 1, "queries": 3 if is_meta else 1},
            has_head=False,
            learns_all_classes=True,
        )

    # A task

    def summarise(
        self, embedded: tf.Tensor, members: tf.Tensor, sizes: CommonSizes
    ) -> dict[str, Any]:
        head = HEADS[self.head](unit_vectors(embedded), members, self.strength)
        return {"head": head, "shots": tf.reduce_sum(members, 0)}

    def compare(
        self, task_state: dict[str, Any], embedded: tf.Tensor, forward: ForwardPass
    ) -> tf.Tensor:
        scale = self._scale(embedded.dtype)
        answer = logits(self.head, unit_vectors(embedded), task_state["head"], scale)
        return without_absent(answer, task_state["shots"])

    def parts(
        self, task_state: dict[str, Any], support: tf.Tensor, query: tf.Tensor, forward: ForwardPass
    ) -> SupportParts:
        features = unit_vectors(support), task_state["members"]
        scale = self._scale(support.dtype)
        return head_parts(self.head, unit_vectors(query), features, self.strength, scale)

    # Training

    def learning_loss(
        self, embedded: tf.Tensor, episode: Any, *, sizes: CommonSizes, forward: ForwardPass
    ) -> tuple[tf.Tensor, tf.Tensor]:
        if self.num_training_classes is None:
            raise UserError(
                "this Transfer has num_training_classes=None, so it has no classifier to train; "
                "expected the number of training classes"
            )
        if not self.network.trainable_variables:
            raise UserError(
                "no weight of the network is to be trained, and the classifier alone would change "
                "no answer; expected --train all or head, or --steps 0 to keep the network as it is"
            )

        def of_minibatch() -> tuple[tf.Tensor, tf.Tensor]:
            return self._classification(embedded, episode)

        def of_episode() -> tuple[tf.Tensor, tf.Tensor]:
            return self._comparison(embedded, episode)

        if self.then is None:
            loss, outputs = of_minibatch()
        else:
            loss, outputs = tf.cond(self._is_meta(), of_episode, of_minibatch)
        return loss + tf.cast(self._decay(), loss.dtype), outputs

    def _classification(self, embedded: tf.Tensor, episode: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """All examples among all training classes."""
        y = tf.concat([episode.support_y, episode.query_y], 0)
        outputs = self.classified(embedded)
        loss = self.task_loss(y, outputs)
        if self.label_smoothing:
            uniform = -tf.reduce_mean(tf.nn.log_softmax(outputs))
            loss = _mixed(loss, uniform, self.label_smoothing)
        if self.teacher is not None:
            x = tf.concat([episode.support_x, episode.query_x], 0)
            theirs = self.teacher.classified(self.teacher.features(x))
            loss = _mixed(loss, soft_loss(outputs, theirs), _TEACHERS_SHARE)
        return loss, outputs[tf.shape(episode.support_y)[0] :]

    def features(self, x: tf.Tensor) -> tf.Tensor:
        """The features of examples `(examples, ...)`, each normalised with the moving averages."""
        return self._embedded(ForwardPass(batch_statistics=False), x)

    def classified(self, embedded: tf.Tensor) -> tf.Tensor:
        """Logits `(examples, training classes)`."""
        weights = tf.cast(self.class_weights.value, embedded.dtype)
        if self.classifier == "cosine":
            products = tf.matmul(unit_vectors(embedded), unit_vectors(weights), transpose_b=True)
            return self._scale(embedded.dtype) * products
        biases = tf.cast(self.class_biases.value, embedded.dtype)
        return tf.matmul(embedded, weights, transpose_b=True) + biases

    def _comparison(self, embedded: tf.Tensor, episode: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """As Meta-Baseline, with a column for each training class; most are absent."""
        sizes = CommonSizes(self.num_training_classes)
        members = membership(episode.support_y, embedded.dtype, sizes)
        sizes_of = [tf.shape(y)[0] for y in (episode.support_y, episode.query_y)]
        support, query = tf.split(unit_vectors(embedded), sizes_of)
        directions = unit_vectors(class_means(support, members))
        outputs = self._scale(embedded.dtype) * tf.matmul(query, directions, transpose_b=True)
        outputs = without_absent(outputs, tf.reduce_sum(members, 0))
        return self.task_loss(episode.query_y, outputs), outputs

    def _is_meta(self) -> tf.Tensor:
        """Whether the step is one of the last, whose minibatch is an episode."""
        if self.num_steps is None:
            raise UserError(
                f"received then={self.then!r} without a number of steps; expected --steps N, "
                "because a share of them are episodes"
            )
        if self.optimizer is None:
            raise UserError(
                f"received then={self.then!r} for a learner that takes no steps of its own, as on "
                "a frozen network's features; expected --train all"
            )
        first = round((1 - self.meta_share) * self.num_steps)
        return tf.convert_to_tensor(self.optimizer.iterations) >= first

    def _decay(self) -> tf.Tensor:
        matrices = [v.value for v in self.trainable_variables if len(v.shape) > 1]
        return self.weight_decay * tf.add_n([tf.nn.l2_loss(each) for each in matrices])

    def _scale(self, dtype: tf.DType) -> tf.Tensor:
        return tf.cast(tf.exp(self.log_scale.value), dtype)

    # Its weights and options

    @property
    def served_variables(self) -> list[Any]:
        """All but the classifier's and the teacher's."""
        left_out = [] if self.teacher is None else self.teacher.variables
        if self.num_training_classes is not None:
            left_out = [*left_out, self.class_weights, self.class_biases]
        return [v for v in self.variables if all(v is not each for each in left_out)]

    def get_config(self) -> dict[str, Any]:
        names = "num_training_classes num_steps head regularisation classifier label_smoothing"
        names += " weight_decay scale then meta_share"
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in names.split()},
            "teacher": self.teacher and keras.saving.serialize_keras_object(self.teacher),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        teacher = config.get("teacher")
        if isinstance(teacher, dict):
            teacher = keras.saving.deserialize_keras_object(teacher)
        return super().from_config({**config, "teacher": teacher})


def _mixed(loss: tf.Tensor, other: tf.Tensor, share: float) -> tf.Tensor:
    return (1 - share) * loss + share * tf.cast(other, loss.dtype)
