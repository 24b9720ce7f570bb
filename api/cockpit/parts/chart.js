// A place for a chart of ECharts, which is loaded when the first one stands on the page.
// Tooltips must be drawn on the canvas (`renderMode: "richText"`): the page's policy forbids style attributes in HTML.

import { onTheme, theme, token } from "../shell/theme.js";

const PAUSE_MS = 500; // after the last turn of the wheel, before somebody counts as having zoomed

/** `<city-chart .make=${(token, width, height) => options} .zoomed=${(from, to) => ...}>`; a new `make` draws anew. */
class Chart extends HTMLElement {
  #make = null;
  #chart = null;
  #theme = null;
  #ends = [];
  zoomed = null; // called with the span in ms that somebody zoomed to

  set make(make) {
    if (make === this.#make) return;
    this.#make = make;
    this.#paint();
  }

  async connectedCallback() {
    const { init } = await import("../vendor/echarts.js");
    if (!this.isConnected || this.#chart) return;
    this.#chart = init(this);
    const size = new ResizeObserver(() => this.#resize());
    size.observe(this);
    this.#ends = [() => size.disconnect(), onTheme(() => this.#theme !== theme() && this.#paint())];
    this.#listenForZoom();
    this.#paint();
  }

  disconnectedCallback() {
    for (const end of this.#ends) end();
    this.#ends = [];
    this.#chart?.dispose();
    this.#chart = null;
  }

  #resize() {
    this.#chart.resize();
    this.#paint();
  }

  #paint() {
    if (!this.#chart || !this.#make || !this.clientWidth) return;
    this.#theme = theme();
    const options = this.#make(token, this.clientWidth, this.clientHeight);
    this.#chart.setOption({ animation: false, textStyle: { fontFamily: token("--font") }, ...options }, true);
  }

  #listenForZoom() {
    let waiting = null;
    this.#ends.push(() => clearTimeout(waiting));
    this.#chart.on("datazoom", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        const { startValue, endValue } = this.#chart.getOption().dataZoom[0];
        this.zoomed?.(startValue, endValue);
      }, PAUSE_MS);
    });
  }
}

customElements.define("city-chart", Chart);

/** Options of an axis as all charts have them. */
export const axis = (token) => ({
  axisLine: { lineStyle: { color: token("--line-2") } },
  axisTick: { show: false },
  axisLabel: { color: token("--text-3"), fontSize: 12, hideOverlap: true },
  splitLine: { lineStyle: { color: token("--line") } },
});

/** Options of a tooltip as all charts have them; `format(points)` gives its lines. */
export const tooltip = (token, format) => ({
  trigger: "axis",
  renderMode: "richText",
  confine: true,
  backgroundColor: token("--surface"),
  borderColor: token("--line-2"),
  textStyle: { color: token("--text"), fontSize: 12, fontFamily: token("--font") },
  axisPointer: { lineStyle: { color: token("--text-3") } },
  formatter: format,
});
