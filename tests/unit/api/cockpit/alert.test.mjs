// What the page of an alert computes: what is usual, gaps, a rule's words, levels of limits, who is near.

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.localStorage = { getItem: () => "en", setItem: () => {} };
globalThis.document ??= { documentElement: {} };
const load = (path) => import(`${process.env.COCKPIT}/${path}`);
const { quantile, usual } = await load("parts/usual.js");
const { broken, gapsOf, nearest } = await load("pages/alert/gaps.js");
const { duration, inWords, levels } = await load("pages/alert/condition.js");
const { distance } = await load("pages/alert/distance.js");
const { exact, heldAgainst, provenance, source } = await load("parts/limits.js");

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOON = Date.parse("2026-11-22T04:00:00Z");
const hour = (time, low, high) => ({ time: new Date(time).toISOString(), low, high });
const limit = { name: "limit", value: 0.14, unit: "MPa", source: "CJJ 58", clause: "3.1.3", confidence: "B" };

test("a quantile lies between the two values around it", () => {
  assert.equal(quantile([1, 2, 3, 4], 0.5), 2.5);
  assert.equal(quantile([7], 0.1), 7);
});

test("what is usual is that of the same hours of days before, up to both ends of the window", () => {
  const hours = [1, 2, 3].flatMap((day) => [hour(NOON - day * DAY, day, 10 * day), hour(NOON + HOUR - day * DAY, 5, 5)]);

  const band = usual(hours, NOON, NOON + 2 * HOUR);

  assert.deepEqual(band.map(([time]) => time - NOON), [0, HOUR / 2, HOUR + HOUR / 2, 2 * HOUR]);
  assert.ok(Math.abs(band[1][1] - 1.2) < 1e-9 && Math.abs(band[1][2] - 28) < 1e-9);
  assert.deepEqual(band[3].slice(1), [5, 5]);
});

test("of two days nobody knows what is usual", () => {
  const hours = [1, 2].map((day) => hour(NOON - day * DAY, 1, 2));

  assert.deepEqual(usual(hours, NOON, NOON + HOUR), []);
});

test("a line breaks where more than one reading is missing, and the gap is named up to the present", () => {
  const points = [0, 60, 300].map((s) => ({ time: s * 1000, value: 1 }));
  const measured = { window: [0, 600_000], step_s: null };
  const series = { interval_s: 60 };

  assert.deepEqual(broken(points, series, measured), [[0, 1], [60_000, 1], [60_001, null], [300_000, 1]]);
  assert.deepEqual(gapsOf(points, series, measured), [[60_000, 300_000], [300_000, 600_000]]);
});

test("a series without an interval has no gaps", () => {
  assert.deepEqual(gapsOf([{ time: 0, value: 1 }], { interval_s: null }, { window: [0, DAY], step_s: null }), []);
});

test("the pointer finds the nearest reading, or none where it is in a gap", () => {
  const points = [{ time: 0, value: 1 }, { time: 100, value: null }, { time: 200, value: 2 }];

  assert.equal(nearest(points, 120, 100).value, 2);
  assert.equal(nearest(points, 900, 100), null);
});

test("durations, holds and intervals are words", () => {
  assert.deepEqual(["1h30m", "2 samples", "3 intervals", "2 of 5 samples", "4w"].map(duration), [
    "1 h 30 min", "2 readings", "3 reporting intervals", "2 of 5 readings", "4 w",
  ]);
});

test("a condition is told with titles, amounts and signs", () => {
  const condition = "delta(value, '5m') <= -limit AND inflow >= 1.3 * usual(inflow, '7d')";
  const titles = { value: { zh: "", en: "Pressure" }, inflow: { zh: "", en: "Inflow" } };

  assert.equal(
    inWords(condition, [limit], titles),
    "change of Pressure in 5 min ≤ −0.14 MPa and Inflow ≥ 1.3 × usual Inflow at this hour (7 d)",
  );
});

test("only a limit that the reading itself is held against is a level in its chart", () => {
  const at = (condition) => levels(condition, [limit], "MPa").map((level) => level.at);

  assert.deepEqual(at("value < limit"), [0.14]);
  assert.deepEqual(at("abs(value) > limit"), [0.14, -0.14]);
  assert.deepEqual(at("delta(value, '5m') <= -limit"), []);
  assert.deepEqual(at("value > limit * pm10"), []);
  assert.deepEqual(levels("value < limit", [limit], "m3/h"), []);
});

test("a limit says where it is from, and a platform default that it is one", () => {
  assert.equal(provenance(limit), "CJJ 58 3.1.3 · Confidence B (one source)");
  assert.equal(source({ value: 3, source: "platform default", confidence: "S" }), "Platform default");
  assert.equal(exact(-0.14), "−0.14");
});

test("an alert is held against the limit that its comparison names", () => {
  const alert = { values: [{ name: "value", value: 0.07 }], limits: [{ name: "other", value: 1 }, limit], comparisons: [] };
  const compared = { ...alert, comparisons: [{ left: "value", operator: "<", right: "limit" }] };

  assert.deepEqual(heldAgainst(compared), { limit, operator: "<" });
  assert.equal(heldAgainst(alert), null, "a factor of what is usual is no limit of the reading");
});

test("a degree of latitude is 111 km", () => {
  assert.ok(Math.abs(distance({ latitude: 40, longitude: 107 }, { latitude: 41, longitude: 107 }) - 111_195) < 10);
});
