/** The plots, drawn together. */

import { html, render } from "/operator/shared/vendor/lit-html/lit-html.js";

import { Chart } from "./chart.js";
import { PLOTS } from "./plots.js";
import { SPAN_MS } from "./record.js";

/** @typedef {import("./record.js").Lines} Lines */
/** @typedef {import("./state.js").Page} Page */

export class Charts {
  /** @type {Chart[]} */ #charts;

  /** @param {HTMLElement} home */
  constructor(home) {
    render(
      html`<h2 id="charts-title">Over time</h2>
        <div class="chart-list">${PLOTS.map(({ key }) => html`<figure class="card chart" id=${`chart-${key}`}></figure>`)}</div>`,
      home,
    );
    const figures = /** @type {HTMLElement[]} */ ([...home.querySelectorAll("figure")]);
    this.#charts = PLOTS.map((plot, place) => new Chart(plot, figures[place]));
  }

  /** @param {Page} page @param {Lines} record */
  draw({ step, state, lastMs }, record) {
    const newest = record.newestMs;
    if (newest === null) return;
    // time goes on while nothing is heard: what is missing shows
    const to = newest + (lastMs === null ? 0 : Math.max(0, Date.now() - lastMs));
    const span = { from: (to - SPAN_MS[step]) / 1000, to: to / 1000 };
    const several = (state?.instances.length ?? 0) > 1;
    for (const chart of this.#charts) chart.draw(record.columns(step, chart.fields(several)), span, several);
  }

  restyle() {
    for (const chart of this.#charts) chart.restyle();
  }
}
