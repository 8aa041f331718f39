/** One plot: uPlot, with a legend of ours that a screen reader can read. The pointer is shared by all plots. */

import { html, render } from "/operator/shared/vendor/lit-html/lit-html.js";

import uPlot from "/operator/vendor/uplot/dist/uPlot.esm.js";

/** @typedef {import("./plots.js").Plot} Plot */

const HEIGHT = 176;
const SYNC = "pollgate";
const WHOLE_MINUTES = [1, 2, 5, 10, 15, 20, 30, 60].map((minutes) => minutes * 60);

/** @param {string} name */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** A colour of the style sheet as a canvas takes it: `light-dark()` is resolved by an element that has it. @param {HTMLElement} probe @param {string} name */
function resolved(probe, name) {
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color || colour(name);
}

export class Chart {
  /** @type {Plot} */ #plot;
  /** @type {HTMLElement} */ #legend;
  /** @type {HTMLElement} */ #canvas;
  /** @type {HTMLElement} */ #probe;
  /** @type {uPlot | null} */ #drawn = null;
  /** @type {(number | null)[][]} */ #data = [[]];
  #several = false;
  #watch;

  /** @param {Plot} plot @param {HTMLElement} home */
  constructor(plot, home) {
    this.#plot = plot;
    this.#legend = document.createElement("figcaption");
    this.#canvas = document.createElement("div");
    this.#canvas.className = "plot";
    this.#canvas.setAttribute("aria-hidden", "true");
    this.#probe = document.createElement("i");
    this.#probe.hidden = true;
    home.append(this.#legend, this.#canvas, this.#probe);
    this.#watch = new ResizeObserver(() => this.#fit());
    this.#watch.observe(this.#canvas);
  }

  /** The fields that are drawn, in their order. @param {boolean} several there are other gateways */
  fields(several) {
    return this.#lines(several).map(({ field }) => field);
  }

  /** @param {boolean} several */
  #lines(several) {
    return this.#plot.lines.filter(({ onlySeveral }) => several || !onlySeveral);
  }

  /** @param {(number | null)[][]} data @param {{from: number, to: number}} span seconds @param {boolean} several */
  draw(data, span, several) {
    this.#data = data;
    if (this.#drawn && several !== this.#several) this.restyle();
    this.#several = several;
    if (!this.#drawn) this.#make();
    const drawn = this.#drawn;
    if (!drawn) return;
    drawn.setData(/** @type {any} */ (data), false);
    drawn.batch(() => {
      drawn.setScale("x", { min: span.from, max: span.to });
      drawn.setScale("y", this.#scale(span));
    });
    this.#told();
  }

  /** Colours have changed, or the lines: it is made anew. */
  restyle() {
    this.#drawn?.destroy();
    this.#drawn = null;
  }

  /** @param {{from: number, to: number}} span */
  #scale({ from, to }) {
    const [at, ...lines] = this.#data;
    let most = this.#plot.least;
    for (const line of lines) {
      line.forEach((value, place) => {
        const when = at[place] ?? 0;
        if (value !== null && value > most && when >= from && when <= to) most = value;
      });
    }
    return { min: 0, max: most * 1.08 };
  }

  #make() {
    const width = this.#canvas.clientWidth;
    if (width === 0) return;
    const paint = (/** @type {string} */ name) => resolved(this.#probe, name);
    const [quiet, line] = [paint("quiet"), paint("line")];
    const axis = { stroke: quiet, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    this.#drawn = new uPlot(
      {
        width,
        height: HEIGHT,
        legend: { show: false },
        padding: [8, 20, 0, 0],
        cursor: { sync: { key: SYNC, setSeries: false }, drag: { x: false, y: false }, points: { size: 7 }, y: false },
        scales: { x: { time: true }, y: { auto: false } },
        axes: [
          { ...axis, space: 48, size: 30, incrs: WHOLE_MINUTES, values: (_, ticks) => ticks.map((at) => minute.format(at * 1000)) },
          { ...axis, size: 58, values: (_, ticks) => ticks.map((value) => this.#plot.format(value)) },
        ],
        series: [
          {},
          ...this.#lines(this.#several).map(({ name, colour: number, dash }) => ({
            label: name,
            stroke: paint(`series-${number}`),
            width: 2,
            spanGaps: false,
            points: { show: false },
            ...(dash ? { dash: [5, 4] } : {}),
          })),
        ],
        hooks: { setCursor: [() => this.#told()] },
      },
      /** @type {any} */ (this.#data),
      this.#canvas,
    );
  }

  #fit() {
    const width = this.#canvas.clientWidth;
    if (!this.#drawn) return void this.#make();
    if (width > 0 && width !== this.#drawn.width) this.#drawn.setSize({ width, height: HEIGHT });
  }

  /** What stands under the pointer; without one, the newest. */
  #told() {
    const [at, ...lines] = this.#data;
    const pointed = this.#drawn?.cursor.idx;
    const place = pointed ?? at.length - 1;
    const when = pointed === null || pointed === undefined ? null : at[pointed];
    render(
      html`<span class="chart-title">${this.#plot.title}</span>
        <span class="chart-time quiet small">${when ? time.format(when * 1000) : ""}</span>
        <span class="keys">${this.#lines(this.#several).map(
          ({ name, colour: number }, line) => html`<span class="key"><i class="swatch" data-series=${number} aria-hidden="true"></i>${name} <b>${this.#plot.format(lines[line]?.[place])}</b></span>`,
        )}</span>`,
      this.#legend,
    );
  }
}

const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const minute = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
