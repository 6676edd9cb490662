import { h, s, put, redraw, label, nameOf, short, rounded, factor, plain, set, watch, button, choice, slider, field, sentence, scrolls, reword, reset, roam } from "./kit.js";

// Graph player: tangents up or adjoints down a computational graph, every number in its formula, every operation counted.
// A node is {name, f, terms: [[name, coefficient], ...], plus}; f is "" for an input; nodes come after their terms.

/** @typedef {{name: string, f: string, terms: [string, number][], plus: number}} Node */
/** @typedef {Record<string, number>} Numbers */

// ---------------------------------------------------------------- the mathematics

const sigmoid = (/** @type {number} */ z) => (z < 0 ? Math.exp(z) / (1 + Math.exp(z)) : 1 / (1 + Math.exp(-z)));

/** Functions of s, their slopes from s and the value v, and the slope as text.
 * @type {Record<string, {f: (s: number) => number, d: (s: number, v: number) => number, text: (s: number, v: number) => string}>} */
const FUNCTIONS = {
  identity: { f: (z) => z, d: () => 1, text: () => "" },
  tanh: { f: Math.tanh, d: (_, v) => 1 - v * v, text: (_, v) => `(1 − ${factor(v)}²)` },
  sigmoid: { f: sigmoid, d: (_, v) => v * (1 - v), text: (_, v) => `${short(v)} (1 − ${short(v)})` },
  exp: { f: Math.exp, d: (_, v) => v, text: (_, v) => `${short(v)}` },
  relu: { f: (z) => Math.max(z, 0), d: (z) => (z > 0 ? 1 : 0), text: (z) => (z > 0 ? "1" : "0") },
  square: { f: (z) => z * z, d: (z) => 2 * z, text: (z) => `2 · ${factor(z)}` },
};

const weighted = (/** @type {Node} */ node, /** @type {Numbers} */ v) => node.terms.reduce((sum, [term, c]) => sum + c * v[term], 0) + node.plus;

/** Value of every node (8.1), and the local slopes along its terms. @param {Node[]} nodes @param {number[]} x */
export function evaluate(nodes, x) {
  const v = /** @type {Numbers} */ ({}), slopes = /** @type {Record<string, number[]>} */ ({});
  let given = 0;
  for (const node of nodes) {
    const { name, f, terms } = node, of = terms.map(([term]) => v[term]);
    if (!f) { v[name] = x[given++]; slopes[name] = []; }
    else if (f === "product") { v[name] = of[0] * of[1]; slopes[name] = [of[1], of[0]]; }
    else if (f === "max") { v[name] = Math.max(...of); slopes[name] = of[0] >= of[1] ? [1, 0] : [0, 1]; }
    else {
      const z = weighted(node, v);
      v[name] = FUNCTIONS[f].f(z);
      slopes[name] = terms.map(([, c]) => FUNCTIONS[f].d(z, v[name]) * c);
    }
  }
  return { v, slopes };
}

/** Tangent of every node (8.2). @param {Node[]} nodes @param {Record<string, number[]>} slopes @param {string} seed */
export function push(nodes, slopes, seed) {
  const dot = /** @type {Numbers} */ ({});
  for (const { name, terms } of nodes) dot[name] = terms.reduce((sum, [term], k) => sum + slopes[name][k] * dot[term], name === seed ? 1 : 0);
  return dot;
}

/** Adjoint of every node after these have sent theirs (8.4). @param {Node[]} nodes @param {Record<string, number[]>} slopes @param {string} seed @param {string[]} sent */
export function pull(nodes, slopes, seed, sent) {
  const bar = /** @type {Numbers} */ (Object.fromEntries(nodes.map(({ name }) => [name, name === seed ? 1 : 0]))), of = byName(nodes);
  for (const name of sent) of[name].terms.forEach(([term], k) => { bar[term] += slopes[name][k] * bar[name]; });
  return bar;
}

/** Which node sends its adjoint back when. @param {Node[]} nodes @param {string} seed @param {string} order */
export function visits(nodes, seed, order) {
  const made = nodes.filter(({ f }) => f), of = byName(nodes), met = /** @type {string[]} */ ([]);
  if (order === "topological") return made.map(({ name }) => name).reverse();
  const visit = (/** @type {string} */ name) => {
    if (!of[name].f || met.length >= 200 || (order === "once" && met.includes(name))) return;
    met.push(name);
    of[name].terms.forEach(([term]) => visit(term));
  };
  visit(seed);
  return met;
}

