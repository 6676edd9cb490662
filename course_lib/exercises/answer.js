import { h, s, put, KEYS } from "../explorables/kit.js";

// The answer widgets, the predictions and the progress line: draws a question, takes keys and clicks, keeps the draft in a trait.
// Nothing is judged here; Check asks Python, which answers with the verdict.

// An element that holds HTML of ours.
const rich = (tag, attributes, html) => Object.assign(h(tag, attributes), { innerHTML: html });
const draw = (tag, attributes, parent) => parent.appendChild(s(tag, attributes));

// A name as it is written: the number of a layer is raised (W², δ²), any other is lowered (x₂). Also in widget.py.
const layered = (letter) => "Wbazδ".includes(letter);
const pretty = (name) => name.replace(/([^\d\s])(\d+)/g, (_, letter, digits) => letter + [...digits].map((d) => (layered(letter) ? "⁰¹²³⁴⁵⁶⁷⁸⁹" : "₀₁₂₃₄₅₆₇₈₉")[d]).join(""));
const strip = (html) => rich("div", {}, html).textContent;

// The number that a text stands for, null if none, as to_number in widget.py reads it.
export function number(text) {
  const clean = text.trim().replaceAll("\u2212", "-").replaceAll(" ", "").replaceAll(",", ".");
  const one = "[+-]?(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?";
  const found = clean.match(new RegExp(`^(${one})(?:/(${one}))?$`));
  if (!found || (found[2] !== undefined && Number(found[2]) === 0)) return null;
  return Number(found[1]) / Number(found[2] ?? 1);
}

// The entries of a pasted matrix, row by row: [[1, 2], [3, 4]], or rows of a table.
export function pasted(text) {
  const bare = text.trim().replace(/^\w+\s*=\s*/, "").replace(/^array\(|\)$/g, "");
  const rows = bare.includes("[") ? bare.split(/\]\s*,?\s*\[/) : bare.split(/\n|;/);
  return rows.map((row) => row.replace(/[[\]]/g, " ").split(/[\s,]+/).filter(Boolean)).filter((row) => row.length);
}

