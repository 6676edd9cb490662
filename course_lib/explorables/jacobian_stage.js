import { h, s, put, reword, reset, math, num, plain, short, set, ask, watch, calm, button, choice, slider, field, sentence, plane, KEYS } from "./kit.js";

// Jacobian stage: drag a point x and see the grid around it carried by f and by its linear part J (4.8).

/** @typedef {{name: string, inputs: [number, number, number, number], outputs: [number, number, number, number],
 *   names: [string, string], f: (x: number[]) => number[], J: (x: number[]) => number[][], formulas: string[], entries: string[][]}} Preset */

const LINES = 6, PIECES = 3; // the grid: 6 x 6 squares; each side of a square is drawn in 3 pieces

/** The maps that the page computes itself. @param {number[][]} A @param {number[]} b @returns {Record<string, Preset>} */
export function presets(A, b) {
  const { tanh, cos, sin, exp } = Math;
  const softmax = (/** @type {number[]} */ [u, v]) => { const p = 1 / (1 + exp(v - u)); return [p, 1 - p]; };
  return {
    affine: {
      name: "affine", inputs: [-2, 2, -2, 2], outputs: [-5, 5, -5, 5], names: ["x1", "x2"],
      f: ([u, v]) => [A[0][0] * u + A[0][1] * v + b[0], A[1][0] * u + A[1][1] * v + b[1]], J: () => A,
      formulas: [`y_1 = ${line(A[0])} ${signed(b[0])}`, `y_2 = ${line(A[1])} ${signed(b[1])}`], entries: [["W_{11}", "W_{12}"], ["W_{21}", "W_{22}"]],
    },
    polar: {
      name: "polar", inputs: [-0.5, 3.5, -2, 2], outputs: [-4, 4, -4, 4], names: ["r", "φ"],
      f: ([r, phi]) => [r * cos(phi), r * sin(phi)], J: ([r, phi]) => [[cos(phi), -r * sin(phi)], [sin(phi), r * cos(phi)]],
      formulas: ["y_1 = r cos φ", "y_2 = r sin φ"], entries: [["cos φ", "−r sin φ"], ["sin φ", "r cos φ"]],
    },
    product: {
      name: "product", inputs: [-2, 2, -2, 2], outputs: [-4.5, 4.5, -4.5, 4.5], names: ["x1", "x2"],
      f: ([u, v]) => [u * v, u * u - v * v], J: ([u, v]) => [[v, u], [2 * u, -2 * v]],
      formulas: ["y_1 = x_1 x_2", "y_2 = x_1^2 − x_2^2"], entries: [["x_2", "x_1"], ["2 x_1", "−2 x_2"]],
    },
    tanh: {
      name: "tanh", inputs: [-2, 2, -2, 2], outputs: [-1.5, 1.5, -1.5, 1.5], names: ["x1", "x2"],
      f: ([u, v]) => [tanh(u), tanh(v)], J: ([u, v]) => [[1 - tanh(u) ** 2, 0], [0, 1 - tanh(v) ** 2]],
      formulas: ["y_1 = tanh x_1", "y_2 = tanh x_2"], entries: [["1 − y_1^2", "0"], ["0", "1 − y_2^2"]],
    },
    softmax: {
      name: "softmax", inputs: [-2, 2, -2, 2], outputs: [-0.25, 1.25, -0.25, 1.25], names: ["x1", "x2"],
      f: softmax, J: (x) => { const [p, q] = softmax(x); return [[p * q, -p * q], [-p * q, p * q]]; },
      formulas: ["y_1 = e^{x₁} ∕ (e^{x₁} + e^{x₂})", "y_2 = e^{x₂} ∕ (e^{x₁} + e^{x₂})"], entries: [["y_1 (1 − y_1)", "−y_1 y_2"], ["−y_1 y_2", "y_2 (1 − y_2)"]],
    },
  };
}

/** @param {number} v */
function signed(v, write = short) { return `${v < 0 ? "−" : "+"} ${write(Math.abs(v))}`; }
/** @param {number[]} row */
function line([u, v]) { return `${times(u)}x_1 ${signed(v, times)}x_2`; }
/** @param {number} v */
function times(v) { return v === 1 ? "" : v === -1 ? "−" : `${short(v)} `; }

