import { h, s, put, redraw, reword, reset, math, num, set, watch, choice, slider, sentence, ticks, clipped, KEYS } from "./kit.js";

// Difference explorer: one-sided (3.1) and central (3.2) differences and the complex step, and their errors against h (3.3).

/** @typedef {(value: number) => number} Round */
/** @type {Record<string, Round>} */
export const PRECISIONS = { float64: (value) => value, float32: Math.fround };
const EPS = /** @type {Record<string, number>} */ ({ float64: 2 ** -52, float32: 2 ** -23 });
const METHODS = ["one-sided", "central", "complex step"];

/** @type {Record<string, {name: string, formula: string, f: (x: number, r: Round) => number, imaginary: (x: number, h: number, r: Round) => number,
 *   slopes: (x: number) => number[], start: number}>} f, Im f(x + i h), and f', f'', f''' */
export const FUNCTIONS = {
  "exp": {
    name: "exp", formula: "e^x", start: 1, f: (x, r) => r(Math.exp(x)), imaginary: (x, step, r) => r(Math.exp(x) * Math.sin(step)),
    slopes: (x) => [Math.exp(x), Math.exp(x), Math.exp(x)],
  },
  "sin(100x)": {
    name: "sin(100x)", formula: "sin 100 x", start: 1, f: (x, r) => r(Math.sin(r(100 * x))), imaginary: (x, step, r) => r(Math.cos(r(100 * x)) * Math.sinh(r(100 * step))),
    slopes: (x) => [100 * Math.cos(100 * x), -1e4 * Math.sin(100 * x), -1e6 * Math.cos(100 * x)],
  },
  "x^3": {
    name: "x^3", formula: "x^3", start: 1, f: (x, r) => r(r(x * x) * x),
    imaginary: (x, step, r) => { const re = r(r(x * x) - r(step * step)), im = r(2 * r(x * step)); return r(r(re * step) + r(im * x)); },
    slopes: (x) => [3 * x * x, 6 * x, 6],
  },
  "relu": { name: "relu", formula: "max(x, 0)", start: 2e-6, f: (x) => Math.max(x, 0), imaginary: (x, step) => (x > 0 ? step : 0), slopes: (x) => [x > 0 ? 1 : 0, 0, 0] },
};

/** The three quotients at one step. @param {string} name @param {string} precision @param {number} at @param {number} by */
export function estimates(name, precision, at, by) {
  const { f, imaginary } = FUNCTIONS[name], r = PRECISIONS[precision], x = r(at), step = r(by);
  const right = f(r(x + step), r), left = f(r(x - step), r), middle = f(x, r);
  return [r(r(right - middle) / step), r(r(right - left) / r(2 * step)), r(imaginary(x, step, r) / step)];
}

/** Relative errors; plain ones where the slope is 0. @param {number[]} values @param {number} slope */
export function errors(values, slope) { return values.map((v) => Math.abs(v - slope) / (Math.abs(slope) || 1)); }

/** A step: 0.01, 3.2e−6. @param {number} step */
function power(step) { return step >= 1e-3 ? String(step) : step.toExponential(1).replace(".0", "").replace("-", "−").replace("e+", "e"); }
/** @param {number} x */
function written(x) { return (x !== 0 && Math.abs(x) < 1e-3 ? String(Number(x.toPrecision(10)).toExponential()) : String(Number(x.toPrecision(10)))).replace(/-/g, "−").replace("e+", "e"); }
/** An error with two digits. @param {number} error */
function rough(error) { return error === 0 ? "0" : Number.isFinite(error) ? error.toExponential(1).replace("-", "−").replace("e+", "e") : num(error); }

const LOW = -16, TOP = 2, FLOOR = -19, EVERY = 8; // decades of h, of the error; steps in a decade

