// @ts-check
// The kit of the explorables: numbers as text, HTML and SVG elements, controls, matrices, a plane with axes.

/** @typedef {{get(name: string): any, set(name: string, value: any): void, save_changes(): void,
 *             on(event: string, callback: Function): void, off(event: string, callback: Function): void}} Model */

// ---------------------------------------------------------------- numbers

/** A computed number: four decimals below ten, always about five digits, a true minus sign.
 * @param {number} value */
export function num(value) { return rounded(value, 4); }

/** The same with more or fewer decimals below ten. @param {number} value @param {number} digits */
export function rounded(value, digits) {
  if (Number.isNaN(value)) return "nan";
  const size = Math.abs(value);
  if (size === 0) return "0";
  let text;
  if (size === Infinity) text = "∞";
  else if (size < 1e-3) text = size.toExponential(digits - 2);
  else if (size >= 1e5) text = size.toExponential(3);
  else text = size.toFixed(Math.max(0, digits - (size < 9.99995 ? 0 : size < 99.9995 ? 1 : size < 999.995 ? 2 : 3)));
  return (value < 0 ? "−" : "") + text.replace("e-", "e−").replace("e+", "e");
}

/** A given number: as it was written if that is short, else as `num`.
 * @param {number} value */
export function short(value) {
  if (value === 0) return "0";
  const kept = Number(value.toFixed(4)) === value && Math.abs(value) < 1e5;
  return kept ? String(value).replace("-", "−") : num(value);
}

/** Plain text with the numbers of its symbols lowered: x2 -> x₂. @param {string} text */
export function plain(text) {
  return text.replace(/([A-Za-zα-ω])(\d+)/g, (_, letter, digits) => letter + [...digits].map((d) => "₀₁₂₃₄₅₆₇₈₉"[Number(d)]).join(""));
}

/** A number inside a product or a sum: negative ones in brackets.
 * @param {number} value @param {(v: number) => string} [format] */
export function factor(value, format = short) {
  return value < 0 ? `(${format(value)})` : format(value);
}

// ---------------------------------------------------------------- elements

const SVG = "http://www.w3.org/2000/svg";
const HEARD = Symbol("what an element listens to");

/** @param {Element} element @param {Record<string, any>} attributes @param {any[]} children */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || (value === false && !name.startsWith("aria-"))) continue;
    if (name.startsWith("on")) Object.assign(element, { [name]: value, [HEARD]: { .../** @type {any} */ (element)[HEARD], [name]: value } });
    else element.setAttribute(name, value === true && !name.startsWith("aria-") ? "" : String(value));
  }
  element.append(...shown(children));
  return element;
}

/** @param {any[]} children */
function shown(children) { return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false); }

/** An HTML element. @param {string} tag @param {Record<string, any>} [attributes] @param {...any} children
 * @returns {any} */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** An SVG element. @param {string} tag @param {Record<string, any>} [attributes] @param {...any} children
 * @returns {any} */
export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** Put `children` in place of what `element` holds. @param {Element} element @param {...any} children */
export function put(element, ...children) { element.replaceChildren(...shown(children)); }

/** The same for children made for this alone: what is there already stays, with its focus, and only what is another one is
 * written, since the browser lays out and paints all that is written. @param {Element} element @param {...any} children */
export function redraw(element, ...children) {
  const made = document.createDocumentFragment();
  made.append(...shown(children));
  match(element, made);
}

/** @param {Node} old @param {Node} made */
function match(old, made) {
  /** @type {any} */ let here = old.firstChild;
  for (/** @type {any} */ let child = made.firstChild, later; child; child = later) {
    const next = here?.nextSibling ?? null;
    later = child.nextSibling;
    if (!here) old.appendChild(child);
    else if (here.nodeName !== child.nodeName || here.namespaceURI !== child.namespaceURI) here.replaceWith(child);
    else if (here.nodeType === Node.TEXT_NODE) { if (here.data !== child.data) here.data = child.data; }
    else { dress(here, child); match(here, child); }
    here = next;
  }
  for (let next; here; here = next) { next = here.nextSibling; here.remove(); }
}

