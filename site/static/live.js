// @ts-check
// What a page of the book does: its widgets are alive without a kernel, the keyboard reaches what scrolls, search reads formulas.
// Every .course-live holds a picture and the state of a widget; its module, the one that Jupyter loads, draws instead.

/** anywidget's model without a kernel: what the page sets, the page hears. @param {Record<string, any>} state */
function modelOf(state) {
  /** @type {Record<string, Function[]>} */
  const heard = {};
  return {
    get: (/** @type {string} */ name) => state[name],
    set(/** @type {string} */ name, /** @type {any} */ value) {
      if (JSON.stringify(state[name]) === JSON.stringify(value)) return;
      state[name] = value;
      for (const callback of [...(heard[`change:${name}`] ?? [])]) callback();
    },
    on(/** @type {string} */ event, /** @type {Function} */ callback) { (heard[event] ??= []).push(callback); },
    off(/** @type {string} */ event, /** @type {Function} */ callback) { heard[event] = (heard[event] ?? []).filter((one) => one !== callback); },
    save_changes() {},
    send() {},
  };
}

/** @param {HTMLElement} place */
async function show(place) {
  const script = /** @type {HTMLScriptElement} */ (place.querySelector('script[type="application/json"]'));
  const [widget, still] = await Promise.all([import(`./live/${place.dataset.module}.js`), style(String(place.dataset.module))]);
  const el = document.createElement("div");
  await widget.default.render({ model: modelOf(JSON.parse(String(script.textContent))), el });
  place.replaceChildren(still, el);
  place.classList.add("course-is-live");
}

/** The style sheet of a module, in the page before it draws. @param {string} module @returns {Promise<Node>} */
function style(module) {
  const link = document.createElement("link");
  Object.assign(link, { rel: "stylesheet", href: new URL(`./live/${module}.css`, import.meta.url).href });
  return new Promise((done) => {
    if (document.querySelector(`link[href="${link.href}"]`)) return done(document.createComment("styled"));
    link.onload = link.onerror = () => done(document.createComment("styled"));
    document.head.append(link);
  });
}

const places = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".course-live")]);

/** Furo writes light, dark or auto on the body; the widgets read it where Jupyter writes it. */
const night = matchMedia("(prefers-color-scheme: dark)");
function colour() {
  const chosen = document.body.dataset.theme;
  const dark = chosen === "dark" || (chosen !== "light" && night.matches);
  for (const place of places) place.dataset.jpThemeLight = String(!dark);
}
new MutationObserver(colour).observe(document.body, { attributes: true, attributeFilter: ["data-theme"] });
night.addEventListener("change", colour);
colour();

// One a little before it is reached: a page of many is quick to open, and nothing is drawn that nobody sees.
const near = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) {
    if (!isIntersecting) continue;
    near.unobserve(target);
    show(/** @type {HTMLElement} */ (target)).catch((error) => console.error(error)); // the picture stays
  }
}, { rootMargin: "600px" });
for (const place of places) near.observe(place);

/** The keyboard can scroll what is wider than the page. */
function reach() {
  for (const box of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("article pre, article .katex-display, article .table-wrapper"))) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0; else box.removeAttribute("tabindex");
  }
}
addEventListener("resize", reach);
document.fonts.ready.then(reach);

// Sphinx shows the text around what was searched for: a formula once, not as MathML and TeX as well.
if (typeof Search === "object") {
  const plain = Search.htmlToText;
  Search.htmlToText = (/** @type {string} */ html, /** @type {string} */ anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    for (const twin of page.querySelectorAll(".katex annotation, .katex-html")) twin.remove();
    return plain(page.documentElement.outerHTML, anchor);
  };
}