/** The points of the grid around x, side 2 h: corners of its squares and the points between, row by row (x2 outside).
 * @param {number[]} x @param {number} nudge */
export function gridPoints(x, nudge) {
  const n = LINES * PIECES, points = [];
  for (let i = 0; i <= n; i++) for (let j = 0; j <= n; j++) {
    if (i % PIECES === 0 || j % PIECES === 0) points.push([x[0] + nudge * (2 * j / n - 1), x[1] + nudge * (2 * i / n - 1)]);
  }
  return points;
}

/** The grid's lines as lists of indices into `gridPoints`. @returns {number[][]} */
function gridLines() {
  const n = LINES * PIECES, index = new Map();
  for (let i = 0; i <= n; i++) for (let j = 0; j <= n; j++) if (i % PIECES === 0 || j % PIECES === 0) index.set(`${i} ${j}`, index.size);
  const lines = [];
  for (let k = 0; k <= n; k += PIECES) {
    lines.push(Array.from({ length: n + 1 }, (_, j) => index.get(`${k} ${j}`)));
    lines.push(Array.from({ length: n + 1 }, (_, i) => index.get(`${i} ${k}`)));
  }
  return lines;
}

/** Largest distance between f(x + v) and f(x) + J v over the points of the grid, and where.
 * @param {number[]} x @param {number[][]} points @param {number[]} y @param {number[][]} images @param {number[][]} J */
export function gap(x, points, y, images, J) {
  let size = 0, at = 0;
  points.forEach((p, k) => {
    if (!images[k]) return;
    const [u, v] = linear(x, y, J, p), d = Math.hypot(images[k][0] - u, images[k][1] - v);
    if (d > size) [size, at] = [d, k];
  });
  return { size, at };
}

/** f(x) + J (p - x). @param {number[]} x @param {number[]} y @param {number[][]} J @param {number[]} p */
function linear(x, y, J, p) {
  return y.map((v, i) => v + J[i][0] * (p[0] - x[0]) + J[i][1] * (p[1] - x[1]));
}

