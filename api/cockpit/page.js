// The page: from a status to elements.

import { alerts, glyph } from "./alerts.js";
import { h } from "./dom.js";
import { number, span, unit } from "./format.js";
import { SILENT_S, brokenSites, findings, freshness, pulse } from "./judgement.js";
import { spark } from "./spark.js";

const CITY = "city"; // the unit of a collector that owns all regions

// What a site's row shows, by domain. Other domains show their vital metric and the first that have values.
const COLUMNS = { air: ["primary_pollutant", "pm25", "pm10", "so2", "no2", "co", "o3"] };
const MOST_COLUMNS = 7;

const FEW_SITES = 5; // so many have room for higher rows, where no alert is open

/**
 * The whole page.
 * @param view {me (who is signed in, or null), status, now (ms, the server's clock), away (null, "server" or "database"), answeredAt (ms), rate}
 * @param words what `speak` gives
 * @param calendar what `calendar` gives, or null before the first answer
 */
export function page(view, words, calendar) {
  const { status, now, away } = view;
  return h("div", { class: "frame" },
    top(view, words, calendar),
    status ? overview(view, words, calendar) : h("main", { class: "waiting" }, h("p", {}, words.say(away ? `wait_${away}` : "connecting"))),
    h("footer", { class: "foot" }, status && foot(view, words, calendar)));
}

function top({ now, away, status, me }, words, calendar) {
  const other = words.language === "en" ? "?" : "?lang=en";
  return h("header", { class: "top" },
    h("strong", {}, words.say("title")),
    h("span", { class: away ? "live lost" : "live" }, h("i", {}), words.say(away ? "lost" : "live")),
    h("a", { href: other, title: words.say("switch_title") }, words.say("switch")),
    me && h("span", { class: "who" }, h("span", { class: "clip", title: who(me, words) }, me.title), h("button", { type: "button", "data-act": "sign-out" }, words.say("sign_out"))),
    status && h("time", { class: "clock" }, h("small", {}, calendar.date(now)), calendar.time(now)));
}

/** The name, the role, and where it is in force. */
function who({ name, role, regions, domains }, words) {
  const named = (list, all) => (list ? list.map(({ title }) => words.of(title)).join(words.say("list")) : words.say(all));
  return [name, words.role(role), named(regions, "all_regions"), named(domains, "all_domains")].join(words.say("sentence"));
}

function overview(view, words, calendar) {
  const { status, away } = view;
  return h("main", { class: away ? "overview old" : "overview" },
    verdict(view, words, calendar), alerts(view, words, calendar), sites(view, words, calendar), domains(view, words),
    quarantine(view, words, calendar), collectors(view, words));
}

function verdict(view, words, calendar) {
  const { status, now, away } = view;
  const { title, detail, wrong, severity } = away ? lost(view, words) : sentence(view, words, calendar);
  return h("section", { class: "panel verdict" },
    h("div", { class: wrong ? "say wrong" : severity ? `say severity-${severity}` : "say", role: "status" },
      wrong ? glyph(2) : severity && glyph(severity),
      h("div", {}, h("h1", { class: "clip" }, title), h("p", { class: "clip" }, detail))),
    account(status.ledger, now, words, calendar));
}

function lost({ now, away, answeredAt }, words) {
  const age = span((now - answeredAt) / 1000, words);
  return { wrong: true, title: words.say(`lost_${away}`, { age }), detail: words.say("lost_detail") };
}

function sentence({ status, now }, words, calendar) {
  const found = findings(status, now).map((finding) => ({ ...finding, ...express(finding, status, now, words, calendar) }));
  if (!status.sites.some((site) => Object.keys(site.values).length) && !found.length) {
    return { title: words.say("empty"), detail: words.say("empty_detail") };
  }
  if (!found.length) {
    const reporting = status.sites.filter((site) => pulse(site, status.metrics, now)).length;
    return { title: words.say("well"), detail: words.say("well_detail", { n: reporting, sites: status.sites.length }) };
  }
  const [first, ...others] = found;
  const detail = [first.more, ...others.map(({ title }) => title)].filter(Boolean).join(words.say("sentence"));
  return { wrong: first.wrong, severity: first.severity, title: first.title, detail };
}

function express({ key, severity, values, detail }, status, now, words, calendar) {
  const { say, of } = words;
  if (values.collector) {
    const { unit: name, heard_s } = values.collector;
    return { title: say(key, { unit: unitName(name, words), age: span(heard_s, words) }), more: say(detail) };
  }
  if (key === "unjudged") {
    const { n, alert } = values;
    const title = say(key, { n: number(n), severity: words.severity(severity) });
    return { title, more: alert && say("alert_at", { title: of(alert.title), place: of(alert.place) }) };
  }
  if (values.broken) {
    const { site, pulse } = values.broken[0];
    const filled = { n: values.broken.length, site: of(site.title), since: calendar.moment(Date.parse(pulse.time), now) };
    return { title: say(key, filled) };
  }
  if (values.site) {
    const { site } = values;
    const named = (metric) => stateWords(site.values[metric], status.metrics[site.domain]?.[metric], words);
    const filled = { place: of(site.title), category: named("aqi_category"), aqi: number(site.values.aqi.value) };
    return { title: say(key, filled), more: site.values.primary_pollutant && say(detail, { primary: named("primary_pollutant") }) };
  }
  return { title: say(key, values), more: detail && say(detail) };
}

