// What stands beside the picture: what happened, the details of what is chosen, and all events as a table.

const PAGE = 150;
const SIGNS = { fault: "⚡", operation: "▬", copies: "○", looks: "○", intrudes: "◆", acts: "●", breaks: "✗" };

/** An element with these attributes and children; text is always text. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Text in which what stands between backquotes is a name. */
function quoted(text) {
  return text.split("`").map((part, index, all) => (index % 2 && index < all.length - 1 ? make("b", { class: "who" }, part) : index % 2 ? "`" + part : part));
}

/** The story of what broke. `go` shows a beat in the picture. */
function storyPanel(state, go) {
  const { data } = state;
  const broken = data.broken[state.broken];
  if (!broken) {
    const checked = data.exercised.filter(([, count]) => count > 0);
    const list = make("dl", {}, ...checked.flatMap(([name, count]) => [make("dt", { class: "quiet" }, `${count} ×`), make("dd", {}, name)]));
    list.style.cssText = "display:grid;grid-template-columns:56px 1fr;gap:2px 10px";
    const said = data.verdict === "holds" ? "Nothing broke. What was checked, and how often:" : "Nothing broke, but the run proves nothing: no operation completed.";
    return [make("p", {}, said), make("h3", {}, "Checked"), list];
  }
  const beats = broken.story.map((beat, index) => {
    const served = beat.serves === null ? null : data.served[beat.serves];
    const item = beat.item === null ? null : data.items[beat.item];
    const lasted = item && item.until > item.at ? (item.open ? ", never returned" : `, ${lasting(item.until - item.at)}`) : "";
    const where = item ? data.lanes[item.lane].name + lasted : beat.part === "breaks" ? "here the promise is broken" : served && !beat.text.includes(served.name) ? `for ${served.name}` : null;
    return make("li", { class: beat.part },
      make("button", { type: "button", "aria-current": state.chosen.beat === index ? "true" : null, onclick: () => go(index) },
        make("time", {}, moment(beat.at)), make("span", { class: `part part-${beat.part}`, "aria-hidden": "true" }, SIGNS[beat.part]),
        make("span", {}, ...quoted(beat.text.replace(/^#\d+ /, "")), where ? make("span", { class: "said" }, where) : null)));
  });
  return [make("p", { class: "quiet" }, "Around what broke, in the order of time."), make("ol", { class: "beats" }, ...beats)];
}

/** The details of what is chosen, and all that was done for the same operation. */
function detailsPanel(state, choose) {
  const { data, chosen } = state;
  const pair = (name, ...value) => [make("dt", {}, name), make("dd", {}, ...value)];
  if (chosen.window !== null) {
    const window = data.windows[chosen.window];
    return [make("pre", {}, `Window on ${window.key}`),
      make("dl", {}, ...pair("opened", moment(window.at, 1e3)), ...pair("intruder", moment(window.intruded, 1e3)), ...pair("acted", moment(window.until, 1e3))),
      ...window.words.map((words) => make("p", {}, ...quoted(words + ".")))];
  }
  const item = chosen.item === null ? null : data.items[chosen.item];
  if (!item) return [make("p", { class: "quiet" }, "Nothing is chosen. Click on something in the picture, or on a line of the other tabs.")];
  const served = item.serves === undefined ? null : data.served[item.serves];
  const where = item.to === undefined || item.to === item.lane ? data.lanes[item.lane].name : `${data.lanes[item.lane].name} → ${data.lanes[item.to].name}`;
  const parts = [make("pre", {}, item.full ?? item.text),
    make("dl", {},
      ...pair("what", item.kind), ...pair("where", where),
      ...pair(item.until > item.at ? "from" : "at", moment(item.at, 1e3)),
      ...(item.until > item.at ? pair("until", item.open ? "the end of the run: it never ended" : `${moment(item.until, 1e3)}, ${lasting(item.until - item.at)}`) : []),
      ...(served ? pair("for", served.name) : []),
      ...(served && served.outcome ? pair("outcome", served.outcome) : []))];
  if (served) {
    const all = data.items.flatMap((other, index) => (other.serves === item.serves ? [index] : []));
    parts.push(make("h3", {}, `All that was done for it (${all.length})`),
      make("div", { class: "rows" }, ...all.slice(0, 400).map((index) => row(state, index, choose))));
  }
  return parts;
}

function row(state, index, choose) {
  const item = state.data.items[index];
  return make("button", { type: "button", "aria-current": index === state.chosen.item ? "true" : null, onclick: () => choose(index) },
    make("time", {}, moment(item.at)), make("span", { class: "quiet" }, state.data.lanes[item.lane].name), make("span", {}, item.text));
}

/** All events that are shown, or that match, as a table. */
function eventsPanel(state, choose, more) {
  const { data } = state;
  const rows = state.query ? state.matches : data.items.flatMap((_, index) => (state.shown[index] ? [index] : []));
  const place = Math.max(rows.indexOf(state.chosen.item), 0);
  const start = Math.max(0, Math.min(place - 20, rows.length - PAGE));
  const until = start + PAGE * state.pages;
  const body = rows.slice(start, until).map((index) => {
    const item = data.items[index];
    return make("tr", { "aria-selected": index === state.chosen.item ? "true" : "false" },
      make("td", {}, moment(item.at)), make("td", {}, data.lanes[item.lane].name),
      make("td", {}, make("button", { type: "button", onclick: () => choose(index) }, item.text)));
  });
  const what = state.query ? `${rows.length} of ${data.items.length} events match` : `${rows.length} of ${data.items.length} events are shown`;
  return [make("p", { class: "quiet" }, what + (start ? `, from number ${start + 1}` : "")),
    make("table", {}, make("thead", {}, make("tr", {}, ...["time", "where", "what"].map((name) => make("th", { scope: "col" }, name)))), make("tbody", {}, ...body)),
    until < rows.length ? make("button", { type: "button", onclick: more }, "More") : null];
}

/** What is under the pointer, in short. */
function tipOf(state, hit) {
  const { data } = state;
  if (hit.broken !== undefined) {
    const broken = data.broken[hit.broken];
    return [make("b", {}, broken.invariant), make("div", {}, broken.message), make("div", { class: "quiet" }, broken.promise)];
  }
  if (hit.window !== undefined) return data.windows[hit.window].words.map((words) => make("div", {}, ...quoted(words)));
  const item = data.items[hit.index];
  const long = item.until > item.at ? `${moment(item.at)}, ${item.open ? "never ended" : lasting(item.until - item.at)}` : moment(item.at);
  const served = item.serves !== undefined && item.kind !== "operation" ? ` · for ${data.served[item.serves].name}` : "";
  return [make("div", {}, item.text.length > 400 ? item.text.slice(0, 400) + "…" : item.text), make("div", { class: "quiet" }, long + served)];
}