// ------------------------------------------------------------------ [num] a grid of entries
function numbers(question, draft, change) {
  const rows = draft.length, columns = draft[0].length, entries = [];
  const root = h("div");
  const trouble = h("div", { class: "crx-trouble", role: "status" });
  const table = h("table", { class: "crx-grid" });
  const bracket = (side) => question.shape.length > 1 ? [h("td", { class: `crx-bracket crx-${side}`, rowspan: rows, "aria-hidden": "true" })] : [];
  table.append(h("caption", { class: "crx-hidden" }, `${strip(question.title)}: ${rows} by ${columns} entries`));
  if (question.columns.length === columns) {
    const head = h("tr");
    const before = (question.rows.length === rows) + bracket("left").length;
    if (before) head.append(h("td", { colspan: before }));
    head.append(...question.columns.map((html) => rich("th", { scope: "col" }, html)));
    table.append(h("thead", {}, head));
  }
  const name = (i, j) => {
    const words = [question.rows[i] ? strip(question.rows[i]) : rows > 1 ? `row ${i + 1}` : "",
      question.columns[j] ? strip(question.columns[j]) : columns > 1 ? `column ${j + 1}` : ""];
    return words.filter(Boolean).join(", ") || "the number";
  };
  const go = (i, j) => { const entry = entries[i]?.[j]; entry?.focus(); return Boolean(entry); };
  const read = () => change(entries.map((row) => row.map((entry) => entry.value.trim())));
  const judge = (entry) => {
    const bad = entry.value.trim() !== "" && number(entry.value) === null;
    entry.setAttribute("aria-invalid", String(bad));
    const first = entries.flat().find((e) => e.getAttribute("aria-invalid") === "true");
    trouble.textContent = first ? `\u201c${first.value}\u201d is not a number; try 1/4, -0.5 or 1e-3` : "";
  };
  const body = h("tbody");
  for (let i = 0; i < rows; i++) {
    const line = h("tr"), list = [];
    if (question.rows.length === rows) line.append(rich("th", { scope: "row" }, question.rows[i]));
    if (i === 0) line.append(...bracket("left"));
    for (let j = 0; j < columns; j++) {
      const entry = h("input", {
        class: "crx-entry", type: "text", autocomplete: "off", spellcheck: "false", "aria-label": name(i, j),
        ...KEYS,
      });
      entry.value = draft[i][j] ?? "";
      entry.addEventListener("input", () => { if (entry.getAttribute("aria-invalid") === "true") judge(entry); read(); });
      entry.addEventListener("focus", () => entry.select());
      entry.addEventListener("blur", () => judge(entry));
      entry.addEventListener("paste", (event) => {
        const found = pasted(event.clipboardData.getData("text"));
        if (found.length < 2 && (found[0]?.length ?? 0) < 2) return;
        event.preventDefault();
        found.forEach((row, r) => row.forEach((value, c) => {
          const to = entries[i + r]?.[j + c];
          if (to) { to.value = value; judge(to); }
        }));
        read();
      });
      entry.addEventListener("keydown", (event) => {
        const { selectionStart: from, selectionEnd: to, value } = entry;
        const all = from === 0 && to === value.length;
        const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key]
          ?? (event.key === "ArrowLeft" && (all || to === 0) ? [0, -1] : null)
          ?? (event.key === "ArrowRight" && (all || from === value.length) ? [0, 1] : null);
        if (step && !event.shiftKey && !event.altKey) { if (go(i + step[0], j + step[1])) event.preventDefault(); }
        if (event.key === "Enter" && !event.shiftKey) {
          event.preventDefault();
          const next = j + 1 < columns ? [i, j + 1] : [i + 1, 0];
          if (event.ctrlKey || event.metaKey || !go(...next)) root.dispatchEvent(new CustomEvent("crx-check", { bubbles: true }));
        }
      });
      list.push(entry);
      line.append(h("td", {}, entry));
    }
    if (i === 0) line.append(...bracket("right"));
    entries.push(list);
    body.append(line);
  }
  table.append(body);
  root.append(table, trouble);
  return root;
}

// ------------------------------------------------------------------ [choice] cards
function tiles(pattern) {
  const top = Math.max(...pattern.flat().map(Math.abs)) || 1;
  const cell = (v) => {
    const colour = v === 0 ? "transparent" : `color-mix(in srgb, var(--course-${v > 0 ? "blue" : "orange"}) ${(15 + 50 * Math.abs(v) / top).toFixed(0)}%, transparent)`;
    const text = v === 0 ? "" : String(v).replace("-", "\u2212").replace(/^(\u2212?)0\./, "$1.");
    return h("td", { style: `background:${colour}` }, text);
  };
  const rows = pattern.map((row) => h("tr", {}, ...row.map(cell)));
  return h("table", { class: "crx-tiles" }, h("tbody", {}, ...rows));
}

function cards(question, draft, change) {
  const tiled = question.options.some((option) => option.tiles.length);
  const group = `crx-${Math.random().toString(36).slice(2)}`;
  const root = h("fieldset", { class: "crx-choice" });
  root.append(h("legend", { class: "crx-hidden" }, strip(question.title)));
  const list = h("div", { class: `crx-cards${tiled ? " crx-tiled" : ""}` });
  for (const { key, html, tiles: pattern } of question.options) {
    const input = h("input", {
      type: question.several ? "checkbox" : "radio", name: group, value: key, ...KEYS,
    });
    input.checked = draft.includes(key);
    input.addEventListener("change", () => change([...list.querySelectorAll("input:checked")].map((i) => i.value)));
    const card = h("label", { class: "crx-card" }, input, rich("span", {}, `<b>${strip(key)}</b>&ensp;${html}`));
    if (pattern.length) card.append(tiles(pattern));
    list.append(card);
  }
  root.append(list);
  return root;
}

