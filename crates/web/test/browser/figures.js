/** What tests measured, told to the runner's report. */

/** Figures are diagnostics that begin with this; `report.js` puts them into one table. */
export const MARK = "figure ";

/** @param {number[]} values @param {number} share 0.5 is the median */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

/**
 * Notes milliseconds that were measured.
 * @param {import("node:test").TestContext} t
 * @param {string} what
 * @param {number[]} values
 * @param {string} [unit]
 */
export function figure(t, what, values, unit = "ms") {
  const [median, p95] = [quantile(values, 0.5), quantile(values, 0.95)];
  t.diagnostic(MARK + JSON.stringify({ what, count: values.length, median, p95, most: Math.max(...values), unit }));
  return { median, p95 };
}

/** How often a series is measured anew: what is slow by itself is slow each time, what a busy machine delays is not. */
const MOST_SERIES = 3;

/**
 * Measures series until the median of one is below a bound.
 * @param {number} most milliseconds
 * @param {(series: number) => Promise<number[]>} measure
 * @returns {Promise<{all: number[], best: number}>} everything measured, and the least median
 */
export async function below(most, measure) {
  const all = [];
  let best = Infinity;
  for (let series = 0; series < MOST_SERIES && best >= most; series += 1) {
    const values = await measure(series);
    all.push(...values);
    best = Math.min(best, quantile(values, 0.5));
  }
  return { all, best };
}
