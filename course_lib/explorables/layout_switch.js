import { h, s, redraw, reword, set, watch, choice, math, sentence } from "./kit.js";

// Layout switch: the formulas of the course in columns, and turned over into rows: (A B)ᵀ = Bᵀ Aᵀ.

/** @typedef {{name: string, rows: number, columns: number, turned: boolean}} Term
 *  @typedef {{title: string, left: Term, right: Term[][], sign: string}} Formula */

const EXAMPLES = 4, CELL = 11;

/** The transpose. @param {Term} term @returns {Term} */
function turnTerm({ name, rows, columns, turned }) { return { name, rows: columns, columns: rows, turned: !turned }; }

/** Both sides turned over: the products stand in the other order. @param {Formula} formula @returns {Formula} */
export function turn({ title, left, right, sign }) {
  return { title, left: turnTerm(left), right: right.map((product) => product.map(turnTerm).reverse()), sign };
}

/** A name with its layer raised, turned or not. @param {Term} term */
function named({ name, turned }) {
  const text = name.replace(/[ˡ⁺⁻¹]+/g, (raised) => `^{${[...raised].map((c) => "l+−1"["ˡ⁺⁻¹".indexOf(c)]).join("")}}`);
  return math(!turned ? text : text.includes("^") ? `(${text})^T` : `${text}^T`);
}

/** A matrix as tiles with its name and shape; the first of the examples is darker. @param {Term} term */
function tile(term) {
  const { rows, columns } = term, cells = ["", ""];
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) {
    const one = (columns === EXAMPLES && j === 0) || (rows === EXAMPLES && i === 0);
    cells[Number(one)] += `M${1 + CELL * j} ${1 + CELL * i}h${CELL}v${CELL}h${-CELL}Z`;
  }
  const wide = CELL * columns + 2, high = CELL * rows + 2;
  return h("span", { class: "cr-layout-term", "data-shape": `${rows} ${columns}` },
    h("span", { class: "cr-layout-stand" }, s("svg", { viewBox: `0 0 ${wide} ${high}`, width: wide, height: high, "aria-hidden": "true" }, s("path", { d: cells[0], class: "cr-layout-cell" }), s("path", { d: cells[1], class: "cr-layout-one" }))),
    named(term), h("span", { class: "cr-shape" }, `${rows}×${columns}`));
}

/** @param {{model: import("./kit.js").Model, el: HTMLElement}} context */
function render({ model, el }) {
  const root = h("div", { class: "cr cr-layout" });
  const readings = choice("an example is", [["columns", "a column (this course)"], ["rows", "a row (many others)"]], (value) => set(model, { reading: value }));
  const list = h("div", { class: "cr-layout-list" }), said = sentence();
  root.append(h("div", { class: "cr-bar" }, readings.element), list, said);
  el.append(root);

  function draw() {
    const rows = model.get("reading") === "rows";
    const formulas = /** @type {Formula[]} */ (model.get("formulas"));
    const op = (/** @type {string} */ sign) => h("span", { class: "cr-layout-op" }, sign);
    readings.update(model.get("reading"));
    redraw(list, (rows ? formulas.map(turn) : formulas).map(({ title, left, right, sign }) => h("div", { class: "cr-layout-card" },
      h("div", { class: "cr-quiet" }, title),
      h("div", { class: "cr-layout-formula" }, tile(left), right.map((product, k) => [op(k ? sign : "="), product.map(tile)])))));
    reword(said, rows
      ? "Turned over: each matrix is the transpose of ours, and the factors of each product stand in the other order."
      : "Columns: a matrix stands on the left of what it acts on, and a product is read from right to left.");
  }

  const off = watch(model, ["reading"], draw);
  draw();
  return () => { off(); root.remove(); };
}

export default { render };
