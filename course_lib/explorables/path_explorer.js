import { h, s, put, redraw, reword, reset, math, label, nameOf, num, plain, short, factor, set, watch, button, field, choice, sentence, matrix, roam, KEYS } from "./kit.js";

// Path explorer: products along paths add up to one entry of a product of Jacobians (5.4); brackets and what they cost.

/** @typedef {[string, string, number]} Edge from, to, local derivative */

/** All paths from `start` to `end`, in the order of the edges. @param {Edge[]} edges @param {string} start @param {string} end
 * @returns {string[][]} */
export function paths(edges, start, end) {
  if (start === end) return [[end]];
  return edges.filter(([from]) => from === start).flatMap(([, to]) => paths(edges, to, end).map((rest) => [start, ...rest]));
}

/** The local derivatives along a path, outermost first. @param {Edge[]} edges @param {string[]} path */
export function factors(edges, path) {
  const at = new Map(edges.map(([from, to, value]) => [`${from} > ${to}`, value]));
  return path.slice(1).map((to, k) => at.get(`${path[k]} > ${to}`) ?? 0).reverse();
}

const product = (/** @type {number[]} */ values) => values.reduce((a, b) => a * b, 1);
const add = (/** @type {number[]} */ values) => values.reduce((a, b) => a + b, 0);

const byNumber = new Intl.Collator("en", { numeric: true }).compare;

/** The nodes in columns, by the length of the longest path that leads to them. @param {Edge[]} edges @returns {string[][]} */
export function columns(edges) {
  const names = [...new Set(edges.flatMap(([from, to]) => [from, to]))];
  const depth = Object.fromEntries(names.map((name) => [name, 0]));
  for (let k = 0; k < names.length; k++) for (const [from, to] of edges) depth[to] = Math.max(depth[to], depth[from] + 1);
  const last = Math.max(...Object.values(depth));
  return Array.from({ length: last + 1 }, (_, d) => names.filter((name) => depth[name] === d).sort(byNumber));
}

/** Jacobians from column to column, innermost first, or null where an edge leaps over a column. @param {Edge[]} edges */
export function jacobians(edges) {
  const layers = columns(edges), place = new Map(layers.flatMap((names, d) => names.map((name) => [name, d])));
  if (edges.some(([from, to]) => place.get(to) !== (place.get(from) ?? 0) + 1)) return null;
  const at = new Map(edges.map(([from, to, value]) => [`${from} > ${to}`, value]));
  return layers.slice(1).map((outs, d) => outs.map((to) => layers[d].map((from) => at.get(`${from} > ${to}`) ?? 0)));
}

/** @param {number[][]} A @param {number[][]} B */
export function matmul(A, B) {
  return A.map((row) => B[0].map((_, j) => add(row.map((v, k) => v * B[k][j]))));
}

/** @typedef {number | [any, any]} Order nested pairs of positions */

/** All bracketings of the matrices start .. stop - 1. @param {number} start @param {number} stop @returns {Order[]} */
function orders(start, stop) {
  if (stop - start === 1) return [start];
  const found = [];
  for (let k = start + 1; k < stop; k++) for (const left of orders(start, k)) for (const right of orders(k, stop)) found.push(/** @type {Order} */ ([left, right]));
  return found;
}

/** @param {Order} order @param {string[]} names @returns {string} */
function write(order, names) {
  return typeof order === "number" ? names[order] : order.map((part) => (typeof part === "number" ? names[part] : `(${write(part, names)})`)).join(" ");
}

/** The products that a bracketing asks for, inner ones first. @param {number[][]} shapes @param {Order} order */
export function products(shapes, order) {
  /** @type {{from: number, to: number, m: number, k: number, n: number, count: number, depth: number}[]} */
  const found = [];
  const visit = (/** @type {Order} */ part) => {
    if (typeof part === "number") return { m: shapes[part][0], n: shapes[part][1], from: part, to: part, depth: 0 };
    const a = visit(part[0]), b = visit(part[1]), depth = 1 + Math.max(a.depth, b.depth);
    found.push({ from: a.from, to: b.to, m: a.m, k: a.n, n: b.n, count: a.m * a.n * b.n, depth });
    return { m: a.m, n: b.n, from: a.from, to: b.to, depth };
  };
  visit(order);
  return found;
}

