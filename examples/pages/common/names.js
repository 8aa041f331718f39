/** Names of people, and the colour that goes with each. */

/** @param {string} user @returns {string} a user's id as a name: `ann` reads Ann, `mary.jane` Mary Jane */
export function nameOf(user) {
  if (!/^[\p{Ll}._-]+$/u.test(user)) return user;
  return user
    .split(/[._-]+/)
    .filter(Boolean)
    .map((word) => word[0].toUpperCase() + word.slice(1))
    .join(" ");
}

/** @param {string} name @returns {string} one or two letters */
export function initials(name) {
  const words = name.split(/[\s._-]+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return letters.map((word) => [...word][0].toUpperCase()).join("") || "?";
}

/** @param {string} text @returns {number} 0 to 11, always the same for the same text */
export function hueOf(text) {
  let hash = 2166136261;
  for (const letter of text) hash = Math.imul(hash ^ /** @type {number} */ (letter.codePointAt(0)), 16777619);
  return (hash >>> 8) % 12;
}

/** @param {string[]} names @param {number} [most] @returns {string} "Ann", "Ann and Bob", "Ann, Bob and 3 others" */
export function listOf(names, most = 3) {
  if (names.length <= 1) return names[0] ?? "";
  if (names.length > most) {
    const left = names.length - (most - 1);
    return `${names.slice(0, most - 1).join(", ")} and ${left} others`;
  }
  return `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}
