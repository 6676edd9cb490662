"""Right answers to the exercises of chapter 09, in other styles."""

import math
import statistics

import numpy as np

from course_lib.complexity import activation_memory, counts, fit_slope, recorded
from course_lib.network import Network
from tests.answers.styles import letter, styles, words


def multiplications_by_loops(p):
    n, N = p.sizes, p.N
    forward = down = 0
    for l in range(1, len(n)):
        forward += n[l] * n[l - 1] * N
        if l > 1:
            down += n[l - 1] * n[l] * N
    return [forward, down, forward, round((2 * forward + down) / forward, 2)]


def multiplications_by_the_library(p):
    steps = counts(p.sizes, p.N).steps
    sigma = sum(p.sizes[1:]) * p.N
    forward, weights = (sum(s.multiplications for s in steps if s.equation == e) for e in ("2.1", "6.3"))
    down = sum(s.multiplications for s in steps if s.equation in ("6.1", "6.2")) - sigma
    return np.array([forward, down, weights, (forward + down + weights) / forward])


def multiplications_by_the_share(p):
    products = np.multiply(p.sizes[1:], p.sizes[:-1])
    forward = int(p.N * products.sum())
    return (forward, forward - p.N * int(products[0]), forward, 3 - products[0] / products.sum())


def timer_in_lists(durations, grain, block, blocks):
    clock, work = recorded(durations, grain)

    def timed(calls):
        start = clock()
        [work() for _ in range(calls)]
        return clock() - start

    calls = 1
    while timed(calls) < block:
        calls *= 2
    return sorted(timed(calls) / calls for _ in range(blocks))[blocks // 2]


def timer_recursive(durations, grain, block, blocks):
    clock, work = recorded(durations, grain)

    def timed(power):
        start, k = clock(), 2**power
        while k:
            work()
            k -= 1
        return clock() - start

    def enough(power):
        return power if timed(power) >= block else enough(power + 1)

    power = enough(0)
    return np.median(np.array([timed(power) for _ in range(blocks)])) * 0.5**power


def timer_in_one_loop(durations, grain, block, blocks):
    clock, work = recorded(durations, grain)
    calls, found, times = 1, False, []
    while len(times) < blocks:
        start = clock()
        for _ in range(calls):
            work()
        end = clock()
        if found:
            times.append((end - start) / calls)
        elif end - start >= block:
            found = True
        else:
            calls = calls + calls
    return np.array([statistics.median(times)])


def slopes_by_hand(p):
    kept = [(P, t) for P, t in zip(p.P, p.seconds, strict=True) if t >= 10 * p.empty]
    (P1, t1), (P2, t2) = kept[0], kept[-1]
    all_ = math.log(p.seconds[-1] / p.seconds[0], 10) / math.log(p.P[-1] / p.P[0], 10)
    return [len(kept), round(math.log(t2 / t1) / math.log(P2 / P1), 2), round(all_, 2)]


def slopes_by_the_library(p):
    ends = [0, -1]
    used = p.seconds >= 10 * p.empty
    kept, whole = (fit_slope(P[ends], t[ends]) for P, t in ((p.P[used], p.seconds[used]), (p.P, p.seconds)))
    return np.array([np.count_nonzero(used), kept.value, whole.value])


def slopes_of_factors(p):
    first = next(i for i, t in enumerate(p.seconds) if t >= 10 * p.empty)
    four = [math.log(b / a, 4) for a, b in zip(p.seconds, p.seconds[1:], strict=False)]  # P grows by 4 each time
    return (7 - first, sum(four[first:]) / (6 - first), sum(four) / 6)


def million_by_growth(p):
    growth = 1e6 / p.P
    night = p.P * math.sqrt(36_000 / p.nudged)
    return [round(p.back * growth, 2), round(p.nudged * growth**2 / 3600, 2), round(night / 1e6, 2)]


def memory_by_formula(p):
    kept = p.width * (1 + 2 * p.depth)
    P = p.depth * (p.width**2 + p.width)
    return [8 * kept * p.N / 1000, 8 * P / 1000, P // kept + 1]


def memory_by_the_library(p):
    sizes = [p.width] * (p.depth + 1)
    theta = 8 * Network(sizes).P
    first = 1
    while activation_memory(sizes, first) <= theta:
        first += 1
    return np.array([activation_memory(sizes, p.N) / 1e3, theta / 1e3, first])


def memory_in_a_tuple(p):
    z, a = Network([p.width] * (p.depth + 1)).forward(np.zeros((p.width, p.N)))
    numbers = sum(v.size for v in a) + sum(v.size for v in z if v is not None)
    theta = p.depth * p.width * (p.width + 1)
    return (numbers / 125, theta / 125, math.ceil(theta * p.N / numbers))


def order(p):
    names = ["forward", "back", "biases", "one-sided", "central"]
    return [next(k for k, v in p.keys.items() if v == name) for name in names]


ANSWERS = {
    "count-multiplications": [
        multiplications_by_loops,
        multiplications_by_the_library,
        multiplications_by_the_share,
    ],
    "timer": [timer_in_lists, timer_recursive, timer_in_one_loop],
    "fit-slopes": [slopes_by_hand, slopes_by_the_library, slopes_of_factors],
    "predict-million": [
        million_by_growth,
        *styles(
            lambda p: [
                p.back / p.P * 1e6,
                p.nudged / p.P**2 * 1e12 / 3600,
                (3.6e4 / (p.nudged / p.P**2)) ** 0.5 / 1e6,
            ]
        ),
    ],
    "flat-region": letter("calls"),
    "kept-memory": [memory_by_formula, memory_by_the_library, memory_in_a_tuple],
    "cost-order": words(order),
}
