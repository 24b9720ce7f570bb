import assert from "node:assert/strict";
import test from "node:test";

const { brokenSites, findings, freshness, pulse } = await import(`${process.env.COCKPIT}/judgement.js`);

const NOW = Date.parse("2026-11-21T02:00:00Z");
const ago = (minutes) => new Date(NOW - minutes * 60_000).toISOString();
const METRICS = {
  air: {
    pm25: { interval_s: 3600, derived: false, kind: "number" },
    aqi: { interval_s: 3600, derived: true, kind: "number" },
    aqi_category: { interval_s: 3600, derived: true, kind: "state" },
  },
};
const site = (name, minutes, more = {}) => ({ id: name, title: { zh: name, en: name }, domain: "air", values: { pm25: { value: 10, time: ago(minutes) }, ...more } });
const status = (more = {}) => ({
  ledger: { unbalanced: 0 }, checks: { database: { ok: true }, migrations: { ok: true } },
  collectors: [{ unit: "city", heard_s: 0.4, connected: true }], metrics: METRICS, sites: [site("a", 30)],
  alerts: { counts: [], first: [] }, ...more,
});
const keys = (s) => findings(s, NOW).map(({ key }) => key);

test("nothing to say of a city that is well", () => assert.deepEqual(keys(status()), []));

test("a value is late after one interval and stale after two", () => {
  const at = (minutes) => freshness({ time: ago(minutes) }, { interval_s: 3600 }, NOW);
  assert.deepEqual([59, 61, 119, 121].map(at), ["fresh", "late", "late", "stale"]);
});

test("what reports on change is never stale", () => assert.equal(freshness({ time: ago(100_000) }, { interval_s: null }, NOW), "fresh"));

test("a site's pulse is that of what it measures, not of what is derived from it", () => {
  const beat = pulse(site("a", 180, { aqi: { value: 50, time: ago(1) } }), METRICS, NOW);
  assert.equal(beat.freshness, "stale");
  assert.equal(beat.time, ago(180));
});

test("a site that never reported has no pulse and is not broken", () => {
  const silent = { ...site("b", 0), values: {} };
  assert.equal(pulse(silent, METRICS, NOW), null);
  assert.deepEqual(brokenSites(status({ sites: [silent] }), NOW), []);
});

test("the longest silent site is named first", () => {
  const found = brokenSites(status({ sites: [site("short", 130), site("long", 600), site("well", 5)] }), NOW);
  assert.deepEqual(found.map(({ site }) => site.id), ["long", "short"]);
});

test("a ledger that does not add up comes before all else", () => {
  const troubled = status({ ledger: { unbalanced: 3 }, collectors: [{ unit: "city", heard_s: 40, connected: false }], sites: [site("a", 600)] });
  assert.deepEqual(keys(troubled), ["unbalanced", "silent", "broken_one"]);
});

test("the worst alerts that nobody has judged are named, by the first of them", () => {
  const alert = (id, severity, handling, raised = true) => ({ id, severity, handling, raised });
  const alerts = {
    counts: [{ severity: 1, raised: 1, unjudged: 0 }, { severity: 2, raised: 3, unjudged: 2 }, { severity: 4, raised: 9, unjudged: 9 }],
    first: [alert(1, 1, "dispatched"), alert(2, 2, "confirmed"), alert(3, 2, "new"), alert(4, 2, "new"), alert(5, 4, "new")],
  };
  const [found] = findings(status({ alerts }), NOW);
  assert.deepEqual([found.key, found.severity, found.values.n, found.values.alert.id], ["unjudged", 2, 2, 3]);
});

test("alerts that are all judged are counted, and those that have cleared are no news", () => {
  const counts = (more) => status({ alerts: { counts: [{ severity: 1, raised: 2, unjudged: 0, cleared: 5, ...more }], first: [] } });
  assert.deepEqual(findings(counts(), NOW).map(({ key, values }) => [key, values.n]), [["judged", 2]]);
  assert.deepEqual(keys(counts({ raised: 0 })), []);
});

test("rules that nobody runs come before alerts", () => {
  const checks = { database: { ok: true }, migrations: { ok: true }, rules: { ok: false } };
  assert.deepEqual(keys(status({ checks, alerts: { counts: [{ severity: 1, raised: 1, unjudged: 1 }], first: [] } })), ["no_runner", "unjudged"]);
});

test("a collector without its broker, and no collector at all", () => {
  assert.deepEqual(keys(status({ collectors: [{ unit: "city", heard_s: 0.1, connected: false }] })), ["unconnected"]);
  assert.deepEqual(keys(status({ collectors: [] })), ["no_collector"]);
});

test("polluted air is named by its worst site; clean or stale air is not", () => {
  const air = (name, aqi, category, minutes = 30) => site(name, 30, { aqi: { value: aqi, time: ago(minutes) }, aqi_category: { value: category, time: ago(minutes) } });
  const found = findings(status({ sites: [air("light", 120, 3), air("heavy", 260, 5), air("old", 400, 6, 300)] }), NOW);
  assert.deepEqual(found.map(({ key, values }) => [key, values.site.id]), [["air", "heavy"]]);
  assert.deepEqual(keys(status({ sites: [air("good", 90, 2)] })), []);
});
