// What a status means: what is stale, what is wrong, and the one sentence that says so. Pure; `now` is in ms.

export const SILENT_S = 10; // a collector that has not been heard for longer is gone; /health/ready says the same
const OVERDUE_INTERVALS = 2; // a series without a reading for so many of its intervals is stale
const POLLUTED = 3; // AQI category from which the air is a matter for the verdict: lightly polluted

const since = (time, now) => (now - Date.parse(time)) / 1000;

/** "fresh", "late" (one interval without a reading) or "stale" (two); what has no interval is always fresh. */
export function freshness(value, metric, now) {
  if (metric?.interval_s == null) return "fresh";
  const intervals = since(value.time, now) / metric.interval_s;
  return intervals > OVERDUE_INTERVALS ? "stale" : intervals > 1 ? "late" : "fresh";
}

/** When a site last measured anything and how fresh that is, or null where it never has. */
export function pulse(site, metrics, now) {
  const measured = Object.entries(site.values)
    .map(([name, value]) => ({ value, metric: metrics[site.domain]?.[name] }))
    .filter(({ metric }) => metric && !metric.derived);
  if (!measured.length) return null;
  const newest = measured.map(({ value }) => value).reduce((a, b) => (Date.parse(a.time) >= Date.parse(b.time) ? a : b));
  const intervals = measured.map(({ metric }) => metric.interval_s).filter((s) => s != null);
  const interval_s = intervals.length ? Math.min(...intervals) : null;
  return { time: newest.time, age_s: since(newest.time, now), freshness: freshness(newest, { interval_s }, now) };
}

/** The sites whose data has stopped, the longest silent first. */
export function brokenSites(status, now) {
  return status.sites
    .map((site) => ({ site, pulse: pulse(site, status.metrics, now) }))
    .filter(({ site, pulse }) => site.verified !== false && pulse?.freshness === "stale")
    .sort((a, b) => b.pulse.age_s - a.pulse.age_s);
}

/** Everything that is not as it should be, the most important first: {wrong: platform trouble, key, values, detail}. */
export function findings(status, now) {
  const found = [];
  const wrong = (key, values, detail) => found.push({ wrong: true, key, values, detail });
  if (status.ledger.unbalanced) wrong("unbalanced", { n: status.ledger.unbalanced }, "unbalanced_detail");
  if (status.checks.database && !status.checks.database.ok) wrong("database", {}, null);
  if (status.checks.migrations && !status.checks.migrations.ok) wrong("migrations", {}, "migrations_detail");
  const collectors = status.collectors ?? []; // null: not for those who see a part of the city only
  if (status.collectors && !collectors.length) wrong("no_collector", {}, "collector_detail");
  for (const collector of collectors) {
    if (collector.heard_s > SILENT_S) wrong("silent", { collector }, "collector_detail");
    else if (!collector.connected) wrong("unconnected", { collector }, "collector_detail");
  }
  if (status.checks.rules && !status.checks.rules.ok) wrong("no_runner", {}, "no_runner_detail");
  const alert = worstAlerts(status.alerts);
  if (alert) found.push(alert);
  const air = worstAir(status, now);
  if (air) found.push({ key: "air", values: air, detail: "air_primary" });
  const broken = brokenSites(status, now);
  if (broken.length) found.push({ key: broken.length > 1 ? "broken" : "broken_one", values: { broken }, detail: null });
  return found;
}

/** The most severe raised alerts that nobody has judged; where all are judged, how many are raised. */
function worstAlerts({ counts, first }) {
  const unjudged = counts.find((count) => count.unjudged);
  if (unjudged) {
    const { severity, unjudged: n } = unjudged;
    const alert = first.find((one) => one.raised && one.handling === "new" && one.severity === severity);
    return { key: "unjudged", severity, values: { n, alert }, detail: null };
  }
  const n = counts.reduce((sum, { raised }) => sum + raised, 0);
  return n ? { key: "judged", values: { n }, detail: null } : null;
}

/** The site with the worst air, where that is polluted and not stale. */
function worstAir(status, now) {
  const worst = status.sites
    .filter(({ values }) => values.aqi && values.aqi_category?.value >= POLLUTED)
    .filter(({ domain, values }) => freshness(values.aqi, status.metrics[domain]?.aqi, now) !== "stale")
    .reduce((a, b) => (a && a.values.aqi.value >= b.values.aqi.value ? a : b), null);
  return worst && { site: worst };
}
