import { h, s, put, redraw, reword, reset, math, num, short, set, watch, button, choice, slider, sentence, plane, KEYS } from "./kit.js";

// Line fitter: a line through pairs (1.1), its loss as a mean (1.3) and as a surface over w and b, a step down (1.4).

const sum = (/** @type {number[]} */ values) => values.reduce((a, b) => a + b, 0);
const mean = (/** @type {number[]} */ values) => sum(values) / values.length;

/** Residuals, losses, loss and gradient of the line. @param {number[]} x @param {number[]} y @param {number} w @param {number} b */
export function fit(x, y, w, b) {
  const residuals = x.map((v, n) => w * v + b - y[n]), losses = residuals.map((r) => 0.5 * r * r);
  return { residuals, losses, loss: mean(losses), gradient: [mean(residuals.map((r, n) => r * x[n])), mean(residuals)] };
}

/** Where the loss is least, and how low; it is least + ½ (mxx p² + 2 mx p q + q²), p and q from there along w and b. @param {number[]} x @param {number[]} y */
function bowl(x, y) {
  const mx = mean(x), my = mean(y), mxx = mean(x.map((v) => v * v)), mxy = mean(x.map((v, n) => v * y[n])), spread = mean(x.map((v) => (v - mx) ** 2));
  const at = spread > 1e-12 * mxx ? [(mxy - mx * my) / spread, my - (mx * (mxy - mx * my)) / spread] : [(mx * my) / (1 + mx * mx), my / (1 + mx * mx)];
  return { at, least: fit(x, y, at[0], at[1]).loss, mx, mxx, spread };
}

/** The ellipses of equal loss in pixels: at a level of the loss, half an axis is √(level − least) times `steep` or `flat`, and the
 * steep one is turned by `angle`. @param {ReturnType<typeof bowl>} valley @param {number} kx pixels per unit of w @param {number} ky pixels per unit of b */
function ellipses({ mx, mxx, spread }, kx, ky) {
  const a = mxx / kx ** 2, b = -mx / (kx * ky), c = 1 / ky ** 2; // curvatures; b turns its sign as pixels count downwards
  const most = (a + c) / 2 + Math.hypot((a - c) / 2, b), least = Math.max(spread / (kx * ky) ** 2 / most, 1e-6 * most); // a valley without an end ends far outside
  return { steep: Math.sqrt(2 / most), flat: Math.sqrt(2 / least), angle: Math.atan2(2 * b, a - c) / 2 };
}

/** 1, 2, 5, 10, ... between two numbers. @param {number} low @param {number} high */
function levels(low, high) {
  const found = [];
  for (let p = Math.floor(Math.log10(low)); p <= Math.log10(high); p++) for (const k of [1, 2, 5]) {
    const level = Number(`${k}e${p}`);
    if (level > low && level <= high) found.push(level);
  }
  return found;
}

const SIZE = 360;

