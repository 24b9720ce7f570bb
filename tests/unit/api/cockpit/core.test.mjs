import assert from "node:assert/strict";
import test from "node:test";

globalThis.localStorage = { kept: {}, getItem: (key) => localStorage.kept[key] ?? null, setItem: (key, value) => (localStorage.kept[key] = value) };
globalThis.document = { documentElement: {}, addEventListener: () => {} };
globalThis.location = { origin: "http://city", pathname: "/alerts", search: "?sev=1&q=", href: "http://city/alerts" };

const format = await import(`${process.env.COCKPIT}/core/format.js`);
const words = await import(`${process.env.COCKPIT}/core/words.js`);
const { address } = await import(`${process.env.COCKPIT}/core/api.js`);
const { at } = await import(`${process.env.COCKPIT}/core/router.js`);

const NIGHT = "2026-11-21T19:12:45Z"; // 03:12:45 of the next day in the city

test("times are the city's, whatever the desk's zone", () => {
  assert.equal(format.hms(NIGHT), "03:12:45");
  assert.equal(format.ymd(NIGHT), "2026-11-22");
  assert.equal(format.short(NIGHT, Date.parse("2026-11-22T02:00:00Z")), "03:12");
  assert.equal(format.short(NIGHT, Date.parse("2026-11-23T02:00:00Z")), "11-22 03:12");
});

test("spans and countdowns in both languages", async () => {
  await words.speak("zh");
  assert.equal(format.span(71 * 60_000), "1 时 11 分");
  assert.equal(format.countdown(155_000), "02:35");
  assert.equal(format.countdown(-185_000), "超 03:05");
  await words.speak("en");
  assert.equal(format.span(51 * 3_600_000), "2 d 3 h");
  assert.equal(format.countdown(-185_000), "03:05 over");
});

test("numbers carry their size, a true minus, and never stand for nothing", async () => {
  await words.speak("zh");
  assert.equal(format.figure(118.4), "118");
  assert.equal(format.figure(0.0712), "0.071");
  assert.equal(format.number(-0.6, 1), "−0.6");
  assert.equal(format.figure(null), "无数据");
  assert.equal(format.unit("m3/h"), "m³/h");
});

test("a text that is nowhere is seen as its key, and one in both languages is picked", () => {
  assert.equal(words.say("no.such.key"), "no.such.key");
  assert.equal(words.say("ago", { age: "2 分" }), "2 分前");
  assert.equal(words.pick({ zh: "水", en: "Water" }), "水");
  assert.equal(words.pick(null), null);
});

test("addresses leave out what is not chosen and repeat what is several", () => {
  assert.equal(address("/alerts", { severity: [1, 2], q: "", region: null }).href, "http://city/api/v1/alerts?severity=1&severity=2");
  assert.equal(at({ q: "泵", sev: null }), "/alerts?q=%E6%B3%B5");
  assert.equal(at({ focus: "150802" }, "/"), "/?focus=150802");
});
