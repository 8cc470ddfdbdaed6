"""What `tfmeta learn` gets from texts, beside scikit-learn's TF-IDF of the same texts.

    python benchmarks/languages.py DIR [--shots 6] [--draws 4]    every DIR/*.csv of text and label

Each draw learns from some texts of each class, of ten classes at most, and answers up to 200
others. Reports the mean share that is right, in percent: of `learn`, of TF-IDF alone, of each
encoder alone that is installed, and of scikit-learn's TF-IDF (2 to 4 letters within words) with
logistic regression (C = 10).
"""

import argparse
import random
import tempfile
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from tfmeta.network_registry import NETWORKS
from tfmeta.workflows.learnable.request import request_for
from tfmeta.workflows.learnable.texts import TEXT_NETWORKS, TFIDF, chosen, task_of_texts

QUERIES, CLASSES, LONGEST = 200, 10, 1000  # texts, classes, letters of a text


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shots", type=int, default=6)
    parser.add_argument("--draws", type=int, default=4)
    given = parser.parse_args()
    found = {}
    for path in sorted(given.folder.glob("*.csv")):
        shares = [shares_right(path, given.shots, seed) for seed in range(given.draws)]
        found[path.stem] = pd.DataFrame(shares).mean()
        print(path.stem, found[path.stem].round(1).to_dict(), flush=True)
        keras.backend.clear_session()
    print(f"all, {given.shots} texts of each class, {given.draws} draws")
    print(pd.DataFrame(found).mean(axis=1).round(1).to_dict())


def shares_right(path, shots, seed):
    """The share that is right in one draw, in percent, by what answers."""
    support, query = drawn(pd.read_csv(path, dtype=str).dropna(), shots, random.Random(seed))
    model = make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True),
        LogisticRegression(C=10, max_iter=2000),
    )
    answers = {"scikit-learn": model.fit(support.text, support.label).predict(query.text)}
    tasks = {}
    for name in (*TEXT_NETWORKS, TFIDF):
        if name == TFIDF or NETWORKS[name].is_installed:
            tasks[name] = task_of(name, support)
            answers[name] = answers_of(tasks[name], query.text)
    pretrained = next(iter(tasks))
    taken = chosen(tasks[pretrained], tasks[TFIDF]).network if pretrained != TFIDF else TFIDF
    answers["learn"] = answers[taken]
    right = query.label.to_numpy()
    return {name: 100 * np.mean(given == right) for name, given in answers.items()}


def drawn(rows, shots, rng):
    """The rows to learn from and those to answer, by class."""
    rows = rows.assign(text=rows.text.str[:LONGEST]).drop_duplicates("text")
    rows = rows[rows.text.str.contains(r"\w")]
    classes = sorted(set(rows.label))
    classes = sorted(rng.sample(classes, min(CLASSES, len(classes))))
    support, query = [], []
    for each in classes:
        own = rows[rows.label == each].sample(frac=1, random_state=rng.randrange(2**32))
        support.append(own[:shots])
        query.append(own[shots:][: QUERIES // len(classes)])
    return pd.concat(support), pd.concat(query)


def task_of(name, support):
    """What `learn` knows of texts by one network."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "texts.csv"
        support.to_csv(path, index=False)
        named = {"text": "text", "label": "label", "network": name}
        return task_of_texts(request_for(path, output=Path(folder) / "model", **named))


def answers_of(task, queries):
    """The names that the learner of the best head answers."""
    learner = task.make_learner(task.held_out.head)
    state = learner.adapt(tf.constant(task.support_x), tf.constant(task.labels))
    x = task.source.input_format.prepare(tf.constant([each.encode() for each in queries]))
    parts = np.split(x, range(50, len(x), 50))
    logits = np.concatenate([learner.predict_with(state, part) for part in parts])
    return np.array(task.source.index.class_names)[logits.argmax(-1)]


if __name__ == "__main__":
    main()
