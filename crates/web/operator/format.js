/** Figures in words short enough for a tile. */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export const NONE = "–";

/** @typedef {number | null | undefined} Figure */

/** @param {Figure} value @returns {string} 12, 3,400, 1.2M */
export function count(value) {
  if (value === null || value === undefined) return NONE;
  return value < 100_000 ? whole.format(value) : compact.format(value);
}

/** @param {Figure} value @returns {string} 0, 0.4, 12, 3,400 */
export function rate(value) {
  if (value === null || value === undefined) return NONE;
  return value < 10 ? tenth.format(value) : count(value);
}

/** @param {Figure} ms @returns {string} 0.8 ms, 12 ms, 1.4 s */
export function millis(ms) {
  if (ms === null || ms === undefined) return NONE;
  if (ms < 10) return `${tenth.format(ms)} ms`;
  return ms < 1000 ? `${whole.format(ms)} ms` : seconds(ms / 1000);
}

/** @param {Figure} s @returns {string} 0 s, 1.4 s, 12 s, 3 min, 2 h 5 min, 4 d 3 h */
export function seconds(s) {
  if (s === null || s === undefined) return NONE;
  if (s < 10) return `${tenth.format(s)} s`;
  if (s < 120) return `${whole.format(s)} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return hours % 24 ? `${Math.floor(hours / 24)} d ${hours % 24} h` : `${Math.floor(hours / 24)} d`;
}

/** @param {number} ms by how much a clock is ahead @returns {string} */
export function clockOffset(ms) {
  const apart = Math.abs(ms);
  if (apart < 1000) return "in step";
  return `${seconds(apart / 1000)} ${ms > 0 ? "ahead" : "behind"}`;
}
