"""Examples to learn from: handwritten digits, and three small sets in the plane. Nothing is fetched, all is seeded."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_lib._checks import positive_integer


class Data(NamedTuple):
    """N examples side by side.

    x : (n, N) inputs      y : (m, N) targets      labels : (N,) class numbers, from 0

    Two classes have one target (m = 1), the label itself; more classes have one row each, 1 in the row of the label.
    """

    x: np.ndarray
    y: np.ndarray
    labels: np.ndarray

    def split(self, share: float = 0.8, rng: int | np.random.Generator = 0) -> tuple[Data, Data]:
        """Two sets of randomly drawn examples: this share to train with, the rest to test with.

        >>> train, test = moons(50).split()
        >>> train.x.shape, test.x.shape
        ((2, 40), (2, 10))
        """
        if not 0 < share < 1:
            raise ValueError(f"share must be between 0 and 1, got {share}; try 0.8")
        order = np.random.default_rng(rng).permutation(len(self.labels))
        first = round(share * len(order))
        return self._take(order[:first]), self._take(order[first:])

    def _take(self, which: np.ndarray) -> Data:
        return Data(self.x[:, which], self.y[:, which], self.labels[which])


def one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    """Targets (classes, N) with a 1 in the row of the label.

    >>> one_hot(np.array([0, 2]), 3)
    array([[1., 0.],
           [0., 0.],
           [0., 1.]])
    """
    return np.eye(classes)[:, labels]


def digits() -> Data:
    """1797 handwritten digits of 8 x 8 pixels.

    x : (64, 1797), the pixels row by row, 0 (white) to 1 (black)      y : (10, 1797), one-hot
    Source : Alpaydin & Kaynak (1998), UCI Machine Learning Repository, CC BY 4.0; see digits.LICENSE.txt.

    >>> digits().x.shape, digits().labels[:4]
    ((64, 1797), array([0, 1, 2, 3]))
    """
    with np.load(Path(__file__).with_name("digits.npz")) as archive:
        pixels, labels = archive["pixels"], archive["labels"].astype(np.intp)
    return Data(np.ascontiguousarray(pixels.T / 16), one_hot(labels, 10), labels)


def xor() -> Data:
    """The four corners of a square; the target is 1 where exactly one input is.

    >>> xor().x, xor().y
    (array([[0., 0., 1., 1.],
           [0., 1., 0., 1.]]), array([[0., 1., 1., 0.]]))
    """
    labels = np.array([0, 1, 1, 0])
    return Data(np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]]), one_hot(labels, 2)[1:], labels)


def moons(N: int = 200, noise: float = 0.1, rng: int | np.random.Generator = 0) -> Data:
    """Two half circles of radius 1 that reach into each other, with normal noise of this standard deviation.

    x : (2, N)      y : (1, N)

    >>> x, y, labels = moons(4, noise=0.0)
    >>> labels, np.hypot(*x[:, labels == 0]), np.hypot(*(x[:, labels == 1] - [[1], [0.5]]))
    (array([0, 1, 0, 1]), array([1., 1.]), array([1., 1.]))
    """
    rng = np.random.default_rng(rng)
    labels = np.arange(positive_integer("N", N)) % 2
    angle = np.pi * rng.random(N)
    x = np.where(labels, [1 - np.cos(angle), 0.5 - np.sin(angle)], [np.cos(angle), np.sin(angle)])
    return Data(x + noise * rng.normal(size=(2, N)), labels[None, :].astype(float), labels)


def spiral(N: int = 300, classes: int = 3, noise: float = 0.2, rng: int | np.random.Generator = 0) -> Data:
    """One arm of a spiral for each class, from the centre to radius 1; noise is in radians along the circle.

    x : (2, N)      y : (classes, N), one-hot; (1, N) for two classes

    >>> x, y, labels = spiral(6)
    >>> labels, y.sum(axis=1), bool(np.hypot(*x).max() <= 1)
    (array([0, 1, 2, 0, 1, 2]), array([2., 2., 2.]), True)
    """
    rng = np.random.default_rng(rng)
    labels = np.arange(positive_integer("N", N)) % positive_integer("classes", classes)
    radius = rng.random(N)
    angle = 2 * np.pi * labels / classes + 4 * radius + noise * rng.normal(size=N)
    y = one_hot(labels, classes)
    return Data(radius * np.array([np.sin(angle), np.cos(angle)]), y[1:] if classes == 2 else y, labels)
