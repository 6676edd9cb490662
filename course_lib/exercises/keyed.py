"""Items under letters: the draw and the answers of a [choice] or an [order], whose last input is {letter: item}."""

from collections.abc import Callable, Sequence
from string import ascii_lowercase
from typing import Any

import numpy as np


def lettered(rng: np.random.Generator, items: Sequence[Any], solved: bool = True) -> dict[str, Any]:
    """The items under a, b, c, ... in any order; with ``solved=False`` in any but their own.

    >>> sorted(lettered(np.random.default_rng(0), ["sum", "fork"]).values())
    ['fork', 'sum']
    """
    items = list(items)
    while (order := rng.permutation(items).tolist()) == items and not solved:
        pass
    return dict(zip(ascii_lowercase, order, strict=False))


def picks(item: Any) -> Callable[..., str]:
    """The answer that chooses an item, as a function of the inputs: its letter.

    >>> picks("fork")({"a": "sum", "b": "fork"})
    'b'
    """
    return lambda *inputs: next(letter for letter, name in inputs[-1].items() if name == item)


def in_order(*items: Any) -> Callable[..., str]:
    """The answer that puts items in this order, as a function of the inputs: their letters.

    >>> in_order("fork", "sum")({"a": "sum", "b": "fork"})
    'b a'
    """
    return lambda *inputs: " ".join(picks(item)(*inputs) for item in items)
