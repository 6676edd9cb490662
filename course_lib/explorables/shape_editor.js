import { h, s, put, redraw, reword, reset, set, watch, button, choice, field, sentence, KEYS } from "./kit.js";

// Shape editor: the widths of a network, the shapes of W, b, z, a that follow (2.1), (2.2), and the count P (2.4).

const WIDEST = 9999, DEEPEST = 6, MOST = 6;

/** Shapes and counts of every layer. @param {number[]} sizes */
export function layers(sizes) {
  return sizes.slice(1).map((n, k) => ({ l: k + 1, n, k: sizes[k], weights: n * sizes[k], biases: n, parameters: n * sizes[k] + n }));
}

/** P, the number of all parameters. @param {number[]} sizes */
export function count(sizes) { return layers(sizes).reduce((sum, layer) => sum + layer.parameters, 0); }

/** A whole number with narrow spaces between its thousands. @param {number} n */
export function whole(n) { return String(n).replace(/\B(?=(\d{3})+$)/g, n < 10000 ? "" : "\u202f"); }

/** A letter with its layer raised, W^1. @param {string} letter @param {number} l */
function raised(letter, l) { return h("span", { class: "cr-math" }, h("i", {}, letter), h("sup", {}, l)); }
/** A width, n_1. @param {number} l */
function width(l) { return h("span", { class: "cr-math" }, h("i", {}, "n"), h("sub", {}, l)); }

const PRESETS = [[2, 3, 2], [784, 30, 10], [784, 512, 512, 10]];

