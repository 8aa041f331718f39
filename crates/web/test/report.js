/** Collects what tests measured, and prints it as one table when all are done. A reporter of `node:test`. */

import { MARK } from "./browser/figures.js";

const COLUMNS = ["what", "count", "median", "p95", "most"];

export default async function* report(events) {
  const figures = [];
  for await (const { type, data } of events) {
    if (type === "test:diagnostic" && data.message.startsWith(MARK)) figures.push(JSON.parse(data.message.slice(MARK.length)));
  }
  if (figures.length > 0) yield table(figures);
}

function table(figures) {
  const rows = figures
    .map(({ what, count, median, p95, most, unit }) => [what, `${count}`, ...[median, p95, most].map((value) => `${round(value)} ${unit}`)])
    .sort(([a], [b]) => a.localeCompare(b));
  const all = [COLUMNS, ...rows];
  const widths = COLUMNS.map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const line = (row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join("  ");
  return `\nmeasured\n${all.map(line).join("\n")}\n`;
}

const round = (value) => (value < 10 ? Math.round(value * 10) / 10 : Math.round(value));