/** The preset map with its first n inputs and m outputs. @param {Node[]} whole @param {number} n @param {number} m @returns {Node[]} */
function mapOf(whole, n, m) {
  const kept = whole.filter(({ name }) => Number(name[1]) <= (/** @type {Numbers} */ ({ x: n, h: 3, y: m }))[name[0]]), names = new Set(kept.map(({ name }) => name));
  return kept.map((node) => ({ ...node, terms: node.terms.filter(([term]) => names.has(term)) }));
}

/** @param {Node[]} nodes @returns {Record<string, Node>} */
const byName = (nodes) => Object.fromEntries(nodes.map((node) => [node.name, node]));
const inputsOf = (/** @type {Node[]} */ nodes) => nodes.filter(({ f }) => !f).map(({ name }) => name);
const outputsOf = (/** @type {Node[]} */ nodes) => nodes.map(({ name }) => name).filter((name) => !nodes.some(({ terms }) => terms.some(([term]) => term === name)));

/** Names by column, an input just before its first use; a name passing by on its way further right stands there as "> name".
 * @param {Node[]} nodes */
function columnsOf(nodes) {
  const depth = /** @type {Numbers} */ ({}), height = /** @type {Numbers} */ ({});
  let inputs = 0;
  for (const { name, terms } of nodes) {
    depth[name] = 1 + Math.max(-1, ...terms.map(([term]) => depth[term]));
    height[name] = terms.length ? terms.reduce((sum, [term]) => sum + height[term], 0) / terms.length : inputs++;
  }
  for (const { name, f } of nodes) if (!f) depth[name] = Math.min(...nodes.filter(({ terms }) => terms.some(([term]) => term === name)).map((node) => depth[node.name])) - 1;
  const columns = Array.from({ length: Math.max(...Object.values(depth)) + 1 }, () => /** @type {string[]} */ ([]));
  for (const { name, terms } of nodes) {
    columns[depth[name]].push(name);
    for (const [term] of terms) for (let d = depth[term] + 1; d < depth[name]; d++) if (!columns[d].includes(`> ${term}`)) columns[d].push(`> ${term}`);
  }
  const key = (/** @type {string} */ name) => height[name.replace("> ", "")] + (name.startsWith(">") ? 0.01 : 0);
  for (const column of columns) column.sort((a, b) => key(a) - key(b));
  return { columns, depth };
}

// ---------------------------------------------------------------- the page

const ICONS = { back: "M9 1v10L2 6zM1 1h1.6v10H1z", next: "M3 1v10l7-5zM9.4 1H11v10H9.4z", play: "M2 1v10l9-5z", pause: "M2 1h3v10H2zM7 1h3v10H7z" };
const icon = (/** @type {string} */ d) => s("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" }, s("path", { d }));
const TITLES = /** @type {Record<string, string>} */ ({ circuit: "(x + y) z", diamond: "diamond", neuron: "sigmoid neuron", net: "2-2-1 net", map: "n to m", own: "your own" });
const LETTER = /^([a-z]+)(\d*)$/;
/** The name with a dot or a bar over it: x1 -> ẋ1. @param {string} name @param {string} mode */
const marked = (name, mode) => name.replace(LETTER, (_, letter, digits) => `${letter}${mode === "forward" ? "\u0307" : "\u0304"}${digits}`);
const value = (/** @type {any} */ content) => h("span", { class: "cr-value" }, content);
/** A number for a node: fewer digits where it would be long. @param {number} v */
const tight = (v) => [short(v), rounded(v, 3), rounded(v, 2)].find((text) => text.length < 8) ?? rounded(v, 2);
const lowered = (/** @type {string} */ text) => text.replace(/\d/g, (d) => "₀₁₂₃₄₅₆₇₈₉"[Number(d)]);

/** A node as a formula of its terms, each written by `write`. @param {Node} node @param {(term: string) => any} write @returns {any[]} */
function formula(node, write) {
  const of = node.terms.map(([term]) => write(term));
  if (node.f === "product") return [of[0], " · ", of[1]];
  if (node.f === "max") return ["max(", of[0], ", ", of[1], ")"];
  const sum = node.terms.map(([, c], k) => [k ? (c < 0 ? " − " : " + ") : c < 0 ? "−" : "", Math.abs(c) === 1 ? "" : `${short(Math.abs(c))} · `, of[k]]);
  const inner = [sum, node.plus ? `${node.plus < 0 ? " − " : " + "}${short(Math.abs(node.plus))}` : ""];
  return node.f === "identity" ? inner : node.f === "square" ? ["(", inner, ")²"] : [`${node.f}(`, inner, ")"];
}

