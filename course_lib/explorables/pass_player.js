import { h, s, put, redraw, math, label, num, rounded, short, factor, set, watch, button, choice, slider, sentence, scrolls, reword, reset, matrix, column, KEYS } from "./kit.js";

// Pass player: values going forward, error terms going back, every number in its formula.
// Layers count from 1 and lists carry null at 0; a batch is N columns; z[l][i][n] is neuron i of layer l for example n.

// ---------------------------------------------------------------- the mathematics

const sigmoid = (/** @type {number} */ z) => (z < 0 ? Math.exp(z) / (1 + Math.exp(z)) : 1 / (1 + Math.exp(-z)));
const softplus = (/** @type {number} */ z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
const softmax = (/** @type {number[]} */ z) => {
  const top = Math.max(...z), e = z.map((v) => Math.exp(v - top)), sum = add(e);
  return e.map((v) => v / sum);
};
const add = (/** @type {number[]} */ values) => values.reduce((a, b) => a + b, 0);

/** Element-wise activations: function, derivative, and the derivative as text with a number in it.
 * @type {Record<string, {f: (z: number) => number, d: (z: number) => number, text: (z: number, a: number) => string}>} */
export const ACTIVATIONS = {
  identity: { f: (z) => z, d: () => 1, text: () => "1" },
  sigmoid: { f: sigmoid, d: (z) => sigmoid(z) * (1 - sigmoid(z)), text: (_, a) => `${num(a)} (1 − ${num(a)})` },
  tanh: { f: Math.tanh, d: (z) => 1 - Math.tanh(z) ** 2, text: (_, a) => `1 − ${factor(a, num)}²` },
  relu: { f: (z) => Math.max(z, 0), d: (z) => (z > 0 ? 1 : 0), text: (z) => (z > 0 ? "1, as z > 0" : "0, as z ≤ 0") },
  "leaky relu": { f: (z) => (z > 0 ? z : 0.01 * z), d: (z) => (z > 0 ? 1 : 0.01), text: (z) => (z > 0 ? "1, as z > 0" : "0.01, as z ≤ 0") },
  softplus: { f: softplus, d: sigmoid, text: (z) => `sigmoid(${num(z)})` },
};

/** Losses of one example: value and slope dL/da; `contains` names the output activation whose slope is already in it.
 * @type {Record<string, {value: (a: number[], y: number[], z: number[]) => number, slope: (a: number[], y: number[], z: number[]) => number[], contains?: string, twice?: boolean}>} */
export const LOSSES = {
  "squared error": { value: (a, y) => add(a.map((v, i) => 0.5 * (v - y[i]) ** 2)), slope: (a, y) => a.map((v, i) => v - y[i]) },
  "squared error without 1/2": { value: (a, y) => add(a.map((v, i) => (v - y[i]) ** 2)), slope: (a, y) => a.map((v, i) => 2 * (v - y[i])), twice: true },
  "binary cross-entropy": { value: (_, y, z) => add(z.map((v, i) => softplus(v) - y[i] * v)), slope: (_, y, z) => z.map((v, i) => sigmoid(v) - y[i]), contains: "sigmoid" },
  "categorical cross-entropy": {
    value: (_, y, z) => { const top = Math.max(...z); return top + Math.log(add(z.map((v) => Math.exp(v - top)))) - add(z.map((v, i) => y[i] * v)); },
    slope: (_, y, z) => softmax(z).map((v, i) => v - y[i]), contains: "softmax",
  },
};

const transpose = (/** @type {number[][]} */ A) => A[0].map((_, j) => A.map((row) => row[j]));
const matmul = (/** @type {number[][]} */ A, /** @type {number[][]} */ B) => A.map((row) => B[0].map((_, j) => add(row.map((v, k) => v * B[k][j]))));
const zip = (/** @type {number[][]} */ A, /** @type {number[][]} */ B, /** @type {(a: number, b: number) => number} */ f) => A.map((row, i) => row.map((v, n) => f(v, B[i][n])));

/** Both passes. `broken` is "", "no slope", "no transpose" or "too early"; `eta` is the step of the latter.
 * @param {{W: any[], b: any[], activations: string[], x: number[][], y: number[][], loss: string, broken?: string, eta?: number}} net */
export function passes({ W, b, activations, x, y, loss, broken = "", eta = 0.5 }) {
  const L = W.length - 1, N = x[0].length, rule = LOSSES[loss];
  const z = [null], a = [x], slope = [null], delta = Array(L + 1).fill(null), back = Array(L + 1).fill(null), dW = Array(L + 1).fill(null), db = Array(L + 1).fill(null);
  for (let l = 1; l <= L; l++) {
    z[l] = matmul(W[l], a[l - 1]).map((row, i) => row.map((v) => v + b[l][i][0]));                                   // (2.1)
    const sigma = ACTIVATIONS[activations[l]];
    a[l] = sigma ? z[l].map((row) => row.map(sigma.f)) : transpose(transpose(z[l]).map(softmax));                    // (2.2)
    slope[l] = sigma ? z[l].map((row) => row.map(sigma.d)) : null;
  }
  const examples = x[0].map((_, n) => ({ a: a[L].map((r) => r[n]), y: y.map((r) => r[n]), z: z[L].map((r) => r[n]) }));
  const losses = examples.map((e) => rule.value(e.a, e.y, e.z));
  const value = add(losses) / N;
  const through = (/** @type {number} */ l, /** @type {number[][]} */ g) => slope[l] ? zip(g, slope[l], (u, v) => u * v)
    : transpose(transpose(g).map((col, n) => { const p = a[l].map((r) => r[n]), dot = add(p.map((v, i) => v * col[i])); return p.map((v, i) => v * (col[i] - dot)); }));
  back[L] = transpose(examples.map((e) => rule.slope(e.a, e.y, e.z).map((v) => v / N)));
  delta[L] = rule.contains ? back[L] : through(L, back[L]);                                                          // (6.1)
  let error = "";
  for (let l = L; l >= 1; l--) {
    if (l < L) {
      const above = W[l + 1], sent = broken === "too early" ? zip(above, dW[l + 1], (w, g) => w - eta * g) : above;
      if (broken === "no transpose" && above.length !== above[0].length) {
        error = `without its transpose, the ${above.length}×${above[0].length} matrix of layer ${l + 1} does not fit its ${above.length} error terms: a shape error, the kindest of bugs.`;
        break;
      }
      back[l] = matmul(broken === "no transpose" ? sent : transpose(sent), delta[l + 1]);
      delta[l] = broken === "no slope" ? back[l] : through(l, back[l]);                                              // (6.2)
    }
    dW[l] = matmul(delta[l], transpose(a[l - 1]));                                                                   // (6.3)
    db[l] = delta[l].map((row) => [add(row)]);                                                                       // (6.4)
  }
  return { L, N, z, a, slope, losses, loss: value, back, delta, dW, db, error };
}

/** The steps of both passes, in order. With `detail` "neurons" every step is of one neuron.
 * @param {number[]} sizes @param {string} detail @returns {{kind: string, l: number, i: number, tag: string}[]} i counts from 1, 0 is all */
export function steps(sizes, detail) {
  const L = sizes.length - 1, found = [];
  const each = (/** @type {string} */ kind, /** @type {number} */ l, /** @type {string} */ tag) => {
    if (detail === "neurons") for (let i = 1; i <= sizes[l]; i++) found.push({ kind, l, i, tag });
    else found.push({ kind, l, i: 0, tag });
  };
  found.push({ kind: "x", l: 0, i: 0, tag: "" });
  for (let l = 1; l <= L; l++) { each("z", l, "2.1"); each("a", l, "2.2"); }
  found.push({ kind: "loss", l: L, i: 0, tag: "" });
  for (let l = L; l >= 1; l--) { each("delta", l, l === L ? "6.1" : "6.2"); each("dW", l, "6.3"); each("db", l, "6.4"); }
  return found;
}

/** Length of a matrix as one long vector. @param {number[][]} A */
export const norm = (A) => Math.sqrt(add(A.flat().map((v) => v * v)));

// ---------------------------------------------------------------- the page

const NAMES = /** @type {Record<string, string>} */ ({ "": "right", "no slope": "no σ′", "no transpose": "no transpose", "too early": "updated too early" });
const ICONS = { back: "M9 1v10L2 6zM1 1h1.6v10H1z", next: "M3 1v10l7-5zM9.4 1H11v10H9.4z", play: "M2 1v10l9-5z", pause: "M2 1h3v10H2zM7 1h3v10H7z" };
const icon = (/** @type {string} */ d) => s("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" }, s("path", { d }));
const hat = (/** @type {string} */ letter, /** @type {number} */ l, /** @type {number} */ i = 0, /** @type {number} */ j = 0) => `${letter}${i ? `_{${i}${j || ""}}` : ""}^{${l}}`;
const value = (/** @type {any} */ content) => h("span", { class: "cr-value" }, content);
const wrong = (/** @type {any} */ content) => h("span", { class: "cr-error" }, content);