/** @param {{model: import("./kit.js").Model, el: HTMLElement}} context */
function render({ model, el }) {
  const root = h("div", { class: "cr cr-diff" });
  const get = (/** @type {string} */ name) => model.get(name);
  const functions = choice("f(x)", Object.values(FUNCTIONS).map(({ name, formula }) => [name, math(formula)]), (value) => set(model, { function: value, x: FUNCTIONS[value].start }));
  const precision = choice("precision", [["float64", "float64"], ["float32", "float32"]], (value) => set(model, { precision: value }));
  const at = h("input", { type: "text", inputmode: "decimal", class: "cr-field", "aria-label": "x", ...KEYS, onchange: () => {
    const value = Number(at.value.replace(/−/g, "-"));
    if (at.value.trim() && Math.abs(value) <= 10) set(model, { x: value }); else at.value = written(get("x"));
  } });
  const step = slider("h", { min: LOW, max: 0, step: 0.1, text: (v) => power(two(10 ** v)) }, (value) => set(model, { h: two(10 ** value) }));
  step.input.setAttribute("aria-label", "step h");
  root.append(h("div", { class: "cr-bar" }, functions.element, h("label", { class: "cr-row cr-diff-x" }, math("at x ="), at), precision.element, step.element));
  step.element.classList.add("cr-diff-h");
  const zoom = h("div"), plot = h("div"), table = h("div", { class: "cr-diff-table" }), said = sentence();
  root.append(h("div", { class: "cr-diff-grid" }, zoom, plot, table), said);
  el.append(root);

  function two(/** @type {number} */ value) { return Number(value.toPrecision(2)); }
  function slope() { return FUNCTIONS[get("function")].slopes(PRECISIONS[get("precision")](get("x")))[0]; }

  // ---- the curve near x, at the scale of h
  const W = 420, H = 352, left = 58, right = 16, top = 30, bottom = 38;
  const clip = `cr-diff-${Math.random().toString(36).slice(2)}`;
  function drawZoom() {
    const name = get("function"), kind = get("precision"), { f } = FUNCTIONS[name], r = PRECISIONS[kind], x = r(get("x")), by = get("h"), reach = 2.2, middle = f(x, r), true_ = slope();
    const curve = Array.from({ length: 661 }, (_, k) => { const u = reach * (k / 330 - 1); return [u, f(r(x + u * by), r) - middle]; });
    const ends = [-1, 1].map((side) => f(r(x + r(side * r(by))), r) - middle);
    const seen = Math.max(...curve.map(([, v]) => Math.abs(v))), half = 1.15 * (seen || Math.abs(true_) * by * reach || by);
    const X = (/** @type {number} */ u) => left + ((u + reach) / (2 * reach)) * (W - left - right), Y = (/** @type {number} */ v) => top + ((half - v) / (2 * half)) * (H - top - bottom);
    const path = (/** @type {number[][]} */ points) => points.map(([u, v], k) => `${k ? "L" : "M"}${X(u).toFixed(2)} ${Math.max(-H, Math.min(2 * H, Y(v))).toFixed(2)}`).join("");
    const straight = (/** @type {number} */ u0, /** @type {number} */ v0, /** @type {number} */ rise) => {
      const ends = /** @type {[number, number][]} */ ([-reach, reach].map((u) => [X(u), Y(v0 + rise * (u - u0))]));
      const part = clipped(ends[0], ends[1], -W, 2 * W);
      return part ? `M${part[0].join(" ")}L${part[1].join(" ")}` : "";
    };
    const back = s("g", { class: "cr-axes", "aria-hidden": "true" });
    for (const [u, words] of /** @type {[number, string][]} */ ([[-2, "x − 2h"], [-1, "x − h"], [0, "x"], [1, "x + h"], [2, "x + 2h"]])) {
      back.append(s("line", { x1: X(u), x2: X(u), y1: top, y2: H - bottom, class: u === 0 ? "cr-axis" : "cr-gridline" }), s("text", { x: X(u), y: H - bottom + 20, "text-anchor": "middle" }, words));
    }
    for (const v of ticks(-half, half)) back.append(s("line", { y1: Y(v), y2: Y(v), x1: left, x2: W - right, class: v === 0 ? "cr-axis" : "cr-gridline" }), s("text", { x: left - 6, y: Y(v), dy: "0.35em", "text-anchor": "end" }, small(v)));
    back.append(s("text", { x: 0, y: 14, class: "cr-plane-title" }, "f near x, at the scale of h"), s("text", { x: W - right, y: 14, "text-anchor": "end" }, `f − f(x), h = ${power(by)}`));
    const kink = name === "relu" && Math.abs(x) < reach * by ? s("g", { class: "cr-diff-kink" }, s("line", { x1: X(-x / by), x2: X(-x / by), y1: top, y2: H - bottom }), s("text", { x: X(-x / by) - 6, y: top + 14, "text-anchor": "end" }, "kink")) : null;
    redraw(zoom, s("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `the curve of f within 2.2 h of x, with both secants; h is ${power(by)}` },
      s("defs", {}, s("clipPath", { id: clip }, s("rect", { x: left, y: top, width: W - left - right, height: H - top - bottom }))), back,
      s("g", { "clip-path": `url(#${clip})` }, kink, s("path", { d: straight(0, 0, true_ * by), class: "cr-diff-tangent" }), s("path", { d: path(curve), class: "cr-diff-curve" }),
        s("path", { d: straight(0, 0, ends[1]), class: "cr-diff-line cr-diff-0" }), s("path", { d: straight(-1, ends[0], (ends[1] - ends[0]) / 2), class: "cr-diff-line cr-diff-1" }),
        [[-1, ends[0]], [0, 0], [1, ends[1]]].map(([u, v]) => s("circle", { cx: X(u), cy: Y(v), r: 5, class: "cr-diff-dot" })))));
  }
  function small(/** @type {number} */ v) { return v === 0 ? "0" : Math.abs(v) >= 0.01 && Math.abs(v) < 1e4 ? String(v).replace("-", "−") : v.toExponential(Number.isInteger(Number(v.toExponential().split("e")[0])) ? 0 : 1).replace(/-/g, "−").replace("e+", "e"); }

  // ---- the error against the step, both on log axes
  const X = (/** @type {number} */ u) => left + ((u - LOW) / -LOW) * (W - left - right), Y = (/** @type {number} */ v) => top + ((TOP - Math.min(TOP, Math.max(FLOOR, v))) / (TOP - FLOOR)) * (H - top - bottom);
  const height = (/** @type {number} */ error) => Y(error === 0 ? FLOOR : Number.isFinite(error) ? Math.log10(error) : TOP);
  const frame = s("g", { class: "cr-axes", "aria-hidden": "true" });
  for (let k = LOW; k <= 0; k += 4) frame.append(s("line", { x1: X(k), x2: X(k), y1: top, y2: H - bottom, class: "cr-gridline" }), s("text", { x: X(k), y: H - bottom + 20, "text-anchor": "middle" }, k ? power(10 ** k) : "1"));
  for (let k = LOW + 4; k <= 0; k += 4) frame.append(s("line", { y1: Y(k), y2: Y(k), x1: left, x2: W - right, class: "cr-gridline" }), s("text", { x: left - 6, y: Y(k), dy: "0.35em", "text-anchor": "end" }, k ? power(10 ** k) : "1"));
  const kindOfError = s("text", { x: 0, y: 14, class: "cr-plane-title" });
  frame.append(s("line", { y1: Y(FLOOR), y2: Y(FLOOR), x1: left, x2: W - right, class: "cr-axis" }), s("text", { x: left - 6, y: Y(FLOOR), dy: "0.35em", "text-anchor": "end" }, "0"),
    kindOfError, s("text", { x: X(-2), y: H - bottom + 20, "text-anchor": "middle", class: "cr-axis-name cr-it" }, "h"));
  const marker = s("line", { y1: top, y2: H - bottom, class: "cr-diff-marker" }), markerText = s("text", { y: top + 10, class: "cr-diff-now" });
  const curves = METHODS.map((_, k) => s("path", { class: `cr-diff-error cr-diff-${k}` })), best = METHODS.map((_, k) => s("circle", { r: 6.5, class: `cr-diff-best cr-diff-${k}` }));
  const now = [s("path", { d: "M-5 -5H5V5H-5Z", class: "cr-diff-point cr-diff-0" }), s("circle", { r: 6, class: "cr-diff-point cr-diff-1" }), s("path", { d: "M-4 -4L4 4M4 -4L-4 4", class: "cr-diff-cross" })];
  const chart = s("svg", { viewBox: `0 0 ${W} ${H}`, class: "cr-diff-chart", role: "img" }, frame, marker, curves, best, now, markerText);
  put(plot, chart);
  const drag = (/** @type {PointerEvent} */ event) => {
    const box = chart.getBoundingClientRect(), u = LOW + (((event.clientX - box.left) * W) / box.width - left) / (W - left - right) * -LOW;
    set(model, { h: two(10 ** Math.min(0, Math.max(LOW, Math.round(u * 10) / 10))) });
    event.preventDefault();
  };
  chart.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => { chart.setPointerCapture(event.pointerId); step.input.focus({ preventScroll: true }); drag(event); });
  chart.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => { if (chart.hasPointerCapture(event.pointerId)) drag(event); });

  /** @type {number[]} */ let leastAt = [];
  function drawCurves() {
    const steps = Array.from({ length: EVERY * -LOW + 1 }, (_, k) => LOW + k / EVERY), true_ = slope();
    const all = steps.map((u) => errors(estimates(get("function"), get("precision"), get("x"), 10 ** u), true_));
    leastAt = METHODS.map((_, k) => {
      reset(curves[k], "d", all.map((e, i) => `${i ? "L" : "M"}${X(steps[i]).toFixed(1)} ${height(e[k]).toFixed(1)}`).join(""));
      let least = all.length - 1;
      for (let i = all.length - 1; i >= 0; i--) if (all[i][k] < all[least][k]) least = i;
      const exact = all.filter((e) => e[k] === 0).length > 8;
      best[k].classList.toggle("cr-gone", exact || k === 2);
      reset(best[k], "cx", X(steps[least]));
      reset(best[k], "cy", height(all[least][k]));
      return exact || k === 2 ? NaN : two(10 ** steps[least]);
    });
    reword(kindOfError, `${true_ ? "relative error" : "error"} against h`);
  }

  // ---- the numbers
  const rows = METHODS.map((name, k) => h("tr", { "data-method": name }, h("th", { scope: "row" }, key(k), h("span", {}, name), h("span", { class: "cr-tag" }, ["(3.1)", "(3.2)", ""][k])),
    h("td", { class: "cr-diff-formula" }, math(["(f(x + h) − f(x)) ∕ h", "(f(x + h) − f(x − h)) ∕ 2h", "Im f(x + i h) ∕ h"][k])), h("td", { class: "cr-diff-estimate" }), h("td", { class: "cr-diff-rough" }), h("td", { class: "cr-diff-least" })));
  const truth = h("td", { class: "cr-diff-estimate" }), heading = h("th", { scope: "col" });
  table.append(h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "method"), h("th", { scope: "col", class: "cr-diff-formula" }, "formula"), h("th", { scope: "col", class: "cr-diff-estimate" }, "estimate"), heading, h("th", { scope: "col" }, "best h (○)"))),
    h("tbody", {}, rows), h("tfoot", {}, h("tr", {}, h("th", { scope: "row" }, h("span", { class: "cr-diff-key" }, s("svg", { viewBox: "0 0 34 10", "aria-hidden": "true" }, s("path", { d: "M1 5H33", class: "cr-diff-tangent" }))), "true slope"), h("td", { class: "cr-diff-formula" }, math("f'(x)")), truth, h("td"), h("td")))));
  function key(/** @type {number} */ k) { return h("span", { class: "cr-diff-key" }, s("svg", { viewBox: "0 0 34 10", "aria-hidden": "true" }, s("path", { d: "M1 5H33", class: `cr-diff-error cr-diff-${k}` }))); }

  /** A number whose first digits, those that are right, stand out. @param {number} value @param {number} true_ */
  function agreeing(value, true_) {
    const digits = get("precision") === "float64" ? 13 : 8;
    const write = (/** @type {number} */ v) => (v === 0 ? "0" : Math.abs(v) < 1e-4 || Math.abs(v) >= 1e6 ? v.toExponential(digits - 1) : v.toPrecision(digits)).replace("-", "−").replace("e-", "e−").replace("e+", "e");
    const mine = write(value), other = write(true_);
    let same = 0;
    while (same < mine.length && mine[same] === other[same]) same++;
    return [h("b", {}, mine.slice(0, same)), h("span", { class: "cr-quiet" }, mine.slice(same))];
  }

  /** What rules here. @param {number[]} found @param {number[]} wrong */
  function verdict(found, wrong) {
    const name = get("function"), kind = get("precision"), r = PRECISIONS[kind], x = r(get("x")), by = r(get("h")), { f, slopes } = FUNCTIONS[name];
    if (name === "relu" && Math.abs(x) < by) return `The kink at 0 lies between x − h and x + h: the central difference gives ${num(found[1])}, and the slopes are 0 on its left and 1 on its right. Only h below ${power(Math.abs(x) || 1e-16)} stays on one side.`;
    if (r(x + by) === x && r(x - by) === x) return `x + h is rounded to x itself: the nudge is lost, and both differences are 0.`;
    if (r(x + by) === x) return `x + h is rounded to x itself: the nudge to the right is lost.`;
    const [, second, third] = slopes(x), size = Math.max(Math.abs(f(x, r)), Math.abs(x * slope()));
    const rounding = (0.5 * EPS[kind] * size) / by, truncation = [0.5 * by * Math.abs(second), (by * by * Math.abs(third)) / 6];
    if (truncation[1] > 0.3 * Math.abs(slope())) return "The step is too long for this curve: it bends away within h, and truncation has no order yet.";
    const rules = truncation.map((t) => (t > rounding ? "truncation" : "rounding"));
    const what = (/** @type {number} */ k) => (rules[k] === "truncation" ? `truncation rules, ten times less h is ${k ? "a hundred" : "ten"} times less error` : "rounding rules, a smaller h makes it worse");
    if (wrong[0] === 0 && wrong[1] === 0) return "No error at all: the function is straight here, and these numbers need no rounding.";
    return rules[0] === rules[1] ? (rules[0] === "rounding" ? "Both differences: rounding rules, a smaller h makes it worse." : "Truncation rules: ten times less h is ten times less error on one side, a hundred times less for the central difference.")
      : `One-sided: ${what(0)}. Central: ${what(1)}.`;
  }

  let drawn = "";
  function draw() {
    const true_ = slope(), by = get("h"), found = estimates(get("function"), get("precision"), get("x"), by), wrong = errors(found, true_);
    functions.update(get("function"));
    precision.update(get("precision"));
    step.update(Math.log10(by));
    at.value = written(get("x"));
    const state = [get("function"), get("precision"), get("x")].join(" ");
    if (drawn !== state) { drawCurves(); drawn = state; }
    drawZoom();
    const u = Math.min(0, Math.max(LOW, Math.log10(by)));
    reset(marker, "x1", X(u));
    reset(marker, "x2", X(u));
    reset(markerText, "x", X(u) + (u < -3 ? 6 : -6));
    reset(markerText, "text-anchor", u < -3 ? "start" : "end");
    reword(markerText, `h = ${power(by)}`);
    now.forEach((dot, k) => { reset(dot, "transform", `translate(${X(u)} ${height(wrong[k])})`); });
    rows.forEach((row, k) => {
      redraw(row.children[2], agreeing(found[k], true_));
      reword(row.children[3], rough(wrong[k]));
      reword(row.children[4], Number.isNaN(leastAt[k]) ? (k === 2 ? "any small h" : "exact") : power(leastAt[k]));
    });
    if (get("function") === "relu") reword(rows[2].children[4], "exact");
    redraw(truth, agreeing(true_, true_));
    reword(heading, true_ ? "relative error" : "error");
    reword(said, `h = ${power(by)}: error ${rough(wrong[0])} on one side, ${rough(wrong[1])} central. ${verdict(found, wrong)}`);
    reset(chart, "aria-label", `errors of the three methods against h on log axes. ${said.textContent}`);
  }

  const off = watch(model, ["function", "precision", "x", "h"], draw);
  draw();
  return () => { off(); root.remove(); };
}

export default { render };