/** @param {any} old @param {any} made */
function dress(old, made) {
  for (const name of old.getAttributeNames()) if (!made.hasAttribute(name)) old.removeAttribute(name);
  for (const name of made.getAttributeNames()) reset(old, name, made.getAttribute(name));
  for (const name in old[HEARD]) old[name] = null;
  Object.assign(old, made[HEARD], { [HEARD]: made[HEARD] });
}

/** Write a text or an attribute, where it is another one. @param {Element} element @param {string} text */
export function reword(element, text) {
  const only = /** @type {any} */ (element.childNodes.length === 1 && element.firstChild);
  if (only?.nodeType !== Node.TEXT_NODE) element.textContent = text;
  else if (only.data !== text) only.data = text;
}
/** @param {Element} element @param {string} name @param {any} value */
export function reset(element, name, value) { if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value)); }

/** Formula as HTML: `x_1`, `W^{2}`, `sigma'` marked up as `x_{..}` and `^{..}`; single letters in italics.
 * @param {string} text */
export function math(text) {
  const root = h("span", { class: "cr-math" });
  const pattern = /([_^])(?:\{([^}]*)\}|(.))|([A-Za-zα-ωΑ-Ω]+)|([^_^A-Za-zα-ωΑ-Ω]+)/g;
  for (const [, level, braced, single, word, rest] of text.matchAll(pattern)) {
    if (level) root.append(h(level === "_" ? "sub" : "sup", {}, braced ?? single));
    else if (word) root.append((word.length === 1 && word !== "Σ") || word === "dW" || word === "db" ? h("i", {}, word) : word);
    else root.append(rest);
  }
  return root;
}

/** A name such as `x2` as SVG text with its number lowered. @param {string} name @param {Record<string, any>} [attributes] */
export function label(name, attributes = {}) {
  const [, letters, digits] = /^(.*?)(\d*)$/.exec(name) ?? ["", name, ""];
  return s("text", attributes, s("tspan", { class: "cr-it" }, letters), digits && s("tspan", { dy: "0.32em", "font-size": "0.75em" }, digits));
}

/** The same in HTML. @param {string} name */
export function nameOf(name) {
  const [, letters, digits] = /^(.*?)(\d*)$/.exec(name) ?? ["", name, ""];
  return h("span", { class: "cr-math" }, h("i", {}, letters), digits && h("sub", {}, digits));
}

// ---------------------------------------------------------------- state

const REST = 100; // milliseconds
/** @type {Map<Model, number>} models with changes that Python has not been told of, and the timers that will */
const untold = new Map();

/** @param {Model} model */
function tell(model) {
  clearTimeout(untold.get(model));
  untold.delete(model);
  if (!untold.size) removeEventListener("focusout", leave, true);
  model.save_changes();
}
/** @param {any} event */
function leave(event) { if (!event.relatedTarget?.closest?.(".cr")) for (const model of untold.keys()) tell(model); }

/** Set traits. Python is told when the hand rests, or when the focus goes elsewhere, as it does before another cell runs:
 * each message has Jupyter show that the kernel is busy, and lay out and paint its page twice for that.
 * @param {Model} model @param {Record<string, any>} changes */
export function set(model, changes) {
  for (const [name, value] of Object.entries(changes)) model.set(name, value);
  clearTimeout(untold.get(model));
  untold.set(model, window.setTimeout(tell, REST, model));
  addEventListener("focusout", leave, true);
}

/** Set traits and tell Python at once: the page waits for its answer. @param {Model} model @param {Record<string, any>} changes */
export function ask(model, changes) {
  for (const [name, value] of Object.entries(changes)) model.set(name, value);
  tell(model);
}

/** Call `draw` once after traits have changed, however many; returns the function that ends it.
 * @param {Model} model @param {string[]} names @param {() => void} draw */
export function watch(model, names, draw) {
  let due = false, over = false;
  const soon = () => {
    if (due) return;
    due = true;
    queueMicrotask(() => { due = false; if (!over) draw(); });
  };
  for (const name of names) model.on(`change:${name}`, soon);
  return () => {
    over = true;
    for (const name of names) model.off(`change:${name}`, soon);
  };
}