/** @param {{model: import("./kit.js").Model, el: HTMLElement}} context */
function render({ model, el }) {
  const root = h("div", { class: "cr cr-fit" });
  const x = /** @type {number[]} */ (model.get("x")), y = /** @type {number[]} */ (model.get("y")), N = x.length;
  const pairs = /** @type {[number, number, number, number]} */ (model.get("_data")), theta = /** @type {[number, number, number, number]} */ (model.get("_theta"));
  const [w0, w1, b0, b1] = theta, valley = bowl(x, y);
  const grain = [w1 - w0, b1 - b0].map((span) => 10 ** Math.floor(Math.log10(span / 100)));
  const clamp = (/** @type {number} */ v, /** @type {number} */ low, /** @type {number} */ high) => Math.min(high, Math.max(low, v));
  const neat = (/** @type {number} */ v, /** @type {number} */ step) => Number((Math.round(v / step) * step).toPrecision(12));

  /** Move the line by hand; coarse moves go by round numbers. @param {number} w @param {number} b @param {number} [fine] */
  function move(w, b, fine = 1) {
    set(model, { w: neat(clamp(w, w0, w1), grain[0] * fine), b: neat(clamp(b, b0, b1), grain[1] * fine), _trail: [] });
  }

  // ---- controls
  const decimals = grain.map((g) => Math.max(0, -Math.round(Math.log10(g))));
  const fixed = (/** @type {number} */ v, /** @type {number} */ k) => (Number(v.toFixed(decimals[k])) === v ? v.toFixed(decimals[k]).replace("-", "−") : short(v));
  const slides = [
    slider("w", { min: w0, max: w1, step: grain[0], text: (v) => fixed(v, 0) }, (value) => move(value, model.get("b"))),
    slider("b", { min: b0, max: b1, step: grain[1], text: (v) => fixed(v, 1) }, (value) => move(model.get("w"), value)),
  ];
  put(slides[0].element.firstChild, h("i", {}, "w"), " slope");
  put(slides[1].element.firstChild, h("i", {}, "b"), " height");
  const shape = choice("residuals", [["sticks", "sticks"], ["squares", "squares"]], (value) => set(model, { squares: value === "squares" }));
  const arrowButton = button("Arrow: minus the gradient", () => set(model, { arrow: !model.get("arrow") }));
  root.append(h("div", { class: "cr-bar cr-fit-bar" }, h("div", { class: "cr-fit-sliders" }, slides.map((one) => one.element)), shape.element, arrowButton));

  // ---- the pairs
  const left = plane(pairs, { size: SIZE, names: ["x", "y"], title: "pairs and line" });
  left.element.setAttribute("role", "group");
  const residuals = left.front.appendChild(s("g", { class: "cr-fit-residuals" }));
  const hit = left.front.appendChild(s("path", { class: "cr-hit cr-fit-lift" }));
  const stroke = left.front.appendChild(s("path", { class: "cr-fit-line" }));
  left.element.append(s("g", { class: "cr-fit-pairs" }, x.map((v, n) => s("circle", { cx: left.X(v), cy: left.Y(y[n]), r: N > 60 ? 3 : 5.5 }))));
  const handles = ["left", "right"].map((side, k) => left.element.appendChild(s("circle", {
    class: "cr-fit-point", r: 9, tabindex: 0, role: "slider", "aria-orientation": "vertical", "aria-label": `${side} end of the line: up and down arrows move it`, ...KEYS,
    onkeydown: (/** @type {KeyboardEvent} */ event) => turnByKey(event, k),
  })));

  /** Where the handles stand: near the sides, or where a steep line leaves the plane. @param {number} w @param {number} b */
  function ends(w, b) {
    const [x0, x1, y0, y1] = pairs, inset = 0.06, low = y0 + inset * (y1 - y0), high = y1 - inset * (y1 - y0);
    let from = x0 + 0.07 * (x1 - x0), to = x1 - 0.07 * (x1 - x0);
    if (w !== 0) {
      const cut = [(low - b) / w, (high - b) / w].sort((p, q) => p - q);
      from = clamp(from, cut[0], cut[1]);
      to = clamp(to, cut[0], cut[1]);
    } else if (b < low || b > high) from = to;
    return to - from > 1e-3 * (x1 - x0) ? [from, to] : null;
  }

  /** The line through a fixed point and another. @param {[number, number]} fixedPoint @param {[number, number]} other */
  function through([ax, ay], [px, py]) {
    if (Math.abs(px - ax) < 0.02 * (pairs[1] - pairs[0])) return;
    const w = clamp((py - ay) / (px - ax), w0, w1);
    move(w, ay - w * ax, 0.1);
  }

  function turnByKey(/** @type {KeyboardEvent} */ event, /** @type {number} */ k) {
    const way = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1 }[event.key], w = model.get("w"), b = model.get("b"), at = ends(w, b);
    if (!way || !at) return;
    event.preventDefault();
    const step = (event.shiftKey ? 0.05 : 0.01) * (pairs[3] - pairs[2]) * way;
    through([at[1 - k], w * at[1 - k] + b], [at[k], w * at[k] + b + step]);
  }

  /** Follow a pointer: `start` says what happens to the points that it visits. @param {any} p @param {(target: Element, point: [number, number]) => ((point: [number, number]) => void) | null} start */
  function drags(p, start) {
    /** @type {((point: [number, number]) => void) | null} */ let follow = null;
    const point = (/** @type {PointerEvent} */ event) => {
      const box = p.element.getBoundingClientRect(), scale = SIZE / box.width;
      return /** @type {[number, number]} */ ([p.U((event.clientX - box.left) * scale), p.V((event.clientY - box.top) * scale)]);
    };
    p.element.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      follow = start(/** @type {Element} */ (event.target), point(event));
      if (!follow) return;
      p.element.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    p.element.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => { if (follow && p.element.hasPointerCapture(event.pointerId)) follow(point(event)); });
    p.element.addEventListener("lostpointercapture", () => { follow = null; });
  }
  drags(left, (target, from) => {
    const w = model.get("w"), b = model.get("b"), k = handles.indexOf(/** @type {any} */ (target)), at = ends(w, b);
    if (k >= 0 && at) {
      handles[k].focus({ preventScroll: true });
      const anchor = /** @type {[number, number]} */ ([at[1 - k], w * at[1 - k] + b]);
      return (to) => through(anchor, to);
    }
    return target === hit ? (to) => move(w, b + to[1] - from[1], 0.1) : null;
  });

  // ---- the surface
  const right = plane(theta, { size: SIZE, names: ["w", "b"], title: "the loss over w and b" });
  right.element.setAttribute("role", "group");
  right.element.setAttribute("aria-label", "the loss over w and b");
  const corners = [[w0, b0], [w0, b1], [w1, b0], [w1, b1]].map(([w, b]) => fit(x, y, w, b).loss), top = Math.max(...corners);
  const rings = levels(Math.max(valley.least, 1e-3 * top), top);
  const [mu, mv] = [right.X(valley.at[0]), right.Y(valley.at[1])], { steep, flat, angle } = ellipses(valley, right.X(1) - right.X(0), right.Y(0) - right.Y(1));
  const axes = rings.map((level) => Math.sqrt(level - valley.least)).map((size) => [steep * size, flat * size]);
  right.front.append(...axes.map(([rx, ry]) => s("ellipse", { rx, ry, transform: `translate(${mu} ${mv}) rotate(${(180 * angle) / Math.PI})`, class: "cr-fit-ring" })));
  label();
  const bottom = right.front.appendChild(s("path", { class: "cr-fit-least", d: `M${mu - 5} ${mv - 5}l10 10m0 -10l-10 10` }));
  bottom.append(s("title", {}, "the least loss"));
  const trail = right.front.appendChild(s("path", { class: "cr-fit-trail" })), dots = right.front.appendChild(s("g", { class: "cr-fit-dots" }));
  const point = right.element.appendChild(s("circle", { class: "cr-fit-point", r: 8, tabindex: 0, role: "slider", "aria-label": "point w, b on the surface: arrow keys move it", ...KEYS }));
  const arrow = right.front.appendChild(s("path", { class: "cr-fit-arrow" }));
  point.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const way = /** @type {Record<string, number[]>} */ ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] })[event.key];
    if (!way) return;
    event.preventDefault();
    const step = event.shiftKey ? 10 : 1;
    move(model.get("w") + step * grain[0] * way[0], model.get("b") + step * grain[1] * way[1]);
  });
  drags(right, (_, from) => {
    point.focus({ preventScroll: true });
    move(...from);
    return (to) => move(...to);
  });

  /** A number on a ring where it has room. */
  function label() {
    /** @type {number[][]} */ const taken = [[mu, mv]], cos = Math.cos(angle), sin = Math.sin(angle);
    for (let k = rings.length - 1; k >= 0; k--) {
      const places = Array.from({ length: 121 }, (_, turn) => {
        const p = axes[k][0] * Math.cos((turn * Math.PI) / 60), q = axes[k][1] * Math.sin((turn * Math.PI) / 60);
        return [mu + p * cos - q * sin, mv + p * sin + q * cos];
      });
      const free = places.filter(([u, v]) => u > 54 && u < SIZE - 36 && v > 52 && v < SIZE - 48 && taken.every(([p, q]) => Math.abs(p - u) > 48 || Math.abs(q - v) > 26));
      const [u, v] = free.sort((p, q) => p[1] - 0.4 * p[0] - q[1] + 0.4 * q[0])[0] ?? [];
      if (u === undefined) continue;
      taken.push([u, v]);
      right.front.append(s("text", { x: u, y: v, dy: "0.35em", "text-anchor": "middle", class: "cr-fit-level" }, short(rings[k])));
    }
  }

  // ---- the loss in numbers
  const bar = h("span", { class: "cr-fit-track" }), total = h("span", { class: "cr-big cr-value", "data-number": "loss" });
  const scale = h("div", { class: "cr-fit-scale cr-quiet" }, h("span", {}, "0"), h("span", {}, short(model.get("_full"))));
  const segments = x.map((_, n) => h("span", { class: `cr-fit-part${n % 2 ? " cr-fit-odd" : ""}`, "data-part": n }));
  put(bar, segments);
  const rows = N <= 8 ? x.map((_, n) => h("tr", {}, h("th", { scope: "row" }, sub("ℓ", n + 1)), h("td", { "data-residual": n }), h("td", { "data-loss": n }))) : [];
  const table = h("table", { class: "cr-fit-table" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "pair"), h("th", { scope: "col" }, "residual"), h("th", { scope: "col" }, "½ residual", h("sup", {}, "2")))),
    h("tbody", {}, rows), h("tfoot", {}, h("tr", {}, h("th", { scope: "row", colspan: 2 }, "sum ∕ ", String(N)), h("td", { "data-number": "mean" }))));
  const gradient = [0, 1].map((k) => h("span", { "data-gradient": k }));
  const eta = slider("η", { min: 0, max: model.get("_fastest"), step: model.get("_fastest") / 50, text: short }, (value) => set(model, { eta: Number(value.toPrecision(6)) }));
  eta.input.setAttribute("aria-label", "learning rate eta");
  const stepDown = button("One step down", () => {
    const w = model.get("w"), b = model.get("b"), { gradient: [u, v] } = fit(x, y, w, b), rate = model.get("eta");
    const to = [w - rate * u, b - rate * v], walked = model.get("_trail"), last = walked[walked.length - 1];
    set(model, { w: to[0], b: to[1], _trail: [...(last && last[0] === w && last[1] === b ? walked.slice(-199) : [[w, b]]), to] });
  }, { class: "cr-button cr-primary" });
  const again = button("Start over", () => { const [w, b] = model.get("_start"); set(model, { w, b, _trail: [] }); });
  const panel = h("div", { class: `cr-fit-panel ${N > 8 ? "cr-fit-many" : ""}` },
    h("div", {}, h("div", {}, "loss ", math("ℒ"), ", the mean ", h("span", { class: "cr-tag" }, "(1.3)")), total, h("div", { class: "cr-fit-bar-box" }, bar, scale),
      N > 8 && h("div", { class: "cr-quiet" }, `mean of ${N} losses ½ residual², a piece of the bar for each`)),
    N <= 8 && table,
    h("div", { class: "cr-fit-down" },
      h("div", { class: "cr-fit-gradient" }, "gradient (", gradient[0], ", ", gradient[1], ")"),
      eta.element, h("div", { class: "cr-row" }, stepDown, again), h("div", { class: "cr-tag" }, "θ ← θ − η ∇ℒ (1.4)")));
  const said = sentence();
  root.append(h("div", { class: "cr-fit-grid" }, left.element, right.element, panel), said);
  el.append(root);

  function sub(/** @type {string} */ letter, /** @type {number} */ n) { return h("span", { class: "cr-math" }, letter, h("sub", {}, n)); }

  function draw() {
    const w = model.get("w"), b = model.get("b"), rate = model.get("eta"), view = fit(x, y, w, b), [x0, x1] = pairs;
    slides[0].update(w);
    slides[1].update(b);
    eta.update(rate);
    shape.update(model.get("squares") ? "squares" : "sticks");
    reset(arrowButton, "aria-pressed", model.get("arrow"));

    // pairs
    const across = left.line([[x0, w * x0 + b], [x1, w * x1 + b]]);
    reset(stroke, "d", across);
    reset(hit, "d", across);
    redraw(residuals, x.map((v, n) => {
      const u = left.X(v), from = left.Y(y[n]), to = clamp(left.Y(w * v + b), -SIZE, 2 * SIZE), side = Math.abs(to - from), mirrored = u + side > SIZE - 14;
      return model.get("squares") ? s("rect", { x: mirrored ? u - side : u, y: Math.min(from, to), width: side, height: side }) : s("line", { x1: u, x2: u, y1: from, y2: to });
    }));
    const at = ends(w, b);
    handles.forEach((handle, k) => {
      handle.classList.toggle("cr-gone", !at);
      if (!at) return;
      reset(handle, "cx", left.X(at[k]));
      reset(handle, "cy", left.Y(w * at[k] + b));
      reset(handle, "aria-valuenow", num(w * at[k] + b).replace("−", "-"));
      reset(handle, "aria-valuetext", `height ${num(w * at[k] + b)} at x = ${num(at[k])}`);
    });

    // surface
    const inside = w >= w0 && w <= w1 && b >= b0 && b <= b1, [cx, cy] = [right.X(clamp(w, w0, w1)), right.Y(clamp(b, b0, b1))];
    reset(point, "cx", cx);
    reset(point, "cy", cy);
    point.classList.toggle("cr-fit-outside", !inside);
    reset(point, "aria-valuenow", w);
    reset(point, "aria-valuetext", `w ${short(w)}, b ${short(b)}, loss ${num(view.loss)}`);
    const walked = model.get("_trail"), last = walked[walked.length - 1], valid = last && last[0] === w && last[1] === b;
    reset(trail, "d", valid ? right.line(walked) : "");
    redraw(dots, valid ? walked.slice(0, -1).map((/** @type {number[]} */ [u, v]) => s("circle", { cx: right.X(u), cy: right.Y(v), r: 3 })) : []);
    const next = [w - rate * view.gradient[0], b - rate * view.gradient[1]];
    reset(arrow, "d", model.get("arrow") ? pointing([right.X(w), right.Y(b)], [right.X(next[0]), right.Y(next[1])]) : "");

    // numbers
    reword(total, num(view.loss));
    const full = model.get("_full");
    let left_ = 1;
    segments.forEach((part, n) => {
      const share = Math.min(left_, view.losses[n] / N / full);
      left_ -= share;
      part.style.width = `${100 * share}%`;
    });
    bar.classList.toggle("cr-fit-over", view.loss > full);
    rows.forEach((row, n) => { reword(row.children[1], num(view.residuals[n])); reword(row.children[2], num(view.losses[n])); });
    const foot = table.querySelector("[data-number=mean]");
    if (foot) reword(foot, `${num(sum(view.losses))} ∕ ${N} = ${num(view.loss)}`);
    gradient.forEach((span, k) => { reword(span, num(view.gradient[k])); });

    const flat = Math.hypot(...view.gradient) < 1e-6 * (1 + Math.abs(w) + Math.abs(b));
    const then = fit(x, y, next[0], next[1]).loss;
    const advice = view.gradient.map((g, k) => `a ${g < 0 ? "larger" : "smaller"} ${"wb"[k]}`).join(" and ");
    reword(said, `w = ${short(w)}, b = ${short(b)}: loss ${num(view.loss)}, the mean of ${N}. ` +
      (flat ? "The gradient is 0: no straight line has a smaller loss." :
        `Down is ${advice}; one step of η = ${short(rate)} ${then < view.loss ? "leads to" : "overshoots to"} loss ${num(then)}.`) +
      (inside ? "" : " The point has left the picture."));
    reset(left.element, "aria-label", `${N} pairs and the line ${short(w)} x + ${short(b)}`);
  }

  function pointing(/** @type {number[]} */ [p, q], /** @type {number[]} */ [u, v]) {
    const way = Math.hypot(u - p, v - q);
    if (way < 1e-6) return "";
    const c = (u - p) / way, d = (v - q) / way, length = Math.max(way, 26), head = 9; // a short step still shows its direction
    [u, v] = [p + length * c, q + length * d];
    return `M${p} ${q}L${u} ${v}M${u - head * c + 0.55 * head * d} ${v - head * d - 0.55 * head * c}L${u} ${v}L${u - head * c - 0.55 * head * d} ${v - head * d + 0.55 * head * c}`;
  }

  const off = watch(model, ["w", "b", "eta", "squares", "arrow", "_trail"], draw);
  draw();
  return () => { off(); root.remove(); };
}

export default { render };