/** @param {{model: import("./kit.js").Model, el: HTMLElement}} context */
function render({ model, el }) {
  const root = h("div", { class: "cr cr-stage" });
  const lines = gridLines();
  const change = model.get("_name") ? ask : set; // the reader's own f is computed in the kernel

  // ---- what is drawn: computed here, or by the kernel for the reader's own f
  function scene() {
    const preset = presets(model.get("A"), model.get("b"))[model.get("preset")];
    if (preset) {
      const x = model.get("x"), nudge = model.get("nudge"), points = gridPoints(x, nudge);
      return { preset, x, nudge, points, y: preset.f(x), J: preset.J(x), images: points.map(preset.f), late: false, error: "" };
    }
    const answer = model.get("_answer"), { x, nudge, y, J, images, error } = answer;
    const inputs = model.get("_inputs"), outputs = model.get("_outputs");
    const late = String(x) !== String(model.get("x")) || nudge !== model.get("nudge");
    return { preset: { name: "own", inputs, outputs, names: ["x1", "x2"], formulas: ["y = f(x)"], entries: null }, x, nudge,
      points: gridPoints(x, nudge), y, J, images, late, error };
  }

  // ---- controls
  const kinds = [["affine", "affine"], ["polar", "polar"], ["product", "product"], ["tanh", "tanh"], ["softmax", "softmax"]];
  if (model.get("_name")) kinds.push(["own", model.get("_name")]);
  const kind = choice("Map f", /** @type {any} */ (kinds), (value) => change(model, { preset: value, x: START[value] ?? model.get("_start") }));
  const coordinates = [0, 1].map((k) => field(`x${k + 1}`, { step: 0.1 }, (value) => move(k === 0 ? [value, model.get("x")[1]] : [model.get("x")[0], value])));
  const names = [0, 1].map(() => h("span"));
  const size = slider("nudge h", { min: 0.05, max: 1, step: 0.05, text: (v) => v.toFixed(2) }, (value) => change(model, { nudge: value }));
  root.append(h("div", { class: "cr-bar" }, kind.element,
    h("div", { class: "cr-row" }, names[0], coordinates[0].element, names[1], coordinates[1].element), size.element));

  // ---- the two planes
  const left = h("div"), right = h("div"), panel = h("div", { class: "cr-stage-panel" });
  root.append(h("div", { class: "cr-stage-grid" }, left, right, panel));
  const head = h("div", { class: "cr-stage-f" });
  const nudges = [0, 1].map((k) => button("", () => { change(model, { column: model.get("column") === k + 1 ? 0 : k + 1 }); run(); }, { class: "cr-button cr-nudge" }));
  const cells = [0, 1].map((i) => [0, 1].map((j) => h("span", { class: "cr-entry", "data-entry": `${i + 1}${j + 1}` },
    h("span", { class: "cr-symbol cr-quiet" }), h("span", { class: "cr-number" }))));
  const edit = [0, 1].map((i) => [0, 1].map((j) => field(`W ${i + 1} ${j + 1}`, { step: 0.1 }, (value) => {
    const A = model.get("A").map((/** @type {number[]} */ row) => [...row]);
    A[i][j] = value;
    change(model, { A });
  })));
  const gapNumber = h("span", { class: "cr-big cr-error", "data-number": "gap" }), gapShare = h("span", { "data-number": "share" });
  const gapBox = h("div");
  panel.append(head,
    h("div", { class: "cr-jacobian", role: "group", "aria-label": "Jacobian J" },
      h("span", { class: "cr-jacobian-name" }, math("J ="), h("span", { class: "cr-tag" }, "(4.1)")),
      h("div", { class: "cr-jacobian-grid" }, nudges, h("div", { class: "cr-bracket cr-entries" }, cells))),
    gapBox);
  put(gapBox, h("div", {}, "largest gap between ", math("f(x + v)"), " and ", math("f(x) + J v"), h("span", { class: "cr-tag" }, " (4.8)")),
      h("div", {}, gapNumber, h("span", { class: "cr-quiet" }, " = "), gapShare, h("span", { class: "cr-quiet" }, " of the nudge")));
  const said = sentence();
  root.append(said);
  el.append(root);

  /** @type {any} */ let stage = null;
  let shown = "";

  function build(/** @type {any} */ preset) {
    const input = plane(preset.inputs, { size: 360, names: preset.names, title: "input" });
    const output = plane(preset.outputs, { size: 360, names: ["y1", "y2"], title: "output: by f (grey), by J (blue, dashed)" });
    const pick = (/** @type {any} */ p) => ({
      curved: p.front.appendChild(s("path", { class: "cr-grid" })),
      straight: p.front.appendChild(s("path", { class: "cr-linear" })),
      gap: p.front.appendChild(s("path", { class: "cr-gapline" })),
      arrows: [0, 1].map(() => p.element.appendChild(s("path", { class: "cr-arrow" }))),
      tips: [0, 1].map((k) => p.element.appendChild(s("text", { class: "cr-tip", "text-anchor": "middle" }, String(k + 1)))),
      runner: p.element.appendChild(s("circle", { class: "cr-runner cr-gone", r: 5 })),
    });
    const a = pick(input), z = pick(output);
    input.element.setAttribute("role", "group");
    input.element.setAttribute("aria-label", "input plane");
    output.element.setAttribute("role", "img");
    const point = s("circle", { class: "cr-point", r: 9, tabindex: 0, role: "slider", "aria-label": "point x: arrow keys move it", ...KEYS });
    input.element.append(point);
    const image = output.element.appendChild(s("circle", { class: "cr-image", r: 6 }));
    point.addEventListener("keydown", keys);
    input.element.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      input.element.setPointerCapture(event.pointerId);
      point.focus({ preventScroll: true });
      drag(event);
    });
    input.element.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => { if (input.element.hasPointerCapture(event.pointerId)) drag(event); });
    function drag(/** @type {PointerEvent} */ event) {
      const box = input.element.getBoundingClientRect(), scale = 360 / box.width;
      move([input.U((event.clientX - box.left) * scale), input.V((event.clientY - box.top) * scale)].map((v) => Math.round(v * 100) / 100));
      event.preventDefault();
    }
    put(left, input.element);
    put(right, output.element);
    stage = { input, output, a, z, point, image };
  }

  /** What changes with the map only. @param {any} preset @param {boolean} other */
  function dress(preset, other) {
    if (other) build(preset);
    put(head, preset.formulas.map((/** @type {string} */ line) => h("div", {}, math(line), preset.name === "own" && h("span", { class: "cr-quiet" }, `, ${model.get("_name")}, by the kernel`))));
    for (const k of [0, 1]) {
      const name = preset.names[k].replace(/(\d)/, "_$1");
      put(names[k], math(`${name} =`));
      reset(coordinates[k].element, "aria-label", preset.names[k]);
      put(nudges[k], h("span", {}, "nudge ", math(name)));
      for (const i of [0, 1]) {
        const [symbol, number] = cells[i][k].children;
        put(symbol, math(preset.entries ? preset.entries[i][k] : `∂y_${i + 1}∕∂x_${k + 1}`));
        if (other) put(number, preset.name === "affine" ? edit[i][k].element : "");
      }
    }
  }

  /** @param {number[]} x */
  function move(x) {
    const [x0, x1, y0, y1] = scene().preset.inputs;
    change(model, { x: [Math.min(x1, Math.max(x0, x[0])), Math.min(y1, Math.max(y0, x[1]))] });
  }

  /** @param {KeyboardEvent} event */
  function keys(event) {
    const way = /** @type {Record<string, number[]>} */ ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] })[event.key];
    if (!way) return;
    event.preventDefault();
    const step = event.shiftKey ? 0.5 : 0.05, x = model.get("x");
    move(x.map((/** @type {number} */ v, /** @type {number} */ k) => Math.round((v + step * way[k]) * 100) / 100));
  }

  function draw() {
    const view = scene(), { preset, x, nudge, points, y, J, images } = view;
    const key = `${preset.name} ${preset.outputs} ${preset.formulas}`;
    if (key !== shown) { dress(preset, shown.split(" ")[0] !== preset.name); shown = key; }
    const { input, output, a, z, point, image } = stage, here = model.get("x"), reach = model.get("nudge"), chosen = model.get("column");
    kind.update(model.get("preset"));
    size.update(reach);
    coordinates.forEach((c, k) => c.update(here[k]));

    const square = gridPoints(here, reach);
    reset(a.curved, "d", lines.map((l) => input.line(l.map((k) => square[k]))).join(""));
    reset(z.curved, "d", images ? lines.map((l) => output.line(l.map((k) => images[k]))).join("") : "");
    reset(z.straight, "d", J ? lines.map((l) => output.line([l[0], l[l.length - 1]].map((k) => linear(x, y, J, points[k])))).join("") : "");
    output.element.classList.toggle("cr-late", view.late);
    reset(point, "cx", input.X(here[0]));
    reset(point, "cy", input.Y(here[1]));
    reset(point, "aria-valuenow", here[0]);
    reset(point, "aria-valuemin", preset.inputs[0]);
    reset(point, "aria-valuemax", preset.inputs[1]);
    reset(point, "aria-valuetext", here.map((/** @type {number} */ v, /** @type {number} */ k) => `${preset.names[k]} ${short(v)}`).join(", "));
    for (const k of [0, 1]) {
      const tip = [here[0] + (k ? 0 : reach), here[1] + (k ? reach : 0)];
      arrow(a.arrows[k], a.tips[k], input, here, tip);
      if (J) arrow(z.arrows[k], z.tips[k], output, y, linear(x, y, J, [x[0] + (k ? 0 : nudge), x[1] + (k ? nudge : 0)]));
      for (const mark of [a.arrows[k], z.arrows[k], a.tips[k], z.tips[k]]) mark.classList.toggle("cr-live", chosen === k + 1);
      reset(nudges[k], "aria-pressed", chosen === k + 1);
      for (const i of [0, 1]) {
        cells[i][k].classList.toggle("cr-lit", chosen === k + 1);
        if (preset.name === "affine") edit[i][k].update(J[i][k]); else reword(cells[i][k].children[1], J ? num(J[i][k]) : "");
      }
    }
    if (y) { reset(image, "cx", output.X(y[0])); reset(image, "cy", output.Y(y[1])); }

    output.element.classList.toggle("cr-void", Boolean(view.error));
    gapBox.hidden = Boolean(view.error);
    said.classList.toggle("cr-error", Boolean(view.error));
    if (view.error) { reword(said, `f(${x.map(short).join(", ")}): ${view.error}`); return; }
    const { size: worst, at } = gap(x, points, y, images, J), none = worst < 1e-12;
    reset(z.gap, "d", none ? "" : output.line([images[at], linear(x, y, J, points[at])]));
    reword(gapNumber, num(none ? 0 : worst));
    reword(gapShare, `${(none ? 0 : (100 * worst) / nudge).toFixed(1)} %`);
    const words = `f sends (${x.map(short).join(", ")}) to (${y.map(num).join(", ")}). `;
    const col = chosen ? `Column ${chosen} of J, (${num(J[0][chosen - 1])}, ${num(J[1][chosen - 1])}), is where a nudge of ${preset.names[chosen - 1]} goes, per unit. ` : "";
    reword(said, plain(words + col) + (none ? "The map is affine: its linear part is the map, with no gap at any nudge." :
      `At nudge ${short(nudge)} the linear part misses by at most ${num(worst)}; halve the nudge and the gap falls to about a quarter.`));
    reset(output.element, "aria-label", said.textContent);
  }

  function arrow(/** @type {Element} */ path, /** @type {Element} */ tip, /** @type {any} */ p, /** @type {number[]} */ from, /** @type {number[]} */ to) {
    const x0 = p.X(from[0]), y0 = p.Y(from[1]), x1 = p.X(to[0]), y1 = p.Y(to[1]), length = Math.hypot(x1 - x0, y1 - y0) || 1;
    const c = (x1 - x0) / length, d = (y1 - y0) / length, head = Math.min(9, 0.5 * length);
    reset(path, "d", `M${x0} ${y0}L${x1} ${y1}M${x1 - head * c + 0.55 * head * d} ${y1 - head * d - 0.55 * head * c}L${x1} ${y1}L${x1 - head * c - 0.55 * head * d} ${y1 - head * d + 0.55 * head * c}`);
    reset(tip, "x", String(x1 + 12 * c));
    reset(tip, "y", String(y1 + 12 * d + 4));
  }

  // ---- a nudge: a small disc runs out along the arrow while its image runs along the curve
  let frame = 0;
  function run() {
    cancelAnimationFrame(frame);
    const chosen = model.get("column"), preset = presets(model.get("A"), model.get("b"))[model.get("preset")];
    for (const side of [stage.a, stage.z]) side.runner.classList.add("cr-gone");
    if (!chosen || calm() || !preset) return;
    const x = model.get("x"), nudge = model.get("nudge"), { input, output, a, z } = stage;
    let start = 0;
    const step = (/** @type {number} */ time) => {
      start ||= time;
      const t = Math.min(1, (time - start) / 700), out = nudge * t * (2 - t), p = [x[0] + (chosen === 1 ? out : 0), x[1] + (chosen === 2 ? out : 0)], q = preset.f(p);
      for (const [side, view, w] of [[a, input, p], [z, output, q]]) {
        side.runner.classList.toggle("cr-gone", t === 1);
        reset(side.runner, "cx", view.X(w[0]));
        reset(side.runner, "cy", view.Y(w[1]));
      }
      if (t < 1) frame = requestAnimationFrame(step);
    };
    frame = requestAnimationFrame(step);
  }

  const off = watch(model, ["preset", "x", "nudge", "A", "b", "column", "_answer"], draw);
  draw();
  return () => { off(); cancelAnimationFrame(frame); root.remove(); };
}

const START = /** @type {Record<string, number[]>} */ ({ affine: [0.5, 0.5], polar: [2, 0.5], product: [1, 0.5], tanh: [0.5, -0.5], softmax: [0.5, -0.5] });

export default { render };