/** How a node is made, in a few letters. @param {Node} node */
function tagOf({ f, terms, plus }) {
  const names = terms.map(([term]) => lowered(term));
  if (!f) return "input";
  if (f === "product") return names.join(" · ");
  if (f !== "identity") return f;
  return !plus && terms.length < 3 && terms.every(([, c]) => c === 1) ? names.join(" + ") : terms.length > 1 ? "sum" : `${short(terms[0][1])} ${names[0]}`;
}

/** @param {{model: import("./kit.js").Model, el: HTMLElement}} context */
function render({ model, el }) {
  const root = h("div", { class: "cr cr-graph" });
  el.append(root);

  /** @type {Node[]} */ let nodes;
  /** @type {Record<string, Node>} */ let of;
  /** @type {{v: Numbers, slopes: Record<string, number[]>}} */ let p;
  /** @type {string[]} */ let inputs, /** @type {string[]} */ outputs, /** @type {string[]} */ made, /** @type {string[]} */ sent;
  /** @type {Numbers} */ let dot;
  /** @type {{kind: string, name: string}[]} */ let list;
  let start = "", forward = true;
  function compute() {
    nodes = model.get("nodes");
    of = byName(nodes);
    inputs = inputsOf(nodes);
    outputs = outputsOf(nodes);
    made = nodes.filter(({ f }) => f).map(({ name }) => name);
    p = evaluate(nodes, model.get("x"));
    forward = model.get("mode") === "forward";
    const names = forward ? inputs : outputs;
    start = names.includes(model.get("seed")) ? model.get("seed") : names[0];
    dot = push(nodes, p.slopes, forward ? start : inputs[0]);
    sent = forward ? [] : visits(nodes, start, model.get("order"));
    list = forward ? [{ kind: "seed", name: start }, ...made.map((name) => ({ kind: "push", name }))]
      : [{ kind: "inputs", name: "" }, ...made.map((name) => ({ kind: "value", name })), { kind: "seed", name: start }, ...sent.map((name) => ({ kind: "pull", name }))];
  }
  const last = () => list.length - 1, at = () => Math.min(model.get("step"), last()), now = () => list[at()];
  /** How many nodes have sent their adjoint; below 0 while the values are made. */
  const sends = () => at() - made.length - 1;
  const bars = (/** @type {number} */ count) => pull(nodes, p.slopes, start, sent.slice(0, Math.max(0, count)));
  const hasValue = (/** @type {string} */ name) => !of[name].f || made.indexOf(name) < at();
  const links = () => nodes.reduce((sum, { terms }) => sum + terms.length, 0);

  /** Multiplications and additions of the first `count` nodes of a sweep. @param {boolean} pushing @param {number} count @param {string[]} order @param {string} seed */
  function operations(pushing, count, order, seed) {
    const got = new Set([seed]);
    let multiplications = 0, additions = 0;
    for (const name of order.slice(0, Math.max(0, count))) {
      multiplications += of[name].terms.length;
      if (pushing) additions += of[name].terms.length - 1;
      else for (const [term] of of[name].terms) { if (got.has(term)) additions++; got.add(term); }
    }
    return { multiplications, additions };
  }

  // ---- controls
  const go = (/** @type {number} */ step) => set(model, { step: Math.max(0, Math.min(last(), step)) });
  let timer = 0;
  const stop = () => { clearInterval(timer); timer = 0; playing(); };
  function play() {
    if (timer) return stop();
    if (at() === last()) go(0);
    timer = window.setInterval(() => { if (at() < last()) go(at() + 1); if (at() >= last()) stop(); }, 1500);
    playing();
  }
  const backward = button([icon(ICONS.back), "Back"], () => { stop(); go(at() - 1); });
  const player = button("", play, { class: "cr-button cr-primary" });
  const onward = button(["Next", icon(ICONS.next)], () => { stop(); go(at() + 1); });
  const playing = () => put(player, timer ? [icon(ICONS.pause), "Pause"] : [icon(ICONS.play), "Play"]);
  const scrub = slider("", { min: 0, max: 1, step: 1, text: (v) => `${v} / ${last()}` }, (v) => { stop(); go(v); });
  scrub.input.setAttribute("aria-label", "step of the sweep");

  const begin = (/** @type {Node[]} */ graph, /** @type {number[]} */ x, /** @type {string} */ preset) => { stop(); set(model, { step: 0, seed: "", preset, x, nodes: graph }); };
  const presets = choice("graph", Object.keys(TITLES).filter((name) => name !== "own" || model.get("preset") === "own").map((name) => [name, TITLES[name]]), (name) => {
    const { nodes: graph, x } = name === "own" ? own : model.get("_presets")[name];
    if (name === "map") resize(Math.min(3, inputs.length) || 3, 2);
    else begin(graph, x, name);
  });
  const own = { nodes: model.get("nodes"), x: model.get("x") };
  const modes = choice("mode", [["forward", "forward: tangents"], ["reverse", "reverse: adjoints"]], (mode) => { stop(); set(model, { step: 0, seed: "", mode }); });
  const seeds = h("div");
  const orders = choice("order of the nodes", [["topological", "topological"], ["recursion", "plain recursion"], ["once", "each when first met"]], (order) => {
    stop();
    set(model, { step: Math.min(at(), made.length + 1), order });
  });
  /** @param {number} n @param {number} m */
  const resize = (n, m) => { const { nodes: whole, x } = model.get("_presets").map; begin(mapOf(whole, n, m), x.slice(0, n), "map"); };
  const wide = slider("inputs n", { min: 1, max: 4, step: 1, text: String }, (n) => resize(n, outputs.length));
  const tall = slider("outputs m", { min: 1, max: 4, step: 1, text: String }, (m) => resize(inputs.length, m));
  const sizes = h("div", { class: "cr-graph-sizes" }, wide.element, tall.element);
  const fields = h("div", { class: "cr-graph-fields" });
  const picture = h("div", { class: "cr-graph-picture" });
  const equation = h("section", { class: "cr-graph-panel", "aria-label": "this step" });
  const cost = h("section", { class: "cr-graph-panel", "aria-label": "what it costs" });
  const said = sentence();
  root.append(h("div", { class: "cr-bar" }, presets.element, sizes), h("div", { class: "cr-bar" }, modes.element, seeds, orders.element),
    h("div", { class: "cr-bar cr-graph-transport" }, h("div", { class: "cr-row" }, backward, player, onward), h("div", { class: "cr-graph-scrub" }, scrub.element)),
    picture, said, h("div", { class: "cr-graph-panels" }, equation, cost), fields);

  /** Controls that depend on the graph. */
  function buildControls() {
    const chosen = choice(forward ? "seed: this input moves by 1" : "seed: adjoint 1 for this output", (forward ? inputs : outputs).map((name) => [name, nameOf(name)]), (seed) => { stop(); set(model, { seed, step: forward ? 0 : Math.min(at(), made.length + 1) }); });
    const focused = seeds.contains(document.activeElement);
    chosen.update(start);
    put(seeds, chosen.element);
    if (focused) /** @type {any} */ (seeds.querySelector("input:checked"))?.focus();
    presets.update(model.get("preset"));
    modes.update(model.get("mode"));
    orders.update(model.get("order"));
    orders.element.hidden = forward;
    sizes.hidden = model.get("preset") !== "map";
    wide.update(inputs.length);
    tall.update(outputs.length);
    scrub.input.max = String(last());
  }
  /** @type {string} */ let shownInputs = "";
  function buildFields() {
    if (shownInputs !== inputs.join(" ")) {
      shownInputs = inputs.join(" ");
      boxes = inputs.map((name, k) => field(`value of ${name}`, { step: 0.1, min: -100, max: 100 }, (given) => {
        const x = [...model.get("x")];
        x[k] = Math.max(-100, Math.min(100, given));
        set(model, { x });
      }));
      put(fields, h("span", { class: "cr-quiet" }, "values of the inputs"), inputs.map((name, k) => h("label", {}, nameOf(name), " = ", boxes[k].element)));
    }
    boxes.forEach((box, k) => box.update(model.get("x")[k]));
  }
  /** @type {{element: any, update: (value: number) => void}[]} */ let boxes = [];

  // ---- the graph
  /** @type {any} */ let drawn = null;
  let width = 0;
  const parts = roam(picture);
  function build() {
    const { columns, depth } = columnsOf(nodes), compact = width / columns.length < 152, w = compact ? 96 : 134, tile = 66, gap = 16, bend = 26;
    const across = columns.length > 1 ? Math.min(260, (width - w - 4) / (columns.length - 1)) : 0, left = (width - w - across * (columns.length - 1)) / 2;
    const sizeOf = (/** @type {string} */ name) => (name.startsWith(">") ? bend : tile);
    const tallest = Math.max(...columns.map((names) => names.reduce((sum, name) => sum + sizeOf(name) + gap, -gap))), height = tallest + 8;
    const place = /** @type {Record<string, {x: number, y: number}>} */ ({});
    columns.forEach((names, d) => {
      let y = (height - names.reduce((sum, name) => sum + sizeOf(name) + gap, -gap)) / 2;
      for (const name of names) { place[name.startsWith(">") ? `${name} ${d}` : name] = { x: left + d * across, y: y + sizeOf(name) / 2 }; y += sizeOf(name) + gap; }
    });
    const roomy = across - w >= 84, few = links() <= 14;
    const wires = s("g"), labels = s("g"), tiles = s("g"), items = /** @type {Record<string, any>} */ ({}), ties = /** @type {any[]} */ ([]);
    for (const { name, terms } of nodes) terms.forEach(([term], k) => {
      const twice = terms.filter(([other]) => other === term).length > 1 ? 18 * k - 9 : 0;
      const points = [{ x: place[term].x + w, y: place[term].y + twice }];
      for (let d = depth[term] + 1; d < depth[name]; d++) { const { x, y } = place[`> ${term} ${d}`]; points.push({ x, y }, { x: x + w, y }); }
      // the links of a node end side by side, in the order in which their terms stand, so that their heads can be told apart
      const sorted = [...new Set(terms.map(([other]) => other))].sort((a, b) => place[a].y - place[b].y), spread = Math.min(12, 40 / sorted.length);
      points.push({ x: place[name].x - 7, y: place[name].y + (twice || spread * (sorted.indexOf(term) - (sorted.length - 1) / 2)) });
      let d = `M${points[0].x} ${points[0].y}`;
      for (let i = 1; i < points.length; i++) {
        const a = points[i - 1], b = points[i], pull = (b.x - a.x) * 0.45;
        d += i % 2 || points.length === 2 ? `C${a.x + pull} ${a.y} ${b.x - pull} ${b.y} ${b.x} ${b.y}` : `L${b.x} ${b.y}`;
      }
      const end = points[points.length - 1], g = s("g", { class: "cr-graph-link", "data-link": `${term} > ${name}` }, s("path", { d, class: "cr-graph-wire" }), s("path", { d, class: "cr-graph-flow" }),
        s("path", { class: "cr-graph-tip", d: `M${end.x + 6} ${end.y}l-9 -4.5v9Z` }), s("path", { class: "cr-graph-tip-back", d: `M${points[0].x + 1} ${points[0].y}l9 -4.5v9Z` }));
      // half-way; but of links that fork and meet again, nearer to the fork, where they do not cross
      const a = points[points.length - 2], reach = (end.x - a.x) * 0.45, forks = nodes.filter((other) => other.terms.some(([o]) => o === term)).length > 1;
      const t = terms.length > 1 && forks ? 0.26 : 0.5, bezier = (/** @type {number[]} */ [p0, p1, p2, p3]) => (1 - t) ** 3 * p0 + 3 * (1 - t) ** 2 * t * p1 + 3 * (1 - t) * t * t * p2 + t ** 3 * p3;
      const at = { x: bezier([a.x, a.x + reach, end.x - reach, end.x]), y: bezier([a.y, a.y, end.y, end.y]) };
      const tag = s("text", { x: at.x, y: at.y, dy: "0.35em", "text-anchor": "middle", class: "cr-graph-slope" });
      if (roomy && few) labels.append(tag);
      wires.append(g);
      ties.push({ g, tag, term, name, k });
    });
    for (const node of nodes) {
      const { x, y } = place[node.name], g = s("g", { class: "cr-graph-node", transform: `translate(${x} ${y - tile / 2})`, "data-node": node.name, ...parts.part(node.name, plain(node.name), () => click(node.name)) }, s("rect", { width: w, height: tile, rx: 10, class: "cr-graph-body" }));
      const lit = [0, 1].map((k) => g.appendChild(s("rect", { x: 4, y: 25 + 19 * k, width: w - 8, height: 18, rx: 5, class: "cr-graph-lit" })));
      g.append(label(node.name, { x: 10, y: 19, class: "cr-graph-name" }), " ", s("text", { x: w - 10, y: 19, "text-anchor": "end", class: "cr-quiet cr-graph-small" }, tagOf(node)));
      const words = compact ? ["", ""] : ["value", forward ? "tangent" : "adjoint"];
      const numbers = [0, 1].map((k) => {
        g.append(" ", compact && k ? label(marked(node.name, model.get("mode")), { x: 10, y: 39 + 19 * k, class: "cr-quiet cr-graph-small" }) : s("text", { x: 10, y: 39 + 19 * k, class: "cr-quiet cr-graph-small" }, words[k]), " ");
        return g.appendChild(s("text", { x: w - 10, y: 39 + 19 * k, "text-anchor": "end", "data-kind": k ? (forward ? "tangent" : "adjoint") : "value" }));
      });
      tiles.append(g);
      items[node.name] = { g, lit, numbers };
    }
    const element = s("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "graph: arrow keys go from node to node" }, wires, labels, tiles);
    parts.draw(() => put(picture, element));
    drawn = { items, ties, element };
  }

  /** A click on an end of the graph chooses the seed, on any other node the step that makes it. @param {string} name */
  function click(name) {
    stop();
    if ((forward ? inputs : outputs).includes(name)) return set(model, { seed: name, step: forward ? 0 : made.length + 1 });
    const step = list.findIndex((one) => one.name === name && one.kind === (forward ? "push" : "pull"));
    if (step >= 0) set(model, { step });
  }

  // ---- one step
  function draw() {
    const { kind, name: active } = now(), done = sends(), bar = bars(done), coming = new Set(sent.slice(Math.max(0, done)).flatMap((name) => of[name].terms.map(([term]) => term)));
    const tone = forward ? "cr-tangent" : "cr-error", write = (/** @type {Element} */ text, /** @type {boolean} */ there, /** @type {number} */ v, /** @type {string} */ look) => { reword(text, there ? tight(v) : "·"); reset(text, "class", there ? look : "cr-quiet"); };
    for (const { name, f } of nodes) {
      const { g, lit, numbers } = drawn.items[name], value = hasValue(name), carried = forward ? value : done >= 0;
      write(numbers[0], value, p.v[name], "cr-value");
      write(numbers[1], carried, forward ? dot[name] : bar[name], tone);
      const mine = name === active, partial = !forward && done >= 0 && coming.has(name);
      reset(g, "aria-label", [plain(name), value && `value ${short(p.v[name])}`, carried && `${forward ? "tangent" : "adjoint"} ${short((forward ? dot : bar)[name])}`].filter(Boolean).join(", "));
      reset(g, "aria-pressed", String(mine));
      reset(g, "class", `cr-graph-node ${mine ? "cr-graph-active" : ""} ${partial ? "cr-graph-partial" : ""} ${name === start ? "cr-graph-seed" : ""}`);
      const fills = kind === "push" ? mine : kind === "seed" ? mine : kind === "pull" ? of[active].terms.some(([term]) => term === name) : false;
      reset(lit[0], "class", `cr-graph-lit ${(kind === "push" || kind === "value") && mine ? "cr-graph-lit-value" : ""} ${kind === "inputs" && !f ? "cr-graph-lit-value" : ""}`);
      reset(lit[1], "class", `cr-graph-lit ${fills ? (forward ? "cr-graph-lit-tangent" : "cr-graph-lit-error") : ""}`);
    }
    for (const { g, tag, name, k } of drawn.ties) {
      const mine = name === active && kind !== "seed" && kind !== "inputs";
      reset(g, "class", `cr-graph-link ${mine ? (kind === "pull" ? "cr-graph-back" : "cr-graph-forth") : ""}`);
      if (mine && g.nextSibling) g.parentNode.append(g);  // above the others
      reword(tag, hasValue(name) ? short(p.slopes[name][k]) : "");
      reset(tag, "class", `cr-graph-slope ${mine ? "cr-graph-mine" : ""}`);
    }
    scrub.update(at());
    backward.disabled = at() === 0;
    onward.disabled = at() === last();
    drawEquation();
    drawCost();
    [equation, cost].forEach(scrolls);
    reword(said, `Step ${at()} of ${last()}: ${summary()}`);
  }

  /** ∂q∕∂x in HTML. @param {string} top @param {string} below */
  const slopeOf = (top, below) => h("span", { class: "cr-math" }, "∂", nameOf(top), "∕∂", nameOf(below));
  const carried = (/** @type {any} */ content) => h("span", { class: forward ? "cr-tangent" : "cr-error" }, content);
  const mark = (/** @type {string} */ name) => carried(nameOf(marked(name, model.get("mode"))));

  /** Where a slope comes from. @param {Node} node @param {number} k */
  function slopeText(node, k) {
    const [term, c] = node.terms[k], others = node.terms.filter((_, i) => i !== k).map(([other]) => other);
    if (node.f === "product") return [nameOf(others[0]), " = "];
    if (node.f === "max") return [p.slopes[node.name][k] ? "the larger: " : "the smaller: "];
    if (node.f === "identity") return [];
    const z = weighted(node, p.v);
    return [FUNCTIONS[node.f].text(z, p.v[node.name]), c === 1 ? "" : ` · ${factor(c)}`, " = "];
  }

  function drawEquation() {
    const { kind, name } = now(), node = of[name], tags = /** @type {Record<string, string>} */ ({ value: "(8.1)", push: "(8.2)", pull: "(8.4)" });
    const line = (/** @type {any[]} */ ...parts) => h("div", { class: "cr-graph-line" }, parts);
    const lines = [];
    if (kind === "inputs") lines.push(line("The inputs have values. Values first: the slopes depend on them."));
    if (kind === "seed" && forward) for (const input of inputs) lines.push(line(mark(input), " = ", h("b", {}, carried(input === start ? "1" : "0"))));
    if (kind === "seed" && !forward) lines.push(line(mark(start), " = ", h("b", {}, carried("1")), ", all other adjoints begin with 0"));
    if (kind === "value" || kind === "push") lines.push(line(nameOf(name), " = ", formula(node, nameOf), " = ", formula(node, (term) => value(factor(p.v[term]))), " = ", h("b", {}, value(short(p.v[name])))));
    if (kind === "push") {
      lines.push(line(mark(name), " = ", node.terms.map(([term], k) => [k ? " + " : "", slopeOf(name, term), " · ", mark(term)])));
      lines.push(line(h("span", { class: "cr-gone", "aria-hidden": "true" }, nameOf(name)), " = ", node.terms.map(([term], k) => [k ? " + " : "", factor(p.slopes[name][k]), " · ", carried(factor(dot[term]))]), " = ", h("b", { "data-number": "result" }, carried(short(dot[name])))));
    }
    if (kind === "pull") {
      const before = bars(sends() - 1), own = before[name];
      node.terms.forEach(([term], k) => {
        const old = before[term];
        before[term] += p.slopes[name][k] * own;
        lines.push(line(mark(term), " + ", slopeOf(name, term), " · ", mark(name), " = ", carried(factor(old)), " + ", factor(p.slopes[name][k]), " · ", carried(factor(own)), " = ", h("b", { "data-number": "result" }, carried(short(before[term])))));
      });
    }
    if (kind === "push" || kind === "pull") lines.push(h("div", { class: "cr-graph-slopes cr-quiet" }, node.terms.map(([term], k) => h("span", {}, slopeOf(name, term), " = ", slopeText(node, k), short(p.slopes[name][k])))));
    const heads = /** @type {Record<string, any>} */ ({ inputs: "before the sweep", value: ["value of ", nameOf(name)], push: ["value and tangent of ", nameOf(name)], pull: [nameOf(name), " sends back"], seed: "the seed" });
    redraw(equation, h("h3", {}, heads[kind], " ", tags[kind] && h("span", { class: "cr-tag" }, tags[kind])), h("div", { class: "cr-graph-lines" }, lines));
  }

  function drawCost() {
    const count = forward ? at() : sends(), order = forward ? made : sent, so = operations(forward, count, order, start), all = operations(forward, order.length, order, start);
    const n = inputs.length, m = outputs.length, back = visits(nodes, outputs[0], "topological"), each = { forward: operations(true, made.length, made, ""), reverse: operations(false, made.length, back, outputs[0]) };
    const rows = [["forward", n, each.forward], ["reverse", m, each.reverse]], most = Math.max(n, m) * links();
    const times = (/** @type {number} */ k, /** @type {string} */ word) => `${k} ${word}${k === 1 ? "" : "s"}`;
    redraw(cost, h("h3", {}, "operations"),
      h("div", {}, "this sweep so far: ", h("b", { "data-count": "multiplications" }, String(so.multiplications)), ` of ${times(all.multiplications, "multiplication")}, `, h("b", { "data-count": "additions" }, String(so.additions)), ` of ${times(all.additions, "addition")}`),
      h("div", { class: "cr-graph-whole" }, h("div", {}, `the whole ${m}×${n} Jacobian:`),
        rows.map(([mode, sweeps, one]) => h("div", { class: `cr-graph-mode ${mode === model.get("mode") ? "cr-graph-chosen" : ""}`, "data-mode": mode },
          h("span", { class: "cr-graph-mode-name" }, mode), h("span", {}, `${times(sweeps, "sweep")} × ${one.multiplications} = `, h("b", {}, String(sweeps * one.multiplications))),
          h("span", { class: "cr-graph-track", "aria-hidden": "true" }, h("span", { class: "cr-graph-fill", style: `width: ${(100 * sweeps * one.multiplications) / most}%` }))))),
      jacobian());
  }

  /** The Jacobian, as far as this sweep has found it. */
  function jacobian() {
    const bar = bars(sends()), complete = at() === last();
    const cell = (/** @type {string} */ output, /** @type {string} */ input) => forward ? (input === start && hasValue(output) ? dot[output] : null) : output === start && complete ? bar[input] : null;
    const right = (/** @type {string} */ output, /** @type {string} */ input) => push(nodes, p.slopes, input)[output];
    const off = (/** @type {string} */ o, /** @type {string} */ i) => { const c = cell(o, i), r = right(o, i); return c !== null && Math.abs(c - r) > 1e-9 * Math.max(1, Math.abs(r)); };
    return h("table", { class: "cr-graph-jacobian" }, h("thead", {}, h("tr", {}, h("td", {}), inputs.map((name) => h("th", { scope: "col" }, "∂", nameOf(name))))),
      h("tbody", {}, outputs.map((o) => h("tr", {}, h("th", { scope: "row" }, "∂", nameOf(o)), inputs.map((i) => {
        const c = cell(o, i);
        return h("td", { "data-entry": `${o} ${i}`, class: c === null ? "cr-quiet" : off(o, i) ? "cr-strike" : forward ? "cr-tangent" : "cr-error" }, c === null ? "·" : short(c));
      })))));
  }

  function summary() {
    const { kind, name } = now(), n = lowered(name), final = at() === last();
    if (kind === "inputs") return "the inputs are there. Reverse mode makes all values first.";
    if (kind === "value") return `${n} has the value ${short(p.v[name])}.`;
    if (kind === "seed") return forward ? `${n} moves by 1${inputs.length > 1 ? ", the other inputs stay where they are" : ""}.` : `${n} has the adjoint 1; now the nodes send theirs back, from the end to the beginning.`;
    if (kind === "push") return `${n} has the value ${short(p.v[name])} and the tangent ${short(dot[name])}.${final ? ` The sweep is done: it found the column of ${lowered(start)}.` : ""}`;
    const bar = bars(sends()), terms = [...new Set(of[name].terms.map(([term]) => term))], early = sent.slice(sends()).some((later) => of[later].terms.some(([term]) => term === name));
    const told = `${n} sends its adjoint ${short(bars(sends() - 1)[name])} back: ${terms.map((term) => `${lowered(marked(term, "reverse"))} = ${short(bar[term])}`).join(", ")}.`;
    if (!final) return `${told}${early ? ` Too early: more will come to ${n}.` : ""}`;
    const wrong = inputs.find((input) => Math.abs(bar[input] - push(nodes, p.slopes, input)[start]) > 1e-9 * Math.max(1, Math.abs(bar[input])));
    return wrong ? `${told} Done, and wrong: ∂${lowered(start)}∕∂${lowered(wrong)} is ${short(push(nodes, p.slopes, wrong)[start])}.` : `${told} The sweep is done: it found the row of ${lowered(start)}.`;
  }

  // ---- life
  const measure = () => {
    const w = Math.round(Math.max(600, picture.clientWidth || 900));
    if (w !== width) { width = w; build(); draw(); }
  };
  // the traits of a new graph arrive one by one: until there is a value for each of its inputs, wait
  const whole = () => inputsOf(model.get("nodes")).length === model.get("x").length;
  const renew = () => { if (whole()) { compute(); buildControls(); buildFields(); build(); draw(); } };
  compute();
  playing();
  buildControls();
  buildFields();
  const observer = typeof ResizeObserver === "function" ? new ResizeObserver(measure) : null;
  measure();
  observer?.observe(picture);
  const off = [
    watch(model, ["step"], draw),
    watch(model, ["x"], () => { if (model.get("nodes") !== nodes) renew(); else if (whole()) { compute(); buildFields(); draw(); } }),
    watch(model, ["nodes", "mode", "seed", "order", "preset"], renew),
  ];
  return () => { off.forEach((end) => end()); observer?.disconnect(); clearInterval(timer); root.remove(); };
}

export default { render };