function account(ledger, now, words, calendar) {
  const { say } = words;
  const count = (name) => h("div", {}, h("dd", {}, number(ledger[name])), h("dt", {}, say(`ledger_${name}`)));
  const sign = (text) => h("div", { class: "sign", "aria-hidden": "true" }, text);
  return h("div", { class: "ledger" },
    h("dl", {}, count("received"), sign("="), count("stored"), sign("+"), count("duplicate"), sign("+"), count("quarantined")),
    h("div", { class: ledger.unbalanced ? "sum wrong" : "sum" },
      h("b", {}, say(ledger.unbalanced ? "not_balanced" : "balanced")),
      say("since", { since: calendar.moment(Date.parse(ledger.since), now) })));
}

function sites({ status, now }, words, calendar) {
  const { say } = words;
  const roomy = status.sites.length <= FEW_SITES && !status.alerts.first.length;
  return h("section", { class: roomy ? "panel sites roomy" : "panel sites" },
    h("h2", {}, say("sites"), h("small", {}, say("sites_hint"))),
    h("div", { class: "scroll" }, status.domains.filter(({ places }) => places).map((domain) => siteTable(domain, status, now, words, calendar))));
}

function siteTable(domain, status, now, words, calendar) {
  const { say, of } = words;
  const metrics = status.metrics[domain.id] ?? {};
  const listed = status.sites.filter((site) => site.domain === domain.id);
  const vital = domain.vital?.metric;
  const columns = (COLUMNS[domain.id] ?? Object.keys(metrics).filter((name) => name !== vital && !metrics[name].derived))
    .filter((name) => metrics[name]).slice(0, MOST_COLUMNS);
  const left = (name) => metrics[name].kind === "state" || metrics[name].kind === "flags";
  const heading = (name) => h("th", { class: left(name) ? "left" : null }, shortTitle(name, metrics[name], words), unit(metrics[name].unit) && h("small", {}, unit(metrics[name].unit)));
  return h("table", {},
    h("thead", {}, h("tr", {},
      h("th", {}, h("b", {}, of(domain.title)), domain.places > listed.length && h("small", {}, say("more", { n: domain.places, shown: listed.length }))),
      vital && heading(vital), vital === "aqi" && h("th", {}), columns.map(heading),
      vital && h("th", {}, say("trend")), h("th", {}, say("age")))),
    h("tbody", {}, listed.map((site) => h("tr", { class: pulse(site, status.metrics, now)?.freshness === "stale" ? "silent" : null },
      h("td", { title: of(site.title) },
        h("div", { class: "clip" }, of(site.title), !site.verified && h("span", { class: "tag" }, say("unverified"))),
        h("div", { class: "clip" }, [of(site.region_title), site.kind && of(site.kind)].filter(Boolean).join(say("sentence")))),
      vital && cell(site.values[vital], metrics[vital], now, words, "vital"),
      vital === "aqi" && category(site, metrics, now, words),
      columns.map((name) => cell(site.values[name], metrics[name], now, words, left(name) ? "left" : null)),
      vital && h("td", { class: "trend" }, site.trend && spark(site.trend, trendLabel(site.trend, words))),
      age(site, status.metrics, now, words, calendar)))));
}

// Chemical names are shorter than titles and the same in both languages.
const FORMULAS = { so2: "SO₂", no2: "NO₂", co: "CO", o3: "O₃", pm25: "PM2.5", pm10: "PM10", aqi: "AQI" };
const shortTitle = (name, metric, { of }) => FORMULAS[name] ?? of(metric.title);

function cell(value, metric, now, words, kind) {
  const state = value && freshness(value, metric, now);
  const classes = [kind, state === "stale" && "stale", value && !value.good && "doubtful"].filter(Boolean).join(" ");
  const about = value?.quality.map(words.quality).join(words.say("list"));
  return h("td", { class: classes || null, title: about || null },
    value ? `${value.good ? "" : "≈"}${valueWords(value, metric, words)}` : h("span", { class: "dim" }, words.say("no_value")));
}

function valueWords(value, metric, words) {
  if (metric.kind === "boolean") return words.say(value.value ? "yes" : "no");
  if (metric.kind === "state" || metric.kind === "flags") return stateWords(value, metric, words);
  return number(value.value);
}

function stateWords(value, metric, { say, of }) {
  if (metric.kind === "state" && !value.states.length) return number(value.value);
  return value.states.map((name) => of(metric.states[name])).join(say("list")) || say("none");
}

function category(site, metrics, now, words) {
  const value = site.values.aqi_category;
  if (!value) return h("td", {});
  const stale = freshness(value, metrics.aqi_category, now) === "stale";
  return h("td", { class: stale ? "left stale" : "left" },
    !stale && h("span", { class: `swatch aqi-${value.value}` }), stateWords(value, metrics.aqi_category, words));
}