// ------------------------------------------------------------------ [order] a list that can be rearranged
function order(question, draft, change, say) {
  const html = Object.fromEntries(question.options.map((option) => [option.key, option.html]));
  let keys = draft.length === question.options.length ? [...draft] : question.options.map((option) => option.key);
  const root = h("div");
  const list = h("ol", { class: "crx-list" });
  const items = {};
  const place = () => {
    keys.forEach((key, k) => {
      const [li, number, item, up, down] = items[key];
      if (list.children[k] !== li) list.insertBefore(li, list.children[k] ?? null);
      number.textContent = `${k + 1}`;
      item.setAttribute("aria-label", `${strip(html[key])}, ${k + 1} of ${keys.length}`);
      up.disabled = k === 0;
      down.disabled = k === keys.length - 1;
    });
  };
  const move = (key, to) => {
    const from = keys.indexOf(key);
    if (to < 0 || to >= keys.length || to === from) return false;
    keys.splice(to, 0, keys.splice(from, 1)[0]);
    place();
    change([...keys]);
    return true;
  };
  const shift = (key, by, focus) => {
    if (move(key, keys.indexOf(key) + by)) say(`${strip(html[key])}, now ${keys.indexOf(key) + 1} of ${keys.length}`);
    (focus.disabled ? items[key][2] : focus).focus();
  };
  for (const key of keys) {
    const item = rich("button", { type: "button", class: "crx-item", ...KEYS }, html[key]);
    const name = strip(html[key]);
    const button = (text, label, by) => {
      const b = h("button", { type: "button", class: "crx-small", "aria-label": `move ${name} ${label}`, ...KEYS }, text);
      b.addEventListener("click", () => shift(key, by, b));
      return b;
    };
    const up = button("\u2191", "up", -1), down = button("\u2193", "down", 1);
    item.addEventListener("keydown", (event) => {
      const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (!by) return;
      event.preventDefault();
      if (event.altKey || event.ctrlKey) shift(key, by, item);
      else items[keys[keys.indexOf(key) + by]]?.[2].focus();
    });
    item.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      const li = items[key][0];
      const follow = (e) => {  // on the window: an item that changes its place loses a capture
        li.classList.add("crx-held");
        const at = keys.findIndex((k) => { const box = items[k][0].getBoundingClientRect(); return e.clientY < box.top + box.height / 2; });
        const last = at < 0 ? keys.length : at, from = keys.indexOf(key);
        move(key, last > from ? last - 1 : last);
      };
      const drop = () => {
        if (li.classList.contains("crx-held")) say(`${name}, now ${keys.indexOf(key) + 1} of ${keys.length}`);
        li.classList.remove("crx-held");
        window.removeEventListener("pointermove", follow);
        for (const end of ["pointerup", "pointercancel"]) window.removeEventListener(end, drop);
      };
      window.addEventListener("pointermove", follow);
      for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, drop);
    });
    const number = h("span", { class: "crx-place", "aria-hidden": "true" });
    const li = h("li", {}, number, item, up, down);
    items[key] = [li, number, item, up, down];
    list.append(li);
  }
  place();
  root.addEventListener("crx-settle", () => { if (!draft.length) change([...keys]); });  // as it stands is an answer, too
  root.append(list, h("div", { class: "crx-note" }, "Drag, or press Alt with the up and down arrow keys on an item."));
  return root;
}

// ------------------------------------------------------------------ [path] a drawn graph
const JOIN = " > ";

