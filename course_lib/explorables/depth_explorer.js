import { h, s, put, redraw, reword, reset, math, num, short, set, watch, choice, slider, sentence } from "./kit.js";

// Depth explorer: (6.2) through many layers, and the singular values of the Jacobians that it multiplies.

const N = 16, MOST = 30;
/** sigma, and sigma' from z and a. @type {Record<string, [(z: number) => number, (z: number, a: number) => number]>} */
const ACTIVATIONS = {
  sigmoid: [(z) => 1 / (1 + Math.exp(-z)), (_, a) => a * (1 - a)],
  tanh: [Math.tanh, (_, a) => 1 - a * a],
  relu: [(z) => Math.max(z, 0), (z) => (z > 0 ? 1 : 0)],
};

/** A matrix here is a Float64Array of 16 rows, one after the other. @typedef {Float64Array} Matrix */

/** @param {Matrix} A @param {Matrix} B */
function product(A, B) {
  const C = new Float64Array(N * N);
  for (let i = 0; i < N; i++) for (let k = 0; k < N; k++) {
    const v = A[i * N + k];
    for (let j = 0; j < N; j++) C[i * N + j] += v * B[k * N + j];
  }
  return C;
}

const identity = () => Float64Array.from({ length: N * N }, (_, k) => (k % (N + 1) === 0 ? 1 : 0));

/** The inverse, by elimination with the largest pivot. @param {Matrix} A */
function inverse(A) {
  const L = A.slice(), R = identity();
  for (let k = 0; k < N; k++) {
    let best = k;
    for (let i = k + 1; i < N; i++) if (Math.abs(L[i * N + k]) > Math.abs(L[best * N + k])) best = i;
    for (const M of [L, R]) for (let j = 0; j < N; j++) [M[k * N + j], M[best * N + j]] = [M[best * N + j], M[k * N + j]];
    const pivot = L[k * N + k];
    for (const M of [L, R]) for (let j = 0; j < N; j++) M[k * N + j] /= pivot;
    for (let i = 0; i < N; i++) {
      const f = L[i * N + k];
      if (i === k || f === 0) continue;
      for (const M of [L, R]) for (let j = 0; j < N; j++) M[i * N + j] -= f * M[k * N + j];
    }
  }
  return R;
}

/** The largest singular value: the root of the largest eigenvalue of A^T A, made tridiagonal. @param {Matrix} A */
export function largest(A) {
  let size = 0;
  for (let k = 0; k < N * N; k++) size = Math.max(size, Math.abs(A[k]));
  if (size === 0 || !Number.isFinite(size)) return size;
  const B = new Float64Array(N * N), G = new Float64Array(N * N);
  for (let k = 0; k < N * N; k++) B[k] = A[k] / size;
  for (let k = 0; k < N; k++) for (let i = 0; i < N; i++) {
    const v = B[k * N + i];
    for (let j = 0; j < N; j++) G[i * N + j] += v * B[k * N + j];
  }
  const v = new Float64Array(N), w = new Float64Array(N), beside = new Float64Array(N);
  for (let k = 0; k < N - 2; k++) { // a reflection makes column k zero below its first subdiagonal
    let norm = 0;
    for (let i = k + 1; i < N; i++) { v[i] = G[i * N + k]; norm += v[i] * v[i]; }
    norm = v[k + 1] > 0 ? -Math.sqrt(norm) : Math.sqrt(norm);
    beside[k] = norm;
    if (norm === 0) continue;
    v[k + 1] -= norm;
    let vv = 0, vw = 0;
    for (let i = k + 1; i < N; i++) vv += v[i] * v[i];
    for (let i = k + 1; i < N; i++) {
      let sum = 0;
      for (let j = k + 1; j < N; j++) sum += G[i * N + j] * v[j];
      w[i] = (2 / vv) * sum;
      vw += v[i] * w[i];
    }
    for (let i = k + 1; i < N; i++) w[i] -= (vw / vv) * v[i];
    for (let i = k + 1; i < N; i++) for (let j = k + 1; j < N; j++) G[i * N + j] -= v[i] * w[j] + w[i] * v[j];
  }
  beside[N - 2] = G[(N - 1) * N + N - 2];
  let root = 0; // from the bound of Gershgorin down to the largest zero of the characteristic polynomial, by Newton
  for (let i = 0; i < N; i++) root = Math.max(root, G[i * N + i] + Math.abs(beside[i]) + Math.abs(beside[i - 1] ?? 0));
  for (;;) {
    let sum = 0; // of d'/d over the pivots d of T - root: their product is the polynomial
    for (let i = 0, d = 1, slope = 0; i < N; i++) {
      const q = i ? (beside[i - 1] * beside[i - 1]) / d : 0;
      slope = (q / d) * slope - 1;
      d = G[i * N + i] - root - q;
      sum += slope / d;
    }
    if (!(1 / sum > 1e-13 * root)) break;
    root -= 1 / sum;
  }
  return size * Math.sqrt(root);
}

