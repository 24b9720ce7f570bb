import assert from "node:assert/strict";
import test from "node:test";

globalThis.localStorage = { getItem: () => null, setItem: () => {} };
globalThis.document = { documentElement: {}, addEventListener: () => {}, querySelectorAll: () => [], createTreeWalker: () => ({}), createComment: () => ({}) };
globalThis.location = { origin: "http://city", pathname: "/domains/water", search: "", href: "http://city/domains/water" };
globalThis.setInterval = () => 0;

const { rows, heights } = await import(`${process.env.COCKPIT}/pages/domain/layout.js`);
const { about, isStale } = await import(`${process.env.COCKPIT}/parts/span.js`);
const { set, now } = await import(`${process.env.COCKPIT}/core/clock.js`);

const NOW = "2026-11-22T14:58:00Z"; // 22:58 in the city
const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
set(NOW);

const panel = (id, kind, columns = []) => ({ id, kind, columns });
const column = (show, usual = false) => ({ show, usual });
const ids = (found) => found.map((row) => row.map(({ id }) => id));

test("narrow panels stand in pairs, and no row has a hole", () => {
  const panels = [
    panel("curve", "curve"),
    panel("stations", "table", [column("trend"), column("value", true), ...Array(3).fill(column("value"))]),
    panel("course", "series"),
    panel("methane", "table", [column("trend")]),
  ];

  assert.deepEqual(ids(rows(panels)), [["curve", "course"], ["stations"], ["methane"]]);
});

test("a list beside charts is as high as what it holds, and charts take the rest", () => {
  const found = rows([panel("zones", "table", [column("days"), column("value", true), column("trend")]), panel("today", "series")]);
  const data = new Map([["zones", { rows: Array(5) }]]);

  assert.equal(heights(found, data), "minmax(232px, min(250px, 55%)) minmax(232px, 300fr)");
});

test("lists without charts share the page by what they hold", () => {
  const found = rows([panel("wells", "states"), panel("covers", "states"), panel("methane", "table", [column("trend")])]);
  const counts = [{ kind: { id: "gas" } }, { kind: { id: "heat" } }];
  const data = new Map([["wells", { counts, abnormal: [] }], ["covers", { counts, abnormal: Array(4) }], ["methane", { rows: Array(40) }]]);

  assert.equal(heights(found, data), "minmax(225px, 225fr) minmax(232px, 620fr)");
});

test("what is computed of an hour is told by its hour, and is old only when the next ones are missing", () => {
  const hourly = { interval_s: HOUR_S, derived: true };

  assert.equal(about("2026-11-22T13:00:00Z", hourly), "21:00–22:00 小时值");
  assert.equal(about("2026-11-20T16:00:00Z", { interval_s: 24 * HOUR_S, derived: true }), "11-21 日值");
  assert.equal(isStale("2026-11-22T13:00:00Z", hourly), false);
  assert.equal(isStale("2026-11-22T11:00:00Z", hourly), true);
});

test("what fills an hour is computed when it is over", () => {
  const often = { interval_s: 5 * MINUTE_S, derived: true };

  assert.equal(isStale("2026-11-22T13:55:00Z", often), false);
  assert.equal(isStale("2026-11-22T13:40:00Z", often), true);
  assert.equal(isStale("2026-11-22T14:40:00Z", { interval_s: 5 * MINUTE_S, derived: false }), true);
  assert.equal(about("2026-11-22T14:55:00Z", { interval_s: 5 * MINUTE_S, derived: false }), "3 分前");
  assert.equal(now() >= Date.parse(NOW), true);
});