function graph(question, draft, change, say) {
  const R = 20, M = 30;
  const xs = question.nodes.map((n) => n.x), ys = question.nodes.map((n) => n.y);
  const gap = (values) => Math.min(...[...new Set(values.map((v) => v.toFixed(3)))].map(Number).sort((a, b) => a - b).map((v, k, all) => (k ? v - all[k - 1] : 1)));
  const [x0, y0] = [Math.min(...xs), Math.min(...ys)], [wide, high] = [Math.max(...xs) - x0, Math.max(...ys) - y0];
  const sx = Math.max(wide && 560 / wide, 62 / gap(xs)), sy = Math.min(Math.max(70 / gap(ys), high && 150 / high), high ? 230 / high : 0);
  const W = 2 * M + wide * sx, H = 2 * M + high * sy;
  const at = Object.fromEntries(question.nodes.map((n) => [n.name, [M + (n.x - x0) * sx, M + (n.y - y0) * sy]]));
  const out = (name) => question.edges.filter((e) => e.from === name).map((e) => e.to);
  let chosen = [...draft], trail = [], shown = null;
  const root = h("div");
  const svg = s("svg", { class: "crx-graph", viewBox: `0 0 ${W} ${H}`, style: `max-width:${W}px`, role: "group", "aria-label": "the graph" });
  const picked = h("ul", { class: "crx-picked", "aria-label": "chosen" });
  const note = h("div", { class: "crx-note" });
  const undo = h("button", { type: "button", class: "crx-small", ...KEYS }, "Take the last step back");
  const bar = h("div", { class: "crx-bar" }, note);
  const edges = [], nodes = {};

  const toggle = (name) => {
    const there = chosen.includes(name);
    chosen = there ? chosen.filter((c) => c !== name) : [...chosen, name];
    say(`${name} ${there ? "taken away" : "chosen"}, ${chosen.length} in all`);
    change([...chosen]);
    show();
  };
  const step = (name) => {
    if (question.pick !== "paths") return question.pick === "nodes" ? toggle(name) : undefined;
    if (trail.at(-1) === name) trail.pop();
    else if (trail.length && out(trail.at(-1)).includes(name)) trail.push(name);
    else if (!question.start || name === question.start) trail = [name];
    else return say(trail.length ? `no link leads from ${trail.at(-1)} to ${name}` : `begin at ${question.start}`);
    const ends = question.end ? trail.at(-1) === question.end : trail.length > 1 && !out(trail.at(-1)).length;
    if (ends) {
      const path = trail.join(JOIN);
      const again = chosen.includes(path);
      if (!again) chosen.push(path);
      trail = [];
      change([...chosen]);
      say(again ? `${path} is there already` : `path ${path} added, ${chosen.length} in all`);
    } else say(`so far ${trail.join(", ")}${trail.length && !out(trail.at(-1)).length ? "; no link goes on from here" : ""}`);
    show();
  };
  const back = () => { trail.pop(); say(trail.length ? `so far ${trail.join(", ")}` : "begin anew"); show(); };
  undo.addEventListener("click", back);

  const show = () => {
    const lit = shown ? shown.split(JOIN) : trail;
    const link = (a, b) => lit.some((n, k) => n === a && lit[k + 1] === b);
    for (const [edge, g] of edges) {
      const on = question.pick === "edges" ? chosen.includes(edge.from + JOIN + edge.to) : link(edge.from, edge.to);
      g.classList.toggle("crx-on", on);
      if (question.pick === "edges") g.setAttribute("aria-pressed", String(on));
    }
    for (const { name } of question.nodes) {
      const g = nodes[name];
      const next = question.pick === "paths" && !shown && (trail.length ? out(trail.at(-1)).includes(name) : name === question.start);
      const on = question.pick === "nodes" ? chosen.includes(name) : lit.includes(name);
      g.classList.toggle("crx-on", on);
      g.classList.toggle("crx-next", next);
      if (question.pick !== "edges") {
        g.setAttribute("aria-pressed", String(on));
        g.setAttribute("aria-label", `${name}${next ? ", can be next" : ""}`);
      }
    }
    put(picked, chosen.map((name) => {
      const away = h("button", { type: "button", class: "crx-small", "aria-label": `take ${name} away`, ...KEYS }, "\u2715");
      away.addEventListener("click", () => { shown = null; const k = chosen.indexOf(name); toggle(name); (picked.querySelectorAll("button")[Math.min(k, chosen.length - 1)] ?? Object.values(nodes)[0]).focus(); });
      const item = h("li", {}, h("span", {}, pretty(name.replaceAll(JOIN, " \u2192 "))), away);
      if (name.includes(JOIN)) {
        const light = (on) => () => { shown = on ? name : null; lightUp(); };
        for (const [event, on] of [["pointerenter", true], ["pointerleave", false], ["focusin", true], ["focusout", false]]) item.addEventListener(event, light(on));
      }
      return item;
    }));
    undo.hidden = !trail.length;
    note.textContent = question.pick === "nodes" ? "Click a node, or move with the arrow keys and press Enter."
      : question.pick === "edges" ? "Click a link, or move with Tab and press Enter."
        : trail.length ? `So far: ${pretty(trail.join(" \u2192 "))}` : `Click your way through the nodes${question.start ? `, beginning at ${pretty(question.start)}` : ""}; or use the arrow keys and Enter.`;
  };
  const lightUp = () => {
    const lit = shown ? shown.split(JOIN) : trail;
    for (const [edge, g] of edges) if (question.pick !== "edges") g.classList.toggle("crx-on", lit.some((n, k) => n === edge.from && lit[k + 1] === edge.to));
    for (const name in nodes) if (question.pick === "paths") nodes[name].classList.toggle("crx-on", lit.includes(name));
  };

  for (const edge of question.edges) {
    const [x1, y1] = at[edge.from], [x2, y2] = at[edge.to];
    const length = Math.hypot(x2 - x1, y2 - y1) || 1, ux = (x2 - x1) / length, uy = (y2 - y1) / length;
    const a = [x1 + ux * R, y1 + uy * R], b = [x2 - ux * (R + 2), y2 - uy * (R + 2)];
    const pick = question.pick === "edges";
    const g = draw("g", pick ? { class: "crx-edge crx-pick", tabindex: "0", role: "button", "aria-label": `link ${edge.from} to ${edge.to}${edge.label ? `, ${edge.label}` : ""}`, ...KEYS } : { class: "crx-edge" }, svg);
    draw("line", { class: "crx-hit", x1: a[0], y1: a[1], x2: b[0], y2: b[1] }, g);
    draw("line", { class: "crx-link", x1: a[0], y1: a[1], x2: b[0] - ux * 7, y2: b[1] - uy * 7 }, g);
    const tip = [b, [b[0] - ux * 10 - uy * 4.5, b[1] - uy * 10 + ux * 4.5], [b[0] - ux * 10 + uy * 4.5, b[1] - uy * 10 - ux * 4.5]];
    draw("polygon", { class: "crx-tip", points: tip.map((p) => p.map((v) => v.toFixed(1)).join(",")).join(" ") }, g);
    if (edge.label) draw("text", { class: "crx-label", x: x1 + 0.4 * (x2 - x1), y: y1 + 0.4 * (y2 - y1) - 9 }, g).textContent = edge.label;
    const act = () => pick ? toggle(edge.from + JOIN + edge.to) : question.pick === "paths" && trail.at(-1) === edge.from ? step(edge.to) : undefined;
    g.addEventListener("click", act);
    if (pick) g.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.shiftKey || event.key === " ") { event.preventDefault(); act(); } });
    edges.push([edge, g]);
  }
  for (const { name } of question.nodes) {
    const [x, y] = at[name], live = question.pick !== "edges";
    const g = draw("g", live ? { class: "crx-node", tabindex: "-1", role: "button", ...KEYS } : { class: "crx-fixed" }, svg);
    draw("circle", { class: "crx-ring", cx: x, cy: y, r: R + 5 }, g);
    draw("circle", { class: "crx-dot", cx: x, cy: y, r: R }, g);
    const [, letters, digits] = name.match(/^([^\d]+)(\d*)$/) ?? [null, name, ""];
    const text = draw("text", { x, y }, g);
    text.append(letters);
    if (digits) draw("tspan", { dy: layered(letters) ? -5 : 4, "font-size": 11 }, text).textContent = digits;
    nodes[name] = g;
    if (!live) continue;
    g.addEventListener("click", () => step(name));
    g.addEventListener("focus", () => { for (const n in nodes) nodes[n].setAttribute("tabindex", n === name ? "0" : "-1"); });
    g.addEventListener("keydown", (event) => {
      if (event.shiftKey) return;
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); step(name); }
      if ((event.key === "Backspace" || event.key === "Escape") && trail.length) { event.preventDefault(); back(); }
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!way) return;
      event.preventDefault();
      const near = question.nodes.map((n) => n.name).filter((n) => n !== name).map((n) => {
        const dx = at[n][0] - x, dy = at[n][1] - y, along = dx * way[0] + dy * way[1], across = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
        return [along > 1 ? along + 2 * across : Infinity, n];
      }).filter(([far]) => far < Infinity).sort((p, q) => p[0] - q[0])[0];
      if (near) nodes[near[1]].focus();
    });
  }
  const first = question.pick === "edges" ? null : nodes[question.start] ?? nodes[question.nodes[0].name];
  first?.setAttribute("tabindex", "0");
  if (question.pick === "paths") bar.append(undo);
  show();
  root.append(svg, bar, picked);
  return root;
}