/** Everything that is shown, by layer from index 1.
 * @param {Float64Array} normal @param {Matrix[]} inverses of the standard normal weights @param {number} depth @param {string} activation @param {number} scale */
export function compute(normal, inverses, depth, activation, scale) {
  const [sigma, dsigma] = ACTIVATIONS[activation], by = scale / Math.sqrt(N), end = normal.length;
  const W = (/** @type {number} */ l) => normal.subarray((l - 1) * N * N, l * N * N);
  let a = Array.from(normal.subarray(end - 2 * N, end - N));
  /** @type {number[][]} */ const slopes = [[]];
  for (let l = 1; l <= depth; l++) {
    const below = a, M = W(l);
    const z = below.map((_, i) => { let sum = 0; for (let j = 0; j < N; j++) sum += M[i * N + j] * below[j]; return by * sum; });
    a = z.map(sigma);
    slopes.push(z.map((v, i) => dsigma(v, a[i])));
  }
  const norm = (/** @type {number[]} */ v) => Math.hypot(...v);
  let delta = a.map((v, i) => (v - normal[end - N + i]) * slopes[depth][i]);
  const norms = [NaN], most = [NaN], least = [NaN], steps = /** @type {(null | Matrix)[]} */ ([null]), back = /** @type {(null | Matrix)[]} */ ([null]);
  norms[depth] = norm(delta);
  most[depth] = least[depth] = 1;
  let up = identity(), down = identity();
  for (let l = depth - 1; l >= 1; l--) {
    const M = W(l + 1), slope = slopes[l];
    const F = new Float64Array(N * N);
    for (let k = 0; k < N * N; k++) F[k] = by * M[k] * slope[k % N];
    const above = delta;
    delta = slope.map((_, j) => { let sum = 0; for (let i = 0; i < N; i++) sum += F[i * N + j] * above[i]; return sum; }); // (6.2)
    norms[l] = norm(delta);
    up = product(up, F);
    most[l] = largest(up);
    steps[l] = F;
    back[l] = slope.every((v) => v) ? inverses[l + 1].slice() : null;
    for (let k = 0; k < N * N && back[l]; k++) /** @type {Matrix} */ (back[l])[k] /= by * slope[Math.floor(k / N)];
    if (back[l] && least[l + 1] > 0) {
      down = product(/** @type {Matrix} */ (back[l]), down);
      const size = largest(down);
      least[l] = Number.isFinite(size) ? 1 / size : 0;
    } else least[l] = 0;
  }
  return { norms, most, least, slopes, steps, back };
}

/** 10 to a whole power. @param {number} power */
const ten = (power) => (power === 0 ? "1" : power === 1 ? "10" : `10${[...String(power)].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(c)])).join("")}`);
/** A small number with two digits: rounding in the slopes leaves no more of the least singular values. @param {number} value */
const rough = (value) => (value === 0 || value >= 1e-3 ? num(value) : value.toExponential(1).replace("-", "−"));
const PRESETS = /** @type {[string, number][]} */ ([["too small", 0.5], ["Xavier", 1], ["He", Math.SQRT2], ["too large", 4]]);
const W = 440, H = 290, left = 52, right = 14, top = 10, bottom = 30;

