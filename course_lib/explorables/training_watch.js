import { h, s, put, redraw, reword, reset, math, num, short, ask, watch, button, choice, slider, field, sentence } from "./kit.js";

// Training watch: the buttons of a run in the kernel, and its curves. Nothing is computed here.

/** @typedef {{at: number[], loss: (number | null)[], accuracy: Record<string, number[]>, norms: (number | null)[][]}} Curves */
const W = 440, H = 250, left = 56, right = 16, top = 12, bottom = 30;
const PACES = /** @type {[string, string][]} */ ([["2", "2"], ["10", "10"], ["0", "as fast as it goes"]]);
const LOOKS = ["value", "error", "ink"];
const MARKS = [(/** @type {number} */ x, /** @type {number} */ y) => s("circle", { cx: x, cy: y, r: 3.6 }), (/** @type {number} */ x, /** @type {number} */ y) => s("rect", { x: x - 3.2, y: y - 3.2, width: 6.4, height: 6.4 }),
  (/** @type {number} */ x, /** @type {number} */ y) => s("path", { d: `M${x} ${y - 4.4}l4.2 7.4h-8.4Z` })];

/** 10 to a whole power. @param {number} power */
const ten = (power) => (power === 0 ? "1" : power === 1 ? "10" : power === -1 ? "0.1" : power === -2 ? "0.01" : `10${[...String(power)].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(c)])).join("")}`);
/** A share in per cent, as many digits as 1 of 1000 examples needs. @param {number} share */
const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** @param {{model: import("./kit.js").Model, el: HTMLElement}} context */
function render({ model, el }) {
  const get = (/** @type {string} */ name) => model.get(name);
  const given = get("_given");
  const root = h("div", { class: "cr cr-train" });
  const press = (/** @type {string} */ name) => ask(model, { _asked: [name, get("_asked")[1] + 1] });
  const start = button("Start", () => ask(model, { running: !get("running") }), { class: "cr-button cr-primary" });
  const one = button("One epoch", () => press("epoch")), again = button("Start over", () => press("reset"));
  const epochs = field("epochs of a run", { min: 1, max: 100000, step: 10 }, (value) => { if (value >= 1) ask(model, { epochs: Math.min(100000, Math.round(value)) }); });
  const pace = choice("epochs per second", PACES, (value) => ask(model, { pace: Number(value) }));
  const eta = slider("η", { min: -3, max: 1, step: 0.05, text: () => short(get("eta")) }, (value) => ask(model, { eta: Number((10 ** value).toPrecision(2)) }));
  const batch = slider("batch", { min: 0, max: Math.ceil(Math.log2(given.N)), step: 1, text: () => String(Math.min(given.N, get("batch"))) }, (value) => ask(model, { batch: Math.min(given.N, 2 ** value) }));
  eta.input.setAttribute("aria-label", "learning rate");
  batch.input.setAttribute("aria-label", "examples in a batch");
  const activations = choice("hidden layers; a change starts over", [["sigmoid", "sigmoid"], ["tanh", "tanh"], ["relu", "relu"]], (value) => ask(model, { activation: value }));
  const scale = slider("scale of the first weights", { min: -1, max: 1, step: 0.05, text: () => short(get("scale")) }, (value) => ask(model, { scale: Number((10 ** value).toPrecision(2)) }));
  scale.input.setAttribute("aria-label", "scale of the first weights");
  const net = h("span", { class: "cr-tag", "data-number": "net" });
  root.append(h("div", { class: "cr-bar" }, h("div", { class: "cr-row" }, start, one, given.again && again), h("label", { class: "cr-train-epochs" }, epochs.element, h("span", {}, "epochs a run")), pace.element),
    h("div", { class: "cr-bar cr-train-sliders" }, eta.element, batch.element),
    ...(given.own ? [h("div", { class: "cr-bar cr-train-sliders" }, activations.element, scale.element)] : []), h("div", { class: "cr-train-net" }, net));
  const places = ["loss", "accuracy", "norms", "answers"].map((name) => h("section", { "data-chart": name }));
  const said = sentence(), grid = h("div", { class: "cr-train-grid" }, places);
  root.append(said, grid);
  el.append(root);
  if (!given.examples.kind) places[3].remove();

  /** A chart of curves by epoch. @param {Element} place @param {any} title @param {string} name
   * @param {{name: string, look: string, values: (number | null)[], at: number[], old?: boolean}[]} curves @param {boolean} log */
  function chart(place, title, name, curves, log) {
    const all = curves.flatMap((c) => c.values).filter((v) => v !== null && (!log || v > 0)).map((v) => (log ? Math.log10(/** @type {number} */ (v)) : /** @type {number} */ (v)));
    const low = log ? Math.floor(Math.min(-1, ...all)) : 0, high = log ? Math.max(low + 1, Math.ceil(Math.max(0, ...all))) : 1;
    const end = Math.max(2, ...curves.flatMap((c) => c.at));
    const X = (/** @type {number} */ epoch) => left + ((epoch - 1) / (end - 1)) * (W - left - right);
    const Y = (/** @type {number} */ v) => top + (1 - ((log ? Math.log10(Math.max(v, 1e-300)) : v) - low) / (high - low)) * (H - top - bottom);
    const axes = s("g", { class: "cr-axes", "aria-hidden": "true" });
    const step = log ? [1, 2, 4, 5, 10, 20, 50].find((k) => (high - low) / k <= 6) ?? 100 : 0.25;
    for (let v = log ? Math.ceil(low / step) * step : 0; v <= high + 1e-9; v += step) {
      const y = Y(log ? 10 ** v : v);
      axes.append(s("line", { x1: left, x2: W - right, y1: y, y2: y, class: v === low ? "cr-axis" : "cr-gridline" }), s("text", { x: left - 7, y, dy: "0.35em", "text-anchor": "end" }, log ? ten(v) : `${100 * v} %`));
    }
    const every = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000].find((k) => end / k <= 7) ?? 50000;
    for (let k = every; k <= end; k += every) axes.append(s("text", { x: X(Math.max(1, k)), y: H - bottom + 18, "text-anchor": "middle" }, String(k)));
    const lines = curves.map(({ values, at, look, old }) => {
      const d = values.map((v, k) => (v === null || (log && v <= 0) ? "" : `${k && values[k - 1] !== null ? "L" : "M"}${X(at[k]).toFixed(1)} ${Math.min(H - bottom, Y(v)).toFixed(1)}`)).join("");
      return [s("path", { d, class: `cr-train-line cr-train-${look} ${old ? "cr-train-old" : ""}` }), !old && values.length === 1 && values[0] !== null && s("circle", { cx: X(at[0]), cy: Y(values[0]), r: 3.5, class: `cr-train-dot cr-train-${look}` })];
    });
    const legend = curves.filter((c) => !c.old && c.name).map(({ name: words, look, values }) => h("span", { class: "cr-depth-key" }, s("svg", { viewBox: "0 0 30 10", "aria-hidden": "true" }, s("path", { d: "M1 5H29", class: `cr-train-line cr-train-${look}` })), words,
      h("b", { "data-number": `${name} ${words}` }, values.length && values[values.length - 1] !== null ? (log ? num(/** @type {number} */ (values[values.length - 1])) : percent(/** @type {number} */ (values[values.length - 1]))) : "–")));
    if (curves.some((c) => c.old)) legend.push(h("span", { class: "cr-depth-key" }, s("svg", { viewBox: "0 0 30 10", "aria-hidden": "true" }, s("path", { d: "M1 5H29", class: "cr-train-line cr-train-value cr-train-old" })), "the run before"));
    redraw(place, h("h3", {}, title), s("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `${name} against the epoch` }, axes, lines.flat()), h("p", { class: "cr-train-legend" }, legend));
  }

  // drawn once: the digits, and the plane but for its regions
  /** @type {any[]} */ let tiles = [];
  const regions = s("g");
  /** What the network answers. @param {Element} place @param {number[]} answers */
  function picture(place, answers) {
    const { kind, labels, pixels, window: frame, points, side, classes } = given.examples;
    if (kind === "digits") {
      if (!tiles.length) {
        tiles = pixels.map((/** @type {number[]} */ grey, /** @type {number} */ k) => {
          const shades = grey.map((v, i) => v > 0 && s("rect", { x: i % 8, y: Math.floor(i / 8), width: 1.02, height: 1.02, "fill-opacity": v / 16 }));
          return h("span", { role: "img" }, s("svg", { viewBox: "0 0 8 8", "aria-hidden": "true" }, shades), h("span", { "data-answer": k }));
        });
        put(place, h("h3"), h("div", { class: "cr-train-tiles" }, tiles));
      }
      tiles.forEach((tile, k) => {
        const good = answers[k] === labels[k];
        reset(tile, "class", `cr-train-tile ${good ? "" : "cr-train-wrong"}`);
        reset(tile, "aria-label", `a ${labels[k]}, taken for ${answers[k]}`);
        reword(tile.lastChild, `${answers[k]} ${good ? "✓" : "✗"}`);
      });
      const rights = answers.filter((answer, k) => answer === labels[k]).length;
      reword(/** @type {any} */ (place.firstChild), `${given.name === "digits" ? "Test digits" : "Digits"}: ${rights} of ${labels.length} right`);
      return;
    }
    const [u0, u1, v0, v1] = frame, size = 250, X = (/** @type {number} */ u) => ((u - u0) / (u1 - u0)) * W, Y = (/** @type {number} */ v) => ((v1 - v) / (v1 - v0)) * size;
    if (!regions.parentNode) {
      put(place, h("h3", {}, "What it answers where"), s("svg", { viewBox: `0 0 ${W} ${size}`, role: "img", "aria-label": "the plane, coloured by the class that the network answers, with training examples" }, regions,
        points.map((/** @type {number[]} */ [u, v, c]) => { const mark = MARKS[c](X(u), Y(v)); reset(mark, "class", `cr-train-point cr-train-${LOOKS[c]}`); return mark; })));
    }
    redraw(regions, Array.from({ length: classes }, (_, c) => {
      let d = "";
      for (let i = 0; i < side; i++) for (let j = 0; j < side; j++) {
        const from = j;
        while (j < side && answers[i * side + j] === c) j++;
        if (j > from) d += `M${((from * W) / side).toFixed(1)} ${((i * size) / side).toFixed(1)}H${((j * W) / side).toFixed(1)}v${(size / side + 0.3).toFixed(1)}H${((from * W) / side).toFixed(1)}Z`;
      }
      return s("path", { d, class: `cr-train-region cr-train-${LOOKS[c]}` });
    }));
  }

  function drawControls() {
    const running = get("running");
    reword(start, running ? "Stop" : get("_shown").epoch ? "Go on" : "Start");
    one.disabled = running;
    reset(said, "aria-live", running ? "off" : "polite"); // a screen reader is not to read every epoch
    epochs.update(get("epochs"));
    pace.update(String(get("pace")));
    eta.update(Math.log10(get("eta")));
    batch.update(Math.log2(get("batch")));
    activations.update(get("activation"));
    scale.update(Math.log10(get("scale")));
  }

  function drawRun() {
    const now = /** @type {any} */ (get("_shown")), before = /** @type {Curves | {at?: undefined}} */ (now.before ?? {});
    reword(net, now.net);
    const loss = [{ name: "loss", look: "value", values: now.loss, at: now.at }], old = before.at ? [{ name: "", look: "value", values: before.loss, at: before.at, old: true }] : [];
    chart(places[0], "Loss", "loss", [...old, ...loss], true);
    const curves = (/** @type {Curves} */ c, /** @type {boolean} */ gone) => Object.entries(c.accuracy).map(([name, values]) => ({ name, look: name === "test" ? "error" : "value", values, at: c.at, old: gone }));
    chart(places[1], "Share that is right", "accuracy", [...(before.at ? curves(before, true) : []), ...(now.epoch ? curves(now, false) : [])], false);
    chart(places[2], h("span", {}, "Length of the gradient, ", math("‖dW^{l}‖")), "gradient", now.norms.map((/** @type {(number | null)[]} */ values, /** @type {number} */ k) => ({ name: `layer ${k + 1}`, look: `layer-${k % 5} cr-train-dash-${k % 10}`, values, at: now.at })), true);
    if (given.examples.kind) picture(places[3], now.answers);
    const last = now.loss[now.loss.length - 1];
    const shares = Object.entries(now.accuracy).map(([name, values]) => `${percent(values[values.length - 1])} of the ${name === "train" ? "training" : name} set`);
    said.classList.toggle("cr-error", Boolean(now.error) || (now.epoch && last === null));
    const text = now.error ? `The run has ended with an error. ${now.error}` : !now.epoch ? "Not started."
      : last === null ? `Epoch ${now.epoch}: the loss is no number any more. Try a smaller learning rate, and start over.`
      : `Epoch ${now.epoch}: the loss is ${num(last)}; right are ${shares.join(" and ")}.`;
    reword(said, text);
  }

  const off = [watch(model, ["running", "epochs", "pace", "eta", "batch", "activation", "scale", "_shown"], drawControls), watch(model, ["_shown"], drawRun)];
  drawControls();
  drawRun();
  return () => { off.forEach((end) => end()); root.remove(); if (get("running")) ask(model, { running: false }); };
}

export default { render };
