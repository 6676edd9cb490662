"""Values as data: what an answer gives, written as JSON, read back, and compared part by part.

An answer is judged by the values that it gives, outside the kernel that made them. So whatever a student's function
returns is turned into plain numbers here, with limits, and nothing that comes back is trusted or unpickled.
"""

from __future__ import annotations

import copy
import dis
import linecache
import math
import numbers
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

MAX_NUMBERS = 100_000  # in one answer, all cases together
MAX_DEPTH = 12  # lists in lists
MAX_TEXT = 10_000  # characters of one string
_DTYPES = {"bool", "float16", "float32", "float64", "complex64", "complex128"} | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}
_SPECIAL = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


# --------------------------------------------------------------------------- functions as inputs
def _columns(b: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.reshape(b, (-1, 1)) if np.ndim(x) == 2 else np.ravel(b)


def _tanh_affine_jacobian(x: np.ndarray, W: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (1 - np.tanh(W @ x + b) ** 2)[:, None] * W


def _product(x: np.ndarray) -> np.ndarray:
    return np.stack([x[0] * x[1], np.sin(x[0]), x[1] + x[-1] ** 2, np.exp(x[-1] / 2) * x[0]])


MAPS: dict[str, Callable[..., np.ndarray]] = {
    "affine": lambda x, W, b: W @ x + _columns(b, x),
    "tanh affine": lambda x, W, b: np.tanh(W @ x + _columns(b, x)),
    "tanh affine jacobian": _tanh_affine_jacobian,
    "product": _product,
}


class Map:
    """A function that is data: an input that an exercise can draw, write as JSON and call.

    Map(kind, **arrays)(x) takes x (n,) to y (m,), or columns (n, K) to (m, K); complex x is allowed. Kinds:
    "affine" W @ x + b; "tanh affine" tanh(W @ x + b); "tanh affine jacobian" the
    (m, n) Jacobian of that, at one x; "product" (x_0 x_1, sin x_0, x_1 + x_last**2, x_0 exp(x_last/2)).

    >>> f = Map("affine", W=np.array([[2.0, 0.0], [1.0, 3.0]]), b=np.array([1.0, 0.0]))
    >>> f(np.array([1.0, 2.0]))
    array([3., 7.])
    """

    def __init__(self, kind: str, **arrays: Any) -> None:
        if kind not in MAPS:
            raise ValueError(f"kind must be one of {', '.join(MAPS)}, got {kind!r}")
        self.kind = kind
        self.arrays = {name: np.asarray(array) for name, array in arrays.items()}

    def __call__(self, x: Any) -> np.ndarray:
        """y = f(x): (n,) to (m,), or columns (n, K) to (m, K)."""
        return MAPS[self.kind](np.asarray(x), **self.arrays)

    def __repr__(self) -> str:
        return f"Map({self.kind!r}{''.join(f', {k} {v.shape}' for k, v in self.arrays.items())})"


# --------------------------------------------------------------------------- JSON codec
class _Writer:
    """Turns one value into JSON-able data and counts what it writes."""

    def __init__(self) -> None:
        self.left = MAX_NUMBERS

    def spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise ValueError(f"an answer may hold at most {MAX_NUMBERS} numbers, this one holds more")

    def number(self, value: float) -> Any:
        value = float(value)
        return value if math.isfinite(value) else {"number": str(value)}

    def array(self, array: np.ndarray, depth: int = 0) -> Any:
        if array.dtype == object:
            try:
                array = array.astype(complex if any(isinstance(v, complex) for v in array.flat) else float)
            except (TypeError, ValueError):  # such as None, dW[1], dW[2] in an array, which stands for their list
                return self.write(list(array), depth) if array.ndim else {"unknown": "an array of an object"}
        if array.dtype == np.longdouble:
            array = array.astype(float)
        elif array.dtype == np.clongdouble:
            array = array.astype(complex)
        if array.dtype.name not in _DTYPES:
            return {"unknown": f"an array of {array.dtype.name}"}
        self.spend(array.size)
        data: dict[str, Any] = {"array": _flat(array.real), "shape": list(array.shape), "dtype": array.dtype.name}
        if np.iscomplexobj(array):
            data["imag"] = _flat(array.imag)
        return data

    def write(self, value: Any, depth: int = 0) -> Any:
        if depth > MAX_DEPTH:
            raise ValueError(f"an answer may be nested at most {MAX_DEPTH} deep, this one goes deeper")
        self.spend(1)
        if value is None or value is True or value is False:
            return value
        if value is Ellipsis:
            return {"blank": True}
        if isinstance(value, str):
            if len(value) > MAX_TEXT:
                raise ValueError(f"a text may have at most {MAX_TEXT} characters, this one has {len(value)}")
            return "".join(value)  # a plain str, whatever subclass came
        if isinstance(value, Map):
            return {"map": value.kind, "arrays": {k: self.array(v) for k, v in value.arrays.items()}}
        if isinstance(value, np.ndarray):
            return self.array(np.array(value, copy=None, subok=False), depth + 1)
        if isinstance(value, (bool, np.bool_)):
            return bool(value)
        if isinstance(value, numbers.Integral):
            value = int(value)
            return value if abs(value) < 2**63 else self.number(math.copysign(math.inf, value))
        if isinstance(value, float):
            return self.number(value)
        if isinstance(value, complex):
            value = complex(value)
            return {"complex": [self.number(value.real), self.number(value.imag)]}
        if isinstance(value, np.generic):  # float32 and its like: the dtype matters for the tolerance
            return self.array(np.asarray(value))
        if isinstance(value, dict):
            return {"dict": [[self.write(k, depth + 1), self.write(v, depth + 1)] for k, v in value.items()]}
        if isinstance(value, tuple):
            return {"tuple": [self.write(v, depth + 1) for v in value]}
        if isinstance(value, (list, range)):
            self.spend(len(value))
            return [self.write(v, depth + 1) for v in value]
        if isinstance(value, (set, frozenset)) and all(isinstance(v, str) for v in value):
            return [self.write(v, depth + 1) for v in sorted(value)]
        if not callable(value) and (hasattr(value, "__array__") or hasattr(value, "__float__")):
            return self.array(np.array(np.asarray(value), subok=False))
        return {"unknown": a(type(value).__name__)}


def _flat(array: np.ndarray) -> list[Any]:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return [v if math.isfinite(v) else str(v) for v in array.ravel().tolist()]
    return array.ravel().tolist()


def encode(value: Any) -> Any:
    """JSON-able data of a value: numbers (nan, inf, complex too), arrays with dtype and shape, strings, lists, tuples,
    dicts, None, `Map`. Whatever else is written as {"unknown": what it is}.

    Raises ValueError beyond the limits of size (`MAX_NUMBERS`, `MAX_DEPTH`, `MAX_TEXT`).

    >>> encode((1, np.array([[1.0, np.inf]])))
    {'tuple': [1, {'array': [1.0, 'inf'], 'shape': [1, 2], 'dtype': 'float64'}]}
    """
    return _Writer().write(value)


class Unknown:
    """Something that came where a value was expected; `what` says it with its article: "a function"."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __repr__(self) -> str:
        return f"Unknown({self.what!r})"


def decode(data: Any, _depth: int = 0) -> Any:
    """The value of JSON-able data that `encode` wrote. Raises ValueError for anything else: data may be forged.

    >>> decode(encode({"W": np.eye(2), "b": (1.5, None)}))
    {'W': array([[1., 0.],
           [0., 1.]]), 'b': (1.5, None)}
    """
    if _depth > MAX_DEPTH + 1:
        raise ValueError("the data is nested too deep")
    if data is None or isinstance(data, (bool, int, float)):
        return data
    if isinstance(data, str):
        if len(data) > MAX_TEXT:
            raise ValueError(f"a text may have at most {MAX_TEXT} characters")
        return data
    if isinstance(data, list):
        return [decode(v, _depth + 1) for v in data]
    if not isinstance(data, dict):
        raise ValueError(f"not data of a value: {type(data).__name__}")
    keys = set(data)
    try:
        if keys == {"blank"}:
            return Ellipsis
        if keys == {"unknown"}:
            return Unknown(str(data["unknown"])[:200])
        if keys == {"number"}:
            return _SPECIAL[data["number"]]
        if keys == {"complex"}:
            real, imag = (float(decode(v, _depth + 1)) for v in data["complex"])
            return complex(real, imag)
        if keys == {"tuple"}:
            return tuple(decode(v, _depth + 1) for v in data["tuple"])
        if keys == {"dict"}:
            return {decode(k, _depth + 1): decode(v, _depth + 1) for k, v in data["dict"]}
        if keys == {"map", "arrays"}:
            return Map(data["map"], **{k: _read_array(v) for k, v in data["arrays"].items()})
        if "array" in keys:
            return _read_array(data)
    except (KeyError, TypeError, OverflowError, AttributeError) as error:
        raise ValueError(f"malformed data of a value: {sorted(map(str, keys))}") from error
    raise ValueError(f"not data of a value: {sorted(map(str, keys))}")


def _read_array(data: dict[str, Any]) -> np.ndarray:
    name, shape = data["dtype"], data["shape"]
    if name not in _DTYPES:
        raise ValueError(f"dtype {name!r} is not one of an answer's")
    if not (isinstance(shape, list) and len(shape) <= 32 and all(type(n) is int and n >= 0 for n in shape)):
        raise ValueError("an array's shape must be a list of whole numbers")
    dtype = np.dtype(name)
    parts = [data[key] for key in ("array", "imag") if key in data]
    for part in parts:
        if not isinstance(part, list) or len(part) != math.prod(shape) or len(part) > MAX_NUMBERS:
            raise ValueError(f"an array of shape {tuple(shape)} must come with {math.prod(shape)} numbers")
        if not all(type(v) in (bool, int, float) or v in _SPECIAL for v in part):
            raise ValueError("an array must hold numbers")
    plain = np.dtype(f"float{dtype.itemsize * 4}") if dtype.kind == "c" else dtype
    columns = [np.array([_SPECIAL[v] if type(v) is str else v for v in part], dtype=plain) for part in parts]
    array = columns[0] + 1j * columns[1] if dtype.kind == "c" and len(columns) == 2 else columns[0]
    return array.astype(dtype).reshape(shape)


def rounded(data: Any, digits: int = 7) -> Any:
    """The same data with numbers rounded relative to the largest of their array or list.

    Fewer digits for float32 and float16. Two machines then write the same text though their last digits differ.

    >>> rounded([0.1234567891, 1e-17, 100.00000001])
    [0.1235, 0.0, 100.0]
    """
    if isinstance(data, dict):
        if "array" in data:
            digits = {"float32": 5, "complex64": 5, "float16": 3}.get(data["dtype"], digits)
            unit = _unit([*data["array"], *data.get("imag", [])], digits)
            return {k: _to_unit(v, unit) if k in ("array", "imag") else v for k, v in data.items()}
        if "tuple" in data and any(isinstance(v, (list, dict)) for v in data["tuple"]):  # parts, each by itself
            return {"tuple": [rounded(v, digits) for v in data["tuple"]]}
        return {k: rounded(v, digits) for k, v in data.items()}
    if isinstance(data, list) and any(isinstance(v, dict) for v in data):
        return [rounded(v, digits) for v in data]
    return _to_unit(data, _unit(data, digits))


def _unit(data: Any, digits: int) -> int:
    """Decimals that keep `digits` significant digits of the largest number in data."""
    largest = max((abs(v) for v in _numbers(data)), default=0.0)
    return digits - 1 - math.floor(math.log10(largest)) if largest > 0 else digits


def _numbers(data: Any) -> Iterator[float]:
    if isinstance(data, list):
        for v in data:
            yield from _numbers(v)
    elif type(data) in (int, float) and math.isfinite(data):
        yield data


def _to_unit(data: Any, decimals: int) -> Any:
    if isinstance(data, list):
        return [_to_unit(v, decimals) for v in data]
    if type(data) is float and math.isfinite(data):
        return round(data, decimals) + 0.0  # + 0.0 turns -0.0 into 0.0
    return rounded(data) if isinstance(data, dict) else data


# --------------------------------------------------------------------------- running an answer
def evaluate(answer: Any, inputs: Sequence[dict[str, Any]], kind: str, id: str = "") -> dict[str, Any]:
    """The record of what an answer gives on the inputs of every case: {"id", "cases": [encoded, ...]}, or
    {"id", "not_attempted": True} (with "blank" and "of" where only some entries are blank), or
    {"id", "error": {"type", "text", "line", "case"}}.

    A function is called with copies of the inputs, under NumPy's default error and print state. Knows no right value.

    >>> evaluate(lambda x: 2 * x, [{"x": 1.5}, {"x": 2}], "code", "double")
    {'id': 'double', 'cases': [3.0, 4]}
    """
    record: dict[str, Any] = {"id": id}
    if answer is Ellipsis or (answer is None and kind != "code"):
        return record | {"not_attempted": True}
    if kind == "code" and not callable(answer):
        return record | {"error": {"type": "NotAFunction", "text": a(type(answer).__name__), "line": "", "case": 0}}
    cases = []
    writer = _Writer()
    for k, given in enumerate(inputs if kind == "code" else inputs[:1] or [{}]):
        try:
            value = _call(answer, copy.deepcopy(list(given.values()))) if kind == "code" else answer
            if value is None and is_blank(answer):
                return record | {"not_attempted": True}
            data = writer.write(value)
        except NotImplementedError:
            return record | {"not_attempted": True}
        except (Exception, SystemExit) as error:
            text = str(error)[:500] if not isinstance(error, RecursionError) else "the function calls itself for ever"
            what = {"type": type(error).__name__[:80], "text": text, "line": _line(answer, error), "case": k}
            return record | {"error": what}
        blanks, filled = _blanks(data)
        if blanks:
            return record | {"not_attempted": True} | ({"blank": blanks, "of": blanks + filled} if filled else {})
        cases.append(data)
    return record | {"cases": cases}


def _call(function: Callable[..., Any], arguments: list[Any]) -> Any:
    state = np.geterr()
    try:
        with np.printoptions(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an overflow shows in the value, and a warning names this machine's paths
            np.seterr(divide="warn", over="warn", under="ignore", invalid="warn")
            return function(*arguments)
    finally:
        np.seterr(**state)


def is_blank(answer: Any) -> bool:
    """Whether a function's body is empty: nothing but a docstring, `pass`, `...` or `return`.

    >>> def todo(x):
    ...     "Docstring."
    >>> is_blank(todo), is_blank(lambda x: x)
    (True, False)
    """
    code = getattr(answer, "__code__", None)
    if code is None:
        return False
    steps = [i for i in dis.get_instructions(code) if i.opname not in ("RESUME", "NOP", "CACHE", "RETURN_VALUE")]
    return all(i.opname in ("LOAD_CONST", "RETURN_CONST") and i.argval is None for i in steps)


def _blanks(data: Any) -> tuple[int, int]:
    """How many `...` there are in encoded data, and how many other entries."""
    if isinstance(data, dict) and "blank" in data:
        return 1, 0
    inner = (
        data if isinstance(data, list) else data.get("tuple") or data.get("dict") if isinstance(data, dict) else None
    )
    if inner is None:
        return 0, 1
    counts = [_blanks(v) for v in inner]
    return sum(b for b, _ in counts), sum(f for _, f in counts)


def _line(answer: Any, error: BaseException) -> str:
    """The line of the answer in which the error arose, as the student wrote it."""
    name = getattr(getattr(answer, "__code__", None), "co_filename", None)
    frame, found = error.__traceback__, ""
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == name:
            found = linecache.getline(name, frame.tb_lineno).strip()
        frame = frame.tb_next
    return found[:200]


# --------------------------------------------------------------------------- parts and comparison
def a(noun: str) -> str:
    """The noun with its article.

    >>> a("list"), a("int")
    ('a list', 'an int')
    """
    return noun if noun[:2] in ("a ", "an") and " " in noun else f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}"


class Misfit(ValueError):
    """A value does not have the parts, type or shape of the right one. reason is "type" or "shape"."""

    def __init__(self, reason: str, part: str, expected: str, came: str) -> None:
        super().__init__(f"{part or 'the answer'} should be {expected}, got {came}")
        self.reason, self.part, self.expected, self.came = reason, part, expected, came


def words(value: Any, kind: str, options: Iterable[str] = ()) -> tuple[str, ...]:
    """Normal form of a typed answer in words: keys of a choice (a set), of an order (a sequence), paths (a set).

    Where the options are known, and all are single letters, letters may be joined.

    >>> words("c a", "choice"), words(["b", "a"], "order"), words(["x2->h1 -> y"], "path")
    (('a', 'c'), ('b', 'a'), ('x2 > h1 > y',))
    >>> words("bac", "order", "abc"), words("bad", "order", "abc")
    (('b', 'a', 'c'), ('bad',))
    """
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, (list, tuple)) or not all(isinstance(v, str) for v in items):
        expected = {
            "choice": 'the letter of an option, such as "b"',
            "order": 'the letters in their order, such as "b a c"',
        }
        raise Misfit("type", "", expected.get(kind, 'a list of texts, such as ["x1 > h2 > y1"]'), describe(value))
    if kind == "path":
        steps = [map(str.strip, re.split("->|>|\u2192", v)) for v in items if v.strip()]
        return tuple(sorted({" > ".join(path) for path in steps}))
    keys = [key for item in items for key in re.split(r"[\s,;]+", item.strip().casefold()) if key]
    known = {option.casefold() for option in options}
    if all(len(option) == 1 for option in known):
        keys = [letter for key in keys for letter in (key if known.issuperset(key) else [key])]
    return tuple(sorted(set(keys))) if kind == "choice" else tuple(keys)


def named_parts(
    value: Any,
    parts: Sequence[str] = (),
    like: Any = ...,
    turned: list[str] | None = None,
    misfits: list[str] | None = None,
) -> dict[str, np.ndarray]:
    """The arrays in a value, by name: (dW, db) with lists per layer become dW[1], dW[2], db[1], ...; None is skipped.

    With `like`, the right value: the value is read into the parts of the right one, lists, numpy matrices, 1-element
    arrays and (n,) for (n, 1) or (1, n) being taken for what they stand for. Raises Misfit where it cannot be.
    With a list `turned`, matrices of the transposed shape are turned back, and their names added to the list. With a
    list `misfits`, arrays that do not fit are left out, and their names added to it.

    >>> list(named_parts(([None, [[1, 2]]], [None, [3]]), ("dW", "db")))
    ['dW[1]', 'db[1]']
    >>> named_parts([1, 2], like=np.zeros((2, 1)))[""].shape
    (2, 1)
    """
    found: dict[str, np.ndarray] = {}
    _read_parts("", value, value if like is Ellipsis else like, tuple(parts), found, turned, misfits)
    return found


def _read_parts(
    name: str,
    value: Any,
    like: Any,
    parts: tuple[str, ...],
    found: dict[str, np.ndarray],
    turned: list[str] | None,
    misfits: list[str] | None,
) -> None:
    if len(parts) == 1 and not (isinstance(like, tuple) and len(like) == 1):
        return _read_parts(parts[0], value, like, (), found, turned, misfits)
    if isinstance(like, dict):
        if not isinstance(value, dict):
            raise Misfit("type", name, f"a dict with {', '.join(map(str, like))}", describe(value))
        for key, right in like.items():
            if key not in value:
                raise Misfit("shape", name, f"a dict with {', '.join(map(str, like))}", f"none with {key}")
            _read_parts(f"{name}[{key}]" if name else str(key), value[key], right, (), found, turned, misfits)
        return None
    if parts or _is_structure(like):
        expected = _expected_sequence(like, parts)
        if isinstance(value, np.ndarray) and value.ndim:
            value = list(value)
        if not isinstance(value, (list, tuple)):
            raise Misfit("type", name, expected, describe(value))
        if len(value) != len(like):
            raise Misfit("shape", name, expected, f"{len(value)} {'entry' if len(value) == 1 else 'entries'}")
        for k, (v, right) in enumerate(zip(value, like, strict=True)):
            if right is not None:
                _read_parts(parts[k] if k < len(parts) else f"{name}[{k}]", v, right, (), found, turned, misfits)
        return None
    shape = to_array(like, name).shape
    try:
        array = to_array(value, name)
        if turned is not None and len(shape) == 2 and array.shape == shape[::-1] != shape:
            turned.append(name)
            array = array.T
        found[name] = fit(array, shape, name)
    except Misfit:
        if misfits is None:
            raise
        misfits.append(name)
    return None


def _is_structure(like: Any) -> bool:
    if not isinstance(like, (list, tuple)):
        return False
    if any(v is None or isinstance(v, (np.ndarray, dict)) for v in like):
        return True
    return any(map(_is_structure, like))


def _expected_sequence(like: Any, parts: tuple[str, ...]) -> str:
    if parts:
        return f"{len(parts)} things, {', '.join(parts[:-1])} and {parts[-1]}"
    if like[0] is None:
        last = len(like) - 1
        return f"a list with {len(like)} entries: None, then one for each layer 1 to {last}"
    return f"a list with {len(like)} entries"


def to_array(value: Any, name: str = "") -> np.ndarray:
    """A plain array of numbers, from an array, a number or nested lists of them. Raises Misfit for anything else."""
    if value is None or isinstance(value, (str, dict, Unknown)):
        raise Misfit("type", name, "numbers", describe(value))
    try:
        array = np.asarray(_numbers_for_single_entries(value))
        if array.dtype == object:
            array = array.astype(float)
    except (TypeError, ValueError):
        raise Misfit("type", name, "an array of numbers", describe(value)) from None
    if array.dtype.kind not in "biufc":
        raise Misfit("type", name, "an array of numbers", describe(value))
    if array.dtype.kind == "c" and not np.any(array.imag):
        array = array.real
    return array


def _numbers_for_single_entries(value: Any) -> Any:
    """Arrays of one entry in a list are numbers: [delta[0], dW[0, 1]], where delta is a column, is two numbers."""
    if not isinstance(value, (list, tuple)):
        return value
    return [
        v.item() if isinstance(v, np.ndarray) and v.ndim and v.size == 1 else _numbers_for_single_entries(v)
        for v in value
    ]


def fit(array: np.ndarray, shape: tuple[int, ...], name: str = "") -> np.ndarray:
    """The array in the expected shape if it is clear how: one element for one, (n,) for (n, 1) or (1, n) or back."""
    if array.shape == shape:
        return array
    total = math.prod(shape)
    vector_like = len(shape) <= 1 or (len(shape) == 2 and 1 in shape)
    one_is_flat = array.ndim == 1 or (len(shape) == 1 and array.ndim == 2 and 1 in array.shape)
    if array.size == total and (total == 1 or (vector_like and one_is_flat)):
        return array.reshape(shape)
    raise Misfit("shape", name, str(shape), str(array.shape))


def tolerance(array: np.ndarray, rtol: float) -> float:
    """rtol, or what the array's own precision allows: 1e-5 for float32."""
    return max(rtol, 1e-5) if array.dtype in (np.float32, np.complex64) else rtol


def scale_of(right: np.ndarray) -> float:
    """The largest entry of the right part, to which errors are relative; 1 where it is zero or not finite."""
    largest = float(np.max(np.abs(right[np.isfinite(right)]), initial=0.0))
    return largest if largest > 0 else 1.0


def errors(came: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Entry by entry |came - right| relative to the largest entry of right; 0 where both are the same nan or inf."""
    with np.errstate(all="ignore"):
        wide = np.complex128 if "c" in (came.dtype.kind, right.dtype.kind) else np.float64
        off = np.abs(came.astype(wide) - right.astype(wide)) / scale_of(right)
    same = (np.isnan(came) & np.isnan(right)) | (came == right)
    return np.where(same, 0.0, np.where(np.isnan(off), np.inf, off))


def close(came: np.ndarray, right: np.ndarray, rtol: float, atol: float = 0.0) -> np.ndarray:
    """Entry by entry, whether came is right within rtol of the largest entry of right, plus atol."""
    return errors(came, right) <= tolerance(came, rtol) + atol / scale_of(right)


def describe(value: Any) -> str:
    """What a value is, in words for a message: "an array of shape (2, 3)", "a text", "None".

    >>> describe(np.zeros((2, 3))), describe("b"), describe([1, [2, 3]])
    ('an array of shape (2, 3)', "the text 'b'", 'a list whose rows differ in length')
    """
    if value is None:
        return "None"
    if isinstance(value, Unknown):
        return value.what
    if isinstance(value, str):
        return f"the text {value!r}" if len(value) <= 40 else "a long text"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}" if value.ndim else "a number"
    if isinstance(value, (bool, int, float, complex)):
        return f"the number {value!r}"
    if isinstance(value, (list, tuple)):
        kind = "list" if isinstance(value, list) else "tuple"
        if not value:
            return f"an empty {kind}"
        try:
            array = np.asarray(value)
        except ValueError:
            if any(v is None or isinstance(v, (np.ndarray, tuple)) for v in value):
                return f"a {kind} of {len(value)}"
            return f"a {kind} whose rows differ in length"
        if array.dtype.kind in "biufc":
            return f"a {kind} of shape {array.shape}"
        return f"a {kind} of {len(value)}" + (" texts" if array.dtype.kind == "U" else "")
    return a(type(value).__name__)
