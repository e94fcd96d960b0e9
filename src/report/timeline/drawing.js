// The picture itself. Everything drawn leaves its box in `hits`, so that a pointer finds it.

const GUTTER = 84, TOP = 42;
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif';

/** The colours of the page as they are now. */
function readColours() {
  const style = getComputedStyle(document.documentElement);
  return new Proxy({}, { get: (known, name) => known[name] ?? (known[name] = style.getPropertyValue("--" + name).trim()) });
}

/** Draws the state's picture on a canvas of this size. */
function draw(state, context, width, height) {
  const { data, axis, view, layout, colours: ink, shown } = state;
  const across = (width - GUTTER) / (view.to - view.from);
  state.across = width - GUTTER;
  const x = (time) => GUTTER + (axis.place(time) - view.from) * across;
  const first = axis.time(view.from), last = axis.time(view.to);
  const y = TOP - state.scroll;
  const hits = (state.hits = []);
  const focus = state.focus;
  const text = (words, left, top, most, colour, font = "11px ") => {
    if (most < 18) return;
    context.font = font + FONT;
    context.fillStyle = colour;
    const kept = cutTo(context, words, most);
    if (kept.length > 2 || kept === words) context.fillText(kept, left, top);
  };
  const involved = state.involved;
  const faint = (item) => (focus !== null ? (item.serves === focus ? 1 : 0.22) : involved.size && !involved.has(item.serves) ? 0.4 : 1);
  /** Words that stay legible on whatever they cross. */
  const label = (words, left, top, colour, back, font = "600 11px ") => {
    context.font = font + FONT;
    context.strokeStyle = back; context.lineWidth = 4; context.lineJoin = "round";
    context.strokeText(words, left, top);
    context.fillStyle = colour;
    context.fillText(words, left, top);
  };
  const middle = (lane) => y + lane.y + lane.height / 2;

  context.clearRect(0, 0, width, height);
  context.save();
  context.beginPath(); context.rect(0, TOP, width, height - TOP); context.clip();
  context.textBaseline = "middle";
  layout.lanes.filter((lane) => !lane.hidden).forEach((lane, index) => {
    context.fillStyle = lane.back = index % 2 ? ink.lane2 : ink.lane;
    context.fillRect(0, y + lane.y, width, lane.height);
  });
  // Folded stretches.
  for (const piece of axis.pieces) if (piece.isFold && piece.until > first && piece.from < last) {
    const left = x(piece.from), wide = x(piece.until) - left;
    context.fillStyle = ink.fold;
    context.fillRect(left, TOP, wide, height - TOP);
  }
  // Bands: faults, hosts that are down or stand still.
  data.items.forEach((item, index) => {
    if (!shown[index] || !BANDS.has(item.kind) || item.until < first || item.at > last) return;
    const left = x(item.at), wide = Math.max(x(item.until) - left, 2);
    for (const place of new Set([item.lane, item.to ?? item.lane])) {
      const lane = layout.lanes[place];
      const top = y + lane.y;
      if (item.kind === "fault") {
        context.fillStyle = ink.faultTint;
        context.fillRect(left, top, wide, lane.height);
        context.fillStyle = ink.fault;
        context.fillRect(left, top, wide, 2.5);
        if (item.until === item.at) mark(context, "bolt", left, top + 8, ink.fault);
        const start = Math.max(left, GUTTER) + (item.until === item.at ? 10 : 6);
        const until = item.until === item.at ? width : Math.min(x(item.until), width);
        if (lane.bare || lane.pad > 12) text(item.text.replace(/^fault /, ""), start, top + 10, until - start - 4, ink.faultInk);
      } else {
        hatch(context, left, top, wide, lane.height, item.kind === "down" ? ink.down : ink.fault);
        text(item.text, Math.max(left, GUTTER) + 6, top + lane.height / 2, x(item.until) - Math.max(left, GUTTER) - 10, ink.ink);
      }
      hits.push({ index, left, top, wide, high: item.kind === "fault" ? 6 : lane.height, weak: true });
    }
  });
  // Lines between lanes, and phases.
  context.strokeStyle = ink.rule; context.lineWidth = 1;
  for (const lane of layout.lanes) if (!lane.hidden) line(context, 0, y + lane.y + lane.height - 0.5, width, y + lane.y + lane.height - 0.5);
  context.strokeStyle = ink.rule2; context.setLineDash([2, 3]);
  for (const phase of data.phases) if (phase.at >= first && phase.at <= last) line(context, x(phase.at), TOP, x(phase.at), height);
  context.setLineDash([]);
  // Windows, below what lies on them.
  if (state.kinds.has("windows")) drawWindows(state, context, { x, y, ink, hits, middle, first, last });
  // Messages.
  const crowd = state.messages / Math.max((width - GUTTER) * (axis.length / (view.to - view.from)), 1);
  const thin = Math.max(0.07, Math.min(0.6, 0.12 / (crowd + 0.01)));
  data.items.forEach((item, index) => {
    if (!shown[index] || !ARROWS.has(item.kind) || item.to === undefined || item.until < first || item.at > last) return;
    const mine = focus !== null && item.serves === focus, bad = item.kind === "trouble";
    const from = layout.lanes[item.lane], to = layout.lanes[item.to];
    const down = to.y > from.y;
    const x1 = x(item.at), x2 = x(item.until), [y1, y2] = layout.ends(index, down).map((end) => y + end);
    context.globalAlpha = mine || index === state.chosen.item ? 1 : focus !== null ? 0.05 : bad ? 0.9 : involved.has(item.serves) ? 0.75 : thin;
    context.strokeStyle = context.fillStyle = bad ? ink.trouble : mine ? ink.accent : item.kind === "connection" ? ink.connection : ink.message;
    context.lineWidth = mine || bad ? 1.4 : 1;
    if (item.kind !== "message") context.setLineDash(bad ? [5, 3] : [2, 2]);
    line(context, x1, y1, x2, y2);
    context.setLineDash([]);
    if (mine || across * 2e7 > 3) head(context, x1, y1, x2, y2);
    if (bad) mark(context, "cross", x2, y2, ink.trouble);
    hits.push({ index, line: [x1, y1, x2, y2] });
  });
  context.globalAlpha = 1;
  // Bars.
  data.items.forEach((item, index) => {
    if (layout.row[index] < 0 || !shown[index] || item.until < first || item.at > last) return;
    const lane = layout.lanes[item.lane];
    const left = Math.max(x(item.at), GUTTER - 4), wide = Math.max(Math.min(x(item.until), width + 4) - left, 2.5);
    const top = y + lane.bars + layout.row[index] * layout.unit + 1, high = layout.unit - 2;
    const strength = context.globalAlpha = faint(item);
    context.fillStyle = ink[item.kind];
    round(context, left, top, wide, high, item.open ? 0 : 3);
    if (item.kind === "held") hatch(context, left, top, wide, high, ink.heldInk);
    if (item.open) hatch(context, Math.max(left, left + wide - 40), top, Math.min(40, wide), high, ink.operationInk);
    // What is faint lets the lane through, so its words have the colour that is read on the lane.
    context.globalAlpha = Math.min(1, strength * 2);
    text(item.text.replace(/^#\d+ /, ""), Math.max(left, GUTTER) + 5, top + high / 2 + 0.5, wide - 9 - Math.max(GUTTER - left, 0), strength < 1 ? ink.ink : ink[item.kind + "Ink"]);
    context.globalAlpha = strength;
    if (state.isMatch[index]) outline(context, left, top, wide, high, ink.match, 2);
    if (index === state.chosen.item) outline(context, left - 1, top - 1, wide + 2, high + 2, ink.select, 2);
    hits.push({ index, left, top, wide, high });
  });
  // Marks.
  const told = layout.lanes.map(() => []);
  data.items.forEach((item, index) => {
    const arrow = ARROWS.has(item.kind) && item.to !== undefined;
    if (!shown[index] || BARS.has(item.kind) || BANDS.has(item.kind) || arrow || item.at < first || item.at > last) return;
    const lane = layout.lanes[item.lane];
    const left = x(item.at), top = y + lane.y + lane.height - 11;
    context.globalAlpha = faint(item);
    const sign = { commit: "diamond", access: "ring", warning: "triangle", broken: "cross" }[item.kind] ?? "dot";
    mark(context, sign, left, top, ink[item.kind] || ink.log);
    if (left >= GUTTER) told[item.lane].push({ left, top, words: item.label ?? "", weight: faint(item) });
    if (state.isMatch[index]) outline(context, left - 6, top - 6, 12, 12, ink.match, 2);
    if (index === state.chosen.item) outline(context, left - 7, top - 7, 14, 14, ink.select, 2);
    hits.push({ index, left: left - 5, top: top - 6, wide: 10, high: 12 });
  });
  context.globalAlpha = 1;
  // What broke.
  data.broken.forEach((broken, index) => {
    if (broken.at < first || broken.at > last) return;
    context.strokeStyle = ink.broken; context.lineWidth = index === state.broken ? 2 : 1;
    line(context, x(broken.at), TOP, x(broken.at), height);
    hits.push({ broken: index, line: [x(broken.at), TOP, x(broken.at), height], weak: true });
  });
  told.forEach((marks, lane) => drawLabels(marks, width, layout.lanes[lane], (words, left, top) => label(words, left, top, ink.commit, layout.lanes[lane].back, "11px "), context));
  if (state.kinds.has("windows")) tellWindow(state, context, { x, y, ink, text, label });
  context.restore();
  drawNames(state, context, { y, ink, height, text });
  drawAxis(state, context, { x, ink, width, text, first, last, across, hits });
}

/** Windows with the one who intruded: bold where they are about what broke, a thin bracket elsewhere. */
function drawWindows(state, context, { x, y, ink, hits, middle, first, last }) {
  const { data, layout } = state;
  data.windows.forEach((window, index) => {
    if (window.until < first || window.at > last || !state.windowShown[index]) return;
    const lane = layout.lanes[window.lane];
    if (lane.hidden) return;
    const left = x(window.at), right = x(window.until), wide = Math.max(right - left, 2);
    const bold = window === state.bold || state.chosen.window === index;
    const top = y + lane.y;
    hits.push({ window: index, left, top, wide, high: bold ? lane.height : 7, weak: bold });
    context.fillStyle = context.strokeStyle = ink.window;
    context.globalAlpha = bold ? 1 : 0.45;
    context.fillRect(left, top + 1, wide, bold ? 3 : 2);
    if (!bold) { mark(context, "diamond", x(window.intruded), top + 3, ink.window, 3); context.globalAlpha = 1; return; }
    context.fillStyle = ink.windowTint;
    context.fillRect(left, top, wide, lane.height);
    context.lineWidth = 1.5;
    line(context, left, top, left, top + lane.height); line(context, right, top, right, top + lane.height);
    const at = x(window.intruded);
    const own = (place) => (place === null ? null : layout.lanes[data.served[place].lane]);
    const intruder = own(window.intruder);
    context.strokeStyle = ink.broken; context.setLineDash([4, 3]);
    if (intruder && !intruder.hidden) line(context, at, middle(intruder), at, top + 20);
    context.setLineDash([]);
  });
}

/** What the window that is about what broke says, above all that lies on its lane. */
function tellWindow(state, context, { x, y, ink, label }) {
  const { data, layout } = state, window = data.windows[state.chosen.window] ?? state.bold;
  if (!window || layout.lanes[window.lane].hidden || !layout.lanes[window.lane].crown) return;
  const lane = layout.lanes[window.lane], top = y + lane.y, left = x(window.at), right = x(window.until), at = x(window.intruded);
  const edge = GUTTER + state.across;
  if (right < GUTTER || left > edge) return;
  const name = (place, none) => (place === null ? none : data.served[place].name);
  context.font = "600 11px " + FONT;
  const title = cutTo(context, `window of ${name(window.actor, "the world")}`, 300), wide = context.measureText(title).width, start = Math.max(left, GUTTER);
  const inside = right - start > wide + 26, before = left - GUTTER > wide + 14;
  label(title, inside ? start + 11 : before ? left - wide - 10 : Math.min(right + 10, edge - wide - 4), top + 13, ink.window, lane.back);
  mark(context, "circle", left, top + 13, ink.window);
  mark(context, "full", right, top + 13, ink.window);
  const said = cutTo(context, `intruder: ${name(window.intruder, "the store itself")}`, 300), length = context.measureText(said).width;
  const places = [[at + 10, at + 10 + length < right - 4], [at - 10 - length, at - 10 - length > start + 4], [at - 10 - length, at - 10 - length > GUTTER + 4]];
  const [place] = places.find(([, fits]) => fits) ?? [Math.min(at + 10, edge - length - 4)];
  label(said, place, top + 30, ink.broken, lane.back);
  mark(context, "diamond", at, top + 29.5, ink.broken, 6);
}

/** Words beside the marks of a lane: right of each where there is room before the next, else left of it, else above. */
function drawLabels(marks, width, lane, label, context) {
  marks.sort((one, other) => one.left - other.left);
  context.font = "11px " + FONT;
  // Rows above the marks, where the lane has room for them, and what of each is taken.
  const rows = Array.from({ length: lane.rows ? 0 : Math.min(3, Math.floor((2 * lane.pad) / 16)) }, () => []);
  const above = (left, top, words, wide) => {
    for (const [row, taken] of rows.entries()) for (const start of [left - 6 - wide, left + 6]) {
      const ends = start + wide;
      if (start < GUTTER + 4 || ends > width - 4 || taken.some(([from, until]) => start < until + 10 && ends + 10 > from)) continue;
      taken.push([start, ends]);
      line(context, left, top - 6, left, top - 16 * (row + 1));
      label(words, start, top - 16 * (row + 1));
      return true;
    }
    return false;
  };
  let free = GUTTER;
  marks.forEach(({ left, top, words, weight }, index) => {
    const until = marks[index + 1]?.left ?? width + 4, after = until - left - 18, before = left - 10 - free - 4;
    free = Math.max(free, left + 6);
    if (!words) return;
    context.globalAlpha = Math.min(1, weight * 1.6);
    const wide = context.measureText(words).width;
    context.strokeStyle = context.fillStyle; context.lineWidth = 1;
    const short = cutTo(context, words, 330), needs = context.measureText(short).width;
    if (wide > after && wide > before && after < 330 && above(left, top, short, needs)) free = left + 6;
    else if (wide > after && wide <= before) label(words, left - 9 - wide, top);
    else if (after > 54) {
      label(cutTo(context, words, after), left + 9, top);
      free = left + 9 + Math.min(wide, after);
    }
    context.globalAlpha = 1;
  });
}

/** As much of the words as there is room for. */
function cutTo(context, words, most) {
  // Nothing longer fits, however narrow its letters are.
  if (words.length <= most / 2 && context.measureText(words).width <= most) return words;
  let low = 0, high = Math.min(words.length, Math.ceil(most / 2));
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(words.slice(0, middle) + "…").width <= most) low = middle; else high = middle - 1;
  }
  return words.slice(0, low) + "…";
}