/** True where the reader asked for less motion. */
export function calm() {
  return typeof matchMedia === "function" && matchMedia("(prefers-reduced-motion: reduce)").matches;
}

// ---------------------------------------------------------------- controls

/** Jupyter leaves the keys alone only if the focused element itself says so. */
export const KEYS = { "data-lm-suppress-shortcuts": "true" };

/** @param {any} content @param {() => void} press @param {Record<string, any>} [attributes] */
export function button(content, press, attributes = {}) {
  return h("button", { type: "button", class: "cr-button", ...KEYS, onclick: press, ...attributes }, content);
}

/** A name that no other explorable in the document has: each is a module of its own, so counting would not do. */
const unique = () => `cr-${Math.random().toString(36).slice(2, 10)}`;

/** One of several: radio buttons drawn as a bar. `options` is [value, text] pairs.
 * @param {string} title @param {[string, any][]} options @param {(value: string) => void} choose */
export function choice(title, options, choose) {
  const name = unique();
  /** @type {Record<string, HTMLInputElement>} */
  const inputs = {};
  const items = options.map(([value, text]) => {
    inputs[value] = h("input", { type: "radio", name, value, ...KEYS, onchange: () => choose(value) });
    return h("label", { class: "cr-option" }, inputs[value], h("span", {}, text));
  });
  const element = h("fieldset", { class: "cr-choice" }, h("legend", {}, title), h("div", { class: "cr-options" }, items));
  return { element, /** @param {string} value */ update(value) { for (const key in inputs) inputs[key].checked = key === value; } };
}

/** A slider with its name and its value as text. @param {string} title
 * @param {{min: number, max: number, step: number, text: (value: number) => string}} range @param {(value: number) => void} move */
export function slider(title, range, move) {
  const output = h("output", { class: "cr-value" });
  const input = h("input", { type: "range", min: range.min, max: range.max, step: range.step, ...KEYS, oninput: () => move(Number(input.value)) });
  const element = h("label", { class: "cr-slider" }, h("span", {}, title), input, output);
  return {
    element, input,
    /** @param {number} value */
    update(value) {
      const text = range.text(value);
      input.value = String(value);
      reword(output, text);
      reset(input, "aria-valuetext", text);
    },
  };
}

/** Parts of a picture that are buttons, for the keyboard: Tab reaches one of them, arrow keys go up and down its column
 * and to the columns beside it, Enter or Space presses. Parts are drawn with `part(name, label, press)` as attributes,
 * inside `draw`, which keeps the focus where it is. @param {Element} place @param {string} [first] the part that Tab reaches at first */
export function roam(place, first = "[data-part]") {
  let here = "";
  const parts = () => /** @type {any[]} */ ([...place.querySelectorAll("[data-part]")]);
  const settle = (/** @type {boolean} */ focus) => {
    const all = parts(), chosen = all.find((one) => one.dataset.part === here) ?? /** @type {any} */ (place.querySelector(first));
    for (const one of all) one.setAttribute("tabindex", one === chosen ? 0 : -1);
    if (focus) chosen?.focus({ preventScroll: true });
  };
  const go = (/** @type {string} */ name) => { here = name; settle(true); };
  const middle = (/** @type {Element} */ one) => { const box = one.getBoundingClientRect(); return { one, x: box.x + box.width / 2, y: box.y + box.height / 2 }; };
  /** @param {KeyboardEvent} event */
  function keys(event) {
    const way = /** @type {Record<string, number[]>} */ ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] })[event.key];
    const from = /** @type {any} */ (event.target).closest("[data-part]");
    if (!from || (!way && event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    event.stopPropagation();
    if (!way) return from.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    /** @type {ReturnType<typeof middle>[][]} */ const columns = [];
    for (const at of parts().map(middle).sort((a, b) => a.x - b.x)) {
      const last = columns[columns.length - 1];
      if (last && at.x - last[0].x < 16) last.push(at); else columns.push([at]);
    }
    for (const column of columns) column.sort((a, b) => a.y - b.y);
    const c = columns.findIndex((column) => column.some((at) => at.one === from)), row = columns[c].findIndex((at) => at.one === from), y = columns[c][row].y;
    const next = way[1] ? columns[c][row + way[1]] : [...(columns[c + way[0]] ?? [])].sort((a, b) => Math.abs(a.y - y) - Math.abs(b.y - y))[0];
    if (next) go(next.one.dataset.part);
  }
  place.addEventListener("keydown", /** @type {any} */ (keys));
  place.addEventListener("focusin", (event) => { here = /** @type {any} */ (event.target).dataset.part ?? here; settle(false); });
  return {
    /** @param {string} name @param {string} label @param {() => void} press @param {Record<string, any>} [more] */
    part: (name, label, press, more = {}) => ({ "data-part": name, role: "button", tabindex: -1, "aria-label": label, ...KEYS, onclick: press, ...more }),
    /** @param {() => void} draw */
    draw(draw) { const inside = place.contains(document.activeElement); draw(); settle(inside); },
  };
}