// ------------------------------------------------------------------ the frame around each
// Jupyter's own keys stay off while a control of ours has the focus, but for those that run the cell.
const [LEFT_ALONE] = Object.entries(KEYS);
function letRunKeysThrough(root) {
  const watch = (event) => {
    const target = event.target;
    if (!(target instanceof Element) || !root.contains(target) || !target.hasAttribute(LEFT_ALONE[0])) return;
    if (event.key !== "Enter" || !event.shiftKey) return;
    target.removeAttribute(LEFT_ALONE[0]);
    setTimeout(() => target.setAttribute(...LEFT_ALONE));
  };
  window.addEventListener("keydown", watch, true);
  return () => window.removeEventListener("keydown", watch, true);
}

function answer({ model, el }) {
  const question = model.get("question");
  const live = h("div", { class: "crx-hidden", role: "status", "aria-live": "polite" });
  const say = (text) => { live.textContent = text; };
  const note = h("span", { class: "crx-note crx-state" });
  const verdict = h("div", { class: "crx-verdict" });
  const button = h("button", { type: "button", class: "crx-button crx-main", ...KEYS }, "Check");

  let touched = model.get("touched");
  const remind = () => {
    const locked = model.get("locked");
    note.classList.toggle("crx-todo", touched);
    note.textContent = touched ? "\u21bb Run this cell again (Shift+Enter) to lock your answer in."
      : locked ? "\u2713 This answer is locked in: it stands in the cell." : "";
  };
  // Messages, not traits: a trait waits for the answer to the one before, and Shift+Enter would run the cell too soon.
  const change = (draft) => { touched = true; model.send({ draft }); remind(); };
  const check = () => {
    work.dispatchEvent(new CustomEvent("crx-settle"));
    button.setAttribute("aria-busy", "true");
    model.send({ check: true });
  };
  const judged = () => {
    const { html, line } = model.get("verdict");
    const open = [...verdict.querySelectorAll("details[open] > summary")].map((s) => s.textContent);
    verdict.innerHTML = html;
    for (const summary of verdict.querySelectorAll("summary")) {
      summary.setAttribute(...LEFT_ALONE);
      if (open.includes(summary.textContent)) summary.parentElement.open = true;
    }
    button.removeAttribute("aria-busy");
    if (line) say(line);
  };

  const draft = JSON.parse(JSON.stringify(model.get("draft")));
  const work = { num: numbers, choice: cards, order, path: graph }[model.get("kind")](question, draft, change, say);
  const root = h("div", { class: "crx-answer", role: "group", "aria-label": strip(question.title) });
  root.append(rich("div", {}, question.html), h("div", { class: "crx-work" }, work), h("div", { class: "crx-bar" }, button, note), verdict, live);
  button.addEventListener("click", check);
  root.addEventListener("crx-check", () => { button.focus(); check(); });
  el.append(root);
  judged();
  remind();
  const redo = { "change:verdict": judged, "change:locked": remind };
  for (const [event, run] of Object.entries(redo)) model.on(event, run);
  const release = letRunKeysThrough(root);
  return () => { for (const [event, run] of Object.entries(redo)) model.off(event, run); release(); };
}

