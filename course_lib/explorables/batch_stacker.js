import { h, s, put, redraw, reword, reset, math, set, ask, watch, button, choice, slider, sentence, short, KEYS } from "./kit.js";

// Batch stacker: outer products added up one by one, or by one product (7.1), and the times that the kernel took for both.

/** @typedef {number[][]} Matrix */
const WIDE = [32, 64];

/** Entry i, j of the outer product of example n. @param {Matrix} delta @param {Matrix} a @param {number} n @param {number} i @param {number} j */
const term = (delta, a, n, i, j) => delta[i][n] * a[j][n];

/** The outer products of the first n examples, added up. @param {Matrix} delta @param {Matrix} a @param {number} n */
export function added(delta, a, n) {
  return delta.map((_, i) => a.map((_, j) => { let sum = 0; for (let k = 0; k < n; k++) sum += term(delta, a, k, i, j); return sum; }));
}

/** A product of short numbers, without what rounding has left in its last digits. @param {number} value */
export const neat = (value) => short(Number(value.toFixed(10)));
const bracketed = (/** @type {number} */ v) => (v < 0 ? `(${neat(v)})` : neat(v));

/** Seconds with three digits. @param {number} seconds */
export function time(seconds) {
  const [factor, unit] = /** @type {[number, string][]} */ ([[1, "s"], [1e3, "ms"], [1e6, "µs"], [1e9, "ns"]]).find(([f]) => seconds * f >= 0.9995) ?? [1e9, "ns"];
  const value = seconds * factor;
  return `${value >= 999.5 ? Math.round(value) : value.toPrecision(3)} ${unit}`;
}
/** How many times as long. @param {number} ratio */
export const times = (ratio) => `${ratio >= 9.95 ? whole(Math.round(ratio)) : ratio.toFixed(1)} ×`;
const whole = (/** @type {number} */ n) => String(n).replace(/\B(?=(\d{3})+$)/g, n < 10000 ? "" : "\u202f");

