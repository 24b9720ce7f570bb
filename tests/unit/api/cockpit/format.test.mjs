import assert from "node:assert/strict";
import test from "node:test";

const { calendar, number, span, unit } = await import(`${process.env.COCKPIT}/format.js`);
const { speak } = await import(`${process.env.COCKPIT}/words.js`);
const { Rate } = await import(`${process.env.COCKPIT}/rate.js`);

test("numbers have as many decimals as their size deserves", () => {
  assert.deepEqual([2386.4, 36, 12.54, 1.234, 0.3124, -0.6, 0].map(number), ["2,386", "36", "12.5", "1.23", "0.312", "−0.6", "0"]);
});

test("units are written properly", () => {
  assert.deepEqual(["ug/m3", "degC", "AQI", "%LEL", null].map(unit), ["µg/m³", "°C", "", "%LEL", ""]);
});

test("spans in both languages", () => {
  const zh = speak("zh"), en = speak("en");
  assert.deepEqual([12, 120, 4260, 7200, 183600].map((s) => span(s, zh)), ["12 秒", "2 分", "1 时 11 分", "2 时", "2 天 3 时"]);
  assert.equal(span(4260, en), "1 h 11 min");
  assert.equal(span(-3, en), "0 s");
});

test("times are the city's, whatever the desk's zone", () => {
  const city = calendar("Asia/Shanghai");
  const now = Date.parse("2026-11-20T18:25:03Z");
  assert.equal(city.time(now), "02:25:03");
  assert.equal(city.date(now), "2026-11-21");
  assert.equal(city.moment(now, now), "02:25");
  assert.equal(city.moment(Date.parse("2026-11-20T15:59:00Z"), now), "11-20 23:59");
  assert.equal(city.moment(Date.parse("2025-11-20T16:00:00Z"), now), "2025-11-21 00:00");
});

test("midnight is 00", () => assert.equal(calendar("Asia/Shanghai").time(Date.parse("2026-11-20T16:00:00Z")), "00:00:00"));

test("the rate is that of the last minute", () => {
  const rate = new Rate();
  const add = (s, received, since = "a") => rate.add(s * 1000, { received, since });
  assert.equal(add(0, 100), null);
  assert.equal(add(2, 120), null);
  assert.equal(add(10, 200), 10);
  assert.equal(add(70, 200), 0);
  assert.equal(add(72, 900, "b"), null);
});