// ------------------------------------------------------------------ predict, then see
function predict({ model, el }) {
  const options = model.get("options"), group = `crx-${Math.random().toString(36).slice(2)}`;
  const cards = h("fieldset", { class: "crx-choice crx-options" }, h("legend", {}, "What do you expect?"));
  options.forEach((html, k) => {
    const input = h("input", { type: "radio", name: group, value: k, ...KEYS });
    input.addEventListener("change", () => { model.set("chosen", k); model.save_changes(); });
    cards.append(h("label", { class: "crx-card" }, input, rich("span", {}, html)));
  });
  const note = h("div", { class: "crx-note", role: "status" });
  const summary = h("summary", { ...KEYS }, "I have run the next cell: what is true?");
  const truth = h("div");
  const answer = h("details", { class: "crx-truth" }, summary, truth);
  const root = h("div", { class: "crx-answer crx-predict", role: "group", "aria-label": "Your prediction" }, cards, note, answer);
  const show = () => {
    const chosen = model.get("chosen"), right = model.get("right");
    cards.querySelectorAll("input").forEach((input, k) => { input.checked = k === chosen; });
    answer.hidden = chosen < 0;
    note.textContent = chosen < 0 ? "Choose before you read on. Nothing is graded." : "Run the next cell and compare.";
    const verdict = chosen === right ? "\u2713 As you expected" : `\u270e You expected <b>${options[chosen]}</b>, it is`;
    truth.innerHTML = `${verdict}: <b>${options[right]}</b>. ${model.get("because")}`;
  };
  model.on("change:chosen", show);
  show();
  el.append(root);
  const release = letRunKeysThrough(root);
  return () => { model.off("change:chosen", show); release(); root.remove(); };
}