/** The names of the lanes. */
function drawNames(state, context, { y, ink, height, text }) {
  context.save();
  context.beginPath(); context.rect(0, TOP, GUTTER, height - TOP); context.clip();
  context.fillStyle = ink.paper; context.fillRect(0, TOP, GUTTER, height);
  context.textBaseline = "middle";
  let kind = "";
  for (const lane of state.layout.lanes) {
    if (lane.hidden) continue;
    const top = y + lane.y;
    context.strokeStyle = lane.kind === kind ? ink.rule : ink.rule2; context.lineWidth = lane.kind === kind ? 1 : 1.5;
    line(context, 0, top - 0.5, GUTTER, top - 0.5);
    text(lane.name, 12, top + lane.height / 2 - (lane.kind === kind || lane.height < 32 ? 0 : 6), GUTTER - 16, ink.ink, "600 12px ");
    if (lane.kind !== kind && lane.height >= 32) text(lane.kind + "s", 12, top + lane.height / 2 + 8, GUTTER - 16, ink.quiet, "10px ");
    kind = lane.kind;
  }
  context.strokeStyle = ink.rule2; context.lineWidth = 1;
  line(context, GUTTER - 0.5, TOP, GUTTER - 0.5, height);
  context.restore();
}

/** Time along the top, with phases, folded stretches and what broke. */
function drawAxis(state, context, { x, ink, width, text, first, last, across, hits }) {
  const { data, axis } = state;
  context.fillStyle = ink.paper; context.fillRect(0, 0, width, TOP);
  context.strokeStyle = ink.rule2; context.lineWidth = 1;
  line(context, 0, TOP - 0.5, width, TOP - 0.5);
  context.textBaseline = "middle";
  const step = tickStep(96 / across);
  context.save();
  context.beginPath(); context.rect(GUTTER, 0, width, TOP); context.clip();
  context.fillStyle = ink.fold;
  for (const piece of axis.pieces) if (piece.isFold && piece.until > first && piece.from < last) context.fillRect(x(piece.from), 20, x(piece.until) - x(piece.from), TOP - 21);
  let free = GUTTER;
  for (const piece of axis.pieces) {
    if (piece.until < first || piece.from > last) continue;
    if (piece.isFold) {
      const left = Math.max(x(piece.from), GUTTER), wide = Math.min(x(piece.until), width) - left;
      const words = wide > 64 ? `⋯ ${lasting(piece.until - piece.from)} ⋯` : "⋯";
      context.font = "10px " + FONT; context.fillStyle = ink.quiet; context.textAlign = "center";
      const half = context.measureText(words).width / 2;
      if (wide >= 2 * half && left + wide / 2 - half > free - 10) context.fillText(words, left + wide / 2, 31);
      context.textAlign = "left";
      continue;
    }
    const label = (time, exact) => {
      const left = x(time), words = moment(time, exact);
      context.font = "11px " + FONT;
      line(context, left, TOP - 6, left, TOP);
      if (left < free || left + 3 + context.measureText(words).width > width) return;
      context.fillStyle = ink.quiet; context.fillText(words, left + 3, 32);
      free = left + context.measureText(words).width + 14;
    };
    const from = Math.max(piece.from, first), until = Math.min(piece.until, last);
    // Behind a fold it is said where time goes on.
    if (piece.from >= first && piece.from > 0) label(piece.from, Math.min(step, 1e6));
    for (let time = Math.ceil(from / step) * step; time <= until; time += step) label(time, step);
  }
  let taken = [];
  const flag = (at, words, colour, back) => {
    context.font = "600 11px " + FONT;
    const wide = context.measureText(words).width + 12;
    let left = Math.min(Math.max(x(at) - 6, GUTTER + 2), width - wide - 4);
    if (taken.some(([from, until]) => left < until && left + wide > from)) return;
    taken.push([left, left + wide]);
    if (back) { context.fillStyle = back; round(context, left, 3, wide, 16, 4); }
    context.fillStyle = colour; context.fillText(words, left + 6, 11.5);
    return { left, top: 3, wide, high: 16 };
  };
  const order = data.broken.map((_, index) => index).sort((a, b) => (b === state.broken) - (a === state.broken));
  for (const index of order) {
    const broken = data.broken[index];
    if (broken.at < first || broken.at > last) continue;
    const box = flag(broken.at, "✗ " + broken.invariant, "#fff", ink.theme === "dark" ? "#b3372f" : ink.broken);
    if (box) hits.push({ broken: index, ...box });
  }
  for (const phase of data.phases) if (phase.at >= first && phase.at <= last) flag(phase.at, phase.name, ink.quiet, null);
  context.restore();
}

