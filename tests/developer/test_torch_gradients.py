"""For developers: losses and gradients against PyTorch's, which differentiates by itself.

PyTorch is no dependency of the course; ``make test-torch`` runs this where it is installed (torch==2.13.0).
"""

import numpy as np
import pytest

from course_lib.backprop import loss_and_gradients
from course_lib.network import Network

torch = pytest.importorskip("torch", reason="PyTorch is not installed; it is no dependency of the course")

ACTIVATIONS = {
    "identity": lambda z: z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky relu": lambda z: torch.nn.functional.leaky_relu(z, 0.01),
    "softplus": torch.nn.functional.softplus,
    "softmax": lambda z: torch.softmax(z, dim=0),
}


def torch_loss(loss, z, a, y):
    """The loss by PyTorch's own functions, z and a with a column for each example."""
    N = y.shape[1]
    if loss == "categorical cross-entropy":
        return torch.nn.functional.cross_entropy(z.T, y.T)
    if loss == "binary cross-entropy":
        return torch.nn.functional.binary_cross_entropy_with_logits(z, y, reduction="sum") / N
    half = 0.5 if loss == "squared error" else 1.0
    return half * torch.nn.functional.mse_loss(a, y, reduction="sum") / N


def compare(sizes, hidden, output, loss, N, dtype, penalty, tolerance, their_loss=None):
    rng = np.random.default_rng(len(sizes) + N)
    net = Network(sizes, hidden, output, rng=rng, dtype=dtype)
    net.theta += 0.2 * rng.normal(size=net.P).astype(dtype)
    x, y = rng.normal(size=(sizes[0], N)).astype(dtype), rng.random((sizes[-1], N)).astype(dtype)
    y /= y.sum(axis=0)
    W, b = ([None] + [torch.tensor(p, requires_grad=True) for p in v[1:]] for v in (net.W, net.b))
    a = torch.tensor(x)
    for l in range(1, net.L + 1):
        z = W[l] @ a + b[l]
        a = ACTIVATIONS[net.activations[l].name](z)
    expected = torch_loss(their_loss or loss, z, a, torch.tensor(y)) + penalty / 2 * sum((w**2).sum() for w in W[1:])
    expected.backward()

    value, dW, db = loss_and_gradients(net, x, y, loss, penalty)
    assert value == pytest.approx(expected.item(), rel=tolerance)
    largest = max(p.grad.abs().max().item() for p in W[1:] + b[1:])
    for ours, theirs in zip(dW[1:] + db[1:], W[1:] + b[1:], strict=True):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, theirs.grad.numpy(), rtol=tolerance, atol=tolerance * largest)


@pytest.mark.parametrize("N", [1, 6])
@pytest.mark.parametrize("output", ACTIVATIONS)
@pytest.mark.parametrize("hidden", ACTIVATIONS)
def test_every_activation_in_both_places(hidden, output, N):
    compare([3, 5, 4, 2], hidden, output, "squared error", N, np.float64, 0.0, 1e-12)


@pytest.mark.parametrize("penalty", [0.0, 0.1])
@pytest.mark.parametrize("N", [1, 6])
@pytest.mark.parametrize(
    "loss, output",
    [
        ("squared error", "tanh"),
        ("squared error without 1/2", "identity"),
        ("binary cross-entropy", "sigmoid"),
        ("categorical cross-entropy", "softmax"),
    ],
)
def test_every_loss_with_and_without_a_penalty(loss, output, N, penalty):
    compare([4, 6, 3], "relu", output, loss, N, np.float64, penalty, 1e-12)


@pytest.mark.parametrize("sizes", [[2, 1], [64, 32, 10], [16] * 12, [784, 30, 10]])
@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-11), (np.float32, 2e-5)])
def test_shallow_deep_wide_and_in_single_precision(sizes, dtype, tolerance):
    compare(sizes, "sigmoid", "softmax", "categorical cross-entropy", 32, dtype, 0.01, tolerance)


@pytest.mark.parametrize("hidden, tolerance", [("tanh", 1e-12), ("relu", 1e-3)])
def test_a_loss_without_its_half_is_refused(hidden, tolerance):
    with pytest.raises(AssertionError):
        compare(
            [3, 4, 2], hidden, "identity", "squared error", 5, np.float64, 0.0, tolerance, "squared error without 1/2"
        )