/** All bracketings with their multiplications, the cheapest first. @param {number[][]} shapes @param {string[]} names */
export function bracketings(shapes, names) {
  return orders(0, shapes.length).map((order) => ({ order, text: write(order, names), count: add(products(shapes, order).map((p) => p.count)) }))
    .sort((a, b) => a.count - b.count);
}

/** @param {string[]} path */
const key = (path) => path.join(" > ");

/** @param {{model: import("./kit.js").Model, el: HTMLElement}} context */
function render({ model, el }) {
  const root = h("div", { class: "cr cr-paths" });
  const top = h("div", { class: "cr-bar" }), graph = h("div"), list = h("div", { class: "cr-path-list" }), product2 = h("div", { class: "cr-row cr-path-matrices" }), said = sentence();
  root.append(top, h("div", { class: "cr-path-grid" }, graph, list), product2, said);
  const chain = h("div", { class: "cr-chain" });
  root.append(chain);
  el.append(root);

  /** @type {any} */ let ends = null;

  // ---- start, end and the rows of paths
  function build() {
    const layers = columns(model.get("edges")), name = (/** @type {string} */ n) => /** @type {[string, any]} */ ([n, nameOf(n)]);
    const start = choice("from", layers[0].map(name), (value) => set(model, { start: value, paths: [] }));
    const end = choice("to", layers[layers.length - 1].map(name), (value) => set(model, { end: value, paths: [] }));
    const all = button("All paths", () => set(model, { paths: found().map(key) }));
    const none = button("None", () => set(model, { paths: [] }));
    put(top, start.element, end.element, h("div", { class: "cr-row" }, all, none));
    ends = { start, end };
    rows();
  }

  function found() { return paths(model.get("edges"), model.get("start"), model.get("end")); }

  function toggle(/** @type {string[]} */ keys) {
    const chosen = new Set(model.get("paths")), drop = keys.every((k) => chosen.has(k));
    for (const k of keys) drop ? chosen.delete(k) : chosen.add(k);
    set(model, { paths: found().map(key).filter((k) => chosen.has(k)) });
  }

  /** @type {any[]} */ let buttons = [];
  const sum = h("div", { class: "cr-path-sum" });
  function rows() {
    const edges = model.get("edges");
    buttons = found().map((path) => {
      const numbers = factors(edges, path);
      return h("button", { type: "button", class: "cr-path", ...KEYS, "data-path": key(path), onclick: () => toggle([key(path)]) },
        h("span", { class: "cr-check", "aria-hidden": "true" }),
        h("span", { class: "cr-path-name" }, path.map((n, k) => [k ? " → " : "", nameOf(n)])),
        h("span", { class: "cr-path-factors" }, numbers.map((v, k) => [k ? " · " : "", factor(v)])),
        h("span", { class: "cr-path-product" }, `= ${num(product(numbers))}`));
    });
    put(list, h("h3", {}, "paths ", h("span", { class: "cr-tag" }, "(5.4)")), buttons, sum);
  }

  const parts = roam(graph, ".cr-node[data-part]");
  function drawGraph() {
    const edges = model.get("edges"), layers = columns(edges), chosen = new Set(model.get("paths"));
    const width = 420, tall = Math.max(...layers.map((l) => l.length)), height = 40 + 84 * tall;
    const at = new Map(layers.flatMap((names, d) => names.map((n, i) => [n, [28 + (d * (width - 56)) / Math.max(1, layers.length - 1), height / 2 + (i - (names.length - 1) / 2) * Math.min(96, (height - 60) / Math.max(1, names.length - 1))]])));
    const open = found(), through = (/** @type {string} */ a, /** @type {string} */ b) => open.filter((p) => p.some((n, k) => n === a && (b === "" || p[k + 1] === b)));
    const lines = [], numbers = [];
    for (const [from, to, value] of edges) {
      const [x0, y0] = at.get(from) ?? [0, 0], [x1, y1] = at.get(to) ?? [0, 0], length = Math.hypot(x1 - x0, y1 - y0), c = (x1 - x0) / length, d = (y1 - y0) / length;
      const keys = through(from, to).map(key), lit = keys.filter((k) => chosen.has(k)).length;
      const state = !keys.length ? "cr-away" : lit ? "cr-taken" : "cr-ready";
      const line = { x1: x0 + 23 * c, y1: y0 + 23 * d, x2: x1 - 28 * c, y2: y1 - 28 * d };
      const g = s("g", { class: `cr-link ${state}`, "data-edge": `${from} > ${to}`,
        ...(keys.length && parts.part(`${from} > ${to}`, `${plain(from)} to ${plain(to)}: ${short(value)}`, () => toggle(keys), { "aria-pressed": lit > 0 })) }, s("line", { ...line, class: "cr-hit" }), s("line", { ...line, class: "cr-stroke" }),
        s("path", { class: "cr-head", d: `M${line.x2 + 5 * c} ${line.y2 + 5 * d}l${-10 * c + 4.5 * d} ${-10 * d - 4.5 * c}l${-9 * d} ${9 * c}Z` }));
      if (keys.length) numbers.push(s("text", { x: x0 + (x1 - x0) * 0.5, y: y0 + (y1 - y0) * 0.5 - 1, dy: "0.35em", "text-anchor": "middle", class: `cr-onlink ${state}` }, short(value)));
      lines.push(g);
    }
    /** A node as a button: an end of the graph is chosen, one on the way has its paths taken. @param {string} n @param {number} d @param {string[]} keys @param {boolean} lit */
    const part = (n, d, keys, lit) => d === 0 ? parts.part(n, `${plain(n)}, begin here`, () => set(model, { start: n, paths: [] }), { "aria-pressed": lit })
      : d === layers.length - 1 ? parts.part(n, `${plain(n)}, end here`, () => set(model, { end: n, paths: [] }), { "aria-pressed": lit })
      : keys.length ? parts.part(n, `through ${plain(n)}`, () => toggle(keys), { "aria-pressed": lit }) : {};
    const circles = layers.flatMap((names, d) => names.map((n) => {
      const [x, y] = at.get(n) ?? [0, 0], end = n === model.get("start") || n === model.get("end"), keys = through(n, "").map(key);
      const used = open.some((p) => p.includes(n) && chosen.has(key(p)));
      const g = s("g", { class: `cr-node ${end ? "cr-end" : used ? "cr-used" : keys.length ? "" : "cr-away"}`, "data-node": n, transform: `translate(${x} ${y})`, ...part(n, d, keys, end || used) }, s("circle", { r: 22 }), label(n, { dy: "0.32em", "text-anchor": "middle" }));
      return g;
    }));
    redraw(graph, s("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": `graph with ${edges.length} edges: arrow keys go from part to part` }, lines, numbers, circles));
  }

  // Jacobians beside the sum
  function drawMatrices() {
    const edges = model.get("edges"), Js = jacobians(edges), layers = columns(edges), complete = done();
    if (!Js) return put(product2);
    const i = layers[layers.length - 1].indexOf(model.get("end")), j = layers[0].indexOf(model.get("start")), last = Js.length - 1;
    const total = Js.reduce((inner, J) => matmul(J, inner));
    const tiles = Js.map((J, d) => matrix(J, { name: `J_{${d + 1}}`, format: short, mark: (r, c) => ((d === last && r === i) || (d === 0 && c === j)) && "cr-lit" })).reverse();
    redraw(product2, tiles, h("span", { class: "cr-op" }, "="),
      matrix(total, { name: Js.map((_, d) => `J_{${d + 1}}`).reverse().join(" "), mark: (r, c) => r === i && c === j && (complete ? "cr-best" : "cr-ring") }),
      h("span", { class: "cr-quiet" }, "(5.3)"));
  }

  const done = () => model.get("paths").length === found().length && found().length > 0;

  function drawSum() {
    const edges = model.get("edges"), open = found(), chosen = new Set(model.get("paths"));
    const taken = open.filter((p) => chosen.has(key(p))), value = add(taken.map((p) => product(factors(edges, p)))), whole = add(open.map((p) => product(factors(edges, p))));
    for (const b of buttons) reset(b, "aria-pressed", chosen.has(b.dataset.path));
    const entry = h("span", { class: "cr-math" }, "∂", nameOf(model.get("end")), "∕∂", nameOf(model.get("start")));
    redraw(sum, h("span", {}, `sum of ${taken.length} of ${open.length}`), h("span", { class: `cr-path-product ${done() ? "cr-value" : ""}`, "data-number": "sum" }, num(value)),
      h("span", { class: "cr-path-verdict" }, done() ? ["= ", entry, ", the entry of the product of Jacobians ✓"] : [entry, ` = ${num(whole)}`, h("span", { class: "cr-quiet" }, `, still missing ${num(whole - value)}`)]));
    const words = taken.map((p) => num(product(factors(edges, p)))).join(" + ").replaceAll("+ −", "− ");
    reword(said, plain(open.length === 0 ? `No path leads from ${model.get("start")} to ${model.get("end")}: the derivative is 0.`
      : taken.length === 0 ? `${open.length} paths lead from ${model.get("start")} to ${model.get("end")}. Choose them one by one: click edges, or the rows beside the graph.`
      : `${words}${taken.length > 1 ? ` = ${num(value)}` : ""}: ${done() ? `all ${open.length} paths, so this is the derivative of ${model.get("end")} along ${model.get("start")}.` : `${taken.length} of ${open.length} paths; the derivative is ${num(whole)}.`}`));
  }

  // ---- part two: the brackets
  const names = () => model.get("shapes").map((/** @type {any} */ _, /** @type {number} */ k, /** @type {any[]} */ all) => `J${all.length - k}`);
  const sizes = () => [...model.get("shapes").map((/** @type {number[]} */ [m]) => m), model.get("shapes").at(-1)[1]];
  const tree = h("div"), bars = h("div", { class: "cr-bars", role: "radiogroup", "aria-label": "Bracketing" }), inputs = h("div", { class: "cr-row" }), cost = sentence();
  /** @type {any[]} */ let fields = [];
  function buildChain() {
    const n = sizes();
    fields = n.map((_, k) => field(k === 0 ? "outputs" : k === n.length - 1 ? "inputs" : `size ${k}`, { min: 1, max: 1000, step: 1 }, (value) => {
      const next = sizes();
      next[k] = Math.max(1, Math.min(1000, Math.round(value)));
      set(model, { shapes: next.slice(1).map((m, d) => [next[d], m]) });
    }));
    put(inputs, h("span", { class: "cr-quiet" }, "outputs"), fields.map((f, k) => [k ? h("span", { class: "cr-quiet" }, "×") : "", f.element]), h("span", { class: "cr-quiet" }, "inputs"));
    put(chain, h("h3", {}, "Where to begin: the same product, bracketed"), h("div", { class: "cr-bar" }, inputs), h("div", { class: "cr-path-grid" }, tree, bars), cost);
  }

  function drawChain() {
    const shapes = model.get("shapes"), all = bracketings(shapes, names()), chosen = all.find((b) => b.text === model.get("bracketing")) ?? all[0];
    sizes().forEach((v, k) => fields[k].update(v));
    const most = Math.max(...all.map((b) => b.count));
    const left = write(shapes.reduce((/** @type {any} */ o, /** @type {any} */ _, /** @type {number} */ k) => (k ? [o, k] : 0), 0), names());
    const right = write(shapes.reduceRight((/** @type {any} */ o, /** @type {any} */ _, /** @type {number} */ k) => (k === shapes.length - 1 ? k : [k, o]), 0), names());
    const focused = bars.contains(document.activeElement);
    redraw(bars, all.map((b) => {
      const checked = b === chosen, note = b.text === left ? "from the left, the output" : b.text === right ? "from the right, the input" : "";
      return h("div", { class: "cr-bar-row", role: "radio", tabindex: checked ? 0 : -1, "aria-checked": checked, ...KEYS, "data-bracketing": b.text,
        "aria-label": `${b.text}, ${note ? `${note}, ` : ""}${b.count} multiplications`,
        onclick: () => set(model, { bracketing: b.text }),
        onkeydown: (/** @type {KeyboardEvent} */ e) => {
          const by = /** @type {Record<string, number>} */ ({ ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 })[e.key];
          if (e.key === " " || e.key === "Enter") { set(model, { bracketing: b.text }); e.preventDefault(); }
          if (by) { set(model, { bracketing: all[(all.indexOf(b) + by + all.length) % all.length].text }); e.preventDefault(); }
        } },
        h("span", { class: "cr-bar-name" }, brackets(b.text), note && h("span", { class: "cr-quiet" }, ` ${note}`)),
        h("span", { class: "cr-bar-track" }, h("span", { class: "cr-bar-fill", style: `width: ${Math.max(0.4, (100 * b.count) / most)}%` })),
        h("span", { class: "cr-bar-count" }, count(b.count)));
    }));
    if (focused) /** @type {any} */ (bars.querySelector("[aria-checked=true]"))?.focus();
    drawTree(shapes, chosen.order);
    const parts = products(shapes, chosen.order);
    reword(cost, `${plain(chosen.text)}: ${parts.map((p) => count(p.count)).join(" + ")} = ${count(chosen.count)} multiplications${chosen === all[0] ? ", the fewest there can be." : `, ${short(Math.round((10 * chosen.count) / all[0].count) / 10)} times the fewest, ${count(all[0].count)} for ${plain(all[0].text)}.`}`);
  }

  const brackets = (/** @type {string} */ text) => text.split(/(J\d+)/).map((part) => (/^J/.test(part) ? nameOf(part) : part));
  const count = (/** @type {number} */ n) => String(n).replace(/\B(?=(\d{3})+$)/g, " ");

  function drawTree(/** @type {number[][]} */ shapes, /** @type {Order} */ order) {
    const parts = products(shapes, order), deep = Math.max(0, ...parts.map((p) => p.depth)), width = 420, most = Math.max(...shapes.flat());
    const side = (/** @type {number} */ n) => Math.max(4, 68 * Math.sqrt(n / most)), gap = (width - shapes.reduce((w, [, n]) => w + side(n), 0)) / shapes.length;
    let x = gap / 2;
    const place = shapes.map(([, n]) => { const at = x; x += side(n) + gap; return [at, at + side(n)]; });
    const base = 100, marks = shapes.map(([m, n], k) => [s("rect", { x: place[k][0], y: base - side(m), width: side(n), height: side(m), rx: 2, class: "cr-tile" }),
      label(names()[k], { x: (place[k][0] + place[k][1]) / 2, y: base + 20, "text-anchor": "middle" }),
      s("text", { x: (place[k][0] + place[k][1]) / 2, y: base + 37, "text-anchor": "middle", class: "cr-quiet" }, `${m}×${n}`)]);
    const nodes = parts.map((p, k) => {
      const x0 = place[p.from][0] - 6 - 4 * p.depth, x1 = place[p.to][1] + 6 + 4 * p.depth, y = base + 12 + 44 * p.depth;
      return s("g", {}, s("path", { d: `M${x0} ${y - 8}V${y}H${x1}V${y - 8}`, class: "cr-brace" }),
        s("text", { x: (x0 + x1) / 2, y: y + 18, "text-anchor": "middle" }, s("tspan", { class: "cr-quiet" }, `${p.m}·${p.k}·${p.n} = `), s("tspan", { class: "cr-value" }, count(p.count))));
    });
    redraw(tree, s("svg", { viewBox: `0 0 ${width} ${base + 40 + 44 * deep}`, role: "img", "aria-label": `Bracketing ${write(order, names())}` }, marks, nodes));
  }

  function drawPaths() { ends.start.update(model.get("start")); ends.end.update(model.get("end")); parts.draw(drawGraph); drawMatrices(); drawSum(); }
  build();
  buildChain();
  drawPaths();
  drawChain();
  const off = [
    watch(model, ["edges"], () => { build(); drawPaths(); }),
    watch(model, ["start", "end"], () => { rows(); drawPaths(); }),
    watch(model, ["paths"], drawPaths),
    watch(model, ["shapes"], () => { if (fields.length !== sizes().length) buildChain(); drawChain(); }),
    watch(model, ["bracketing"], drawChain),
  ];
  return () => { off.forEach((end) => end()); root.remove(); };
}

export default { render };