/** All of the run in a strip: where much happens, what broke, and which part the picture shows. */
function drawOverview(state, context, width, height) {
  const { data, axis, view, colours: ink } = state;
  const x = (time) => GUTTER + (axis.place(time) / axis.length) * (width - GUTTER);
  context.clearRect(0, 0, width, height);
  context.fillStyle = ink.paper; context.fillRect(0, 0, width, height);
  const columns = new Float32Array(Math.max(Math.ceil(width), 1));
  data.items.forEach((item, index) => { if (state.shown[index]) columns[Math.min(Math.floor(x(item.at)), columns.length - 1)] += 1; });
  const most = Math.max(...columns, 1);
  context.fillStyle = ink.message;
  columns.forEach((count, column) => { if (count) { const high = 3 + (Math.sqrt(count / most)) * (height - 8); context.fillRect(column, height - high, 1, high); } });
  context.fillStyle = ink.broken;
  for (const broken of data.broken) context.fillRect(x(broken.at) - 1, 0, 2, height);
  const left = GUTTER + (view.from / axis.length) * (width - GUTTER), right = GUTTER + (view.to / axis.length) * (width - GUTTER);
  context.fillStyle = ink.select + "22"; context.fillRect(left, 0, Math.max(right - left, 3), height);
  context.strokeStyle = ink.select; context.lineWidth = 1.5; context.strokeRect(left + 0.5, 1, Math.max(right - left - 1, 3), height - 2);
  context.font = "10px " + FONT; context.fillStyle = ink.quiet; context.textBaseline = "middle";
  context.fillText("all of it", 12, height / 2);
}

