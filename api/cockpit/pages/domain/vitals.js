// A row of numbers of the whole domain, each with what it is to be compared with.

import { figure } from "../../core/format.js";
import { html, nothing } from "../../core/lit.js";
import { pick, say } from "../../core/words.js";
import { amount, provenance, source } from "../../parts/limits.js";
import { spark } from "../../parts/spark.js";
import { broken, missing, opposite, unitText, valueText } from "./numbers.js";

/** The figures of a panel; `data` is null while they are not here yet. */
export const vitals = (panel, data, metrics) =>
  panel.figures.map((known, at) => vital(known, data?.figures[at], metrics.get(known.metric)));

function vital(known, found, metric) {
  const limit = found?.value != null && known.across !== "share" ? broken(found.value, metric) : null;
  const beside = found ? context(known, found, limit) : "";
  return html`<div class="vital">
    <label>${pick(known.title)}</label>
    <div>
      <b class="num ${limit ? `t${limit.severity}` : ""} ${found?.value == null ? "stale" : ""}"
        >${found ? valueText(found, metric, known.across) : "…"}</b
      >
      <small>${found?.value == null ? nothing : unitText(metric, known.across)}</small>
      ${found?.trend ? html`<span class="course-of">${course(found, known)}</span>` : nothing}
    </div>
    <em title=${(limit ?? known.keeps) ? provenance(limit ?? known.keeps) : beside}>${beside}</em>
  </div>`;
}

const course = ({ trend, band }, { title }) =>
  spark(trend, { bands: band ?? [], height: 26, label: pick(title) });

/** Beside a number stands one thing: the limit it breaks or keeps, what is usual, where it is, or how many it is of. */
function context(known, found, limit) {
  if (found.value == null) return missing(found);
  if (known.keeps) return `${opposite(known.keeps.operator)} ${amount(known.keeps)} · ${source(known.keeps)}`;
  const parts = [];
  if (found.place) parts.push(pick(found.place.title));
  if (limit) parts.push(`${say("history.limit")} ${amount(limit)}`);
  else if (found.usual != null && !found.place) parts.push(say("domain.usual", { value: figure(found.usual) }));
  if (found.n < found.of) parts.push(say("domain.fresh", { n: found.n, of: found.of }));
  else if (!parts.length) parts.push(say("domain.series", { of: found.of }));
  return parts.join(" · ");
}
