"""Chapter 09, What it costs: the exercises, the right values by another route, the mistakes with names."""

import math
from itertools import combinations, pairwise

import numpy as np

from course_lib.complexity import recorded
from course_lib.exercises.declaration import Ask, Exercise, KnownMistake
from course_lib.exercises.keyed import in_order, lettered, picks
from course_lib.exercises.predictions import Prediction
from course_lib.network import Network


def apart(values, by=0.02):
    """Whether no two of these numbers are nearer to each other than ``by`` of the larger one."""
    values = sorted(map(float, values))
    return all(b - a > by * max(abs(a), abs(b)) for a, b in pairwise(values))


def whole(number):
    """A whole number with its thousands apart."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


# -------------------------------------------------------------------------------------------- count-multiplications


def draw_count(rng):
    sizes = rng.choice(np.arange(3, 11), 4, replace=False).tolist()
    return {"sizes": sizes, "N": int(rng.choice([11, 12, 13, 14, 16, 17, 18, 19]))}


def products(sizes, N):
    """Multiplications of every matrix product: forward, carried down, weight gradients. Ones add up to their number."""

    def work(m, k, n):
        return (np.ones((m, k)) @ np.ones((k, n))).sum()

    layers = list(pairwise(sizes))
    forward = sum(work(m, n, N) for n, m in layers)
    down = sum(work(n, m, N) for n, m in layers[1:])
    weights = sum(work(m, N, n) for n, m in layers)
    return forward, down, weights


def right_count(sizes, N):
    forward, down, weights = products(sizes, N)
    return np.array([forward, down, weights, (forward + down + weights) / forward])


def counted(change):
    """A mistake in one of the four numbers, the others following as they would."""

    def wrong(sizes, N):
        return np.array(change(*products(sizes, N), sizes, N), float)

    return wrong


def without_the_last(f, w, sizes, N):
    down = f - N * sizes[-1] * sizes[-2]
    return [f, down, w, (f + down + w) / f]


COUNT = Exercise(
    id="count-multiplications",
    title="Count the multiplications",
    kind="num",
    answer="multiplications",
    draw=draw_count,
    right=right_count,
    ask=lambda sizes, N: Ask(
        text=f"A {'-'.join(map(str, sizes))} network sees a batch of {N} examples. How many multiplications are in the "
        "matrix products (leave those with σ′ aside): of the forward pass (2.1), of carrying δ down (6.2), of the "
        "weight gradients (6.3)? And how many forward passes is all of this worth, to two digits after the point?",
        shape=(4,),
        rows=("forward (2.1)", "δ carried down (6.2)", "weight gradients (6.3)", "all / forward"),
    ),
    atol=6e-3,
    points=2,
    mistakes=(
        KnownMistake(
            "down-to-the-input",
            "δ is carried down to the input as well; there is nothing below the first layer that wants it",
            "Which is the lowest layer that has a δ, and whose W carries it there?",
            counted(lambda f, d, w, sizes, N: [f, f, w, 3]),
        ),
        KnownMistake(
            "last-layer-left-out",
            "δ is carried down through every W but that of the first layer; here that of the last is left out",
            "Which δ is there first, and through which W does it go down?",
            counted(lambda f, d, w, sizes, N: without_the_last(f, w, sizes, N)),
        ),
        KnownMistake(
            "down-for-weights",
            "the second and the third number have changed places",
            "Which of the two products does the first layer lack?",
            counted(lambda f, d, w, sizes, N: [f, w, d, (f + d + w) / f]),
        ),
        KnownMistake(
            "always-three",
            "the last number is 3 only if every layer has all three products",
            "Add up your first three numbers and divide by the first.",
            counted(lambda f, d, w, sizes, N: [f, d, w, 3]),
        ),
        KnownMistake(
            "batch-forgotten",
            "these are the counts of a single example; each of the batch needs them anew",
            "How many columns have z, a and δ?",
            counted(lambda f, d, w, sizes, N: [f / N, d / N, w / N, (f + d + w) / f]),
        ),
        KnownMistake(
            "one-product-a-layer",
            "the last number counts a single product a layer on the way back; there are two, but in the first layer",
            "Which two things does a layer do with its δ?",
            counted(lambda f, d, w, sizes, N: [f, d, w, (f + w) / f]),
        ),
        KnownMistake(
            "backward-alone",
            "the last number is the backward pass alone; before it, there is the forward pass",
            "Can you go back without having gone forward?",
            counted(lambda f, d, w, sizes, N: [f, d, w, (d + w) / f]),
        ),
        KnownMistake(
            "biases-multiplied",
            "the biases are counted, too, but a bias is added, not multiplied",
            "How many multiplications are in W a + b: one for each entry of W, or one for each parameter?",
            counted(lambda f, d, w, sizes, N: [f + sum(sizes[1:]) * N, d, w, (f + sum(sizes[1:]) * N + d + w) / f]),
        ),
    ),
    hints=(
        "How many multiplications has a product of an (m, k) and a (k, n) matrix?",
        "Write the shapes of the three products of a layer. Which layer lacks one of them?",
        "forward and weight gradients: N Σ nₗ nₗ₋₁ each; down: the same without l = 1; all / forward by (9.2)",
    ),
)

# ------------------------------------------------------------------------------------------------------------- timer


def draw_timer(rng):
    """A recording: cold at first, its pace drifting, a few calls interrupted; a tick of the clock is as long as
    one and a half of them."""
    calls = np.arange(600)
    typical = rng.uniform(3e-4, 5e-4)
    drift = 1 + 0.25 * np.sin(calls / rng.uniform(60, 90) + rng.uniform(0, 6))
    durations = typical * drift * rng.uniform(0.9, 1.1, 600)
    durations[0] = rng.uniform(4e-3, 8e-3)
    durations[rng.choice(np.arange(150, 560), 3, replace=False)] = rng.uniform(0.03, 0.08, 3)
    given = {
        "durations": durations.round(7),
        "grain": 1.5 * round(float(typical), 5),
        "block": 0.016,
        "blocks": 7,
    }
    values = [right_timer(*given.values()), *(m(*given.values()) for m in TIMER_MISTAKES.values())]
    return given if apart(values, 1e-3) else draw_timer(rng)


def right_timer(durations, grain, block, blocks):
    """From the sums of the recording, without a clock or a call."""
    after = np.concatenate([[0], np.cumsum(np.concatenate([durations, *[durations[1:]] * 10]))])
    reading = grain * np.floor(after / grain + 1e-9)
    done, calls = 0, 1
    while reading[done + calls] - reading[done] < block:
        done, calls = done + calls, 2 * calls
    ends = reading[done + calls :: calls][: blocks + 1]
    return float(np.sort(np.diff(ends))[blocks // 2] / calls)


def timer(kept_trials=False, calls=None, divide=True, one_start=False, twice_more=False, of=np.median):
    """A timer that does what it is told, on the clock of the recording."""

    def seconds_per_call(durations, grain, block, blocks):
        clock, work = recorded(durations, grain)

        def timed(n):
            start = clock()
            for _ in range(n):
                work()
            return clock() - start

        times, n = [], calls or 1
        while calls is None:
            times.append(timed(n) / n)
            if times[-1] * n >= block:
                break
            n *= 2
        n *= 2 if twice_more else 1
        times = times if kept_trials == "all" else times[-1:] if kept_trials else []
        first = clock()
        for _ in range(blocks):
            took = timed(n)
            times.append((clock() - first if one_start else took) / (n if divide else 1))
        return float(of(times))

    return seconds_per_call


TIMER_MISTAKES = {
    "single-calls": timer(calls=1),
    "warm-up-kept": timer(kept_trials="all"),
    "last-trial-kept": timer(kept_trials="last"),
    "doubled-once-more": timer(twice_more=True),
    "not-sorted": timer(of=lambda times: times[len(times) // 2]),
    "mean": timer(of=np.mean),
    "best": timer(of=np.min),
    "not-divided": timer(divide=False),
    "one-start": timer(one_start=True),
}

TIMER = Exercise(
    id="timer",
    title="Write the timer",
    kind="code",
    answer="seconds_per_call",
    draw=draw_timer,
    right=right_timer,
    formula=False,
    points=3,
    mistakes=(
        KnownMistake(
            "single-calls",
            "single calls are timed, each shorter than a tick of the clock: it shows 0 or a whole tick",
            "How many calls must be timed together until the block is long enough?",
            TIMER_MISTAKES["single-calls"],
        ),
        KnownMistake(
            "warm-up-kept",
            "the trial blocks are among the readings; the first of them found everything cold",
            "Which readings were only made to find the number of calls?",
            TIMER_MISTAKES["warm-up-kept"],
        ),
        KnownMistake(
            "last-trial-kept",
            "the trial that was long enough is among the readings; all trials are thrown away",
            "How many readings have you, and how many blocks were asked for?",
            TIMER_MISTAKES["last-trial-kept"],
        ),
        KnownMistake(
            "doubled-once-more",
            "the blocks have twice as many calls as they need: the number was doubled again after a long enough trial",
            "Which comes first in your loop, the doubling or the question whether it was enough?",
            TIMER_MISTAKES["doubled-once-more"],
        ),
        KnownMistake(
            "not-sorted",
            "this is the block that was timed in the middle; the median is the middle one by size",
            "What must be done with the readings before the middle one is the median?",
            TIMER_MISTAKES["not-sorted"],
        ),
        KnownMistake(
            "mean",
            "this is the mean of the blocks: the interrupted ones pull it up",
            "Sort the blocks. Which one do a few interruptions not touch?",
            TIMER_MISTAKES["mean"],
        ),
        KnownMistake(
            "best",
            "this is the fastest block, a lower bound; the median was asked for",
            "What does a typical call take, rather than a lucky one?",
            TIMER_MISTAKES["best"],
        ),
        KnownMistake(
            "not-divided",
            "this is the time of a whole block, not of a call",
            "How many calls are in a block?",
            TIMER_MISTAKES["not-divided"],
        ),
        KnownMistake(
            "one-start",
            "the start was read once, before all blocks: each reading contains those before it",
            "When does the stopwatch of the second block begin?",
            TIMER_MISTAKES["one-start"],
        ),
    ),
    hints=(
        "What are the readings for: finding how many calls make a block, or measuring?",
        "Write a helper that times n calls. Double n until it returns at least block; then call it blocks times.",
        "median of (time of a block of n calls) / n, over as many blocks as asked, the trials left out",
    ),
)

# -------------------------------------------------------------------------------------------------------- fit-slopes


def draw_slope(rng):
    k, empty = float(rng.uniform(0.85, 2.1)), float(rng.choice([2.0, 3.0, 4.0, 5.0])) * 1e-5
    P = 10 * int(rng.integers(11, 40)) * 4 ** np.arange(7)
    turn = P[0] * 4 ** rng.uniform(1.2, 2.3)  # where the work takes as long as the calls
    seconds = np.array([float(f"{t:.3g}") for t in empty * (1 + (P / turn) ** k)])
    given = {"P": P, "seconds": seconds, "empty": empty}
    ratio = seconds / empty
    clear = (abs(ratio / 10 - 1) > 0.15).all() and 2 <= (ratio < 10).sum() <= 4
    ways = [m.wrong(*given.values()) for m in SLOPES.mistakes] + [right_slope(*given.values())] if clear else []
    return given if clear and all(np.abs(a - b).max() > 0.03 for a, b in combinations(ways, 2)) else draw_slope(rng)


def used(seconds, empty):
    return seconds >= 10 * empty


def slope_of(P, seconds):
    return np.polyfit(np.log2(P[[0, -1]]), np.log2(seconds[[0, -1]]), 1)[0]


def right_slope(P, seconds, empty):
    use = used(seconds, empty)
    return np.array([use.sum(), slope_of(P[use], seconds[use]), slope_of(P, seconds)])


def sloped(of, whole_range=False):
    """A wrong slope of the first and the last point; of(P ratio, time ratio)."""

    def wrong(P, seconds, empty):
        use = used(seconds, empty)
        kept = (P[use][-1] / P[use][0], seconds[use][-1] / seconds[use][0])
        return np.array([use.sum(), of(*kept), of(P[-1] / P[0], seconds[-1] / seconds[0])])

    return wrong


SLOPES = Exercise(
    id="fit-slopes",
    title="A slope, and where it is valid",
    kind="num",
    answer="slopes",
    draw=draw_slope,
    right=right_slope,
    ask=lambda P, seconds, empty: Ask(
        text="Someone has timed a computation for seven networks of growing width. The calls alone, with arrays of a "
        f"single number, take {empty * 1e6:.0f} µs. Use only the sizes at which the time is at least ten times that. "
        "How many are they? What is the slope on log-log axes from the first to the last of them, by (9.4)? And what "
        "slope would the first and the last of all seven have given? Two digits after the point.",
        given={
            "P": np.array(P)[None, :],
            "time in µs": np.array([[float(f"{1e6 * t:.3g}") for t in seconds]]),
        },
        shape=(3,),
        rows=("sizes used", "slope over them", "slope over all seven"),
    ),
    atol=1.2e-2,
    points=2,
    mistakes=(
        KnownMistake(
            "all-seven",
            "both slopes are that of all seven: the flat part, which is the price of the calls, is in them",
            "At which sizes does the time hardly grow? Leave them out.",
            lambda P, seconds, empty: np.array([used(seconds, empty).sum(), *[slope_of(P, seconds)] * 2]),
        ),
        KnownMistake(
            "no-logarithms",
            "these are quotients of the growth itself; a slope on log axes is a quotient of logarithms",
            "If the time grows 16-fold while P grows 4-fold, what is the exponent?",
            sloped(lambda p, t: t / p),
        ),
        KnownMistake(
            "upside-down",
            "these are the slopes of P over time, upside down",
            "Which of the two is on the vertical axis?",
            sloped(lambda p, t: np.log(p) / np.log(t)),
        ),
        KnownMistake(
            "two-bases",
            "the natural logarithm of one and the decimal one of the other: these are 2.30 times too large",
            "Any base will do, but the same for both. Which logarithms did you take?",
            sloped(lambda p, t: np.log(t) / np.log10(p)),
        ),
        KnownMistake(
            "bases-the-other-way",
            "the decimal logarithm of one and the natural one of the other: these are 2.30 times too small",
            "Any base will do, but the same for both. Which logarithms did you take?",
            sloped(lambda p, t: np.log10(t) / np.log(p)),
        ),
    ),
    hints=(
        "Which of the times are mostly the price of the calls?",
        "Take the logarithm of the growth of the time, and of the growth of P, from the first to the last size used.",
        "k = log(t₂ / t₁) / log(P₂ / P₁)",
    ),
)

# --------------------------------------------------------------------------------------------------- predict-million


def draw_million(rng):
    P = 272 * int(rng.integers(12, 37))
    back = round(float(rng.uniform(0.02, 0.05)) * P / 1000, 3)  # milliseconds
    nudged = float(f"{rng.uniform(1.2e-8, 4e-8) * P**2:.3g}")  # seconds
    given = {"P": P, "back": back, "nudged": nudged}
    third = right_million(*given.values())[2]
    return given if abs(third - 1) > 0.1 else draw_million(rng)


def right_million(P, back, nudged):
    """By the time of a parameter and of a pair of parameters."""
    each, pair = back / P, nudged / P / P
    return np.array([each * 1e6, pair * 1e12 / 3600, math.sqrt(10 * 3600 / pair) / 1e6])


MILLION = Exercise(
    id="predict-million",
    title="Predict a million parameters",
    kind="num",
    answer="predicted",
    draw=draw_million,
    right=right_million,
    ask=lambda P, back, nudged: Ask(
        text=f"On some machine a gradient of {whole(P)} parameters (16 neurons in each layer) takes {back:g} ms by "
        f"back-propagation and {nudged:g} s by central differences of a black-box loss. Predict for a million "
        "parameters, in a deeper network of the same width: the milliseconds of back-propagation, the hours of the "
        "differences. And how many million parameters could the differences do in a night of 10 hours? Two digits "
        "after the point.",
        shape=(3,),
        rows=("ms, back-propagation", "hours, differences", "million parameters in a night"),
    ),
    atol=1.2e-2,
    points=2,
    mistakes=(
        KnownMistake(
            "differences-linear",
            "the differences are taken as linear in P: there are more passes, and each of them is longer",
            "P grows a hundredfold. By how much grows the number of passes, and by how much the time of one?",
            lambda P, back, nudged: np.array([back * 1e6 / P, nudged / 3600 * 1e6 / P, P * 36000 / nudged / 1e6]),
        ),
        KnownMistake(
            "both-quadratic",
            "back-propagation is taken as quadratic: it needs no passes for each parameter, only two in all",
            "What does back-propagation do with each weight, and how often, however many there are?",
            lambda P, back, nudged: right_million(P, back, nudged) * [1e6 / P, 1, 1],
        ),
        KnownMistake(
            "minutes",
            "the second number is in minutes; hours were asked for",
            "How many seconds has an hour?",
            lambda P, back, nudged: right_million(P, back, nudged) * [1, 60, 1],
        ),
        KnownMistake(
            "seconds",
            "the second number is in seconds; hours were asked for",
            "How many seconds has an hour?",
            lambda P, back, nudged: right_million(P, back, nudged) * [1, 3600, 1],
        ),
        KnownMistake(
            "night-linear",
            "the last number takes the time as linear in P; ten times the time is not ten times the parameters",
            "Of what must you take the square root?",
            lambda P, back, nudged: np.array([*right_million(P, back, nudged)[:2], P * 36000 / nudged / 1e6]),
        ),
        KnownMistake(
            "night-from-the-million",
            "the last number says how often the time of a million fits into the night; its square root is wanted",
            "P must grow by a factor of which the square is the growth of the time.",
            lambda P, back, nudged: np.array(
                [*right_million(P, back, nudged)[:2], right_million(P, back, nudged)[2] ** 2]
            ),
        ),
    ),
    hints=(
        "By which factor do the parameters grow?",
        "One time grows with that factor, the other with its square. The night: solve for the factor.",
        "t(P) = t₀ (P/P₀)ᵏ with k = 1 and k = 2; so P = P₀ √(t/t₀)",
    ),
)

# ------------------------------------------------------------------------------------------------------- flat-region

FLAT = {
    "calls": "the time is mostly the price of calling NumPy some fifty times, whatever the size of the arrays",
    "cache": "small matrices stay in the cache, and what is in the cache costs nothing",
    "not linear": "back-propagation is not linear in P: its count grows more slowly than P",
    "clock": "the clock ticks too coarsely to see the difference",
    "cores": "the wider matrices are shared out among more cores",
}


def draw_flat(rng):
    narrow, wide = int(rng.integers(4, 9)), int(rng.integers(38, 52))
    first = float(f"{rng.uniform(25, 50):.3g}")
    second = float(f"{first * rng.uniform(1.2, 1.6):.3g}")
    return {"narrow": narrow, "wide": wide, "times": [first, second], "keys": lettered(rng, list(FLAT))}


FLAT_REGION = Exercise(
    id="flat-region",
    title="Explain a flat region",
    kind="choice",
    answer="flat",
    draw=draw_flat,
    right=picks("calls"),
    ask=lambda narrow, wide, times, keys: Ask(
        text=f"A network of four layers is widened from {narrow} to {wide} neurons in each, from "
        f"{whole(4 * narrow * (narrow + 1))} to {whole(4 * wide * (wide + 1))} parameters. A gradient by "
        f"back-propagation takes {times[0]:g} µs before and {times[1]:g} µs after; blocks of a thousand calls were "
        "timed, on one core. Why is the curve so flat?",
        options={key: FLAT[name] for key, name in keys.items()},
    ),
    mistakes=(
        KnownMistake(
            "cache",
            "a cache makes numbers quicker to reach, not free; and in it each multiplication still takes its time",
            "If the arithmetic hardly counts here, what does?",
            picks("cache"),
        ),
        KnownMistake(
            "not-linear",
            "the count is linear in P, and a count does not depend on any machine",
            "Count the multiplications of both networks. Is their quotient near that of the times?",
            picks("not linear"),
        ),
        KnownMistake(
            "clock",
            "a thousand calls take tens of milliseconds, and any clock sees these",
            "How long was a block, and how long is a tick?",
            picks("clock"),
        ),
        KnownMistake(
            "cores",
            "there was one core for both",
            "Read once more how it was measured.",
            picks("cores"),
        ),
    ),
    hints=(
        "How many calls of NumPy are in a gradient of four layers, and does that depend on the width?",
        "What would a gradient with matrices of a single number take?",
        "time = calls × price of a call + operations × price of an operation; the first term rules while P is small",
    ),
)

# -------------------------------------------------------------------------------------------------------- kept-memory


def draw_memory(rng):
    width, depth = (int(v) for v in (rng.choice([12, 14, 18, 20, 22, 24]), rng.integers(9, 25)))
    N = int(rng.choice([50, 60, 70, 80, 90]))
    given = {"width": width, "depth": depth, "N": N}
    return given if (depth * (width + 1)) % (1 + 2 * depth) > 1 else draw_memory(rng)


def kept_of_one(width, depth):
    z, a = Network([width] * (depth + 1)).forward(np.ones((width, 1)))
    return sum(array.nbytes for array in [*z[1:], *a])


def right_memory(width, depth, N):
    """From the arrays themselves."""
    one, theta = kept_of_one(width, depth), Network([width] * (depth + 1)).theta.nbytes
    first = next(n for n in range(1, 10_000) if n * one > theta)
    return np.array([N * one / 1000, theta / 1000, first])


def memory_of(kept, parameters, N):
    """The three numbers, from the numbers kept of one example and the number of parameters."""
    return np.array([kept * N * 0.008, parameters * 0.008, parameters // kept + 1])


MEMORY = Exercise(
    id="kept-memory",
    title="What must be kept",
    kind="num",
    answer="memory",
    draw=draw_memory,
    right=right_memory,
    ask=lambda width, depth, N: Ask(
        text=f"A network has {width} inputs and {depth} layers of {width} neurons. How many kB (1000 bytes, float64 "
        f"has 8) are its input and all z and a for a batch of {N} examples? How many kB are its parameters? And from "
        "which number of examples on do the kept values take more room than the parameters?",
        shape=(3,),
        rows=("kB kept", "kB of parameters", "from which N on"),
    ),
    atol=6e-3,
    points=2,
    mistakes=(
        KnownMistake(
            "one-of-two",
            "this keeps one array for each layer: as if a were written over z",
            "Which two arrays does a layer leave behind, and which of them does σ′(z) read?",
            lambda width, depth, N: np.array(
                [
                    (1 + depth) * width * N * 0.008,
                    right_memory(width, depth, N)[1],
                    math.floor(depth * (width + 1) / (1 + depth)) + 1,
                ]
            ),
            row=33,
        ),
        KnownMistake(
            "single-precision",
            "4 bytes for a number; float64 has 8",
            "How many bits are in float64, and how many in a byte?",
            lambda width, depth, N: right_memory(width, depth, N) * [0.5, 0.5, 1],
            row=39,
        ),
        KnownMistake(
            "input-forgotten",
            "the input is missing, though the gradient of the first layer reads it",
            "What stands in δ¹ (a⁰)ᵀ?",
            lambda width, depth, N: memory_of(2 * depth * width, depth * width * (width + 1), N),
        ),
        KnownMistake(
            "weights-alone",
            "the biases are parameters, too",
            "How many numbers are in W and b of a layer together?",
            lambda width, depth, N: memory_of(width * (1 + 2 * depth), depth * width**2, N),
        ),
        KnownMistake(
            "kibibytes",
            "these are units of 1024 bytes; a kB has 1000",
            "By what did you divide the bytes?",
            lambda width, depth, N: right_memory(width, depth, N) * [1000 / 1024, 1000 / 1024, 1],
        ),
        KnownMistake(
            "not-whole",
            "the last number is where both would be equal; examples come whole",
            "From which whole number of examples on are the kept values the larger part?",
            lambda width, depth, N: (
                right_memory(width, depth, N) * [1, 1, 0] + [0, 0, depth * (width + 1) / (1 + 2 * depth)]
            ),
        ),
        KnownMistake(
            "one-too-few",
            "with so many examples the kept values still take less room: one more is needed",
            "Compute both for this number of examples.",
            lambda width, depth, N: right_memory(width, depth, N) - [0, 0, 1],
        ),
    ),
    hints=(
        "Which arrays does the backward pass read, and what are their shapes?",
        "Count the numbers for one example. What grows with N, and what does not?",
        "8 N (n₀ + 2 Σ nₗ) bytes are kept (9.6), 8 P is θ; compare",
    ),
)

# -------------------------------------------------------------------------------------------------------- cost-order

WAYS = {
    "forward": "one forward pass",
    "back": "the gradient by back-propagation",
    "biases": "central differences along the biases alone, and the weights by δ aᵀ",
    "one-sided": "one-sided differences along all parameters",
    "central": "central differences along all parameters",
}


COST_ORDER = Exercise(
    id="cost-order",
    title="From the cheapest to the dearest",
    kind="order",
    answer="dearer",
    draw=lambda rng: {
        "depth": int(rng.integers(6, 40)),
        "width": int(rng.integers(9, 30)),
        "keys": lettered(rng, list(WAYS), solved=False),
    },
    right=lambda depth, width, keys: " ".join(sorted(keys, key=lambda key: passes_of(keys[key], depth, width))),
    ask=lambda depth, width, keys: Ask(
        text=f"A network has {depth} layers of {width} neurons and as many inputs. Put these in order of their "
        "multiplications, the cheapest first.",
        options={key: WAYS[name] for key, name in keys.items()},
    ),
    mistakes=(
        KnownMistake(
            "back-before-forward",
            "back-propagation comes before a forward pass here, but it contains one",
            "With which values does the backward pass begin?",
            in_order("back", "forward", "biases", "one-sided", "central"),
        ),
        KnownMistake(
            "biases-before-back",
            "nudging each bias twice is cheaper than back-propagation here; but that is worth three passes",
            "How many biases are there, and how many passes for each?",
            in_order("forward", "biases", "back", "one-sided", "central"),
        ),
        KnownMistake(
            "biases-are-many",
            "the biases come after one-sided differences here; but few of the parameters are biases",
            "Count the biases of a layer, and its weights.",
            in_order("forward", "back", "one-sided", "biases", "central"),
        ),
        KnownMistake(
            "central-before-one-sided",
            "central differences come before one-sided ones here; but these share one value between all slopes",
            "Of all the points at which the loss is computed, which do the two ways have in common?",
            in_order("forward", "back", "biases", "central", "one-sided"),
        ),
    ),
    hints=(
        "How many forward passes is each of them worth?",
        "1, about 3, 2 for each neuron, P + 1, 2P: put in numbers.",
        "1 < 3 < 2 · layers · neurons < P + 1 < 2P",
    ),
)


def passes_of(way, depth, width):
    """What a way is worth in forward passes."""
    P = depth * width * (width + 1)
    return {"forward": 1, "back": 3, "biases": 2 * depth * width + 1, "one-sided": P + 1, "central": 2 * P}[way]


EXERCISES = (COUNT, TIMER, SLOPES, MILLION, FLAT_REGION, MEMORY, COST_ORDER)

# ------------------------------------------------------------------------------------------------------- predictions

PREDICTIONS = (
    Prediction(
        "gradient-in-passes",
        options=("about 1", "between 2 and 3", "as many as there are layers", "about P"),
        right="between 2 and 3",
        because="Each weight is used once forward, once for its own gradient, and once more to carry the error term "
        "down; only the first layer carries nothing down.",
    ),
    Prediction(
        "twice-as-deep",
        options=("twice as many", "four times as many", "eight times as many"),
        right="four times as many",
        because="Twice the parameters to nudge, and every pass goes through twice the layers.",
    ),
    Prediction(
        "slowest-reading",
        options=("within 1 %", "about 10 %", "a factor of 1.5 or more"),
        right="a factor of 1.5 or more",
        because="The first call finds everything cold, and the machine does other things in between.",
    ),
    Prediction(
        "seconds-of-nudging",
        options=("some milliseconds", "about a second", "some minutes"),
        right="about a second",
        because="9 792 passes through 18 layers, and a layer takes a few millionths of a second. A million "
        "parameters, 200 times as many, take 40 000 times as long.",
    ),
    Prediction(
        "wider",
        options=("about 85 times as long", "about 9 times, as the width", "not even twice as long"),
        right="not even twice as long",
        because="A gradient of four layers is some fifty calls of NumPy, whatever the width, and each has its price.",
    ),
    Prediction(
        "nudge-the-biases",
        options=("4 352, as before", "256", "16"),
        right="256",
        because="Only the 128 biases are nudged, to both sides. Their slopes are the error terms, and those give the "
        "weights' gradients.",
    ),
    Prediction(
        "memory-of-examples",
        options=("from 9 examples on", "from 272 examples on", "never"),
        right="from 9 examples on",
        because="A layer has 272 parameters, and leaves 32 numbers behind for each example.",
    ),
)