function age(site, metrics, now, words, calendar) {
  const { say } = words;
  const beat = pulse(site, metrics, now);
  if (!beat) return h("td", { class: "age" }, say("never"));
  if (beat.freshness === "stale") {
    return h("td", { class: "age" }, h("span", { class: "stale-age" }, say("silent_since", { since: calendar.moment(Date.parse(beat.time), now) })));
  }
  return h("td", { class: "age" }, beat.age_s < 1 ? say("ahead") : say("ago", { age: span(beat.age_s, words) }));
}

function trendLabel(trend, { say }) {
  const known = trend.filter((value) => value != null);
  return known.length ? say("range", { low: number(Math.min(...known)), high: number(Math.max(...known)) }) : say("no_value");
}

function domains({ status, now }, words) {
  const present = (domain) => domain.devices.total > 0;
  return h("section", { class: "domains" },
    status.domains.filter(present).map((domain) => card(domain, now, words)),
    status.domains.filter((domain) => !present(domain)).map(({ title }) =>
      h("p", { class: "panel absent" }, words.of(title), h("span", {}, words.say("absent")))));
}

function card({ title, devices, vital, newest }, now, words) {
  const { say, of } = words;
  const n = devices.total;
  return h("article", { class: "panel card" },
    h("h2", {}, of(title), h("small", {}, devices.online ? say("online", { online: devices.online, n }) : say("devices", { n }))),
    vital
      ? [h("div", {},
          h("div", { class: "label" }, `${FORMULAS[vital.metric] ?? of(vital.title)} ${say(`worst_${vital.worst}`)}`),
          h("div", { class: vital.stale ? "big stale" : "big" }, number(vital.value), h("small", {}, unit(vital.unit)))),
        spark(vital.trend, trendLabel(vital.trend, words)),
        h("p", {}, h("b", { class: "clip", title: of(vital.place) }, of(vital.place)), h("span", {}, trendLabel(vital.trend, words)))]
      : h("p", {}, newest ? say("newest", { age: span((now - Date.parse(newest)) / 1000, words) }) : say("no_vital")));
}

function quarantine({ status, now }, words, calendar) {
  if (!status.quarantine) return null;
  const { say } = words;
  return h("section", { class: "panel quarantine" },
    h("h2", {}, say("quarantine"), h("small", {}, say("quarantine_hint"))),
    status.quarantine.length
      ? h("div", { class: "scroll" }, h("table", { class: "rows" },
          h("thead", {}, h("tr", {}, h("th", {}, say("reason")), h("th", {}, say("entries")), h("th", {}, say("latest")))),
          h("tbody", {}, status.quarantine.map(({ reason, entries, newest }) => h("tr", {},
            h("td", { class: "clip" }, words.reason(reason)), h("td", {}, number(entries)), h("td", {}, calendar.moment(Date.parse(newest), now)))))))
      : h("p", { class: "empty" }, say("quarantine_empty")));
}

const unitName = (unit, { say }) => (unit === CITY ? say("whole_city") : unit);

function collectors({ status }, words) {
  if (!status.collectors) return null;
  const { say } = words;
  const state = ({ heard_s, connected }) => (heard_s > SILENT_S ? "gone" : connected ? "connected" : "disconnected");
  return h("section", { class: "panel collectors" },
    h("h2", {}, say("collectors")),
    status.collectors.length
      ? h("div", { class: "scroll" }, h("table", { class: "rows" },
          h("thead", {}, h("tr", {}, h("th", {}, say("unit")), h("th", {}, say("heard")), h("th", {}, say("queued")), h("th", {}, say("state")))),
          h("tbody", {}, status.collectors.map((collector) => h("tr", {},
            h("td", { class: "clip" }, unitName(collector.unit, words)),
            h("td", {}, collector.heard_s < SILENT_S ? say("ahead") : say("ago", { age: span(collector.heard_s, words) })),
            h("td", {}, number(collector.queued)),
            h("td", { class: state(collector) === "connected" ? null : "wrong" }, say(state(collector))))))))
      : h("p", { class: "empty" }, say("collectors_empty")));
}

function foot({ status, now, away, rate, answeredAt }, words, calendar) {
  const { say } = words;
  const total = (field) => status.domains.reduce((sum, { devices }) => sum + devices[field], 0);
  const silent = brokenSites(status, now).length;
  const waiting = (status.quarantine ?? []).reduce((sum, { entries }) => sum + entries, 0);
  return [
    h("span", {}, h("b", {}, say(away ? "lost" : status.ready ? "platform_well" : "platform_wrong"))),
    h("span", {}, say("device_foot", { n: number(total("total")), online: number(total("online")) })),
    silent > 0 && h("span", {}, say("silent_foot", { n: silent })),
    rate != null && h("span", {}, say("rate", { n: number(rate) })),
    h("span", {}, say("quarantine_foot", { n: number(waiting) })),
    h("span", {}, say("updated", { time: calendar.time(answeredAt) })),
  ];
}
