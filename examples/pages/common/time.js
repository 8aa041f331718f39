/** Times in the reader's own language and zone. Formatters are dear to make: each is made once. */

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** @type {Map<string, Intl.DateTimeFormat>} */ const formats = new Map();

/** @param {string} key @param {Intl.DateTimeFormatOptions} options */
function format(key, options) {
  let made = formats.get(key);
  if (!made) formats.set(key, (made = new Intl.DateTimeFormat(undefined, options)));
  return made;
}

/** @typedef {string | number | Date} When */

/** @param {When} at */
function startOfDay(at) {
  const day = new Date(at);
  day.setHours(0, 0, 0, 0);
  return day.getTime();
}

/** @param {When} at @param {When} [now] @returns {number} whole days ago by the calendar: 0 is today. A day may have 23 hours. */
export function daysAgo(at, now = Date.now()) {
  return Math.round((startOfDay(now) - startOfDay(at)) / DAY_MS);
}

/** @param {When} at @returns {string} the local day, for comparing */
export function dayKey(at) {
  const day = new Date(at);
  return `${day.getFullYear()}-${day.getMonth() + 1}-${day.getDate()}`;
}

/** @param {When} at @returns {string} 14:05 */
export function clock(at) {
  return format("clock", { hour: "2-digit", minute: "2-digit" }).format(new Date(at));
}

/** @param {When} at @returns {string} the date and time in full */
export function fullTime(at) {
  return format("full", { dateStyle: "full", timeStyle: "short" }).format(new Date(at));
}

/** @param {When} at @param {When} [now] @returns {string} Today, Yesterday, Friday, 3 March, 3 March 2024 */
export function dayLabel(at, now = Date.now()) {
  const days = daysAgo(at, now);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  if (days > 1 && days < 7) return format("weekday", { weekday: "long" }).format(new Date(at));
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  if (sameYear) return format("month", { weekday: "short", day: "numeric", month: "long" }).format(new Date(at));
  return format("year", { day: "numeric", month: "long", year: "numeric" }).format(new Date(at));
}

/** @param {When} at @param {When} [now] @returns {string} as short as a list can take: 14:05, Yesterday, Fri, 03/03/24 */
export function shortTime(at, now = Date.now()) {
  const days = daysAgo(at, now);
  if (days <= 0) return clock(at);
  if (days === 1) return "Yesterday";
  if (days < 7) return format("short-weekday", { weekday: "short" }).format(new Date(at));
  return format("short-date", { day: "2-digit", month: "2-digit", year: "2-digit" }).format(new Date(at));
}

/** @param {When} at @param {When} [now] @returns {string} just now, 5 min ago, 3 h ago, yesterday at 14:05, 3 March */
export function ago(at, now = Date.now()) {
  const minutes = Math.floor((new Date(now).getTime() - new Date(at).getTime()) / MINUTE_MS);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  const days = daysAgo(at, now);
  if (days === 0) return `${Math.floor(minutes / 60)} h ago`;
  if (days === 1) return `yesterday at ${clock(at)}`;
  return dayLabel(at, now);
}
