import assert from "node:assert/strict";
import test from "node:test";

const { reading } = await import(`${process.env.COCKPIT}/alerts.js`);
const { calendar } = await import(`${process.env.COCKPIT}/format.js`);
const { speak } = await import(`${process.env.COCKPIT}/words.js`);

const NOW = Date.parse("2026-11-21T02:00:00Z");
const CITY = calendar("Asia/Shanghai");
const PRESSURE = { name: "value", title: { zh: "压力", en: "Pressure" }, value: 0.18, unit: "MPa" };
const DEFAULT = { name: "limit", value: 0.2, unit: "MPa", source: "platform default", clause: null, plan: null, confidence: "S" };
const STANDARD = { ...DEFAULT, value: 0.14, source: "CJJ 58", clause: "3.1.3", confidence: "B" };
const alert = (more) => ({ silent_since: null, values: [PRESSURE], limits: [DEFAULT], comparisons: [{ left: "value", operator: "<", right: "limit" }], ...more });
const read = (more, language = "zh") => Object.values(reading(alert(more), speak(language), CITY, NOW));

test("a value against its limit, with unit and source", () => {
  assert.deepEqual(read({}), ["压力 0.18 MPa < 0.2 MPa", "平台默认, S"]);
  assert.deepEqual(read({ limits: [STANDARD] }, "en"), ["Pressure 0.18 MPa < 0.14 MPa", "CJJ 58 3.1.3, B"]);
});

test("where nothing is compared by name, the values and each limit with its source", () => {
  assert.deepEqual(read({ comparisons: [], limits: [STANDARD] }), ["压力 0.18 MPa", "0.14 MPa CJJ 58 3.1.3, B"]);
});

test("two columns of a query", () => {
  const values = [{ name: "actual", title: null, value: 12, unit: null }, { name: "path", title: null, value: 11, unit: null }];
  assert.deepEqual(read({ values, limits: [], comparisons: [{ left: "actual", operator: ">", right: "path" }] }), ["actual 12 > path 11", ""]);
});

test("what is neither a number nor there", () => {
  const seen = (value) => ({ comparisons: [], limits: [], values: [{ ...PRESSURE, value, unit: null }] });
  assert.deepEqual([true, false, null, "<b>"].map((value) => read(seen(value), "en")[0]), ["Pressure yes", "Pressure no", "Pressure no data", "Pressure <b>"]);
});

test("silence has a time instead of a value, in the city's zone", () => {
  assert.deepEqual(read({ silent_since: "2026-11-21T01:30:00Z" }, "en"), ["last heard 09:30", ""]);
});
