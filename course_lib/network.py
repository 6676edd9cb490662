"""A feed-forward network: layer upon layer of z = W a + b and a = sigma(z).

    z^l = W^l a^{l-1} + b^l     (2.1)        a^l = sigma(z^l)     (2.2)        l = 1 .. L,  a^0 = x

Lists carry None at 0, so that an index is the layer's number. A batch is N columns side by side, one example is N = 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import matrix, one_of, real
from course_lib.activations import ACTIVATIONS, Activation


def _zeros(rng: np.random.Generator, m: int, n: int) -> np.ndarray:
    return np.zeros((m, n))


def _normal(rng: np.random.Generator, m: int, n: int) -> np.ndarray:
    return rng.normal(size=(m, n))


def _xavier(rng: np.random.Generator, m: int, n: int) -> np.ndarray:
    return rng.normal(size=(m, n)) * np.sqrt(2 / (m + n))


def _he(rng: np.random.Generator, m: int, n: int) -> np.ndarray:
    return rng.normal(size=(m, n)) * np.sqrt(2 / n)


#: name -> function of (rng, m, n) that draws the weights (m, n) of a layer of n inputs and m outputs; biases are 0.
#: Source: Glorot & Bengio (2010) for "xavier", He et al. (2015) for "he".
INITIALISATIONS: dict[str, Callable[[np.random.Generator, int, int], np.ndarray]] = {
    "zeros": _zeros,
    "normal": _normal,
    "xavier": _xavier,
    "he": _he,
}


class _Parameters(list):
    """The weights, or the biases, of all layers, None at 0: ``W[l] = value`` writes the numbers into theta."""

    def __setitem__(self, l: Any, value: Any) -> None:
        value = np.asarray(value)
        if value.shape != self[l].shape:
            raise ValueError(f"layer {l} wants the shape {self[l].shape}, got {value.shape}")
        self[l][...] = value


class Network:
    """A network of any depth and widths, all its parameters in one vector.

    sizes      : (n_0, n_1, .., n_L), the number of inputs and then the width of every layer
    activation : a name of ACTIVATIONS, or a list of L of them, one per layer
    output     : the activation of the last layer, where it differs
    init       : a name of INITIALISATIONS; biases start at 0
    rng        : a seed or a numpy Generator, from which the weights are drawn
    dtype      : float64 or float32

    L is the number of layers, P the number of parameters. ``theta`` (P,) holds them all, layer by layer, W row by row
    and then b; ``W[l]`` (n_l, n_{l-1}) and ``b[l]`` (n_l, 1) are views of it: a change of either is a change of both.
    ``activations[l]`` is the layer's Activation.

    Raises : ValueError for sizes, names or lists that make no network.

    >>> net = Network([2, 3, 1])
    >>> net
    Network 2-3-1, sigmoid, P = 13, float64
    >>> net.W[1].shape, net.b[1].shape, net.theta.shape
    ((3, 2), (3, 1), (13,))
    >>> net.theta[:] = 0
    >>> net(np.array([5.0, 7.0]))
    array([[0.5]])
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str | Activation | Sequence[str | Activation] = "sigmoid",
        output: str | Activation | None = None,
        init: str = "xavier",
        rng: int | np.random.Generator | None = 0,
        dtype: type | str | np.dtype = np.float64,
    ):
        self.sizes = tuple(int(n) for n in sizes)
        if len(self.sizes) < 2 or min(self.sizes) < 1:
            raise ValueError(f"sizes must be at least two positive widths, such as [2, 3, 1], got {list(sizes)}")
        draw = INITIALISATIONS[one_of("init", init, INITIALISATIONS)]
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.float64, np.float32):
            raise ValueError(f"dtype must be float64 or float32, got {self.dtype}")
        self.L = len(self.sizes) - 1
        self.activations = _activations(activation, output, self.L)
        self.P = sum(m * n + m for n, m in pairwise(self.sizes))
        self._theta = np.zeros(self.P, self.dtype)
        self._W, self._b = self.views(self._theta)
        rng = np.random.default_rng(rng)
        for l in range(1, self.L + 1):
            self.W[l] = draw(rng, self.sizes[l], self.sizes[l - 1])

    @classmethod
    def from_parameters(
        cls,
        W: Sequence[ArrayLike | None],
        b: Sequence[ArrayLike | None],
        activation: str | Activation | Sequence[str | Activation] = "sigmoid",
        output: str | Activation | None = None,
    ) -> Network:
        """A network with copies of the given weights and biases; lists with or without the leading None.

        W : L matrices (n_l, n_{l-1})      b : L biases, (n_l, 1), (n_l,) or one number for the whole layer
        Raises : ValueError where the shapes do not follow each other.

        >>> Network.from_parameters(W=[[[1.0, 2.0]]], b=[3.0], activation="identity")(np.array([10.0, 20.0]))
        array([[53.]])
        """
        weights = [matrix("W[l]", w) for w in W if w is not None]
        biases = [real("b[l]", v) for v in b if v is not None]
        if not weights or len(weights) != len(biases):
            raise ValueError(f"W and b must have as many layers, at least one, got {len(weights)} and {len(biases)}")
        for l, (below, above) in enumerate(pairwise(weights), start=1):
            if above.shape[1] != below.shape[0]:
                raise ValueError(
                    f"W[{l + 1}] must have a column for each row of W[{l}], {len(below)} of them, got {above.shape}"
                )
        single = all(p.dtype == np.float32 for p in weights + biases)
        sizes = [weights[0].shape[1]] + [len(w) for w in weights]
        net = cls(sizes, activation, output, init="zeros", dtype=np.float32 if single else np.float64)
        for l, (w, v) in enumerate(zip(weights, biases, strict=True), start=1):
            net.W[l] = w
            net.b[l] = np.full((len(w), 1), v) if v.ndim == 0 else v.reshape(-1, 1)
        return net

    @property
    def W(self) -> list:
        """The weights: W[l] (n_l, n_{l-1}) is a view of theta, W[0] is None."""
        return self._W

    @property
    def b(self) -> list:
        """The biases: b[l] (n_l, 1) is a view of theta, b[0] is None."""
        return self._b

    @property
    def theta(self) -> np.ndarray:
        """All parameters as one vector (P,); assigning to it writes the numbers in."""
        return self._theta

    @theta.setter
    def theta(self, value: ArrayLike) -> None:
        value = np.asarray(value)
        if value.shape != (self.P,):
            raise ValueError(f"theta must be a vector of all {self.P} parameters, got shape {value.shape}")
        self._theta[:] = value

    def views(self, vector: np.ndarray) -> tuple[list, list]:
        """W and b as views of a vector (P,) laid out as theta is, for example of a gradient."""
        W: list = [None]
        b: list = [None]
        start = 0
        for n, m in pairwise(self.sizes):
            W.append(vector[start : start + m * n].reshape(m, n))
            b.append(vector[start + m * n : start + m * n + m].reshape(m, 1))
            start += m * n + m
        return _Parameters(W), _Parameters(b)

    def vector(self, W: Sequence, b: Sequence) -> np.ndarray:
        """The way back: lists in the shapes of W and b, None at 0, as one new vector (P,) laid out as theta is.

        >>> net = Network([2, 3, 1])
        >>> bool(np.all(net.vector(net.W, net.b) == net.theta))
        True
        """
        vector = np.empty(self.P, np.result_type(*W[1:], *b[1:]))
        views = self.views(vector)
        for l in range(1, self.L + 1):
            views[0][l], views[1][l] = W[l], b[l]
        return vector

    def copy(self) -> Network:
        """An independent network with the same numbers."""
        return Network.from_parameters(self.W, self.b, self.activations[1:])

    def forward(self, x: ArrayLike) -> tuple[list, list]:
        """Every z^l and a^l on the way from x to the output: what back-propagation needs.

        x : (n_0, N), or (n_0,) for one example
        Returns z, a : lists of (n_l, N); z[0] is None and a[0] is x.

        >>> z, a = Network([2, 3, 1]).forward(np.ones((2, 4)))
        >>> [None if v is None else v.shape for v in z], [v.shape for v in a]
        ([None, (3, 4), (1, 4)], [(2, 4), (3, 4), (1, 4)])
        """
        z, a = [None], [as_columns("x", x, self.sizes[0], self.dtype)]
        for l in range(1, self.L + 1):
            z.append(self.W[l] @ a[l - 1] + self.b[l])  # (2.1)
            a.append(self.activations[l].function(z[l]))  # (2.2)
        return z, a

    def __call__(self, x: ArrayLike) -> np.ndarray:
        """The output a[L] (n_L, N) for the inputs x (n_0, N) or (n_0,)."""
        return self.forward(x)[1][-1]

    def __repr__(self) -> str:
        names = [s.name for s in self.activations[1:]]
        shown = ", ".join(names if len(set(names)) > 1 else names[:1])
        return f"Network {'-'.join(map(str, self.sizes))}, {shown}, P = {self.P}, {self.dtype}"


def as_columns(name: str, value: ArrayLike, n: int, dtype: np.dtype) -> np.ndarray:
    """value as (n, N) of this dtype; a vector (n,) becomes one column. Raises ValueError for any other shape.

    >>> as_columns("x", [1, 2, 3], 3, np.dtype(float)).shape
    (3, 1)
    """
    array = real(name, value).astype(dtype, copy=False)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[0] != n or array.shape[1] == 0:
        hint = f"; try {name}.T" if array.ndim == 2 and array.shape[1] == n else ""
        raise ValueError(
            f"{name} must have {n} rows and a column for each example, ({n}, N), got {np.shape(value)}{hint}"
        )
    return array


def _activations(
    activation: str | Activation | Sequence[str | Activation], output: str | Activation | None, L: int
) -> list:
    """None and then the Activation of layers 1..L."""
    chosen = [activation] * L if isinstance(activation, str | Activation) else list(activation)
    if len(chosen) != L:
        raise ValueError(f"activation must be one name, or {L} of them, one per layer, got {len(chosen)}")
    if output is not None:
        chosen[-1] = output
    return [None] + [
        s if isinstance(s, Activation) else ACTIVATIONS[one_of("activation", s, ACTIVATIONS)] for s in chosen
    ]
