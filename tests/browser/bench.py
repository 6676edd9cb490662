"""A bench for explorables: one alone in a page, without a kernel, with what the tests of all of them share."""

import json

# With the rule that Jupyter has for the corners of all buttons.
SHEET = """<!doctype html><html lang="en"><title>bench</title><body data-jp-theme-light="{light}">
<style>:root {{ {colours} }} body {{ margin: 16px; background: var(--jp-layout-color1) }} {css}
.jp-ThemedContainer button {{ border-radius: 2px }}</style><main class="jp-ThemedContainer"></main>"""
LIGHT = (
    "--jp-ui-font-color1: rgba(0, 0, 0, 0.87); --jp-ui-font-color2: rgba(0, 0, 0, 0.54); --jp-layout-color1: #ffffff"
)
DARK = (
    "--jp-ui-font-color1: rgba(255, 255, 255, 0.87); --jp-ui-font-color2: rgba(255, 255, 255, 0.6); "
    "--jp-layout-color1: #111111"
)
SHOW = """async ({source, state}) => {
    const url = URL.createObjectURL(new Blob([source], {type: "text/javascript"}));
    const heard = {};
    window.kit = await import(url);
    window.model = {
        get: name => state[name],
        set(name, value) {
            if (JSON.stringify(state[name]) === JSON.stringify(value)) return;
            state[name] = value;
            for (const f of [...(heard["change:" + name] ?? [])]) f();
        },
        on: (event, f) => { (heard[event] ??= []).push(f); },
        off: (event, f) => { heard[event] = (heard[event] ?? []).filter(g => g !== f); },
        save_changes() {}, send() {}, listeners: () => Object.values(heard).flat().length,
    };
    window.display = () => { window.end = kit.default.render({model, el: document.querySelector("main")}); };
    display();
}"""


class Bench:
    """An explorable in a page of its own, without a kernel."""

    def __init__(self, page):
        self.page = page
        self.errors = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def show(self, explorable, width=1000, dark=False):
        self.page.set_viewport_size({"width": width + 32, "height": 900})
        sheet = {"light": "false" if dark else "true", "colours": DARK if dark else LIGHT, "css": explorable._css}
        self.page.set_content(SHEET.format(**sheet))
        hidden = ("layout", "_esm", "_css")
        state = {name: value for name, value in explorable.get_state().items() if name not in hidden}
        state = json.loads(json.dumps(state, default=list))
        self.page.evaluate(SHOW, {"source": str(explorable._esm), "state": state})

    def set(self, **traits):
        for name, value in traits.items():
            self.page.evaluate("([name, value]) => model.set(name, value)", [name, value])

    def get(self, name):
        return self.page.evaluate("name => model.get(name)", name)

    def texts(self, selector):
        return self.page.locator(selector).all_text_contents()

    def matrices(self):
        """The matrices shown, by name: rows of texts."""
        return self.page.evaluate("""() => Object.fromEntries([...document.querySelectorAll("[data-matrix]")].map(m => {
            const rows = [];
            for (const c of m.querySelectorAll("[data-cell]"))
                (rows[+c.dataset.cell.split(" ")[0]] ??= []).push(c.textContent);
            return [m.dataset.matrix, rows];
        }))""")


def drag(page, locator, by):
    """Take hold of the middle of an element and pull."""
    box = locator.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by[0], y + by[1], steps=3)
    page.mouse.up()


def number(text):
    """The number in a text of the page, and half a unit of its last digit."""
    text = text.replace("−", "-").replace("\u202f", "").replace(" ", "").strip("()=%")
    digits, _, power = text.partition("e")
    decimals = len(digits.partition(".")[2])
    return float(text), 0.5000001 * 10.0 ** (int(power or 0) - decimals)


def assert_shown(text, value):
    """A text shows a value to its own last digit."""
    shown, half = number(text)
    assert abs(shown - value) <= max(half if "." in text or "e" in text else 1e-9, 1e-12), (
        f"{text} is shown, {value!r} is right"
    )


OVERLAPS = """() => {
    const texts = [...document.querySelectorAll(".cr svg text")].filter(t => t.textContent.trim()
        && t.getClientRects().length && getComputedStyle(t).visibility === "visible" && !t.closest(".cr-plane"));
    const boxes = texts.map(t => [t, t.getBoundingClientRect()]);
    const found = [];
    for (const [k, [t, a]] of boxes.entries()) for (const [u, b] of boxes.slice(k + 1))
        if (a.left + 1 < b.right && b.left + 1 < a.right && a.top + 4 < b.bottom && b.top + 4 < a.bottom)
            found.push(`${t.textContent} / ${u.textContent}`);
    return found;
}"""
CONTRAST = """() => {
    const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const parse = c => (c.match(/[\\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
    const over = (top, under) => top.slice(0, 3).map((v, k) => v * (top[3] ?? 1) + under[k] * (1 - (top[3] ?? 1)));
    const ground = e => { if (!e) return [255, 255, 255]; const c = parse(getComputedStyle(e).backgroundColor);
        return (c[3] ?? 1) === 1 ? c : over(c, ground(e.parentElement)); };
    const found = [];
    for (const e of document.querySelectorAll(".cr *")) {
        const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
        if (!own || !e.getClientRects().length || e.closest("svg, :disabled, .cr-off")) continue;
        const back = ground(e), front = over(parse(getComputedStyle(e).color), back), a = light(front), b = light(back);
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) found.push([e.textContent.slice(0, 30), ratio.toFixed(2)]);
    }
    return found;
}"""
