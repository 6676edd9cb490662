"""Chapter 10: a training run to watch, stop, change and go on with; it runs in the kernel, training_watch.js draws it.

The run is a task of the kernel's event loop that takes one epoch at a time, so that cells run in between; while a cell
runs, the training waits.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import traitlets as T
from numpy.typing import ArrayLike

from course_lib import data
from course_lib._checks import one_of, positive_integer
from course_lib.explorables._base import ERROR, INK, LINE, QUIET, VALUE, Explorable, line, num, short, svg, text
from course_lib.network import Network
from course_lib.training import History, train

SEEN, SHOWN, SIDE = 0.1, 200, 48  # seconds between two pictures; points of a curve; of a side of the plane
ACTIVATIONS = ("sigmoid", "tanh", "relu")
SETS = {
    "digits": (data.digits, (64, 10), "softmax", "categorical cross-entropy", 0.1),
    "moons": (lambda: data.moons(300, noise=0.15), (2, 1), "sigmoid", "binary cross-entropy", 0.5),
}


class TrainingWatch(Explorable):
    """Watch a training run: loss, accuracies, length of the gradient in every layer, and what the network answers.

    TrainingWatch("digits") or ("moons"), with hidden=(32, 32) widths of the hidden layers, makes a network of its own
    TrainingWatch(net, x, y, test=.., loss=.., gradients=.., rng=..) trains yours as ``train`` does
    TrainingWatch(net, x, y, test=.., step=..) trains anything that gives outputs (m, N) for net(x)
        test : Data, or (x, y)      step(net, x, y, eta) : one step in place on a batch; gives the loss, or loss, dW, db

    Traits : ``eta``, ``batch``; ``activation`` and ``scale`` of the first weights (of its own network alone: a change
    starts over); ``epochs`` that one press of Start runs; ``pace`` in epochs per second, 0 for as fast as it goes;
    ``running``. Between two epochs ``history``, a History, and ``net`` can be read in any cell. ``start()``,
    ``stop()``, ``reset()`` are the buttons; ``run(epochs)`` trains at once, as a cell that waits for its end.

    An exception of yours ends the run and is shown. A loss that is no number any more ends it, too.

    >>> watch = TrainingWatch("moons", hidden=(8,), activation="tanh", eta=1.0)
    >>> print(watch)
    Training watch: moons, Network 2-8-1, tanh, sigmoid, eta = 1, batches of 32: not started.
    >>> history = watch.run(40)
    >>> len(history.loss), history.accuracy["test"][-1] > 0.9
    (40, True)
    """

    eta = T.Float(0.1, min=1e-6, max=100).tag(sync=True)
    batch = T.Int(32, min=1).tag(sync=True)
    activation = T.Unicode("relu").tag(sync=True)
    scale = T.Float(1.0, min=0.01, max=10).tag(sync=True)
    epochs = T.Int(50, min=1, max=100_000).tag(sync=True)
    pace = T.Float(10.0, min=0).tag(sync=True)
    running = T.Bool(False).tag(sync=True)
    _asked = T.List(["", 0]).tag(sync=True)  # a button, and how often one was pressed
    _given = T.Dict().tag(sync=True)  # what does not change: names, examples to show
    _shown = T.Dict().tag(sync=True)  # the curves so far, what the network answers now

    def __init__(
        self,
        net: Any = "digits",
        x: ArrayLike | None = None,
        y: ArrayLike | None = None,
        *,
        test: Any = None,
        loss: Any = "squared error",
        gradients: Callable | None = None,
        step: Callable | None = None,
        hidden: Sequence[int] = (32, 32),
        rng: int = 0,
        **traits: Any,
    ) -> None:
        self._rng, self._gradients, self._step, self._run = rng, gradients, step, object()
        self._before: dict = {}
        self.history = History(np.zeros(0), np.random.default_rng(rng))
        self.test_set: data.Data | None = None
        self.net: Any = net
        self._make: Callable | None = None
        if isinstance(net, str):
            make, (first, last), output, loss, eta = SETS[one_of("net", net, SETS)]
            traits = {"eta": eta, **traits}
            self.train_set, self.test_set = make().split()
            self._sizes, self._output = [first, *hidden, last], output
            name, self._make = net, self._own
        else:
            name = "your data"
            if x is None or y is None:
                raise ValueError("a network of yours needs its examples: TrainingWatch(net, x, y)")
            if not isinstance(net, Network) and step is None:
                raise ValueError("a net that is no Network needs step=, a function (net, x, y, eta) -> loss")
            self.train_set, self.test_set = _data((x, y)), None if test is None else _data(test)
            self._start = net.theta.copy() if isinstance(net, Network) else np.zeros(0)
        self._loss = loss
        super().__init__(**traits)
        positive_integer("batch", self.batch)
        self._given = {
            "name": name,
            "own": self._make is not None,
            "again": self._make is not None or isinstance(net, Network),
            "N": self.train_set.x.shape[1],
            "examples": _examples(self.train_set, self.test_set),
        }
        self.reset()
        self.observe(self._change, ["activation", "scale"])
        self.observe(self._switch, ["running"])
        self.observe(self._press, ["_asked"])

    def _own(self) -> Network:
        net = Network(self._sizes, self.activation, self._output, rng=self._rng)
        for l in range(1, net.L + 1):
            net.W[l] *= self.scale
        return net

    @T.validate("activation")
    def _known(self, proposal: Any) -> str:
        return one_of("activation", proposal.value, ACTIVATIONS)

    # ------------------------------------------------------------------ the run

    def run(self, epochs: int | None = None) -> History:
        """Train so many epochs at once, and return the history. An interrupt ends it early."""
        self.stop()
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(self.epochs if epochs is None else positive_integer("epochs", epochs)):
                for _ in self._epoch():
                    pass
                if self._ended():
                    break
        self._publish()
        return self.history

    def start(self) -> None:
        """Train ``epochs`` epochs more, while cells run. Raises RuntimeError outside a notebook: there, ``run``."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError("no event loop is running here; use run(epochs), which waits for the end") from None
        self.running = True

    def stop(self) -> None:
        """End the run after its epoch; ``start`` goes on from there."""
        self.running = False

    def reset(self) -> None:
        """Stop, and go back to the first weights; the curves so far stay to compare with."""
        self.stop()
        if self._make:
            self.net = self._make()
        elif isinstance(self.net, Network):
            self.net.theta = self._start
        if self.history.loss:
            self._before = self._curves()
        size = self.net.P if isinstance(self.net, Network) else 0
        self.history = History(np.zeros(size), np.random.default_rng(self._rng))
        self._publish()

    def close(self) -> None:
        """Stop, and take the widget off the page."""
        self.stop()
        super().close()

    def _epoch(self) -> Iterator[None]:
        """One epoch; where it yields it may be left for a while, or for good: only a whole one is in the history."""
        x, y, history = self.train_set.x, self.train_set.y, self.history
        if self._step is None:
            named = {"loss": self._loss, "gradients": self._gradients, "history": history}
            train(self.net, x, y, epochs=1, eta=self.eta, batch=self.batch, **named)
        else:
            total, norms, order, batch = 0.0, [], history.rng.permutation(x.shape[1]), self.batch
            for start in range(0, len(order), batch):
                some = order[start : start + batch]
                found = self._step(self.net, x[:, some], y[:, some], self.eta)
                loss, dW = (found[0], found[1]) if isinstance(found, tuple) else (found, [])
                total += float(loss) * len(some)
                norms = [float(np.linalg.norm(w)) for w in dW if w is not None]
                if start + batch < len(order):
                    yield
            history.loss.append(total / len(order))
            history.gradient_norms.append([None, *norms])
        if not history.interrupted:
            for name, examples in (("train", self.train_set), ("test", self.test_set)):
                if examples is not None:
                    history.accuracy.setdefault(name, []).append(_share(self.net(examples.x), examples.y))
        yield

    def _ended(self) -> bool:
        return self.history.interrupted or bool(self.history.loss and not math.isfinite(self.history.loss[-1]))

    async def _go(self, run: object) -> None:
        """The task: epochs, with pauses in which the kernel does everything else."""
        error = ""
        try:
            with np.errstate(over="ignore", invalid="ignore"):  # NumPy keeps it to this task
                await self._epochs(run)
        except Exception as exception:  # of the reader's own function: shown in the page
            error = f"{type(exception).__name__}: {exception}"
        if self._run is run:
            self.running = False
            self._publish(error)

    async def _epochs(self, run: object) -> None:
        clock, last = asyncio.get_running_loop().time, len(self.history.loss) + self.epochs
        due = shown = clock()
        while len(self.history.loss) < last and not self._ended():
            resumed = clock()
            for _ in self._epoch():
                if clock() - resumed > SEEN / 4:
                    await asyncio.sleep(0)
                    resumed = clock()
                if self._run is not run:
                    return
            if clock() - shown >= SEEN:
                self._publish()
                shown = clock()
            due = max(due + 1 / self.pace, clock()) if self.pace else clock()
            await asyncio.sleep(max(0.0, due - clock()))
            if self._run is not run:
                return

    def _switch(self, change: Any) -> None:
        self._run = object()  # ends a run that is under way
        if change.new:
            self._task = asyncio.get_running_loop().create_task(self._go(self._run))
        else:
            self._publish()

    def _press(self, change: Any) -> None:
        name, _ = change.new
        if name == "reset":
            self.reset()
        elif name == "epoch" and not self.running:
            try:
                self.run(1)
            except Exception as exception:
                self._publish(f"{type(exception).__name__}: {exception}")

    def _change(self, change: Any) -> None:
        if self._make:
            self.reset()

    # ------------------------------------------------------------------ what is shown

    def _curves(self) -> dict:
        """The history, thinned out to what a picture can show; no number where there is none."""
        n = len(self.history.loss)
        at = np.unique(np.linspace(0, n - 1, min(n, SHOWN)).round().astype(int)).tolist()
        norms = self.history.gradient_norms
        return {
            "at": [k + 1 for k in at],
            "loss": [_finite(self.history.loss[k]) for k in at],
            "accuracy": {name: [values[k] for k in at] for name, values in self.history.accuracy.items()},
            "norms": [[_finite(norms[k][l]) for k in at] for l in range(1, len(norms[0]))] if norms else [],
        }

    def _publish(self, error: str = "") -> None:
        self._shown = {
            **self._curves(),
            "epoch": len(self.history.loss),
            "before": self._before,
            "answers": self._answers(),
            "net": repr(self.net) if isinstance(self.net, Network) else type(self.net).__name__,
            "error": error,
        }

    def _answers(self) -> list[int]:
        """The class of every example that is shown, or of every point of the plane."""
        examples = self._given["examples"]
        if examples["kind"] == "digits":
            x = np.array(examples["pixels"], float).T / 16
        elif examples["kind"] == "plane":
            u0, u1, v0, v1 = examples["window"]
            x = np.stack(np.meshgrid(np.linspace(u0, u1, SIDE), np.linspace(v1, v0, SIDE))).reshape(2, -1)
        else:
            return []
        with np.errstate(over="ignore", invalid="ignore"):
            return _classes(self.net(x)).tolist()

    def sentence(self) -> str:
        """The network and its settings, and how far the training is."""
        shown = self._shown
        net = shown["net"].split(", P =")[0]
        words = f"Training watch: {self._given['name']}, {net}, eta = {short(self.eta)}, batches of {self.batch}: "
        if not shown["epoch"]:
            return words + "not started."
        right = "".join(f", {name} accuracy {100 * values[-1]:.1f} %" for name, values in shown["accuracy"].items())
        count = f"{shown['epoch']} epoch{'s' if shown['epoch'] > 1 else ''}"
        loss = shown["loss"][-1]
        return words + f"after {count} loss {'no number' if loss is None else num(loss)}{right}."

    def picture(self) -> str:
        """Loss and accuracy against the epoch."""
        shown, top, wide, tall = self._shown, 52.0, 310.0, 200.0
        most = max(shown["at"], default=1)
        loss = [v for v in shown["loss"] if v]
        low, high = math.floor(math.log10(min(loss, default=0.1))), math.ceil(math.log10(max(loss, default=1)) + 1e-9)
        high = max(high, low + 1)
        parts = [text(20, 18, self._given["name"] + (", not started" if not loss else ""), anchor="start", weight=600)]
        panels = [
            (
                56.0,
                "loss",
                [("loss", shown["loss"])],
                [(10.0**k, f"{10.0**k:g}") for k in range(low, high + 1, -(-(high - low) // 8))],
            ),
            (436.0, "accuracy", list(shown["accuracy"].items()), [(k / 4, f"{25 * k} %") for k in range(5)]),
        ]
        for left, title, curves, marks in panels:

            def place(epoch: float, value: float | None, left: float = left, title: str = title) -> tuple:
                if value is None:
                    return left, math.nan
                share = (math.log10(max(value, 1e-300)) - low) / (high - low) if title == "loss" else value
                return left + wide * (epoch - 1) / max(1, most - 1), top + tall * (1 - share)

            parts.append(text(left, top - 14, title, anchor="start"))
            for value, words in marks:
                y = place(1, value)[1]
                parts.append(line([(left, y), (left + wide, y)], LINE, 1))
                parts.append(text(left - 8, y, words, QUIET, "end", 11))
            parts.append(text(left + wide, top + tall + 16, f"epoch {most}", QUIET, "end", 11))
            for k, (name, values) in enumerate(curves):
                colour, dash = ((VALUE, ""), (ERROR, "7 3"), (INK, "2 3"))[k]
                points = [place(epoch, value) for epoch, value in zip(shown["at"], values, strict=True)]
                parts.append(line(points, colour, 2, dash))
                parts.append(text(left + 60 * k, top + tall + 34, name, colour, "start", 12, 600))
        return svg(780, 300, *parts)


def _data(given: Any) -> data.Data:
    """Data, or a pair (x, y), with columns for examples."""
    x, y = (np.asarray(v, dtype=float) for v in ((given.x, given.y) if hasattr(given, "x") else given))
    x, y = (v[None, :] if v.ndim == 1 else v for v in (x, y))
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
        raise ValueError(f"x and y must have one column per example, got shapes {x.shape} and {y.shape}")
    return data.Data(x, y, _classes(y))


def _classes(a: ArrayLike) -> np.ndarray:
    """The class of each column: the row of the largest number, or of a single row, whether it is above 1/2."""
    a = np.asarray(a)
    return (a[0] > 0.5).astype(int) if len(a) == 1 else a.argmax(axis=0)


def _share(a: ArrayLike, y: np.ndarray) -> float:
    return float((_classes(a) == _classes(y)).mean())


def _finite(value: float) -> float | None:
    """Five digits of it, enough for a picture."""
    return float(f"{value:.5g}") if math.isfinite(value) else None


def _examples(train_set: data.Data, test_set: data.Data | None) -> dict:
    """What can be drawn of the answers: digits with their labels, or the plane with its points."""
    x, y = train_set.x, train_set.y
    examples: dict[str, Any] = {"kind": "", "classes": max(2, len(y))}
    if len(x) == 64 and len(y) == 10:
        shown = test_set or train_set
        pixels = (16 * shown.x[:, :16]).round().astype(int).T.tolist()
        examples |= {"kind": "digits", "pixels": pixels, "labels": shown.labels[:16].tolist()}
    elif len(x) == 2 and len(y) <= 3:
        low, high = x.min(axis=1), x.max(axis=1)
        pad = 0.08 * np.maximum(high - low, 1e-6)
        window = np.stack([low - pad, high + pad]).T.ravel().round(4).tolist()
        some = np.linspace(0, x.shape[1] - 1, min(x.shape[1], 160)).round().astype(int)
        points = [[*x[:, k].round(4).tolist(), int(train_set.labels[k])] for k in some]
        examples |= {"kind": "plane", "window": window, "points": points, "side": SIDE}
    return examples
