// The page: its state, what hands and keys do to it, and a hook for tests.
//
// Tests open the page with `#do=` and steps separated by `;`: `search:TEXT`, `next`, `entity:NAME`, `show:KIND`, `hide:KIND`,
// `only:KIND`, `zoom:FACTOR`, `pan:PART`, `fit`, `broken`, `unfold`, `lanes:few`, `theme:dark`, `choose:PLACE`, `tab:NAME`. What came of
// them stands in `data-` attributes of the root element; so do errors, wherever the page is opened.

const root = document.documentElement;
const failures = [];
addEventListener("error", (event) => { failures.push(event.message); root.dataset.errors = failures.join("\n"); });
addEventListener("unhandledrejection", (event) => { failures.push(String(event.reason)); root.dataset.errors = failures.join("\n"); });

const by = (id) => document.getElementById(id);
const data = JSON.parse(by("data").textContent);
const picture = by("picture"), overview = by("overview");
/** As many operations as a run that was shrunk has at most, with those that look at what is left in the end. */
const FEW = 40;
const NONE = { item: null, window: null, beat: null };
const state = {
  data, colours: null, axis: null, view: null, layout: null, shown: [], windowShown: [], isMatch: [], matches: [], match: -1, query: "",
  without: new Set(), fewer: false, kinds: new Set(KINDS.filter((group) => group.on).map((group) => group.name)), entity: "", folded: true, scroll: 0, focus: null,
  chosen: NONE, broken: 0, bold: null, tab: "story", pages: 1, hits: [], messages: 0, involved: new Set(),
};
const texts = data.items.map((item) => `${item.full ?? item.text}\n${item.text}\n${data.lanes[item.lane].name}`.toLowerCase());

let due = false;
function redraw() {
  if (due) return;
  due = true;
  requestAnimationFrame(paint);
}
function paint() {
  due = false;
  for (const [canvas, drawing] of [[picture, draw], [overview, drawOverview]]) {
    const { clientWidth: width, clientHeight: height } = canvas, ratio = devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio);
    }
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    drawing(state, context, width, height);
  }
}

// What is shown.
function filter() {
  const about = aboutEntity(data, state.entity);
  const shows = (kind) => state.kinds.has(GROUP_OF.get(kind).name);
  state.without = state.fewer ? idle() : new Set();
  const there = (item) => !state.without.has(item.lane) && !state.without.has(item.to);
  state.shown = data.items.map((item, index) => shows(item.kind) && there(item) && (!about || about[index]));
  state.windowShown = data.windows.map((window) => !state.entity || names(window.key, state.entity));
  state.messages = data.items.reduce((sum, item, index) => sum + (state.shown[index] && item.kind === "message" ? 1 : 0), 0);
  find();
  relayout();
}
function relayout() {
  lanesNote();
  state.layout = layOut(data, state.shown, picture.clientHeight - TOP, state.without, (data.windows[state.chosen.window] ?? state.bold)?.lane);
  clampScroll();
  panel();
  redraw();
}
/** The lanes that take no part in what broke. */
function idle() {
  const broken = data.broken[state.broken], all = data.lanes.map((_, lane) => lane);
  if (!broken) return new Set();
  const partake = partakers(data, broken, state.involved, state.since);
  return new Set(partake.size < 2 ? [] : all.filter((lane) => !partake.has(lane)));
}
function fewer(on) { state.fewer = on; filter(); }
function lanesNote() {
  const lanes = [...idle()].map((lane) => data.lanes[lane].name);
  by("lanes").hidden = !lanes.length;
  const many = lanes.length === 1 ? "1 lane takes" : `${lanes.length} lanes take`;
  by("lanes-said").textContent = `${many} no part in this${state.fewer ? " and " + (lanes.length === 1 ? "is" : "are") + " left out" : ""}: ${lanes.join(", ")}`;
  by("lanes-toggle").firstChild.data = state.fewer ? "show " : "leave out ";
}
function find() {
  const query = state.query.trim().toLowerCase();
  const about = aboutEntity(data, state.entity);
  state.matches = query ? data.items.flatMap((_, index) => (texts[index].includes(query) && (!about || about[index]) ? [index] : [])) : [];
  state.isMatch = [];
  for (const index of state.matches) state.isMatch[index] = true;
  state.match = state.matches.indexOf(state.chosen.item);
  count();
}
function count() {
  by("count").value = !state.query.trim() ? "" : state.matches.length ? `${state.match + 1 || "–"} of ${state.matches.length}` : "none";
}
function panel() {
  for (const tab of ["story", "details", "events"]) {
    by(`tab-${tab}`).setAttribute("aria-selected", tab === state.tab);
    by(`tab-${tab}`).tabIndex = tab === state.tab ? 0 : -1;
    by(tab).hidden = tab !== state.tab;
  }
  const parts = { story: () => storyPanel(state, beat), details: () => detailsPanel(state, choose), events: () => eventsPanel(state, choose, () => { state.pages += 1; panel(); }) };
  by(state.tab).replaceChildren(...parts[state.tab]().filter((part) => part !== null));
}
function open(tab) { state.tab = tab; panel(); }