/** A small number to type. @param {string} title (its accessible name) @param {Record<string, any>} attributes @param {(value: number) => void} change */
export function field(title, attributes, change) {
  const input = h("input", {
    type: "number", class: "cr-field", "aria-label": title, ...KEYS, ...attributes,
    oninput: () => { if (input.value !== "" && Number.isFinite(input.valueAsNumber)) change(input.valueAsNumber); },
  });
  return { element: input, /** @param {number} value */ update(value) { if (document.activeElement !== input || input.valueAsNumber !== value) input.value = String(+value.toFixed(6)); } };
}

/** Lets the keyboard reach an element for as long as it has more to show than its width. @param {Element} element */
export function scrolls(element) {
  requestAnimationFrame(() => { // when all is written: to ask for a width has the page laid out
    if (element.scrollWidth <= element.clientWidth) return element.removeAttribute("tabindex");
    for (const [name, value] of Object.entries({ tabindex: 0, ...KEYS })) element.setAttribute(name, String(value));
  });
}

/** The sentence that says what is seen; screen readers announce it. */
export function sentence() {
  return h("p", { class: "cr-sentence", role: "status", "aria-live": "polite" });
}

// ---------------------------------------------------------------- matrices

/** A matrix in square brackets with its name and shape under it.
 * @param {(number | string)[][]} rows
 * @param {{name?: string, tone?: "value" | "error" | "", format?: (v: number) => string, mark?: (i: number, j: number) => string | false, shape?: boolean}} [options] */
export function matrix(rows, { name = "", tone = "", format = num, mark = () => false, shape = true } = {}) {
  const text = rows.map((row) => row.map((v) => (typeof v === "number" ? format(v) : v)));
  const cells = text.flatMap((row, i) => row.map((t, j) => h("span", { class: `cr-cell ${mark(i, j) || ""}`, "data-cell": `${i} ${j}` }, t)));
  const columns = rows[0]?.length ?? 0;
  const spoken = `${name.replace(/[{}]/g, "")}: ${text.map((row) => row.join(", ")).join("; ")}`;
  return h("span", { class: `cr-matrix ${tone ? `cr-${tone}` : ""}`, role: "img", "aria-label": spoken, "data-matrix": name },
    h("span", { class: "cr-bracket", style: `grid-template-columns: repeat(${columns}, auto)` }, cells),
    name && h("span", { class: "cr-caption" }, math(name), shape && h("span", { class: "cr-shape" }, ` ${rows.length}×${columns}`)));
}

/** Column vector as a matrix. @param {number[]} values */
export const column = (values) => values.map((v) => [v]);

// ---------------------------------------------------------------- plane

/** @typedef {[number, number]} Point */

/** A square plane with axes and round ticks. @param {[number, number, number, number]} window x0 x1 y0 y1
 * @param {{size: number, names: [string, string], title: string}} options */
