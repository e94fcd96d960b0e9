// Which items are shown, and in which row of which lane.

const KINDS = [
  { name: "operations", kinds: ["operation"], colour: "--operation", on: true, says: "what a client asked for, until it was answered" },
  { name: "work", kinds: ["work"], colour: "--work", on: true, says: "what a host did for it" },
  { name: "held", kinds: ["held"], colour: "--held", on: true, says: "a task was held at a point" },
  { name: "faults", kinds: ["fault", "down", "paused"], colour: "--fault", on: true, says: "a fault was in force, a host was down or stood still" },
  { name: "messages", kinds: ["message"], colour: "--message", on: true, says: "data went over" },
  { name: "connections", kinds: ["connection"], colour: "--connection", on: false, says: "a connection was made or closed" },
  { name: "trouble", kinds: ["trouble", "broken"], colour: "--trouble", on: true, says: "lost, refused, reset, held back, timed out; a panic" },
  { name: "commits", kinds: ["commit"], colour: "--commit", on: true, says: "a store changed a key" },
  { name: "windows", kinds: ["window"], colour: "--window", on: true, says: "somebody acted on what had changed since they looked" },
  { name: "accesses", kinds: ["access"], colour: "--access", on: false, says: "a host read or wrote shared state" },
  { name: "warnings", kinds: ["warning"], colour: "--warning", on: false, says: "a log line, WARN or above" },
  { name: "logs", kinds: ["log"], colour: "--log", on: false, says: "another log line" },
  { name: "facts", kinds: ["fact"], colour: "--fact", on: false, says: "something that is so, as the code says" },
  { name: "points", kinds: ["passed"], colour: "--passed", on: false, says: "a task passed a point" },
];
const GROUP_OF = new Map(KINDS.flatMap((group) => group.kinds.map((kind) => [kind, group])));
const BARS = new Set(["operation", "work", "held"]);
const BANDS = new Set(["fault", "down", "paused"]);
const ARROWS = new Set(["message", "connection", "trouble"]);

/** Whether `text` names `word`, or a part of it such as `s1.2` of `s1`. */
function names(text, word) {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const before = at === 0 ? " " : text[at - 1], after = text[at + word.length] ?? " ";
    if (!/[\p{L}\p{N}.]/u.test(before) && !/[\p{L}\p{N}]/u.test(after)) return true;
  }
  return false;
}

/** The items that are about an entity: they name it, or were done for what names it. */
function aboutEntity(data, entity) {
  if (!entity) return null;
  const served = data.served.map((one) => names(one.name, entity) || names(one.outcome ?? "", entity));
  return data.items.map((item) => BANDS.has(item.kind)
    || (item.serves === undefined ? names(item.text, entity) : served[item.serves] || names(item.text, entity)));
}

/** The lanes on which anything is done for these operations from then to then, or that the story itself is about. */
function partakers(data, broken, involved, from) {
  const lanes = new Set(), items = broken.story.flatMap((beat) => (beat.item === null ? [] : [data.items[beat.item]]));
  items.push(...data.items.filter((item) => involved.has(item.serves) && item.until >= from && item.at <= broken.at));
  for (const item of items) { lanes.add(item.lane); if (item.to !== undefined) lanes.add(item.to); }
  for (const window of data.windows) if (window.cause && involved.has(window.actor)) lanes.add(window.lane);
  return lanes;
}

/** How much room the words of a window take above the lane it lies on. */
const CROWN = 40;
/** How far the end of a message may be from the bar it belongs to, in nanoseconds. */
const NEAR = 1e6;

/** Rows for the bars of each lane, so that none covers another; and the heights of lanes, none for those left out. */
function layOut(data, shown, height, without, crowned) {
  const lanes = data.lanes.map((lane, index) => ({ ...lane, free: [], marks: false, rows: 0, hidden: without.has(index), crown: index === crowned ? CROWN : 0 }));
  const row = new Int16Array(data.items.length).fill(-1);
  data.items.forEach((item, index) => {
    if (!shown[index]) return;
    const lane = lanes[item.lane];
    if (BARS.has(item.kind)) {
      let place = lane.free.findIndex((until) => until <= item.at);
      if (place < 0) place = lane.free.length < 9 ? lane.free.push(0) - 1 : 8;
      lane.free[place] = Math.max(item.until, item.at + 1);
      row[index] = place;
    } else if (!BANDS.has(item.kind) && !(ARROWS.has(item.kind) && item.to !== undefined)) lane.marks = true;
  });
  // A lane with nothing of its own is where arrows end, and needs little.
  for (const lane of lanes) {
    lane.rows = lane.hidden ? 0 : lane.free.length;
    lane.bare = !lane.rows && !lane.marks;
    lane.fixed = lane.hidden ? 0 : 8 + lane.crown + (lane.marks ? 16 : lane.rows ? 0 : 16);
  }
  const roomy = lanes.filter((lane) => !lane.hidden && !lane.bare).length || 1;
  const units = lanes.reduce((sum, lane) => sum + lane.rows, 0) || 1;
  const fixed = lanes.reduce((sum, lane) => sum + lane.fixed, 0);
  const unit = Math.max(13, Math.min(28, Math.floor((height - fixed) / units)));
  const spare = height - fixed - units * unit;
  const pad = Math.max(0, Math.min(44, Math.floor(spare / roomy / 2)));
  let y = 0;
  for (const lane of lanes) {
    const around = lane.hidden || lane.bare ? 0 : pad;
    lane.y = y;
    lane.pad = around;
    lane.bars = y + 4 + around + lane.crown;
    lane.height = lane.fixed + lane.rows * unit + 2 * around;
    y += lane.height;
  }
  // Bars by lane and by what they serve, so that a message begins at the bar that sent it and ends at the one that got it.
  const bars = new Map();
  data.items.forEach((item, index) => {
    if (row[index] < 0 || item.serves === undefined) return;
    const key = `${item.lane} ${item.serves}`;
    if (bars.has(key)) bars.get(key).push(index); else bars.set(key, [index]);
  });
  const edge = (place, serves, time, low) => {
    const lane = lanes[place];
    let bar, least = NEAR;
    for (const index of bars.get(`${place} ${serves}`) ?? []) {
      const apart = Math.max(data.items[index].at - time, time - data.items[index].until, 0);
      if (apart < least) { least = apart; bar = index; }
    }
    if (bar === undefined) return lane.bare ? lane.y + lane.height / 2 : lane.rows ? lane.bars + (low ? lane.rows * unit : 0) : low ? lane.y + lane.height - 5 : lane.y + 5;
    return lane.bars + row[bar] * unit + (low ? unit - 1 : 1);
  };
  /** Where a message begins and ends. */
  const ends = (index, down) => {
    const item = data.items[index];
    return [edge(item.lane, item.serves, item.at, down), edge(item.to, item.serves, item.until, !down)];
  };
  return { lanes, row, unit, height: y, ends };
}