// Where the picture stands.
function look(from, to) {
  const least = Math.min(2e4, state.axis.length), length = Math.min(Math.max(to - from, least), state.axis.length * 1.02);
  const low = -0.01 * state.axis.length, high = 1.01 * state.axis.length;
  const start = Math.min(Math.max(from, low), high - length);
  state.view = { from: start, to: start + length };
  redraw();
}
function zoom(factor, part = 0.5) {
  const { from, to } = state.view, still = from + (to - from) * part;
  look(still - ((to - from) / factor) * part, still + ((to - from) / factor) * (1 - part));
}
function pan(part) { const { from, to } = state.view, by = (to - from) * part; look(from + by, to + by); }
function fit() { look(-0.01 * state.axis.length, 1.01 * state.axis.length); }
/** Shows what lies between two moments; behind the second there is room for words. */
function span(from, until, most = Infinity) {
  const b = state.axis.place(until), a = Math.max(state.axis.place(from), b - most), wide = Math.max(b - a, state.axis.length / 400, 1e6);
  look(a - wide * 0.06, a + wide * 1.24);
}
function reveal(from, until, lane) {
  const { view, axis } = state, a = axis.place(from), b = axis.place(until), length = view.to - view.from;
  if (b < view.from + length * 0.02 || a > view.to - length * 0.02) look((a + b) / 2 - length / 2, (a + b) / 2 + length / 2);
  const where = state.layout.lanes[lane], high = picture.clientHeight - TOP;
  if (where && (where.y < state.scroll || where.y + where.height > state.scroll + high)) state.scroll = where.y + where.height / 2 - high / 2;
  clampScroll();
  redraw();
}
function clampScroll() { state.scroll = Math.max(0, Math.min(state.scroll, state.layout.height - (picture.clientHeight - TOP))); }
function makeAxes() {
  const times = state.view && [state.axis.time(state.view.from), state.axis.time(state.view.to)];
  state.axis = makeAxis(data.ended, state.folded ? data.folds : []);
  if (times) look(state.axis.place(times[0]), state.axis.place(times[1]));
}

// What is chosen.
function choose(index, tab = state.tab === "events" ? "events" : "details") {
  const item = data.items[index], group = GROUP_OF.get(item.kind).name;
  state.chosen = { ...NONE, item: index };
  state.focus = item.serves ?? null;
  if (!state.kinds.has(group)) toggle(group, true);
  if (state.without.has(item.lane) || state.without.has(item.to)) fewer(false);
  reveal(item.at, item.until, item.lane);
  open(tab);
}
function chooseNothing() { state.chosen = NONE; state.focus = null; panel(); redraw(); }
function beat(index) {
  const it = data.broken[state.broken].story[index];
  state.chosen = { ...NONE, item: it.item, beat: index };
  state.focus = it.serves;
  const item = it.item === null ? null : data.items[it.item];
  const lane = item ? item.lane : it.serves === null ? 0 : data.served[it.serves].lane;
  reveal(it.at, item ? Math.min(item.until, it.at + 1e9) : it.at, lane);
  panel();
}
function step(by) {
  if (!state.matches.length) return;
  state.match = (state.match + by + state.matches.length) % state.matches.length;
  count();
  choose(state.matches[state.match]);
}
function along(by) {
  const all = data.items.flatMap((item, index) => ((state.focus === null ? state.shown[index] : item.serves === state.focus) ? [index] : []));
  const place = all.indexOf(state.chosen.item);
  if (all.length) choose(all[(place + by + all.length) % all.length]);
}
function showBroken(index) {
  const broken = data.broken[index];
  if (!broken) return;
  state.broken = index;
  state.chosen = NONE; state.focus = null; state.tab = "story";
  answer();
  const close = data.windows.filter((window) => window.cause && broken.story.some((beat) => beat.part === "acts" && beat.at === window.until && beat.serves === window.actor));
  state.bold = close[0] ?? null;
  const who = (...parts) => broken.story.filter((beat) => parts.includes(beat.part) && beat.serves !== null).map((beat) => beat.serves);
  const parties = who("copies", "looks", "intrudes", "acts");
  // Whoever was still waiting when it broke is part of it as well.
  const waiting = who("operation").filter((place) => data.served[place].until >= broken.at);
  state.involved = new Set(parties.length ? [...parties, ...waiting] : who("operation"));
  const near = broken.story.filter((beat) => beat.part === "breaks" || (beat.part !== "fault" && state.involved.has(beat.serves)));
  state.since = Math.min(...near.map((beat) => beat.at));
  filter();
  // The window is what matters: what went before it may be cut off where it would make it small.
  const { axis, bold } = state;
  span(state.since, broken.at, bold ? Math.max(3 * (axis.place(broken.at) - axis.place(bold.at)), 2e6) : Infinity);
}

