// What else was measured there: what the rule looks at besides, the same device, and the same metric nearby.

import { all, get } from "../../core/api.js";
import { pick } from "../../core/words.js";
import { distance } from "./distance.js";

const MOST = 4; // small charts below the large one
const OWN = 2; // of them, other metrics of the same place, if there are places nearby
const AROUND_DEG = 0.05; // of latitude, some 5.5 km: how far places nearby are looked for
const RARE_S = 6 * 3600; // a series that reports less often is no curve

/**
 * Choose them.
 * @param site of the alert, as GET /sites/{id} tells it; null: it has none
 * @param main the series of the alert
 * @param along metrics that the rule looks at besides: {metric, same}
 * @returns [{series, title, metres}], metres null: the same place
 */
export async function neighbours(site, main, along) {
  if (!site) return [];
  const [around, latest] = await Promise.all([nearby(site), all("/latest", { site: site.id })]);
  const reported = new Set(latest.map(({ series }) => series));
  const related = (await Promise.all(along.map((one) => together(site, around, main, one)))).flat();
  const others = site.series.filter((series) => series.id !== main.id && isTelling(series) && reported.has(series.id));
  const own = others
    .sort((a, b) => closeness(b, main) - closeness(a, main) || a.interval_s - b.interval_s)
    .map((series) => ({ series, metres: null }));
  const same = await alike(site.kind, around, main);
  const chosen = new Map();
  for (const one of [...related, ...own.slice(0, OWN), ...same, ...own.slice(OWN)]) {
    if (!chosen.has(one.series.id)) chosen.set(one.series.id, one);
  }
  return [...chosen.values()].slice(0, MOST).map((one) => ({ ...one, title: name(one, main) }));
}

/** Whether a series has points enough for a curve; what reports on change may have none for days. */
const isTelling = ({ kind, interval_s: interval }) => kind === "number" && interval !== null && interval <= RARE_S;

/** What it is computed from, by name (supply_temp_deviation), the same unit, and measured rather than computed. */
function closeness(series, main) {
  const [one, other] = [series.metric.id, main.metric.id];
  return (
    (one.startsWith(other) || other.startsWith(one) ? 4 : 0) +
    (scale(series) === scale(main) ? 2 : 0) +
    (series.derived ? 0 : 1)
  );
}

/** A difference of temperatures belongs to temperatures. */
const scale = ({ unit }) => (unit === "K" ? "degC" : unit);

/** Places of the same domain around, the nearest first, with how far they are. */
async function nearby(site) {
  const wide = AROUND_DEG / Math.cos((site.latitude * Math.PI) / 180);
  const bbox = [site.longitude - wide, site.latitude - AROUND_DEG, site.longitude + wide, site.latitude + AROUND_DEG]
    .map((degrees) => degrees.toFixed(5))
    .join();
  const found = await get("/sites", { bbox, domain: site.domain.id, limit: 500 });
  return found.items
    .filter(({ id }) => id !== site.id)
    .map((other) => ({ site: other, metres: distance(site, other) }))
    .sort((a, b) => a.metres - b.metres);
}

/** The same metric at the nearest places of the same kind. */
async function alike(kind, around, main) {
  const near = around.filter(({ site }) => site.kind === kind).slice(0, MOST);
  const found = await Promise.all(
    near.map(({ site }) => get("/series", { site: site.id, metric: main.metric.id, limit: 1 })),
  );
  return near.flatMap(({ metres }, index) => found[index].items.map((series) => ({ series, metres })));
}

/** A metric that the rule looks at along with its own, at what both share: the site, or one of its attributes. */
async function together(site, around, main, { metric, same = "site" }) {
  const attribute = same.replace(/^site_/, "");
  const far = new Map(
    around
      .filter(
        (other) => attribute in site.attributes && other.site.attributes[attribute] === site.attributes[attribute],
      )
      .map(({ site: { id }, metres }) => [id, metres]),
  );
  const found = await all("/series", { domain: main.domain.id, region: main.region.id, metric });
  return found
    .filter((series) => series.site && (series.site.id === site.id || far.has(series.site.id)))
    .slice(0, OWN)
    .map((series) => ({ series, metres: far.get(series.site.id) ?? null }));
}

const name = ({ series, metres }, main) => {
  if (metres === null) return pick(series.metric.title);
  const place = pick(series.site.title);
  return series.metric.id === main.metric.id ? place : `${place} ${pick(series.metric.title)}`;
};