export function plane([x0, x1, y0, y1], { size, names, title }) {
  const left = 30, right = 14, top = 26, bottom = 26;
  const X = (/** @type {number} */ u) => left + ((u - x0) / (x1 - x0)) * (size - left - right);
  const Y = (/** @type {number} */ v) => top + ((y1 - v) / (y1 - y0)) * (size - top - bottom);
  const U = (/** @type {number} */ px) => x0 + ((px - left) / (size - left - right)) * (x1 - x0);
  const V = (/** @type {number} */ py) => y1 - ((py - top) / (size - top - bottom)) * (y1 - y0);
  const back = s("g", { class: "cr-axes", "aria-hidden": "true" });
  for (const u of ticks(x0, x1)) {
    back.append(s("line", { x1: X(u), x2: X(u), y1: top, y2: size - bottom, class: u === 0 ? "cr-axis" : "cr-gridline" }),
      s("text", { x: X(u), y: size - bottom + 15, "text-anchor": "middle" }, short(u)));
  }
  for (const v of ticks(y0, y1)) {
    back.append(s("line", { y1: Y(v), y2: Y(v), x1: left, x2: size - right, class: v === 0 ? "cr-axis" : "cr-gridline" }),
      s("text", { x: left - 7, y: Y(v), dy: "0.35em", "text-anchor": "end" }, short(v)));
  }
  back.append(label(names[0], { x: size - right, y: size - bottom - 7, "text-anchor": "end", class: "cr-axis-name" }),
    label(names[1], { x: X(0) >= left && X(0) <= size - right ? X(0) + 7 : left + 7, y: top + 11, class: "cr-axis-name" }),
    s("text", { x: left, y: 12, class: "cr-plane-title" }, title));
  const clip = unique();
  const front = s("g", { "clip-path": `url(#${clip})` });
  const element = s("svg", { viewBox: `0 0 ${size} ${size}`, class: "cr-plane" },
    s("defs", {}, s("clipPath", { id: clip }, s("rect", { x: left, y: top, width: size - left - right, height: size - top - bottom }))), back, front);
  /** A broken line, with a gap where there is no point (null), as far as it is in the plane or near it: what leads
   * far out would be drawn all the way. @param {(Point | null)[]} points */
  const line = (points) => {
    let path = "", end = "", /** @type {Point | null} */ from = null;
    const near = (/** @type {Point} */ [x, y]) => Math.abs(x - size / 2) < 1.5 * size && Math.abs(y - size / 2) < 1.5 * size;
    const text = (/** @type {Point} */ [x, y]) => `${Math.round(100 * x) / 100} ${Math.round(100 * y) / 100}`;
    for (const p of points) {
      const to = p && /** @type {Point} */ ([X(p[0]), Y(p[1])]), part = from && to && (near(from) && near(to) ? [from, to] : clipped(from, to, -size, 2 * size));
      from = to;
      if (!part) continue;
      const start = text(part[0]);
      path += start === end ? "L" : `M${start}L`;
      path += end = text(part[1]);
    }
    return path;
  };
  return { element, front, X, Y, U, V, line };
}

/** The part of the stretch from p to q with both coordinates between low and high, or null.
 * @param {Point} p @param {Point} q @param {number} low @param {number} high @returns {[Point, Point] | null} */
export function clipped(p, q, low, high) {
  let from = 0, to = 1;
  for (const k of [0, 1]) {
    const [a, b] = [(low - p[k]) / (q[k] - p[k]), (high - p[k]) / (q[k] - p[k])].sort((s, t) => s - t);
    if (p[k] === q[k] ? p[k] < low || p[k] > high : a > to || b < from) return null;
    if (p[k] !== q[k]) [from, to] = [Math.max(from, a), Math.min(to, b)];
  }
  const at = (/** @type {number} */ t) => /** @type {Point} */ ([p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])]);
  return from <= to ? [at(from), at(to)] : null;
}

/** Three to seven round numbers from `low` to `high`. @param {number} low @param {number} high */
export function ticks(low, high) {
  const rough = (high - low) / 5, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((k) => k >= rough * 0.999) ?? power;
  const marks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) marks.push(Number((k * step).toPrecision(12)));
  return marks;
}