// The heading.
function answer() {
  const broken = data.broken[state.broken];
  by("name").textContent = data.head.scenario;
  by("seed").textContent = `seed ${data.seed}`;
  by("about").textContent = data.head.about;
  by("about").title = data.head.about;
  by("verdict").textContent = data.verdict;
  by("verdict").classList.toggle("bad", data.verdict !== "holds");
  by("answer").classList.toggle("bad", data.verdict !== "holds");
  by("which").hidden = data.broken.length < 2;
  by("number").textContent = `${state.broken + 1} of ${data.broken.length}`;
  by("goto").hidden = !broken;
  by("again").textContent = data.head.again;
  const checked = data.exercised.reduce((sum, [, times]) => sum + times, 0);
  const length = `${data.completed} operations in ${lasting(data.ended)}`;
  by("invariant").textContent = broken ? `${broken.invariant}: ${broken.about}` : data.verdict === "holds" ? "Nothing: the run holds" : `Nothing, but the run is ${data.verdict}`;
  by("message").textContent = broken ? broken.message : `${length}; ${checked} checks of ${data.exercised.length} invariants.`;
  by("owed").textContent = broken ? "The promise it breaks" : "Expected";
  by("promise").textContent = broken ? broken.promise[0].toUpperCase() + broken.promise.slice(1) : data.head.expected;
}
function theme(name) {
  root.dataset.theme = name;
  state.colours = readColours();
  state.colours.theme = name;
  redraw();
}
function toggle(name, on = !state.kinds.has(name)) {
  if (on) state.kinds.add(name); else state.kinds.delete(name);
  by(`kind-${name}`).checked = on;
  filter();
}
function fold(on) { state.folded = on; by("fold").checked = on; makeAxes(); redraw(); }
function search(text) { state.query = text; state.pages = 1; find(); if (state.tab === "events") panel(); redraw(); }