function line(context, x1, y1, x2, y2) { context.beginPath(); context.moveTo(x1, y1); context.lineTo(x2, y2); context.stroke(); }
function round(context, left, top, wide, high, radius) { context.beginPath(); context.roundRect(left, top, wide, high, Math.min(radius, wide / 2)); context.fill(); }
function outline(context, left, top, wide, high, colour, thick) { context.strokeStyle = colour; context.lineWidth = thick; context.strokeRect(left, top, wide, high); }
function head(context, x1, y1, x2, y2) {
  const angle = Math.atan2(y2 - y1, x2 - x1), size = 6;
  context.beginPath(); context.moveTo(x2, y2);
  for (const turn of [-0.4, 0.4]) context.lineTo(x2 - size * Math.cos(angle + turn), y2 - size * Math.sin(angle + turn));
  context.fill();
}
function hatch(context, left, top, wide, high, colour) {
  context.save(); context.beginPath(); context.rect(left, top, wide, high); context.clip();
  context.globalAlpha *= 0.35; context.strokeStyle = colour; context.lineWidth = 1;
  const from = Math.max(left, 0), until = Math.min(left + wide, 6000);
  context.beginPath();
  for (let at = from - high - ((from - high) % 6); at < until; at += 6) { context.moveTo(at, top + high); context.lineTo(at + high, top); }
  context.stroke(); context.restore();
}
function mark(context, sign, x, y, colour, size = 4.5) {
  context.fillStyle = context.strokeStyle = colour; context.lineWidth = 1.6; context.beginPath();
  if (sign === "diamond") { context.moveTo(x, y - size); context.lineTo(x + size, y); context.lineTo(x, y + size); context.lineTo(x - size, y); context.fill(); }
  else if (sign === "triangle") { context.moveTo(x, y - size); context.lineTo(x + size, y + size); context.lineTo(x - size, y + size); context.fill(); }
  else if (sign === "cross") { context.moveTo(x - 4, y - 4); context.lineTo(x + 4, y + 4); context.moveTo(x + 4, y - 4); context.lineTo(x - 4, y + 4); context.stroke(); }
  else if (sign === "bolt") { context.moveTo(x + 1, y - 6); context.lineTo(x - 4, y + 1); context.lineTo(x, y + 1); context.lineTo(x - 1, y + 6); context.lineTo(x + 4, y - 1); context.lineTo(x, y - 1); context.fill(); }
  else if (sign === "circle") { context.arc(x, y, size, 0, 7); context.stroke(); }
  else if (sign === "full") { context.arc(x, y, size, 0, 7); context.fill(); }
  else if (sign === "ring") { context.arc(x, y, 3, 0, 7); context.stroke(); }
  else { context.arc(x, y, 2.5, 0, 7); context.fill(); }
}
