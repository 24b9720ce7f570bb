// Where panels stand: narrow ones in pairs, wide ones alone, and each row as high as what it holds asks for.

const WIDTHS = { value: 1, bar: 1, trend: 2, days: 3 }; // of a column, by how it is shown
const WIDE = 7; // a table of that width, or more, takes the whole page's
const HEAD = 70; // px: the title, and the head of a table
const ROW = { table: 36, states: 31 }; // px, of the larger type of wide screens
const CHART = 300; // px that a chart likes to have
const LEAST = 232; // px that a row has even where the page must be scrolled for it
const MOST = 620; // px: what asks for more is scrolled
const PART = "55%"; // of the page's height that a list beside charts has at most
const KINDS_IN_ROW = 3; // of states

/** The panels in rows of one or two, in their order; a narrow one that is left over is alone. */
export function rows(panels) {
  const found = [];
  let open = null; // a row that waits for a second panel
  for (const panel of panels) {
    if (isWide(panel)) {
      found.push([panel]);
    } else if (open) {
      open.push(panel);
      open = null;
    } else {
      found.push((open = [panel]));
    }
  }
  return found;
}

/**
 * The heights of these rows, as grid-template-rows. Lists are as high as what they hold, and charts take the rest; where
 * there are no charts, lists share it.
 * @param data what panels show, by their id, as far as it is known
 */
export function heights(found, data) {
  const hasCharts = found.flat().some(isChart);
  return found
    .map((row) => {
      const height = Math.max(...row.map((panel) => wanted(panel, data.get(panel.id))));
      const least = Math.min(height, LEAST);
      return `minmax(${least}px, ${hasCharts && !row.some(isChart) ? `min(${height}px, ${PART})` : `${height}fr`})`;
    })
    .join(" ");
}

const isChart = ({ kind }) => kind === "series" || kind === "curve" || kind === "map";

/** How high a panel would be if there were room. */
function wanted({ kind }, data) {
  if (!data || isChart({ kind })) return CHART;
  if (kind === "tiles") return MOST;
  if (kind === "table") return Math.min(MOST, HEAD + ROW.table * Math.max(3, data.rows.length));
  const kinds = new Set(data.counts.map((count) => count.kind.id)).size;
  const lines = Math.ceil(kinds / KINDS_IN_ROW) + Math.max(1, data.abnormal.length);
  return Math.min(MOST, HEAD + ROW.states * lines);
}

const widthOf = (columns) => columns.reduce((sum, { show, usual }) => sum + WIDTHS[show] + (usual ? 1 : 0), 0);

const isWide = ({ kind, columns }) =>
  kind === "tiles" || kind === "map" || kind === "vitals" || (kind === "table" && widthOf(columns) >= WIDE);
