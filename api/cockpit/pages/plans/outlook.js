// Where an indicator is heading: its trend, what it comes to by the target's year, and what is needed instead. Pure.

const DAY_MS = 86_400_000;
const YEAR_MS = 365.25 * DAY_MS;
const LOOK_BACK_MS = 2 * YEAR_MS; // an older course says little about the present one (platform default)
const LEAST_MS = 90 * DAY_MS; // a shorter course shows the season rather than a trend (platform default)

/** The end of a year, in ms. */
export const yearEnd = (year) => Date.UTC(year, 11, 31);

/**
 * The values that are known, [ms, value], the oldest first: an entered one stands on the day that it is of.
 * @param course as GET .../course tells it
 */
export function known(course) {
  const found = new Map();
  for (const { day, as_of: of, actual } of course) if (actual != null) found.set(Date.parse(of ?? day), actual);
  return [...found].sort((a, b) => a[0] - b[0]);
}

/** The change in a year, by least squares over the last two years; null where less than 90 days are known. */
export function trend(points) {
  const last = points.at(-1)?.[0];
  const recent = points.filter(([time]) => last - time <= LOOK_BACK_MS);
  if (recent.length < 2 || last - recent[0][0] < LEAST_MS) return null;
  const mean = (index) => recent.reduce((sum, point) => sum + point[index], 0) / recent.length;
  const [time, value] = [mean(0), mean(1)];
  const spread = recent.reduce((sum, point) => sum + (point[0] - time) ** 2, 0);
  return (recent.reduce((sum, point) => sum + (point[0] - time) * (point[1] - value), 0) / spread) * YEAR_MS;
}

/** Whether a value is as good as its target; "about" is judged by the server alone: null. */
export function meets(value, target, direction) {
  if (direction === "about") return null;
  return direction === "at_most" ? value <= target : value >= target;
}

/**
 * What can be said of a standing.
 * @param indicator as GET /indicators/{plan}/{indicator} tells it
 * @param standing its newest one in the region that is shown
 * @param points of `known`
 * @param present in ms
 * @returns {slope, end, projected, met, needed}: change in a year, when the target is due in ms, the value by then,
 *   whether that is good enough, and the change in a year that would reach it; each null where nobody can say
 */
export function outlook(indicator, standing, points, present) {
  const { target } = indicator;
  const end = target.year == null ? null : yearEnd(target.year);
  const said = { slope: trend(points), end, projected: null, met: null, needed: null };
  if (standing?.actual == null || target.value == null) return said;
  const years = end == null ? 0 : (end - present) / YEAR_MS;
  if (years <= 0) return { ...said, met: meets(standing.actual, target.value, indicator.direction) };
  const needed = (target.value - standing.actual) / years;
  if (said.slope == null) return { ...said, needed };
  const projected = standing.actual + said.slope * years;
  return { ...said, projected, needed, met: meets(projected, target.value, indicator.direction) };
}