/** @param {{model: import("./kit.js").Model, el: HTMLElement}} context */
function render({ model, el }) {
  const get = (/** @type {string} */ name) => model.get(name);
  const root = h("div", { class: "cr cr-depth" });
  const activations = choice("activation", Object.keys(ACTIVATIONS).map((name) => [name, name]), (value) => set(model, { activation: value }));
  const presets = choice("weights", PRESETS.map(([name, scale]) => [String(scale), name]), (value) => set(model, { scale: Number(value) }));
  const depth = slider("depth", { min: 2, max: MOST, step: 1, text: String }, (value) => set(model, { depth: value, layer: Math.min(get("layer"), value) }));
  const scale = slider("scale", { min: -1, max: 0.7, step: 0.01, text: () => short(get("scale")) }, (value) => set(model, { scale: Math.min(5, Number((10 ** value).toPrecision(3))) }));
  depth.input.setAttribute("aria-label", "depth, in layers");
  scale.input.setAttribute("aria-label", "scale of the weights");
  root.append(h("div", { class: "cr-bar" }, activations.element, presets.element), h("div", { class: "cr-bar" }, depth.element, scale.element));
  const charts = [h("div"), h("div")], layer = slider("layer", { min: 1, max: MOST, step: 1, text: String }, (value) => set(model, { layer: value }));
  layer.input.setAttribute("aria-label", "layer whose numbers are shown");
  const table = h("div", { class: "cr-depth-table" }), said = sentence();
  const key = (/** @type {string} */ kind, /** @type {any} */ name) => h("span", { class: "cr-depth-key" }, s("svg", { viewBox: "0 0 30 10", "aria-hidden": "true" }, s("path", { d: "M1 5H29", class: `cr-depth-${kind}` })), name);
  root.append(h("div", { class: "cr-depth-grid" },
    h("section", {}, h("h3", {}, math("‖δ^{l}‖"), " in every layer"), charts[0]),
    h("section", {}, h("h3", {}, "The way up, ", math("∂z^{L} ∕ ∂z^{l}")), charts[1],
      h("p", { class: "cr-depth-legend" }, key("most", "largest singular value"), key("least", "smallest"), key("line", math("‖δ^{l}‖ ∕ ‖δ^{L}‖"))))),
    h("div", { class: "cr-depth-numbers" }, h("div", {}, layer.element, said), table));
  el.append(root);

  const unique = `cr-depth-${Math.random().toString(36).slice(2)}`;
  /** @type {Matrix[]} */ let inverses = [];
  let numbers = new Float64Array();
  /** @type {any} */ let drawnFrom = null, found = /** @type {any} */ (null), state = "";

  /** One chart: curves by layer over powers of ten. Its axes are drawn anew only where they are others.
   * @param {any} place @param {string} name @param {{values: number[], kind: string}[]} curves @param {boolean} band */
  function chart(place, name, curves, band) {
    const L = get("depth"), chosen = Math.min(get("layer"), L), clip = `${unique}-${Number(band)}`;
    const powers = curves.filter((c) => c.kind !== "least").flatMap((c) => c.values.slice(1)).filter((v) => v > 0).map(Math.log10);
    const low = Math.min(-8, Math.floor(Math.min(...powers) + 1e-9)), high = Math.max(2, Math.ceil(Math.max(...powers) - 1e-9));
    const X = (/** @type {number} */ l) => left + ((l - 1) / (L - 1)) * (W - left - right);
    const fall = (/** @type {number} */ value) => (high - (value > 0 ? Math.log10(value) : low - 99)) / (high - low);
    const Y = (/** @type {number} */ value) => top + fall(value) * (H - top - bottom);
    if (place.axes !== `${L} ${low} ${high}`) {
      place.axes = `${L} ${low} ${high}`;
      const step = /** @type {number} */ ([1, 2, 4, 5, 10, 20, 50].find((k) => (high - low) / k <= 7));
      const back = s("g", { class: "cr-axes", "aria-hidden": "true" });
      for (let p = Math.ceil(low / step) * step; p <= high; p += step) back.append(s("line", { x1: left, x2: W - right, y1: Y(10 ** p), y2: Y(10 ** p), class: p === 0 ? "cr-axis" : "cr-gridline" }), s("text", { x: left - 7, y: Y(10 ** p), dy: "0.35em", "text-anchor": "end" }, ten(p)));
      const every = L <= 10 ? 1 : L <= 20 ? 2 : 5;
      for (let l = 1; l <= L; l++) if (l === 1 || l === L || (l % every === 0 && L - l >= every && l - 1 > every / 2)) back.append(s("text", { x: X(l), y: H - bottom + 18, "text-anchor": "middle" }, String(l)));
      place.parts = Object.fromEntries([band && "band", ...curves.map((c) => c.kind)].filter(Boolean).map((kind) => [kind, s("path", { class: `cr-depth-${kind}` })]));
      place.chosen = s("line", { y1: top, y2: H - bottom, class: "cr-depth-chosen" });
      place.dots = ["there", "zero", "here"].map((look) => s("path", { class: `cr-depth-dot cr-depth-${look}` }));
      put(place, s("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": name, class: "cr-depth-chart" }, s("defs", {}, s("clipPath", { id: clip }, s("rect", { x: left - 3, y: top - 3, width: W - left - right + 6, height: H - top - bottom + 3 }))), back, place.chosen, s("g", { "clip-path": `url(#${clip})` }, Object.values(place.parts)), place.dots));
    }
    const path = (/** @type {number[]} */ values) => values.slice(1).map((v, k) => `${k ? "L" : "M"}${X(k + 1).toFixed(1)} ${Y(v).toFixed(1)}`).join("");
    if (band) reset(place.parts.band, "d", `${path(curves[0].values)}${curves[1].values.slice(1).map((v, k) => [k + 1, v]).reverse().map(([l, v]) => `L${X(l).toFixed(1)} ${Y(v).toFixed(1)}`).join("")}Z`);
    for (const { values, kind } of curves) reset(place.parts[kind], "d", path(values));
    reset(place.chosen, "x1", X(chosen));
    reset(place.chosen, "x2", X(chosen));
    const last = curves[curves.length - 1].values;
    const looks = /** @type {((l: number) => boolean)[]} */ ([(l) => last[l] > 0 && l !== chosen, (l) => last[l] === 0 && l !== chosen, (l) => l === chosen]);
    looks.forEach((which, k) => {
      const at = last.map((v, l) => [l, X(l), Math.min(H - bottom, Y(v))]).slice(1).filter(([l]) => which(l)), r = k === 2 ? 6 : L > 20 ? 2.6 : 3.6;
      reset(place.dots[k], "d", at.map(([, x, y]) => `M${(x - r).toFixed(1)} ${y.toFixed(1)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`).join(""));
    });
  }
  const point = (/** @type {PointerEvent} */ event) => {
    const box = /** @type {Element} */ (event.currentTarget).getBoundingClientRect(), L = get("depth");
    const u = (((event.clientX - box.left) * W) / box.width - left) / (W - left - right);
    set(model, { layer: Math.min(L, Math.max(1, Math.round(1 + u * (L - 1)))) });
    event.preventDefault();
  };
  for (const place of charts) {
    place.classList.add("cr-depth-place");
    place.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => { place.setPointerCapture(event.pointerId); layer.input.focus({ preventScroll: true }); point(event); });
    place.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => { if (place.hasPointerCapture(event.pointerId)) point(event); });
  }

  /** What the numbers mean. @param {number} factor */
  function verdict(factor) {
    const L = get("depth"), { norms, slopes } = found, name = get("activation");
    if (norms[L] === 0 || norms[1] === 0) return "Nothing arrives in layer 1: on the way every slope that counts is 0.";
    const size = factor < 0.75 ? "The error term vanishes" : factor > 1.33 ? "The error term explodes" : "The error term keeps its size";
    const inside = slopes.slice(1, L).flat(), mean = inside.reduce((/** @type {number} */ sum, /** @type {number} */ v) => sum + v, 0) / inside.length;
    const why = name === "sigmoid" ? `On the average σ′ is ${num(mean)}, and it is never above 0.25` : name === "tanh" ? `On the average σ′ is ${num(mean)}` : `Only neurons that are on pass it down, ${Math.round(100 * mean)} % of them`;
    return `${size}: ${num(norms[L])} in layer ${L}, ${num(norms[1])} in layer 1, a factor of ${num(factor)} per layer. ${why}.`;
  }

  function draw() {
    const normal = get("_normal"), L = get("depth"), name = get("activation"), by = get("scale"), chosen = Math.min(get("layer"), L);
    if (drawnFrom !== normal) {
      numbers = Float64Array.from(normal);
      inverses = Array.from({ length: MOST + 1 }, (_, l) => (l ? inverse(numbers.slice((l - 1) * N * N, l * N * N)) : identity()));
      drawnFrom = normal;
      state = "";
    }
    const now = [L, name, by].join(" ");
    if (state !== now) { found = compute(numbers, inverses, L, name, by); state = now; }
    const { norms, most, least, slopes, steps, back } = found, top_ = norms[L];
    const relative = norms.map((/** @type {number} */ v) => (top_ ? v / top_ : 0)), factor = top_ ? (norms[1] / top_) ** (1 / (L - 1)) : 0;
    activations.update(name);
    presets.update(String(by));
    depth.update(L);
    scale.update(Math.log10(by));
    reset(layer.input, "max", L);
    layer.update(chosen);
    chart(charts[0], `length of the error term in layers 1 to ${L}, on a log axis`, [{ values: norms, kind: "line" }], false);
    chart(charts[1], `singular values of the Jacobian from layers 1 to ${L} to the top, on a log axis`, [{ values: most, kind: "most" }, { values: least, kind: "least" }, { values: relative, kind: "line" }], true);
    const alone = steps[chosen], cell = (/** @type {string} */ what, /** @type {string} */ text) => h("td", { "data-number": what }, text);
    const mean = slopes[chosen].reduce((/** @type {number} */ sum, /** @type {number} */ v) => sum + v, 0) / N;
    redraw(table, h("table", {},
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, math(`layer ${chosen}`)), h("th", { scope: "col" }, "one layer up, ", math("F^{l} = W^{l+1} diag σ'(z^{l})")), h("th", { scope: "col" }, "all the way, ", math("∂z^{L} ∕ ∂z^{l}")))),
      h("tbody", {},
        h("tr", {}, h("th", { scope: "row" }, "largest singular value"), cell("step-largest", alone ? num(largest(alone)) : "–"), cell("largest", num(most[chosen]))),
        h("tr", {}, h("th", { scope: "row" }, "smallest"), cell("step-smallest", alone ? rough(back[chosen] ? 1 / largest(back[chosen]) : 0) : "–"), cell("smallest", rough(least[chosen]))),
        h("tr", {}, h("th", { scope: "row" }, "what comes down of ", math("‖δ‖")), cell("step-share", alone ? num(norms[chosen + 1] ? norms[chosen] / norms[chosen + 1] : 0) : "–"), cell("share", num(relative[chosen])))),
      h("tfoot", {}, h("tr", {}, h("td", { colspan: 3 }, math("‖δ^{l}‖"), " = ", h("b", { "data-number": "norm" }, num(norms[chosen])), h("span", { class: "cr-depth-mean" }, "mean of ", math("σ'(z^{l})"), " = ", h("b", { "data-number": "slope" }, num(mean))))))));
    reword(said, verdict(factor));
  }

  const off = watch(model, ["depth", "activation", "scale", "layer", "_normal"], draw);
  draw();
  return () => { off(); root.remove(); };
}

export default { render };
