// Numbers, spans and times as people read them.

const UNITS = { "ug/m3": "µg/m³", "mg/m3": "mg/m³", "m3/h": "m³/h", m3: "m³", degC: "°C", deg: "°", AQI: "" };

/** A number with as many decimals as its size deserves, a real minus and thousands apart. */
export function number(value) {
  const size = Math.abs(value);
  const decimals = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return value.toLocaleString("en-US", { maximumFractionDigits: decimals }).replace("-", "−");
}

/** A catalogue's unit as it is written. */
export const unit = (name) => (name == null ? "" : (UNITS[name] ?? name));

/** A span of seconds in at most two parts, such as "1 h 11 min". */
export function span(seconds, { say }) {
  const s = Math.max(0, Math.floor(seconds));
  const parts = (large, small, n, m) => (m ? say(small, { n, m }) : say(large, { n }));
  if (s < 60) return say("s", { n: s });
  if (s < 3600) return say("min", { n: Math.floor(s / 60) });
  if (s < 86400) return parts("h", "h_min", Math.floor(s / 3600), Math.floor((s % 3600) / 60));
  return parts("d", "d_h", Math.floor(s / 86400), Math.floor((s % 86400) / 3600));
}

/** Times in the city's zone: `time` 02:25:03, `date` 11-20, `moment` 02:25 or, on another day, 11-20 02:25. */
export function calendar(zone) {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
  });
  const parts = (ms) => Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]));
  const day = (p) => `${p.year}-${p.month}-${p.day}`;
  return {
    time: (ms) => { const p = parts(ms); return `${p.hour}:${p.minute}:${p.second}`; },
    date: (ms) => day(parts(ms)),
    moment: (ms, now) => {
      const p = parts(ms), n = parts(now), clock = `${p.hour}:${p.minute}`;
      if (day(p) === day(n)) return clock;
      return `${p.year === n.year ? "" : `${p.year}-`}${p.month}-${p.day} ${clock}`;
    },
  };
}