/** @param {{model: import("./kit.js").Model, el: HTMLElement}} context */
function render({ model, el }) {
  const root = h("div", { class: "cr cr-stack" });
  const get = (/** @type {string} */ name) => model.get(name);
  const delta = /** @type {Matrix} */ (get("delta")), a = /** @type {Matrix} */ (get("a")), m = delta.length, k = a.length, most = delta[0].length;
  const N = () => get("N"), n = () => Math.min(get("n"), N()), entry = () => /** @type {[number, number]} */ (get("entry"));

  // ---- controls
  const views = choice("add up by", [["loop", "a loop over the examples"], ["product", "one product"]], (value) => set(model, { view: value }));
  const examples = slider("", { min: 1, max: most, step: 1, text: String }, (value) => set(model, { N: value }));
  put(examples.element.firstChild, "examples ", h("i", {}, "N"));
  const counter = slider("added so far", { min: 0, max: most, step: 1, text: (v) => `${v} of ${N()}` }, (value) => set(model, { n: value }));
  const stage = h("div", { class: "cr-stack-stage" }), spelled = h("div", { class: "cr-stack-spelled" }), said = sentence();
  root.append(h("div", { class: "cr-bar" }, views.element, examples.element, counter.element), stage, spelled, said);

  // ---- matrices made of cells, all as wide as the longest number needs, so that none moves
  const partial = Array.from({ length: most + 1 }, (_, e) => added(delta, a, e)), outer = delta.flatMap((row) => a.flatMap((other) => row.map((p, e) => p * other[e])));
  const widest = Math.max(...[delta, a, ...partial].flat(2).concat(outer).map((v) => neat(v).length));
  stage.style.setProperty("--cr-stack-wide", `${Math.max(32, 9.2 * widest + 8)}px`);
  /** @param {number} i @param {number} j */
  const chosen = (i, j) => i === entry()[0] - 1 && j === entry()[1] - 1;
  /** A cell; lit where the chosen entry is made. @param {number} value @param {string} tone @param {boolean} lit */
  const cell = (value, tone, lit) => h("span", { class: `cr-stack-cell ${tone} ${lit ? "cr-stack-lit" : ""}` }, neat(value));

  /** The cells of a matrix in rows. @param {string} name @param {Matrix} rows @param {string} tone @param {(i: number, j: number) => boolean} lit */
  function tiles(name, rows, tone, lit) {
    const spoken = `${name}: ${rows.map((row) => row.map(neat).join(", ")).join("; ")}`;
    return h("span", { class: "cr-stack-tiles", role: "img", "aria-label": spoken, "data-tiles": name, style: `grid-template-columns: repeat(${rows[0].length}, auto)` },
      rows.map((row, i) => row.map((v, j) => cell(v, tone, lit(i, j)))));
  }

  /** The sum, whose entries can be chosen. @param {Matrix} rows */
  function sum(rows) {
    return h("span", { class: "cr-stack-tiles cr-stack-sum", role: "group", "aria-label": "entries of the sum", "data-tiles": "sum", style: `grid-template-columns: repeat(${k}, auto)`, onkeydown: walk },
      rows.map((row, i) => row.map((v, j) => h("button", {
        type: "button", class: `cr-stack-cell ${chosen(i, j) ? "cr-stack-lit" : ""}`, "data-entry": `${i + 1} ${j + 1}`, "aria-pressed": chosen(i, j),
        "aria-label": `row ${i + 1}, column ${j + 1}: ${neat(v)}`, tabindex: chosen(i, j) ? 0 : -1, ...KEYS, onclick: () => choose(i + 1, j + 1),
      }, neat(v)))));
  }
  /** @param {number} i @param {number} j */
  function choose(i, j) {
    set(model, { entry: [i, j] });
    stage.querySelector(`[data-entry="${i} ${j}"]`)?.focus({ preventScroll: true });
  }
  /** @param {KeyboardEvent} event */
  function walk(event) {
    const way = /** @type {Record<string, number[]>} */ ({ ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] })[event.key];
    if (!way) return;
    event.preventDefault();
    const [i, j] = entry();
    choose(Math.min(m, Math.max(1, i + way[0])), Math.min(k, Math.max(1, j + way[1])));
  }
  const sign = (/** @type {string} */ text) => h("span", { class: "cr-stack-sign", "aria-hidden": "true" }, text);

  function loopStage() {
    const upTo = n();
    const cards = Array.from({ length: N() }, (_, e) => {
      const there = e < upTo, row = [a.map((r) => r[e])], column = delta.map((r) => [r[e]]), product = delta.map((_, i) => a.map((_, j) => term(delta, a, e, i, j)));
      return h("span", { class: `cr-stack-item ${there ? "" : "cr-stack-later"} ${e === upTo - 1 ? "cr-stack-now" : ""}`, "data-example": e + 1 },
        h("span", { class: "cr-stack-card" },
          h("span", { class: "cr-stack-name" }, `example ${e + 1}`),
          h("span", {}), tiles(`a transposed, example ${e + 1}`, row, "cr-value", (_, j) => there && j === entry()[1] - 1),
          tiles(`delta, example ${e + 1}`, column, "cr-error", (i) => there && i === entry()[0] - 1), tiles(`outer product ${e + 1}`, product, "", (i, j) => there && chosen(i, j))),
        sign(e < N() - 1 ? "+" : upTo === N() ? "=" : ""));
    });
    const name = upTo === N() ? "the sum" : upTo ? `sum of ${upTo} so far` : "nothing yet";
    return [...cards, h("span", { class: "cr-stack-item cr-stack-result" }, h("span", { class: "cr-stack-name" }, name), sum(added(delta, a, upTo)))];
  }

  function productStage() {
    const used = delta.map((row) => row.slice(0, N())), turned = Array.from({ length: N() }, (_, e) => a.map((row) => row[e]));
    const under = (/** @type {any} */ name, /** @type {string} */ shape, /** @type {any} */ tilesOf) => h("span", { class: "cr-stack-factor" }, tilesOf, h("span", { class: "cr-caption" }, name, h("span", { class: "cr-shape" }, ` ${shape}`)));
    return [h("span", { class: "cr-stack-item cr-stack-whole" },
      under(h("i", {}, "δ"), `${m}×${N()}`, tiles("delta", used, "cr-error", (i) => i === entry()[0] - 1)), sign("·"),
      under(math("a^T"), `${N()}×${k}`, tiles("a transposed", turned, "cr-value", (_, j) => j === entry()[1] - 1)), sign("="),
      under(h("span", {}, h("i", {}, "δ"), " ", math("a^T")), `${m}×${k}`, sum(added(delta, a, N()))))];
  }

  // ---- the times
  const layer = choice("layer", [...new Map([[`${m} ${k}`, `${m} × ${k}, as above`], [WIDE.join(" "), WIDE.join(" × ")]]).entries()], (value) => set(model, { layer: value.split(" ").map(Number) }));
  const go = button("", () => { if (!get("measuring")) ask(model, { measuring: true }); }, { class: "cr-button cr-primary cr-stack-go" });
  const found = h("div", { class: "cr-stack-found" }), state = h("p", { class: "cr-quiet", role: "status" });
  root.append(h("div", { class: "cr-stack-times" }, h("h3", {}, "The times of both, measured in your kernel"), h("div", { class: "cr-bar" }, layer.element, go), state, found));
  el.append(root);

  /** @param {[number, number[], number[]][]} rows */
  function chart(rows) {
    const width = 460, height = 280, left = 58, right = 92, top = 14, bottom = 40;
    const all = rows.flatMap(([, p, q]) => [...p, ...q]), low = Math.floor(Math.log10(Math.min(...all))), high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...all))));
    const X = (/** @type {number} */ v) => left + (Math.log10(v) / 4) * (width - left - right), Y = (/** @type {number} */ t) => top + ((high - Math.log10(t)) / (high - low)) * (height - top - bottom);
    const back = s("g", { class: "cr-axes", "aria-hidden": "true" });
    for (let e = low; e <= high; e++) back.append(s("line", { x1: left, x2: width - right, y1: Y(10 ** e), y2: Y(10 ** e), class: "cr-gridline" }), s("text", { x: left - 8, y: Y(10 ** e), dy: "0.35em", "text-anchor": "end" }, decade(e)));
    for (const v of [1, 10, 100, 1000, 10000]) back.append(s("line", { x1: X(v), x2: X(v), y1: top, y2: height - bottom, class: "cr-gridline" }), s("text", { x: X(v), y: height - bottom + 16, "text-anchor": "middle" }, whole(v)));
    back.append(s("text", { x: (left + width - right) / 2, y: height - 4, "text-anchor": "middle" }, "examples N"));
    const curve = (/** @type {1 | 2} */ which, /** @type {string} */ name, /** @type {string} */ label, /** @type {number} */ shift) => {
      const points = rows.map((row) => [X(row[0]), Y(row[which][1])]), [u, v] = points[points.length - 1];
      return s("g", { class: `cr-stack-curve ${name}` },
        s("path", { d: points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("") }),
        rows.map((row) => s("path", { class: "cr-stack-bar", d: `M${X(row[0])} ${Y(row[which][0]).toFixed(1)}V${Y(row[which][2]).toFixed(1)}` })),
        points.map(([x, y]) => (which === 1 ? s("rect", { x: x - 4.5, y: y - 4.5, width: 9, height: 9 }) : s("circle", { cx: x, cy: y, r: 5 }))),
        s("text", { x: u + 10, y: v + shift, dy: "0.35em" }, label));
    };
    const [, p, q] = rows[rows.length - 1], close = Math.abs(Y(p[1]) - Y(q[1])) < 20 ? 10 : 0;
    const words = `time of one call against N, both axes logarithmic: ${rows.map(([v, one, other]) => `N ${v}, loop ${time(one[1])}, product ${time(other[1])}`).join("; ")}`;
    return s("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words }, back, curve(1, "cr-stack-loop", "loop", p[1] > q[1] ? -close : close), curve(2, "cr-stack-product", "one product", p[1] > q[1] ? close : -close));
  }
  const decade = (/** @type {number} */ e) => (e >= 0 ? `${10 ** e} s` : e >= -3 ? `${10 ** (e + 3)} ms` : e >= -6 ? `${10 ** (e + 6)} µs` : `${10 ** (e + 9)} ns`);

  /** @param {[number, number[], number[]][]} rows */
  function table(rows) {
    const head = h("thead", {}, h("tr", {}, ["N", "loop", "product", "ratio"].map((name, i) => h("th", { scope: "col" }, i ? name : h("i", {}, name)))));
    return h("table", {}, head, h("tbody", {}, rows.map(([v, p, q]) => h("tr", { "data-measured": v },
      h("th", { scope: "row" }, whole(v)), h("td", {}, time(p[1])), h("td", {}, time(q[1])), h("td", {}, times(p[1] / q[1]))))));
  }

  function drawTimes() {
    const shape = get("layer"), measured = get("times"), rows = String(measured.layer) === String(shape) ? measured.rows : [], busy = get("measuring");
    layer.update(shape.join(" "));
    for (const input of layer.element.querySelectorAll("input")) input.disabled = busy;
    redraw(go, busy ? "Measuring …" : rows.length ? "Measure again" : "Measure");
    reset(go, "aria-disabled", String(busy));
    redraw(found, rows.length ? [h("div", { class: "cr-stack-chart" }, chart(rows)), h("div", { class: "cr-stack-table" }, table(rows))] : null);
    const names = `Layer ${shape.join(" × ")}`;
    reword(state, busy ? `${names}: ${rows.length} of 5 sizes measured. You can go on working.`
      : rows.length ? `${names}: medians, and bars from the lower to the upper quartile.`
        : `${names}, for 1 to ${whole(10000)} examples: not measured yet. It takes a few seconds.`);
  }

  // ---- what is seen
  function draw() {
    const loop = get("view") === "loop", upTo = loop ? n() : N(), [i, j] = entry(), focused = stage.contains(document.activeElement);
    views.update(get("view"));
    examples.update(N());
    counter.input.max = String(N());
    counter.update(n());
    counter.element.classList.toggle("cr-gone", !loop);
    stage.classList.toggle("cr-stack-product-stage", !loop);
    redraw(stage, loop ? loopStage() : productStage());
    if (focused) stage.querySelector(`[data-entry="${i} ${j}"]`)?.focus({ preventScroll: true });
    const factors = Array.from({ length: upTo }, (_, e) => [delta[i - 1][e], a[j - 1][e]]), value = added(delta, a, upTo)[i - 1][j - 1];
    const products = factors.map(([p, q]) => bracketed(p * q)).join(" + ");
    const name = h("span", { class: "cr-math" }, "entry ", String(i), ", ", String(j));
    redraw(spelled, name, " = ", upTo ? [factors.map(([p, q], e) => [e ? " + " : "", h("span", { class: "cr-stack-term" }, h("span", { class: "cr-error" }, bracketed(p)), " · ", h("span", { class: "cr-value" }, bracketed(q)))]),
      " = ", upTo > 1 ? [products, " = "] : "", h("b", { "data-number": "entry" }, neat(value))] : h("b", { "data-number": "entry" }, "0"));
    const work = `${m} · ${k} · ${N()} = ${m * k * N()} multiplications`;
    reword(said, loop
      ? `After ${upTo} of ${N()} examples, entry ${i}, ${j} of the sum is ${neat(value)}. ${work} in ${N()} ${N() > 1 ? "turns" : "turn"} of the loop.`
      : `Row ${i} of δ times column ${j} of aᵀ runs through the examples: the same terms, the same ${neat(value)}. ${work} again, in one call.`);
  }

  const offs = [watch(model, ["view", "N", "n", "entry"], draw), watch(model, ["layer", "times", "measuring"], drawTimes)];
  draw();
  drawTimes();
  return () => { for (const off of offs) off(); root.remove(); };
}

export default { render };
