// Where nothing was measured: what is missing is never drawn as if it had been there.

/** The longest time between two readings that is no gap, in ms; none where the series has no interval. */
export const patience = (series, measured) => 2 * 1000 * Math.max(series.interval_s ?? Infinity, measured.step_s ?? 0);

/** Readings as ECharts takes them, with a break wherever one is missing. */
export function broken(points, series, measured) {
  const most = patience(series, measured);
  return points.flatMap(({ time, value }, index) => {
    const before = points[index - 1]?.time ?? time;
    return time - before > most ? [[before + 1, null], [time, value]] : [[time, value]];
  });
}

/** Where nothing was measured: [[from, to]] in ms. */
export function gapsOf(points, series, measured) {
  const most = patience(series, measured);
  const times = points.map(({ time }) => time);
  const [from, to] = measured.window;
  return [from, ...times].map((time, index) => [time, times[index] ?? to]).filter(([begin, end]) => end - begin > most);
}

/** The point nearest to a time, if it is not too far from it; null: none is. */
export function nearest(points, time, most) {
  let best = null;
  for (const point of points) {
    if (point.value == null) continue;
    if (!best || Math.abs(point.time - time) <= Math.abs(best.time - time)) best = point;
  }
  return best && Math.abs(best.time - time) <= most ? best : null;
}