/** @param {{model: import("./kit.js").Model, el: HTMLElement}} context */
function render({ model, el }) {
  const root = h("div", { class: "cr cr-shapes" });
  const views = choice("show", [["neurons", "neurons"], ["matrices", "matrices"]], (value) => set(model, { view: value }));
  const presets = choice("network", PRESETS.map((sizes) => [sizes.join("-"), sizes.join("–")]), (value) => put_(value.split("-").map(Number), 1));
  const total = h("span", { class: "cr-big cr-value", "data-number": "P" });
  root.append(h("div", { class: "cr-bar" }, views.element, presets.element, h("div", { class: "cr-shapes-p" }, h("i", {}, "P"), " = ", total, h("span", { class: "cr-tag" }, " parameters (2.4)"))));
  const editor = h("div", { class: "cr-shapes-editor", role: "group", "aria-label": "widths of the layers" });
  const net = h("div", { class: "cr-shapes-net" }), tiles = h("div", { class: "cr-shapes-tiles" }), table = h("div", { class: "cr-shapes-table" }), said = sentence();
  root.append(editor, net, tiles, table, said);
  el.append(root);

  const sizes = () => /** @type {number[]} */ (model.get("sizes"));
  const chosen = () => Math.min(model.get("layer"), sizes().length - 1);
  /** @param {number[]} next @param {number} [layer] */
  function put_(next, layer = chosen()) { set(model, { sizes: next.map((n) => Math.min(WIDEST, Math.max(1, Math.round(n)))), layer: Math.min(layer, next.length - 1) }); }
  const widen = (/** @type {number} */ l, /** @type {number} */ n) => put_(sizes().map((old, k) => (k === l ? n : old)), l);

  /** @type {any[]} */ let columns = [];
  /** A column of controls for every width; made anew when their number changes. */
  function build() {
    const L = sizes().length - 1, name = (/** @type {number} */ l) => (l === 0 ? "inputs" : l === L ? "outputs" : `layer ${l}`);
    columns = sizes().map((_, l) => {
      const value = field(`n${l}, ${name(l)}`, { min: 1, max: WIDEST, step: 1, onfocus: () => set(model, { layer: l }) }, (n) => widen(l, n));
      const less = button("−", () => widen(l, sizes()[l] - 1), { class: "cr-button cr-shapes-small", "aria-label": `one neuron less in ${name(l)}` });
      const more = button("+", () => widen(l, sizes()[l] + 1), { class: "cr-button cr-shapes-small", "aria-label": `one neuron more in ${name(l)}` });
      const remove = l > 0 && l < L && button("×", () => { put_(sizes().filter((_, k) => k !== l), Math.max(1, l - 1)); focusOn(Math.max(1, l - 1)); },
        { class: "cr-button cr-shapes-remove", "aria-label": `remove layer ${l}`, title: `remove layer ${l}` });
      const insert = l < L && button("+", () => { put_([...sizes().slice(0, l + 1), Math.min(sizes()[l], 4), ...sizes().slice(l + 1)], l + 1); focusOn(l + 1); },
        { class: "cr-button cr-shapes-insert", disabled: L >= DEEPEST, "aria-label": `add a layer after ${name(l)}`, title: "add a layer here" });
      const element = h("div", { class: "cr-shapes-column", onclick: (/** @type {Event} */ event) => { if (event.target === event.currentTarget) set(model, { layer: l }); } },
        h("div", { class: "cr-shapes-name" }, name(l), remove), h("label", { class: "cr-shapes-width" }, width(l), " = ", value.element), h("div", { class: "cr-shapes-buttons" }, less, more), insert);
      return { element, value, less, more };
    });
    put(editor, columns.map((column) => column.element));
  }
  function focusOn(/** @type {number} */ l) { queueMicrotask(() => columns[l]?.value.element.focus()); } // once it is drawn

  // ---- neurons
  function drawNeurons() {
    const all = sizes(), unit = Math.min(190, Math.max(112, 780 / all.length)), lit = chosen();
    const tall = 34 * Math.max(2, ...all.map((n) => (n > MOST ? MOST + 1 : n))), high = tall + 50;
    const at = all.map((n, l) => {
      const shown = Math.min(n, MOST), dots = n > MOST ? 1 : 0;
      return { x: unit * (l + 0.5), rows: Array.from({ length: shown }, (_, i) => tall / 2 + 34 * (i + (dots && i >= MOST - 1 ? 1 : 0) - (shown + dots - 1) / 2)), dots };
    });
    const links = at.slice(1).flatMap((to, k) => at[k].rows.map((y0) => to.rows.map((y1) => s("line", { x1: at[k].x, y1: y0, x2: to.x, y2: y1, class: k === lit || k + 1 === lit ? "cr-shapes-link cr-live" : "cr-shapes-link" }))));
    const names = layers(all).map(({ l, n, k }) => {
      const x = (at[l - 1].x + at[l].x) / 2;
      return s("g", { class: "cr-shapes-weight" }, s("text", { x, y: tall + 20, "text-anchor": "middle" }, s("tspan", { class: "cr-it" }, "W"), s("tspan", { dy: -5, "font-size": 10 }, l)),
        s("text", { x, y: tall + 38, "text-anchor": "middle" }, s("tspan", { class: l === lit ? "cr-value" : "cr-quiet" }, n), s("tspan", { class: "cr-quiet" }, " × "), s("tspan", { class: l - 1 === lit ? "cr-value" : "cr-quiet" }, k)));
    });
    const neurons = at.map(({ x, rows, dots }, l) => [rows.map((y) => s("circle", { cx: x, cy: y, r: 12, class: l === lit ? "cr-shapes-neuron cr-live" : "cr-shapes-neuron" })),
      dots ? [-5, 0, 5].map((d) => s("circle", { cx: x, cy: (rows[rows.length - 2] + rows[rows.length - 1]) / 2 + d, r: 1.8, class: "cr-shapes-dot" })) : []]);
    const picture = s("svg", { viewBox: `0 0 ${unit * all.length} ${high}`, role: "img", "aria-label": `columns of ${all.join(", ")} neurons` }, links, neurons, names);
    const style = `--columns: ${all.length}; max-width: ${Math.round(unit * all.length)}px`;
    reset(editor, "style", style);
    reset(net, "style", style);
    redraw(net, picture);
  }

  // ---- matrices
  function drawTiles() {
    const all = sizes(), lit = chosen(), scale = 132 / Math.max(...all);
    const tile = (/** @type {any} */ name, /** @type {number} */ rows, /** @type {number} */ cols, /** @type {boolean} */ rowsLit, /** @type {boolean} */ colsLit) =>
      h("span", { class: "cr-shapes-cell" }, h("span", { class: "cr-shapes-stand", style: `height: ${132}px` },
        h("span", { class: `cr-shapes-tile${rowsLit ? " cr-rows" : ""}${colsLit ? " cr-cols" : ""}`, "data-tile": `${rows} ${cols}`, style: `width: ${Math.max(2, scale * cols)}px; height: ${Math.max(2, scale * rows)}px` })),
      h("span", {}, name), h("span", { class: "cr-shape" }, h("span", { class: rowsLit ? "cr-shapes-lit" : "" }, whole(rows)), " × ", h("span", { class: colsLit ? "cr-shapes-lit" : "" }, whole(cols))));
    const op = (/** @type {string} */ sign) => h("span", { class: "cr-shapes-op" }, sign);
    redraw(tiles, layers(all).map(({ l, n, k }) => h("div", { class: "cr-shapes-card", role: "img", "aria-label": `z${l} of shape ${n} by 1 is W${l} of shape ${n} by ${k}, times a${l - 1} of shape ${k} by 1, plus b${l} of shape ${n} by 1` },
      tile(raised("z", l), n, 1, l === lit, false), op("="), tile(raised("W", l), n, k, l === lit, l - 1 === lit), tile(raised("a", l - 1), k, 1, l - 1 === lit, false), op("+"), tile(raised("b", l), n, 1, l === lit, false))),
    h("p", { class: "cr-quiet cr-shapes-note" }, `all tiles to one scale${scale < 2 ? "; none is drawn thinner than 2 px" : ""}`));
  }

  // ---- table
  function drawTable() {
    const all = sizes(), rows = layers(all), P = count(all), lit = chosen();
    const shape = (/** @type {number} */ m, /** @type {number} */ n, /** @type {number} */ at, /** @type {number} */ columns) =>
      h("td", {}, "(", h("span", { class: at === lit ? "cr-shapes-lit" : "" }, whole(m)), ", ", h("span", { class: columns === lit ? "cr-shapes-lit" : "" }, whole(n)), ")");
    const head = ["layer", h("i", {}, "W"), h("i", {}, "b"), h("i", {}, "z"), h("i", {}, "a"), "weights", "biases", "parameters", "share"];
    redraw(table, h("table", {},
      h("thead", {}, h("tr", {}, head.map((cell) => h("th", { scope: "col" }, cell)))),
      h("tbody", {}, h("tr", {}, h("th", { scope: "row" }, "inputs"), h("td"), h("td"), h("td"), shape(all[0], 1, 0, -1), h("td"), h("td"), h("td"), h("td")),
        rows.map(({ l, n, k, weights, biases, parameters }) => h("tr", { "data-layer": l }, h("th", { scope: "row" }, l), shape(n, k, l, l - 1), shape(n, 1, l, -1), shape(n, 1, l, -1), shape(n, 1, l, -1),
          h("td", {}, whole(weights)), h("td", {}, whole(biases)), h("td", {}, whole(parameters)),
          h("td", { class: "cr-shapes-share" }, h("span", { class: "cr-shapes-track", "aria-hidden": "true" }, h("span", { class: "cr-shapes-fill", style: `width: ${(100 * parameters) / P}%` })), h("span", { class: "cr-shapes-percent" }, percent(parameters / P)))))),
      h("tfoot", {}, h("tr", {}, h("th", { scope: "row", colspan: 5 }, h("i", {}, "P")), h("td", {}, whole(rows.reduce((sum, row) => sum + row.weights, 0))), h("td", {}, whole(rows.reduce((sum, row) => sum + row.biases, 0))), h("td", {}, whole(P)), h("td")))));
  }
  function percent(/** @type {number} */ share) { return `${(100 * share).toFixed(share > 0.9995 || share >= 0.0995 ? 0 : 1)} %`; }

  let built = "";
  function draw() {
    const all = sizes(), L = all.length - 1, l = chosen();
    if (built !== String(L)) { build(); built = String(L); }
    columns.forEach(({ element, value, less, more }, k) => {
      value.update(all[k]);
      reset(less, "aria-disabled", all[k] <= 1); // not disabled: a button that has the focus keeps it
      reset(more, "aria-disabled", all[k] >= WIDEST);
      element.classList.toggle("cr-live", k === l);
    });
    views.update(model.get("view"));
    presets.update(all.join("-"));
    reword(total, whole(count(all)));
    drawNeurons();
    net.hidden = model.get("view") === "matrices";
    tiles.hidden = !net.hidden;
    if (!tiles.hidden) drawTiles();
    drawTable();
    const rows = l > 0 ? `W${UP[l]} its ${all[l]} ${all[l] === 1 ? "row" : "rows"}` : "", cols = l < L ? `W${UP[l + 1]} its ${all[l]} ${all[l] === 1 ? "column" : "columns"}` : "";
    reword(said, `n${LOW[l]} = ${all[l]} gives ${[rows, cols].filter(Boolean).join(" and ")}. The network has ${whole(count(all))} parameters.`);
  }

  const off = watch(model, ["sizes", "view", "layer"], draw);
  draw();
  return () => { off(); root.remove(); };
}

const UP = "⁰¹²³⁴⁵⁶⁷", LOW = "₀₁₂₃₄₅₆₇";

export default { render };