// Hands.
const hitAt = (left, top) => {
  let best = null, near = 6;
  for (let place = state.hits.length - 1; place >= 0; place -= 1) {
    const hit = state.hits[place];
    if (hit.line) {
      const [x1, y1, x2, y2] = hit.line, length = (x2 - x1) ** 2 + (y2 - y1) ** 2 || 1;
      const part = Math.max(0, Math.min(1, ((left - x1) * (x2 - x1) + (top - y1) * (y2 - y1)) / length));
      const away = Math.hypot(left - x1 - part * (x2 - x1), top - y1 - part * (y2 - y1)) + (hit.weak ? 2 : 0);
      if (away < near) { near = away; best = hit; }
    } else if (left >= hit.left - 2 && left <= hit.left + hit.wide + 2 && top >= hit.top && top <= hit.top + hit.high) {
      if (!hit.weak) return hit;
      best ??= hit;
    }
  }
  return best;
};
const part = (event) => (event.offsetX - GUTTER) / (picture.clientWidth - GUTTER);
const pointers = new Map();
let moved = 0, pinch = 0;
picture.addEventListener("pointerdown", (event) => {
  pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
  picture.setPointerCapture(event.pointerId);
  moved = 0; pinch = 0;
});
picture.addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId);
  if (!before) return hover(event);
  pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
  if (pointers.size === 2) {
    const [one, other] = [...pointers.values()], apart = Math.hypot(one[0] - other[0], one[1] - other[1]);
    if (pinch) zoom(apart / pinch, ((one[0] + other[0]) / 2 - GUTTER) / (picture.clientWidth - GUTTER));
    pinch = apart; moved = 99;
    return;
  }
  moved += Math.abs(event.offsetX - before[0]) + Math.abs(event.offsetY - before[1]);
  if (moved < 4) return;
  picture.classList.add("dragging");
  by("tip").hidden = true;
  state.scroll -= event.offsetY - before[1];
  clampScroll();
  pan((before[0] - event.offsetX) / (picture.clientWidth - GUTTER));
});
const release = (event) => {
  const held = pointers.delete(event.pointerId);
  picture.classList.remove("dragging");
  if (!held || moved >= 4 || event.type === "pointercancel") return;
  const hit = hitAt(event.offsetX, event.offsetY);
  if (!hit) return chooseNothing();
  if (hit.broken !== undefined) { state.broken = hit.broken; answer(); return open("story"); }
  if (hit.window !== undefined) { state.chosen = { ...NONE, window: hit.window }; state.focus = data.windows[hit.window].actor; open("details"); return redraw(); }
  choose(hit.index, "details");
};
picture.addEventListener("pointerup", release);
picture.addEventListener("pointercancel", release);
picture.addEventListener("pointerleave", () => { by("tip").hidden = true; if (state.chosen === NONE && state.focus !== null) { state.focus = null; redraw(); } });
picture.addEventListener("dblclick", (event) => zoom(2.5, part(event)));
picture.addEventListener("wheel", (event) => {
  event.preventDefault();
  const unit = event.deltaMode === 1 ? 16 : 1, dx = event.deltaX * unit, dy = event.deltaY * unit;
  if (event.shiftKey || Math.abs(dx) > Math.abs(dy)) return pan((dx || dy) / 900);
  if (event.offsetX < GUTTER && !event.ctrlKey) { state.scroll += dy; clampScroll(); return redraw(); }
  zoom(Math.exp(-dy * (event.ctrlKey ? 0.012 : 0.0022)), Math.max(0, part(event)));
}, { passive: false });
function hover(event) {
  const hit = hitAt(event.offsetX, event.offsetY), tip = by("tip");
  const serves = hit?.index === undefined ? null : data.items[hit.index].serves ?? null;
  if (state.chosen === NONE && state.focus !== serves) { state.focus = serves; redraw(); }
  tip.hidden = !hit;
  picture.style.cursor = hit ? "pointer" : "";
  if (!hit) return;
  tip.replaceChildren(...tipOf(state, hit));
  tip.style.left = Math.min(event.offsetX + 14, Math.max(picture.clientWidth - tip.offsetWidth - 8, 0)) + "px";
  tip.style.top = (event.offsetY + tip.offsetHeight + 24 > picture.clientHeight ? event.offsetY - tip.offsetHeight - 10 : event.offsetY + 16) + "px";
}
const jump = (event) => {
  if (!(event.buttons & 1)) return;
  const { from, to } = state.view, place = ((event.offsetX - GUTTER) / (overview.clientWidth - GUTTER)) * state.axis.length;
  look(place - (to - from) / 2, place + (to - from) / 2);
};
overview.addEventListener("pointerdown", (event) => { overview.setPointerCapture(event.pointerId); jump(event); });
overview.addEventListener("pointermove", jump);

// Keys.
const KEYS = {
  "+": () => zoom(1.6), "=": () => zoom(1.6), "-": () => zoom(1 / 1.6), "0": fit, f: fit,
  ArrowLeft: () => pan(-0.15), ArrowRight: () => pan(0.15),
  ArrowUp: () => { state.scroll -= 40; clampScroll(); redraw(); }, ArrowDown: () => { state.scroll += 40; clampScroll(); redraw(); },
  v: () => nextBroken(), n: () => step(1), N: () => step(-1), ".": () => along(1), ",": () => along(-1),
  l: () => fewer(!state.fewer), g: () => fold(!state.folded), t: () => theme(root.dataset.theme === "dark" ? "light" : "dark"),
  "/": () => { by("search").focus(); by("search").select(); }, "?": () => by("help").showModal(),
  Escape: () => { by("search").value = ""; search(""); chooseNothing(); },
};
let seen = false;
function nextBroken() { showBroken(seen ? (state.broken + 1) % Math.max(data.broken.length, 1) : state.broken); seen = true; }
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || by("help").open) return;
  const inside = event.target.closest("input[type=search], select, [role=tablist]");
  if (event.target === by("search")) {
    if (event.key === "Enter") { event.preventDefault(); step(event.shiftKey ? -1 : 1); }
    if (event.key === "Escape") { KEYS.Escape(); picture.focus(); }
    return;
  }
  const scrolls = event.target.closest("[role=tabpanel]") && event.key.startsWith("Arrow");
  if (inside || scrolls || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});