/** @param {{model: import("./kit.js").Model, el: HTMLElement}} context */
function render({ model, el }) {
  const root = h("div", { class: "cr cr-player" });
  el.append(root);

  /** @type {any} */ let right, /** @type {any} */ wronged, /** @type {any} */ p, /** @type {any[]} */ list, /** @type {number[]} */ sizes;
  function compute() {
    const net = Object.fromEntries(["W", "b", "activations", "x", "y", "loss", "broken", "eta"].map((name) => [name, model.get(name)]));
    sizes = [net.x.length, ...net.W.slice(1).map((/** @type {any[]} */ w) => w.length)];
    right = passes({ .../** @type {any} */ (net), broken: "" });
    wronged = net.broken ? passes(/** @type {any} */ (net)) : null;
    p = wronged ?? right;
    list = steps(sizes, model.get("detail"));
  }
  const W = () => model.get("W"), at = () => Math.min(model.get("step"), list.length - 1), now = () => list[at()], example = () => Math.min(model.get("example"), p.N) - 1;
  /** Is the number there at this step? */
  const known = (/** @type {string} */ kind, /** @type {number} */ l, /** @type {number} */ i = 0) => {
    if (kind === "x" || l === 0) return true;
    const found = list.findLastIndex((step) => step.kind === kind && (kind === "loss" || step.l === l) && (step.i === 0 || i === 0 || step.i === i));
    const array = { delta: p.delta, dW: p.dW, db: p.db }[kind];
    return found <= at() && (!array || array[l] !== null);
  };

  // ---- controls
  const go = (/** @type {number} */ step) => set(model, { step: Math.max(0, Math.min(list.length - 1, step)) });
  let timer = 0;
  const stop = () => { clearInterval(timer); timer = 0; playing(); };
  function play() {
    if (timer) return stop();
    if (at() === list.length - 1) go(0);
    timer = window.setInterval(() => { if (at() >= list.length - 1) stop(); else { go(at() + 1); if (at() >= list.length - 1) stop(); } }, model.get("detail") === "neurons" ? 900 : 1600);
    playing();
  }
  const backward = button([icon(ICONS.back), "Back"], () => { stop(); go(at() - 1); });
  const player = button("", play, { class: "cr-button cr-primary" });
  const forward = button(["Next", icon(ICONS.next)], () => { stop(); go(at() + 1); });
  const playing = () => put(player, timer ? [icon(ICONS.pause), "Pause"] : [icon(ICONS.play), "Play"]);
  const scrub = slider("", { min: 0, max: 1, step: 1, text: (v) => `${v} / ${list.length - 1}` }, (v) => { stop(); go(v); });
  scrub.input.setAttribute("aria-label", "step of the two passes");
  const halves = h("div", { class: "cr-halves", "aria-hidden": "true" });
  const track = h("div", { class: "cr-scrub" }, scrub.element, halves);
  const detail = choice("steps", [["layers", "by layer"], ["neurons", "by neuron"]], (chosen) => {
    const here = now(), next = steps(sizes, chosen);
    set(model, { detail: chosen, step: Math.max(0, next.findIndex((step) => step.kind === here.kind && step.l === here.l)) });
  });
  const breaks = choice("backward pass", Object.entries(NAMES), (chosen) => set(model, { broken: chosen }));
  const eta = slider("step η", { min: 0.1, max: 5, step: 0.1, text: (v) => v.toFixed(1) }, (v) => set(model, { eta: v }));
  const which = slider("example", { min: 1, max: 1, step: 1, text: (v) => `${v} of ${p.N}` }, (v) => set(model, { example: v }));
  const picture = h("div", { class: "cr-net" });
  const equation = h("section", { class: "cr-equation", "aria-label": "equation of this step" });
  const inspector = h("section", { class: "cr-inspector", "aria-label": "chosen neuron or weight" });
  const table = h("section", { class: "cr-ratios", "aria-label": "wrong pass against right pass" });
  const panels = h("div", { class: "cr-panels" }, equation, inspector), said = sentence();
  root.append(h("div", { class: "cr-bar cr-transport" }, h("div", { class: "cr-row" }, backward, player, forward), track), picture, panels, said,
    h("div", { class: "cr-bar cr-options-bar" }, detail.element, breaks.element, eta.element, which.element), table);

  // ---- the network
  /** @type {any} */ let drawn = null;
  let width = 0;
  function build() {
    const L = p.L, rows = wronged ? 4 : 3, wide = wronged ? 126 : 116, compact = (width - 4 - wide) / (L + 1) - wide < 56, tileWidth = compact ? 88 : wide, rowHeight = 19, pad = 9;
    const tall = Math.max(...sizes, sizes[L]), tileHeight = pad * 2 + rowHeight * rows - 2, pitch = tileHeight + (tall <= 2 ? 44 : tall === 3 ? 34 : 20), head = 46;
    const height = head + tall * pitch - (pitch - tileHeight) + 8, middle = head + (height - head - 8) / 2;
    const X = (/** @type {number} */ l) => 2 + (l * (width - tileWidth - 4)) / (L + 1);
    const Y = (/** @type {number} */ l, /** @type {number} */ i) => middle + (i - (sizes[l] - 1) / 2) * pitch;
    const heightOf = (/** @type {number} */ l) => (l === 0 ? pad * 2 + rowHeight - 2 : tileHeight);
    const lines = s("g"), labels = s("g"), tiles = s("g");
    /** @type {Record<string, any>} */ const items = {};
    const heads = s("g", { class: "cr-heads" });
    for (let l = 0; l <= L + 1; l++) {
      const x = X(l) + tileWidth / 2, name = l === 0 ? "input" : l <= L ? `layer ${l}` : "loss", under = l === 0 || l > L ? "" : model.get("activations")[l];
      heads.append(s("text", { x, y: 14, "text-anchor": "middle", class: "cr-head-name" }, name), s("text", { x, y: 31, "text-anchor": "middle", class: "cr-quiet" }, under));
    }
    const largest = Math.max(...W().slice(1).flat(2).map(Math.abs), 1e-9);
    for (let l = 1; l <= L; l++) for (let i = 1; i <= sizes[l]; i++) for (let j = 1; j <= sizes[l - 1]; j++) {
      const x0 = X(l - 1) + tileWidth, x1 = X(l), y0 = Y(l - 1, j - 1), y1 = Y(l, i - 1), w = W()[l][i - 1][j - 1], d = `M${x0} ${y0}L${x1} ${y1}`, id = `w ${l} ${i} ${j}`;
      const g = s("g", { class: "cr-weight", ...press(id) }, s("path", { d, class: "cr-hit" }),
        s("path", { d, class: "cr-stroke", "stroke-width": (1 + (2 * Math.abs(w)) / largest).toFixed(2), "stroke-dasharray": w < 0 ? "5 4" : null }), s("path", { d, class: "cr-flow" }));
      const near = Math.max(0.3, 29 / (x1 - x0)), t = sizes[l] > sizes[l - 1] ? 1 - near : near, tag = s("g", { transform: `translate(${x0 + t * (x1 - x0)} ${y0 + t * (y1 - y0)})`, class: "cr-wlabel" }, s("text", { "text-anchor": "middle", dy: "0.35em" }, short(w)), s("text", { "text-anchor": "middle", dy: "1.4em", class: "cr-error cr-small" }));
      lines.append(g);
      labels.append(tag);
      items[id] = { g, tag, roomy: sizes[l] * sizes[l - 1] <= (x1 - x0 >= 96 ? 6 : x1 - x0 >= 72 ? 4 : 0), two: x1 - x0 >= 96, fits: x1 - x0 >= 64, l, i, j };
    }
    const final = [];
    for (let i = 1; i <= sizes[L]; i++) {
      const d = `M${X(L) + tileWidth} ${Y(L, i - 1)}L${X(L + 1)} ${middle}`;
      final.push(lines.appendChild(s("g", { class: "cr-weight cr-fixed" }, s("path", { d, class: "cr-stroke", "stroke-width": 1.5 }), s("path", { d, class: "cr-flow" }))));
    }
    const tile = (/** @type {number} */ x, /** @type {number} */ y, /** @type {string[]} */ names, /** @type {Record<string, any>} */ attributes) => {
      const size = pad * 2 + rowHeight * names.length - 2;
      const g = s("g", { class: "cr-neuron", transform: `translate(${x} ${y - size / 2})`, ...attributes }, s("rect", { width: tileWidth, height: size, rx: 12, class: "cr-body" }));
      const lit = names.map((_, k) => g.appendChild(s("rect", { x: 4, y: pad + k * rowHeight - 2, width: tileWidth - 8, height: rowHeight, rx: 5, class: "cr-rowlit" })));
      const numbers = names.map((name, k) => {
        const y = pad + k * rowHeight + 12;
        g.append(label(name, { x: compact ? 7 : 11, y, class: "cr-quiet" }), " ");
        const number = g.appendChild(s("text", { x: tileWidth - (compact ? 7 : 10), y, "text-anchor": "end" }));
        g.append(" ");
        return number;
      });
      tiles.append(g);
      return { g, lit, numbers };
    };
    for (let l = 0; l <= L; l++) for (let i = 1; i <= sizes[l]; i++) {
      const names = l === 0 ? [`x${i}`] : wronged ? [`z${i}`, `a${i}`, `δ${i}`, compact ? "✓" : "right"] : [`z${i}`, `a${i}`, `δ${i}`];
      items[`a ${l} ${i}`] = { ...tile(X(l), Y(l, i - 1), names, press(`a ${l} ${i}`)), l, i };
    }
    const outputs = [...Array.from({ length: sizes[L] }, (_, i) => `y${i + 1}`), "loss"];
    const loss = tile(X(L + 1), middle, outputs, { class: "cr-neuron cr-lossbox" });
    const element = s("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "network: arrow keys go from neuron to weight to neuron" }, heads, lines, labels, tiles);
    put(picture, element);
    drawn = { items, loss, final, digits: compact ? 3 : 4 };
    // as tall as its tallest step, so that nothing below moves while it plays; all are laid out at once
    equation.style.minHeight = "";
    const trial = h("div", { class: "cr-panels cr-trial", style: `width: ${panels.offsetWidth}px` }, list.map((step) => drawEquation(step, equation.cloneNode())));
    root.append(trial);
    const tallest = Math.max(...[...trial.children].map((one) => one.offsetHeight));
    trial.remove();
    equation.style.minHeight = `${tallest}px`;
  }

  /** What makes a neuron or a weight a button. @param {string} id */
  function press(id) {
    return { tabindex: -1, role: "button", "data-id": id, ...KEYS, onclick: () => select(model.get("selected") === id ? "" : id), onkeydown: keys };
  }
  const select = (/** @type {string} */ id) => { set(model, { selected: id }); };

  /** Neurons and weights column by column. */
  function columns() {
    const found = [];
    for (let l = 0; l <= p.L; l++) {
      if (l) found.push(Array.from({ length: sizes[l] * sizes[l - 1] }, (_, k) => `w ${l} ${Math.floor(k / sizes[l - 1]) + 1} ${(k % sizes[l - 1]) + 1}`));
      found.push(Array.from({ length: sizes[l] }, (_, i) => `a ${l} ${i + 1}`));
    }
    return found;
  }

  /** @param {KeyboardEvent} event */
  function keys(event) {
    const id = /** @type {HTMLElement} */ (event.currentTarget).dataset.id ?? "", all = columns(), c = all.findIndex((ids) => ids.includes(id)), r = all[c].indexOf(id);
    let next = "";
    if (event.key === "ArrowUp") next = all[c][Math.max(0, r - 1)];
    else if (event.key === "ArrowDown") next = all[c][Math.min(all[c].length - 1, r + 1)];
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      const [kind, l, i, j] = id.split(" "), right = event.key === "ArrowRight";
      if (kind === "w") next = right ? `a ${l} ${i}` : `a ${Number(l) - 1} ${j}`;
      else next = right ? (all[c + 1] ?? []).find((w) => w.endsWith(` ${i}`)) ?? id : (all[c - 1] ?? []).find((w) => w.startsWith(`w ${l} ${i} `)) ?? id;
    } else if (event.key === "Escape") next = "none";
    else if (event.key === "Enter" || event.key === " ") next = model.get("selected") === id ? "none" : id;
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    if (next === "none") return select("");
    select(next);
    drawn.items[next].g.focus();
  }

  // ---- one step
  function draw() {
    const { l: layer, i: neuron } = now(), over = p.error && now().kind !== "loss" && !known(now().kind, layer), kind = over ? "" : now().kind, n = example(), selected = model.get("selected"), active = (/** @type {number} */ i) => neuron === 0 || neuron === i;
    const show = (/** @type {Element} */ text, /** @type {boolean} */ there, /** @type {number} */ v, /** @type {string} */ tone) => { reword(text, there ? tight(v) : "·"); reset(text, "class", there ? tone : "cr-quiet"); };
    const tight = (/** @type {number} */ v) => (drawn.digits === 3 && v !== 0 && Math.abs(v) < 1e-3 ? rounded(v, 2) : rounded(v, drawn.digits));
    const path = downstream(selected), given = (/** @type {number} */ v) => { const text = short(v); return text.length > drawn.digits + 3 ? rounded(v, drawn.digits) : text; };
    const focusable = drawn.items[selected] ? selected : "a 1 1";
    for (const [id, item] of Object.entries(drawn.items)) {
      const { g, l, i, j } = item;
      reset(g, "tabindex", id === focusable ? 0 : -1);
      reset(g, "aria-pressed", id === selected);
      g.classList.toggle("cr-chosen", id === selected);
      g.classList.toggle("cr-onpath", path.has(id));
      if (id.startsWith("a")) {
        if (l === 0) { reword(item.numbers[0], given(p.a[0][i - 1][n])); reset(item.numbers[0], "class", "cr-value"); }
        else {
          show(item.numbers[0], known("z", l, i), p.z[l][i - 1][n], "");
          show(item.numbers[1], known("a", l, i), p.a[l][i - 1][n], "cr-value");
          const there = known("delta", l, i);
          show(item.numbers[2], there, there && p.delta[l][i - 1][n], "cr-error");
          if (item.numbers[3]) show(item.numbers[3], there, right.delta[l][i - 1][n], "cr-quiet");
        }
        item.lit.forEach((/** @type {Element} */ rect, /** @type {number} */ k) => {
          const on = l === 0 ? kind === "x" : layer === l && active(i) && ["z", "a", "delta"][k] === kind;
          reset(rect, "class", `cr-rowlit ${on ? (k === 2 ? "cr-on-error" : "cr-on-value") : ""}`);
        });
        reset(g, "aria-label", `${g.textContent} (${l === 0 ? "input" : `layer ${l}, neuron ${i}`})`);
      } else {
        const into = l === layer && active(i), out = l === layer + 1 && kind === "delta" && active(j), there = known("dW", l, i);
        const state = kind === "z" && into ? "cr-forward" : out ? "cr-backward" : (kind === "dW") && into ? "cr-graded" : "";
        reset(g, "class", `cr-weight ${state} ${id === selected ? "cr-chosen" : ""} ${path.has(id) ? "cr-onpath" : ""}`);
        item.tag.classList.toggle("cr-gone", !(item.roomy || (id === selected && item.fits)));
        reword(item.tag.children[1], there && (item.two || id === selected) ? num(p.dW[l][i - 1][j - 1]) : "");
        reset(g, "aria-label", `weight from neuron ${j} to neuron ${i} of layer ${l}: ${short(W()[l][i - 1][j - 1])}${there ? `, gradient ${num(p.dW[l][i - 1][j - 1])}` : ""}`);
      }
    }
    const loss = drawn.loss;
    loss.numbers.forEach((/** @type {Element} */ text, /** @type {number} */ k) => {
      if (k < sizes[p.L]) { reword(text, given(model.get("y")[k][n])); reset(text, "class", ""); }
      else show(text, known("loss", p.L), p.loss, "cr-ink");
      reset(loss.lit[k], "class", `cr-rowlit ${kind === "loss" && k === sizes[p.L] ? "cr-on-value" : ""}`);
    });
    drawn.final.forEach((/** @type {Element} */ g, /** @type {number} */ i) => reset(g, "class", `cr-weight cr-fixed ${kind === "loss" ? "cr-forward" : kind === "delta" && layer === p.L && active(i + 1) ? "cr-backward" : ""} ${path.has(`a ${p.L} ${i + 1}`) || selected === `a ${p.L} ${i + 1}` ? "cr-onpath" : ""}`));

    reset(scrub.input, "max", list.length - 1);
    scrub.update(at());
    backward.disabled = at() === 0;
    forward.disabled = at() === list.length - 1;
    drawHalves();
    detail.update(model.get("detail"));
    breaks.update(model.get("broken"));
    eta.element.hidden = model.get("broken") !== "too early";
    eta.update(model.get("eta"));
    which.element.hidden = p.N === 1;
    reset(which.input, "max", p.N);
    which.update(n + 1);
    drawEquation();
    reword(said, `Step ${at()} of ${list.length - 1}: ${summary(now().kind, layer, neuron)}`);
    drawInspector();
    drawTable();
    [equation, inspector].forEach(scrolls);
  }

  function drawHalves() {
    const loss = list.findIndex((step) => step.kind === "loss"), share = (100 * loss) / (list.length - 1);
    redraw(halves, h("span", { class: "cr-half-forward", style: `width: ${share}%` }, "forward"), h("span", { class: "cr-half-backward", style: `width: ${100 - share}%` }, "backward"));
  }

  /** The weights and neurons on the way from the chosen one to the loss. @param {string} id */
  function downstream(id) {
    const found = new Set(), [kind, l, i] = id.split(" ");
    if (!id) return found;
    let layer = Number(l), from = new Set([Number(i)]);
    if (kind === "w") found.add(`a ${l} ${i}`);
    for (; layer < p.L; layer++) {
      for (let r = 1; r <= sizes[layer + 1]; r++) for (const c of from) found.add(`w ${layer + 1} ${r} ${c}`);
      from = new Set(Array.from({ length: sizes[layer + 1] }, (_, r) => r + 1));
      for (const r of from) found.add(`a ${layer + 1} ${r}`);
    }
    return found;
  }

  // ---- the equation of the step, with its numbers in place
  const col = (/** @type {number[][]} */ A) => column(A.map((row) => row[example()]));
  const op = (/** @type {string} */ text) => h("span", { class: "cr-op" }, text);

  function drawEquation(step = now(), place = equation) {
    const { kind, l, i, tag } = step;
    const formula = {
      x: `a^{0} = x`, z: `${hat("z", l)} = ${hat("W", l)} ${hat("a", l - 1)} + ${hat("b", l)}`, a: `${hat("a", l)} = σ(${hat("z", l)})`,
      loss: LOSS_TEXT[model.get("loss")], delta: deltaText(l), dW: `∂L∕∂${hat("W", l)} = ${hat("δ", l)} (${hat("a", l - 1)})^{T}`, db: `∂L∕∂${hat("b", l)} = ${hat("δ", l)}${p.N > 1 ? ", summed over the examples" : ""}`,
    }[kind] ?? "";
    const way = kind === "x" ? "start" : ["z", "a", "loss"].includes(kind) ? "forward" : "backward";
    const body = p.error && ["delta", "dW", "db"].includes(kind) && !known(kind, l) ? [h("p", { class: "cr-error" }, p.error[0].toUpperCase() + p.error.slice(1))] : i ? [lineOf(kind, l, i)] : matrices(kind, l);
    redraw(place, h("h3", {}, h("span", { class: way === "backward" ? "cr-error" : "cr-value" }, way), way === "start" ? "" : kind === "loss" ? "" : `, layer ${l}${i ? `, neuron ${i}` : ""}`, tag && h("span", { class: "cr-tag" }, ` (${tag})`)),
      h("p", { class: "cr-formula" }, kind === "delta" && wronged && l < p.L ? broken(l) : math(formula)), h("div", { class: "cr-numbers" }, body));
    return place;
  }

  function deltaText(/** @type {number} */ l) {
    if (l < p.L) return `${hat("δ", l)} = (${hat("W", l + 1)})^{T} ${hat("δ", l + 1)} ⊙ σ′(${hat("z", l)})`;
    const fused = LOSSES[model.get("loss")].contains, share = p.N > 1 ? " ∕ N" : "";
    return fused ? `${hat("δ", l)} = (${fused}(${hat("z", l)}) − y)${share}` : `${hat("δ", l)} = ∂L∕∂${hat("a", l)} ⊙ σ′(${hat("z", l)})`;
  }

  /** The broken rule, with what is missing struck out. @param {number} l */
  function broken(l) {
    const kind = model.get("broken"), gone = (/** @type {any} */ content) => h("s", { class: "cr-strike" }, content);
    const w = kind === "too early" ? ["(", math(hat("W", l + 1)), wrong([" − η ", math(`∂L∕∂${hat("W", l + 1)}`)]), ")", math("^{T}")] : kind === "no transpose" ? [math(`(${hat("W", l + 1)})`), gone(math("^{T}"))] : math(`(${hat("W", l + 1)})^{T}`);
    const tail = math(` ⊙ σ′(${hat("z", l)})`);
    return [math(`${hat("δ", l)} = `), w, " ", math(hat("δ", l + 1)), kind === "no slope" ? gone(tail) : tail];
  }

  function matrices(/** @type {string} */ kind, /** @type {number} */ l) {
    const N = p.N, n = example(), act = model.get("activations")[l], V = (/** @type {number[][]} */ A, /** @type {string} */ name, /** @type {any} */ more = {}) => matrix(A, { name, tone: "value", ...more }), E = (/** @type {number[][]} */ A, /** @type {string} */ name, /** @type {any} */ more = {}) => matrix(A, { name, tone: "error", ...more });
    const given = (/** @type {number[][]} */ A, /** @type {string} */ name) => matrix(A, { name, format: short });
    const input = (/** @type {number} */ k) => V(col(p.a[k]), hat("a", k), k ? {} : { format: short });
    if (kind === "x") return [V(col(p.a[0]), "a^{0}", { format: short })];
    if (kind === "z") return [matrix(col(p.z[l]), { name: hat("z", l) }), op("="), given(W()[l], hat("W", l)), input(l - 1), op("+"), given(model.get("b")[l], hat("b", l))];
    if (kind === "a") return [V(col(p.a[l]), hat("a", l)), op("="), op(act), matrix(col(p.z[l]), { name: hat("z", l) })];
    if (kind === "loss") return [lossLine()];
    if (kind === "delta") {
      const out = E(col(p.delta[l]), hat("δ", l)), slope = p.slope[l] && matrix(col(p.slope[l]), { name: `σ′(${hat("z", l)})` }), rule = LOSSES[model.get("loss")];
      const right_ = wronged && l < p.L ? h("span", { class: "cr-aside" }, op("right:"), matrix(col(right.delta[l]), { name: hat("δ", l), shape: false })) : "";
      if (l === p.L && rule.contains) return [out, op("="), op("("), matrix(col(p.z[l]).length ? column(contained(n)) : [], { name: `${rule.contains}(${hat("z", l)})` }), op("−"), given(col(model.get("y")), "y"), op(N > 1 ? `) ∕ ${N}` : ")")];
      if (l === p.L) return [out, op("="), E(col(p.back[l]), `∂L∕∂${hat("a", l)}`), slope ? [op("⊙"), slope] : op("through softmax")];
      const kindOf = model.get("broken"), sent = kindOf === "too early" ? zip(W()[l + 1], p.dW[l + 1], (w, g) => w - model.get("eta") * g) : W()[l + 1];
      const weights = kindOf === "no transpose" ? given(sent, hat("W", l + 1)) : matrix(transpose(sent), { name: `(${hat("W", l + 1)})^{T}`, format: short });
      return [out, op("="), weights, E(col(p.delta[l + 1]), hat("δ", l + 1)), kindOf === "no slope" ? "" : slope ? [op("⊙"), slope] : op("through softmax"), right_];
    }
    if (kind === "dW") {
      const share = [E(col(p.delta[l]), hat("δ", l)), matrix(transpose(col(p.a[l - 1])), { name: `(${hat("a", l - 1)})^{T}`, tone: "value", format: l > 1 ? num : short })];
      const total = E(p.dW[l], `∂L∕∂${hat("W", l)}`);
      return N === 1 ? [total, op("="), ...share] : [total, op(`= sum of ${N}; example ${n + 1} gives`), ...share];
    }
    return N === 1 ? [E(p.db[l], `∂L∕∂${hat("b", l)}`), op("="), E(col(p.delta[l]), hat("δ", l))]
      : [E(p.db[l], `∂L∕∂${hat("b", l)}`), op(`= sum of ${N}; example ${n + 1} gives`), E(col(p.delta[l]), hat("δ", l))];
  }

  const contained = (/** @type {number} */ n) => { const z = p.z[p.L].map((/** @type {number[]} */ r) => r[n]); return LOSSES[model.get("loss")].contains === "softmax" ? softmax(z) : z.map(sigmoid); };

  function lossLine() {
    const n = example(), L = p.L, kind = model.get("loss"), y = model.get("y").map((/** @type {number[]} */ r) => r[n]), a = LOSSES[kind].contains ? contained(n) : p.a[L].map((/** @type {number[]} */ r) => r[n]);
    const one = kind.startsWith("squared") ? a.map((/** @type {number} */ v, /** @type {number} */ i) => [i ? " + " : "", kind === "squared error" ? "½ " : "", "(", value(num(v)), ` − ${factor(y[i])})²`])
      : kind.startsWith("binary") ? a.map((/** @type {number} */ v, /** @type {number} */ i) => [` − ${short(y[i])} ln `, value(num(v)), ` − ${short(1 - y[i])} ln `, value(num(1 - v))])
      : a.map((/** @type {number} */ v, /** @type {number} */ i) => [` − ${short(y[i])} ln `, value(num(v))]);
    return h("div", { class: "cr-lines" }, h("div", {}, math(p.N > 1 ? `loss of example ${n + 1} = ` : "loss = "), one, " = ", h("b", { "data-number": "loss one" }, num(p.losses[n]))),
      p.N > 1 && h("div", {}, `mean over ${p.N} examples = `, h("b", { "data-number": "loss" }, num(p.loss))));
  }

  /** One neuron's equation. @param {string} kind @param {number} l @param {number} i @param {number} [j] */
  function lineOf(kind, l, i, j = 0) {
    const n = example(), r = i - 1, N = p.N, act = model.get("activations")[l], sum = (/** @type {any[]} */ terms) => terms.map((t, k) => [k ? " + " : "", t]);
    const prior = (/** @type {number} */ k) => value(factor(p.a[l - 1][k][n], l > 1 ? num : short));
    const line = (/** @type {any} */ left, /** @type {any[]} */ ...rest) => h("div", { class: "cr-line" }, math(left), " = ", rest);
    if (kind === "z") return line(hat("z", l, i), sum(p.a[l - 1].map((/** @type {any} */ _, /** @type {number} */ k) => [factor(W()[l][r][k]), " · ", prior(k)])), " + ", factor(model.get("b")[l][r][0]), " = ", h("b", {}, num(p.z[l][r][n])));
    if (kind === "a") return line(hat("a", l, i), math(`${act}(`), num(p.z[l][r][n]), ")", act === "softmax" ? " over the layer" : "", " = ", h("b", {}, value(num(p.a[l][r][n]))));
    if (kind === "slope") return line(`σ′(${hat("z", l, i)})`, ACTIVATIONS[act].text(p.z[l][r][n], p.a[l][r][n]), /as|^1$/.test(ACTIVATIONS[act].text(p.z[l][r][n], p.a[l][r][n])) ? "" : [" = ", h("b", {}, num(p.slope[l][r][n]))]);
    if (kind === "loss") return lossLine();
    if (kind === "delta") {
      const slope = p.slope[l] ? num(p.slope[l][r][n]) : "", rule = LOSSES[model.get("loss")], result = h("b", {}, wrong(num(p.delta[l][r][n]))), share = N > 1 ? ` ∕ ${N}` : "";
      if (l === p.L && rule.contains) return line(hat("δ", l, i), "(", value(num(contained(n)[r])), ` − ${factor(model.get("y")[r][n])})`, share, " = ", result);
      const kindOf = model.get("broken"), above = kindOf === "too early" && l < p.L ? zip(W()[l + 1], p.dW[l + 1], (w, g) => w - model.get("eta") * g) : W()[l + 1];
      const inner = l === p.L ? [rule.twice ? "2 " : "", "(", value(num(p.a[l][r][n])), ` − ${factor(model.get("y")[r][n])})`, share]
        : ["(", sum(p.delta[l + 1].map((/** @type {any} */ row, /** @type {number} */ k) => [factor(kindOf === "no transpose" ? above[r][k] : above[k][r]), " · ", wrong(factor(row[n], num))])), ")"];
      return line(hat("δ", l, i), inner, kindOf === "no slope" && l < p.L ? "" : slope ? [" · ", slope] : " through softmax", " = ", result,
        wronged && l < p.L ? h("span", { class: "cr-quiet" }, `   right: ${num(right.delta[l][r][n])}`) : "");
    }
    if (kind === "dW" && !j) return h("div", { class: "cr-lines" }, p.a[l - 1].map((/** @type {any} */ _, /** @type {number} */ k) => lineOf("dW", l, i, k + 1)));
    if (kind === "dW") return line(`∂L∕∂${hat("w", l, i, j)}`, N > 1 ? [`sum over ${N} examples, of which this gives `] : "", `${""}`, wrong(factor(p.delta[l][r][n], num)), " · ", value(factor(p.a[l - 1][j - 1][n], l > 1 ? num : short)), N > 1 ? [` = ${num(p.delta[l][r][n] * p.a[l - 1][j - 1][n])}; `, "together "] : " = ", h("b", {}, wrong(num(p.dW[l][r][j - 1]))));
    return line(`∂L∕∂${hat("b", l, i)}`, math(hat("δ", l, i)), N > 1 ? ` summed over ${N} examples` : "", " = ", h("b", {}, wrong(num(p.db[l][r][0]))));
  }

  function summary(/** @type {string} */ kind, /** @type {number} */ l, /** @type {number} */ i) {
    const n = example(), array = { z: p.z, a: p.a, delta: p.delta }[kind], names = /** @type {Record<string, string>} */ ({ z: "weighted sums z", a: "values a", delta: "error terms δ" });
    if (p.error && !known(kind, l)) return p.error;
    if (kind === "x") return `the input x = (${p.a[0].map((/** @type {number[]} */ r) => short(r[n])).join(", ")}) waits; nothing is computed yet.`;
    if (kind === "loss") return `the loss is ${num(p.loss)}${p.N > 1 ? `, the mean over ${p.N} examples` : ""}. Now backward.`;
    const those = p.N > 1 ? ` for example ${n + 1}` : "";
    if (array && i) return `${{ z: "the weighted sum z", a: "the value a", delta: "the error term δ" }[kind]} of neuron ${i} of layer ${l} is ${num(array[l][i - 1][n])}${those}.`;
    if (array) return `the ${names[kind]} of layer ${l} are (${array[l].map((/** @type {number[]} */ r) => num(r[n])).join(", ")})${those}.`;
    if (kind === "dW") return `the gradient of the weights into layer ${l}${i ? `, neuron ${i},` : ""} is error term times value, ${i ? 1 : sizes[l]}×${sizes[l - 1]} numbers, the shape of ${i ? "a row of " : ""}W.`;
    return `the gradient of the bias${i ? ` of neuron ${i}` : "es"} of layer ${l} is the error term${i ? "" : "s"}${p.N > 1 ? ", summed over the examples" : ""}.${at() === list.length - 1 ? " Both passes are done." : ""}`;
  }

  // ---- the chosen neuron or weight
  function drawInspector() {
    const [kind, ...numbers] = model.get("selected").split(" "), [l, i, j] = numbers.map(Number), ways = sizes.slice(l + 1).reduce((a, b) => a * b, 1), later = (/** @type {string} */ text) => h("div", { class: "cr-quiet" }, text);
    if (!drawn.items[model.get("selected")]) return redraw(inspector, h("h3", {}, "Look inside"), h("p", { class: "cr-quiet" }, "Click a neuron or a weight, or reach it with Tab and the arrow keys."));
    const onward = later(`${ways} ${ways === 1 ? "path leads" : "paths lead"} from here to the loss`);
    if (kind === "a" && l === 0) return redraw(inspector, h("h3", {}, `input ${i}`), h("div", { class: "cr-lines" }, onward, h("div", { class: "cr-line" }, math(`x_${i}`), " = ", value(short(p.a[0][i - 1][example()]))), later("no error term: nothing is learnt here")));
    if (kind === "a") {
      return redraw(inspector, h("h3", {}, `layer ${l}, neuron ${i}`), h("div", { class: "cr-lines" }, onward,
        known("z", l, i) ? lineOf("z", l, i) : later("z comes in the forward pass"), known("a", l, i) && lineOf("a", l, i), known("a", l, i) && p.slope[l] && lineOf("slope", l, i),
        known("delta", l, i) ? lineOf("delta", l, i) : later("δ comes in the backward pass"), known("db", l, i) && lineOf("db", l, i)));
    }
    const w = W()[l][i - 1][j - 1];
    redraw(inspector, h("h3", {}, "weight ", math(hat("w", l, i, j)), ` = ${short(w)}`), h("div", { class: "cr-lines" },
      later(`${l > 1 ? `neuron ${j} of layer ${l - 1}` : `input ${j}`} → neuron ${i} of layer ${l}`), onward,
      h("div", { class: "cr-line" }, math(`∂${hat("z", l, i)}∕∂${hat("a", l - 1, j)} = ${hat("w", l, i, j)} = `), h("b", {}, short(w)), h("span", { class: "cr-quiet" }, " Jacobian entry")),
      known("a", l - 1, j) ? h("div", { class: "cr-line" }, math(`∂${hat("z", l, i)}∕∂${hat("w", l, i, j)} = ${hat("a", l - 1, j)} = `), h("b", {}, value((l > 1 ? num : short)(p.a[l - 1][j - 1][example()])))) : "",
      known("dW", l, i) ? lineOf("dW", l, i, j) : later("its gradient comes in the backward pass")));
  }

  // ---- the wrong pass against the right one
  function drawTable() {
    const name = model.get("broken");
    table.hidden = !name;
    if (!name) return put(table);
    const rows = [];
    for (let l = p.L; l >= 1; l--) for (const [letter, array] of /** @type {[string, string][]} */ ([["W", "dW"], ["b", "db"]])) {
      const good = norm(right[array][l]), bad = wronged[array][l] && norm(wronged[array][l]), exact = bad !== null && String(wronged[array][l]) === String(right[array][l]);
      rows.push(h("tr", { "data-row": `${array} ${l}` }, h("th", { scope: "row" }, math(`∂L∕∂${hat(letter, l)}`)), h("td", {}, num(good)), h("td", { class: exact ? "" : "cr-error" }, bad === null ? "shape error" : num(bad)),
        h("td", {}, bad === null ? "" : num(bad / good)), h("td", { class: exact ? "cr-quiet" : "cr-error" }, bad === null ? "" : exact ? "exact" : "wrong")));
    }
    redraw(table, h("h3", {}, `The wrong pass (${NAMES[name]}) beside the right one`),
      h("table", {}, h("thead", {}, h("tr", {}, ["gradient", "length, right", "length, wrong", "ratio", "verdict"].map((t) => h("th", { scope: "col" }, t)))), h("tbody", {}, rows)),
      h("p", { class: "cr-quiet" }, READING[name]));
  }

  // ---- life
  const resize = () => {
    const w = Math.round(Math.max(600, picture.clientWidth || 900));
    if (w !== width) { width = w; build(); draw(); }
  };
  compute();
  playing();
  const observer = typeof ResizeObserver === "function" ? new ResizeObserver(resize) : null;
  resize();
  observer?.observe(picture);
  const off = [
    watch(model, ["step", "example", "selected"], draw),
    watch(model, ["W", "b", "activations", "x", "y", "loss", "broken", "detail"], () => { compute(); build(); draw(); }),
    watch(model, ["eta"], () => { compute(); draw(); }),
  ];
  return () => { off.forEach((end) => end()); observer?.disconnect(); clearInterval(timer); root.remove(); };
}

const LOSS_TEXT = /** @type {Record<string, string>} */ ({
  "squared error": "loss = ½ Σ (a_i − y_i)^2", "squared error without 1/2": "loss = Σ (a_i − y_i)^2",
  "binary cross-entropy": "loss = −Σ (y_i ln a_i + (1 − y_i) ln(1 − a_i))", "categorical cross-entropy": "loss = −Σ y_i ln a_i",
});
const READING = /** @type {Record<string, string>} */ ({
  "no slope": "The last layer is exact, and every layer below is too large: σ′ of a sigmoid is at most ¼, and it is missing once per layer.",
  "no transpose": "The last layer is exact; below it the error terms went to the wrong neurons. Only a square W lets it pass unnoticed.",
  "too early": "The last layer is exact, the others are off a little, and more with a larger step η. A gradient cannot depend on η.",
});

export default { render };
