"""The inner loop as Keras alone computes it, on the network's own variables, for checks."""

from typing import Any

import tensorflow as tf

from tfmeta.learners.weight_rules import constrained


def answer_by_keras(
    learner: Any, support_x: tf.Tensor, support_y: tf.Tensor, query_x: tf.Tensor
) -> tf.Tensor:
    """`MetaLearner.reference_answer` of a GradientLearner.

    Args:
        learner: whose update rule takes the steps.
        support_x, support_y, query_x: see `MetaLearner.reference_answer`.
    """
    variables = [learner.network.trainable_variables[i] for i in learner.adapted]
    with learner.plain_network.borrowed() as network:
        rule = learner.start_rule([tf.convert_to_tensor(v) for v in variables])
        for step in range(learner.test_inner_steps):
            weights = [tf.convert_to_tensor(v) for v in variables]
            with tf.GradientTape() as tape:
                outputs = learner.target_scale.restored(network(support_x, training=True))
                loss = learner.task_loss(support_y, outputs)
            gradients = tape.gradient(
                loss, [v.value for v in variables], unconnected_gradients="zero"
            )
            gradients = [tf.convert_to_tensor(g) for g in gradients]
            weights, rule = learner.update(weights, gradients, loss=loss, rule=rule, step=step)
            weights = constrained(variables, weights)
            for variable, value in zip(variables, weights, strict=True):
                variable.assign(value)
        if learner.step_statistics is not None:
            network.assign_statistics(learner.step_statistics.at(learner.test_inner_steps))
        elif not learner.transductive:
            network.take_statistics_of(support_x)
        return learner.target_scale.restored(network(query_x, training=learner.transductive))