by("search").addEventListener("input", (event) => search(event.target.value));
by("search").addEventListener("focus", () => { if (state.query) open("events"); });
for (const tab of ["story", "details", "events"]) by(`tab-${tab}`).addEventListener("click", () => open(tab));
document.querySelector("[role=tablist]").addEventListener("keydown", (event) => {
  const tabs = ["story", "details", "events"], way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!way) return;
  open(tabs[(tabs.indexOf(state.tab) + way + 3) % 3]);
  by(`tab-${state.tab}`).focus();
});
for (const [id, does] of Object.entries({ in: () => zoom(1.6), out: () => zoom(1 / 1.6), fit, "lanes-toggle": KEYS.l, theme: KEYS.t, keys: KEYS["?"], goto: () => showBroken(state.broken),
  earlier: () => showBroken((state.broken + data.broken.length - 1) % data.broken.length), later: () => showBroken((state.broken + 1) % data.broken.length) })) by(id).addEventListener("click", does);
by("fold").addEventListener("change", (event) => fold(event.target.checked));
by("entity").addEventListener("change", (event) => { state.entity = event.target.value; filter(); });
by("entity").append(make("option", { value: "" }, "all keys"), ...data.entities.map((name) => make("option", { value: name }, name)));
for (const group of KINDS) {
  const count = data.items.reduce((sum, item) => sum + (group.kinds.includes(item.kind) ? 1 : 0), 0) || (group.name === "windows" ? data.windows.length : 0);
  const colour = `--colour: var(${group.colour})`;
  const box = make("input", { type: "checkbox", id: `kind-${group.name}`, onchange: (event) => toggle(group.name, event.target.checked) });
  box.checked = group.on;
  by("kinds").append(make("label", { class: "chip", title: `${count}: ${group.says}`, hidden: !count }, box, make("i", { style: colour }), group.name));
  by("legend").append(make("div", {}, make("i", { style: colour }), `${group.name}: ${group.says}`));
}
addEventListener("resize", relayout);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => theme(event.matches ? "dark" : "light"));

// The start.
theme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
makeAxes();
state.layout = { lanes: [], row: [], unit: 14, height: 0 };
fit();
answer();
// A run of few operations is worth a large picture of those that matter; in a longer one people look around.
state.fewer = data.items.filter((item) => item.kind === "operation").length <= FEW;
if (data.broken.length) showBroken(0); else filter();
if (!data.items.length) by("story").prepend(make("p", {}, "This run kept no history, so there is nothing to draw."));

const STEPS = {
  search: (text) => { by("search").value = text; search(text); }, next: () => step(1), entity: (name) => { by("entity").value = name; state.entity = name; filter(); },
  show: (name) => toggle(name, true), hide: (name) => toggle(name, false), only: (name) => KINDS.forEach((group) => toggle(group.name, group.name === name)),
  zoom: (factor) => zoom(Number(factor)), pan: (part) => pan(Number(part)), fit, broken: nextBroken, unfold: () => fold(false), theme, lanes: (which) => fewer(which === "few"),
  choose: (place) => choose(Number(place)), tab: open,
};
const asked = decodeURIComponent(location.hash).match(/^#do=(.*)$/s);
for (const word of asked ? asked[1].split(";") : []) {
  const [, name, value] = word.match(/^([a-z]+):?(.*)$/s) ?? [];
  if (!STEPS[name]) throw new Error(`no such step: ${word}`);
  STEPS[name](value);
}
paint();
Object.assign(root.dataset, {
  ready: "yes", items: data.items.length, shown: state.shown.filter(Boolean).length, lanes: data.lanes.length - state.without.size, matches: state.matches.length, chosen: state.chosen.item ?? "",
  from: Math.round(state.axis.time(state.view.from)), to: Math.round(state.axis.time(state.view.to)), drawn: state.hits.length, errors: failures.join("\n"),
});