function progress({ model, el }) {
  const root = h("div", { class: "crx-progress", role: "status" });
  const MARK = { correct: "\u2713", blank: "\u25cb", tried: "\u270e" }, SAYS = { correct: "right", blank: "not attempted", tried: "tried" };
  const show = () => {
    const items = model.get("items");
    const right = items.filter((item) => item.state === "correct");
    const sum = (key) => items.reduce((total, item) => total + item[key], 0);
    const text = items.length ? `${model.get("heading")}: ${right.length} of ${items.length} right, ${sum("got")} of ${sum("points")} points` : model.get("heading");
    put(root, h("strong", {}, text), items.map((item) => {
      const state = item.state === "correct" ? "correct" : item.state === "not-attempted" ? "blank" : "tried";
      const mark = h("span", { class: "crx-mark", "aria-hidden": "true" }, MARK[state]);
      return h("span", { class: `crx-pill crx-${state}` }, mark, h("span", {}, item.title), h("span", { class: "crx-hidden" }, SAYS[state]));
    }));
  };
  model.on("change:items", show);
  model.on("change:heading", show);
  show();
  el.append(root);
  return () => { model.off("change:items", show); model.off("change:heading", show); };
}

export default { render: (context) => ({ progress, predict }[context.model.get("kind")] ?? answer)(context) };
