import { h, s, redraw, reword, reset, set, ask, watch, button, slider, sentence, ticks } from "./kit.js";

// Race: the kernel computes one gradient in two ways and says how far it is; the page draws bars and the predicted finish.

const DEPTHS = [1, 2, 4, 8, 16, 32, 64], WIDTHS = [4, 8, 16, 32, 64, 128, 256];

/** What has to be computed, counted. @param {number} depth @param {number} width */
export function work(depth, width) {
  const square = width * width, P = depth * (square + width), forward = depth * square;
  return { P, needed: 2 * P, forward, back: 3 * forward - square + depth * width, nudged: 2 * P * forward };
}

/** A whole number, its thousands apart. @param {number} n */
export function whole(n) { return String(n).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f"); }

/** @type {[number, string][]} */ const UNITS = [[86400, "days"], [3600, "hours"], [60, "minutes"], [1, "s"], [1e-3, "ms"], [1e-6, "µs"]];
/** The unit in which one would say so many seconds. @param {number} t @returns {[number, string]} */
export function unit(t) { return UNITS.find(([size]) => t >= (size > 1 ? 1.5 : 1) * size) ?? UNITS[UNITS.length - 1]; }

/** A time with three digits: 0.21 ms, 4.12 s, 2.7 hours. @param {number} t @param {[number, string]} [in_] */
export function span(t, in_ = unit(t)) {
  const value = t / in_[0], digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${in_[1]}`;
}

/** A range in one unit: 3.9 to 4.2 s. @param {number} low @param {number} high */
export function range(low, high) {
  const in_ = unit(high);
  return `${span(low, in_).split(" ")[0]} to ${span(high, in_)}`;
}

/** @param {{model: import("./kit.js").Model, el: HTMLElement}} context */
function render({ model, el }) {
  const root = h("div", { class: "cr cr-race" });
  const get = (/** @type {string} */ name) => model.get(name);
  el.append(root);

  // ---- controls; the kernel ends a race whose sizes change
  const place = (/** @type {number[]} */ list, /** @type {number} */ value) => list.reduce((best, v, k) => (Math.abs(Math.log(v / value)) < Math.abs(Math.log(list[best] / value)) ? k : best), 0);
  const sizes = (/** @type {string} */ name, /** @type {string} */ title, /** @type {number[]} */ list) => {
    const control = slider(title, { min: 0, max: list.length - 1, step: 1, text: () => String(get(name)) }, (k) => (get("back") || get("running") ? ask : set)(model, { [name]: list[k] }));
    return { element: control.element, update() { control.update(place(list, get(name))); } };
  };
  const depth = sizes("depth", "layers", DEPTHS), width = sizes("width", "neurons in each", WIDTHS);
  const go = button("", () => ask(model, { running: !get("running") }), { class: "cr-button cr-primary" });
  const again = button("Start over", () => ask(model, { _over: get("_over") + 1 }));
  const size = h("span", { class: "cr-race-size" });
  root.append(h("div", { class: "cr-bar" }, depth.element, width.element, h("div", { class: "cr-row" }, go, again), size));

  // ---- the two lanes
  const lane = (/** @type {string} */ name, /** @type {string} */ tone) => {
    const fill = h("span", { class: "cr-race-fill" }), bar = h("div", { class: "cr-race-bar", role: "progressbar", "aria-label": name, "aria-valuemin": 0, "aria-valuemax": 100 }, fill);
    const work_ = h("span", { class: "cr-quiet" }), time = h("output", { class: "cr-race-time" });
    const element = h("div", { class: `cr-race-lane cr-race-${tone}` }, h("div", { class: "cr-race-head" }, h("b", {}, name), work_, time), bar);
    return { element, work: work_, time, /** @param {number} share */ update(share) { fill.style.width = `${100 * share}%`; reset(bar, "aria-valuenow", Math.floor(100 * share)); } };
  };
  const fast = lane("back-propagation", "fast"), slow = lane("finite differences", "slow");
  const forecast = h("div", { class: "cr-race-forecast" }), chart = h("div", { class: "cr-race-chart" }), said = sentence();
  root.append(fast.element, slow.element, h("div", { class: "cr-race-grid" }, forecast, chart), said);

  const ratio = () => get("spent") / get("back"), finished = () => get("done") === work(get("depth"), get("width")).needed;
  const round = (/** @type {number} */ v) => whole(Number(v.toPrecision(2)));

  // ---- the predicted total against the time spent
  const W = 560, H = 250, left = 62, right = 18, top = 30, bottom = 40;
  function drawChart() {
    const past = get("_past"), patience = get("patience"), spent = get("spent");
    const latest = past.length ? past[past.length - 1] : [0, 0, 1], long = latest[2] > 1.5 * Math.max(patience, spent);
    const end = past.length ? (long ? Math.max(patience, spent) : Math.max(latest[2], spent)) * 1.06 : 1;
    const lows = past.map((/** @type {number[]} */ p) => p[1]), highs = past.map((/** @type {number[]} */ p) => p[2]);
    const low = past.length ? Math.min(...lows) : 0, high = past.length ? Math.max(...highs) : 1, pad = Math.max(0.12 * (high - low), 0.04 * high);
    const y0 = Math.max(0, low - pad), y1 = high + pad, across = unit(end / 2), up = unit(y1 / 2);
    const X = (/** @type {number} */ t) => left + (t / end) * (W - left - right), Y = (/** @type {number} */ t) => top + ((y1 - t) / (y1 - y0)) * (H - top - bottom);
    const axes = s("g", { class: "cr-axes", "aria-hidden": "true" });
    const mark = (/** @type {number} */ v) => String(Number(v.toPrecision(6)));
    axes.append(s("line", { x1: left, x2: W - right, y1: H - bottom, y2: H - bottom, class: "cr-axis" }), s("line", { x1: left, x2: left, y1: top, y2: H - bottom, class: "cr-axis" }),
      s("text", { x: 0, y: 14, class: "cr-plane-title" }, "predicted total, against the time spent"));
    if (past.length) {
      for (const t of ticks(0, end / across[0])) axes.append(s("line", { x1: X(t * across[0]), x2: X(t * across[0]), y1: top, y2: H - bottom, class: "cr-gridline" }), s("text", { x: X(t * across[0]), y: H - bottom + 16, "text-anchor": "middle" }, mark(t)));
      for (const t of ticks(y0 / up[0], y1 / up[0])) axes.append(s("line", { x1: left, x2: W - right, y1: Y(t * up[0]), y2: Y(t * up[0]), class: "cr-gridline" }), s("text", { x: left - 7, y: Y(t * up[0]), dy: "0.35em", "text-anchor": "end" }, mark(t)));
      axes.append(s("text", { x: W - right, y: H - 6, "text-anchor": "end", class: "cr-axis-name" }, `time spent, ${across[1]}`), s("text", { x: left + 6, y: top + 12, class: "cr-axis-name" }, up[1]));
    } else axes.append(s("text", { x: (left + W - right) / 2, y: (top + H - bottom) / 2, "text-anchor": "middle", class: "cr-race-empty" }, "It fills when the race is on."));
    const way = past.map((/** @type {number[]} */ p) => `${X(p[0]).toFixed(1)} ${Y(p[2]).toFixed(1)}`).concat([...past].reverse().map((/** @type {number[]} */ p) => `${X(p[0]).toFixed(1)} ${Y(p[1]).toFixed(1)}`));
    const clip = `cr-race-${Math.random().toString(36).slice(2)}`;
    const inside = s("g", { "clip-path": `url(#${clip})` }, past.length && s("path", { d: `M${X(0)} ${Y(0)}L${X(end)} ${Y(end)}`, class: "cr-race-diagonal" }), past.length > 0 && s("path", { d: `M${way.join("L")}Z`, class: "cr-race-band" }));
    const last = past.length > 0 && s("line", { x1: X(latest[0]), x2: X(latest[0]), y1: Y(latest[1]), y2: Y(latest[2]), class: "cr-race-now" });
    const finish = past.length > 0 && finished() && s("circle", { cx: X(spent), cy: Y(spent), r: 6, class: "cr-race-finish" });
    const words = past.length ? `the predicted total went from ${range(past[0][1], past[0][2])} to ${range(latest[1], latest[2])}` : "no prediction yet";
    redraw(chart, s("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `predicted total against the time spent: ${words}` },
      s("defs", {}, s("clipPath", { id: clip }, s("rect", { x: left, y: top, width: W - left - right, height: H - top - bottom }))), axes, inside, last, finish));
  }

  function drawForecast() {
    const past = get("_past"), { needed } = work(get("depth"), get("width")), spent = get("spent");
    const line = (/** @type {string} */ title, /** @type {any} */ value, /** @type {string} */ name) => h("p", {}, h("span", { class: "cr-quiet" }, title), h("span", { "data-number": name }, value));
    const pass = get("done") ? span(spent / get("done")) : "–";
    redraw(forecast, h("h3", {}, finished() ? "the slow one took" : "predicted total of the slow one"),
      h("p", { class: "cr-big cr-error", "data-number": "predicted" }, finished() ? span(spent) : past.length ? range(get("low"), get("high")) : "not yet"),
      h("p", { class: "cr-quiet cr-race-note" }, finished() ? `predicted at first: ${range(past[0][1], past[0][2])}` : "if the rest goes as nine slices of ten went so far"),
      h("div", { class: "cr-race-numbers" }, line("passes", `${whole(get("done"))} of ${whole(needed)}`, "passes"), line("time of a pass", pass, "pass"),
        line("gradients by back-propagation in the time spent", get("done") ? round(ratio()) : "–", "ratio")));
  }

  /** The sentence changes with what happens, not with every slice: it is read aloud. */
  function say() {
    const { P, needed, back, nudged, forward } = work(get("depth"), get("width")), done = get("done"), past = get("_past");
    const times = `${(back / forward).toFixed(2)} forward passes' worth of multiplications`;
    let text = `A gradient of these ${whole(P)} parameters takes ${times} by back-propagation, and ${whole(needed)} forward passes by finite differences: ${round(nudged / back)} times as many. Before you start it, how long will the slow one take?`;
    if (finished()) text = `Finite differences took ${span(get("spent"))}, ${round(ratio())} times as long as back-propagation with ${span(get("back"))}. Both gradients agree to ${get("agreement") > 0 ? Math.floor(-Math.log10(get("agreement"))) : 15} digits.`;
    else if (get("running") && past.length) text = "The race is on. It waits while another cell runs, and only its own time counts.";
    else if (get("running")) text = "On your marks: back-propagation runs a few times for its median.";
    else if (done) text = `Stopped after ${whole(done)} of ${whole(needed)} passes. To go on to the end would take ${range(get("low"), get("high"))} in all, ${round((get("low") + get("high")) / 2 / get("back"))} times as long as back-propagation.`;
    reword(said, text);
  }

  function draw() {
    const { P, needed, back, nudged } = work(get("depth"), get("width")), done = get("done");
    depth.update();
    width.update();
    reword(size, `P = ${whole(P)}`);
    reword(go, get("running") ? "Stop" : finished() ? "Once more" : done ? "Go on" : "Start");
    reset(go, "aria-pressed", get("running"));
    again.disabled = !done && !get("running");
    reword(fast.work, `${whole(back)} multiplications`);
    reword(slow.work, `${whole(nudged)} multiplications`);
    reword(fast.time, get("back") ? span(get("back")) : "");
    reword(slow.time, done ? span(get("spent")) : "");
    fast.update(get("back") ? 1 : 0);
    slow.update(done / needed);
    drawForecast();
    drawChart();
    say();
  }

  const off = watch(model, ["depth", "width", "running", "patience", "back", "done", "spent", "low", "high", "agreement", "_past"], draw);
  draw();
  return () => { off(); if (get("running")) ask(model, { running: false }); root.remove(); };
}

export default { render };
