/** Light or dark: the system's word, until somebody says otherwise on this device. */

const KEY = "pollgate-demo-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

/** @returns {"light" | "dark"} what is shown now */
export function shownTheme() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "light" || chosen === "dark") return chosen;
  return system.matches ? "dark" : "light";
}

/** @param {string | null} theme */
function apply(theme) {
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

/** Takes over what was chosen before, also by another tab. @param {() => void} [changed] */
export function startTheme(changed = () => {}) {
  try {
    apply(localStorage.getItem(KEY));
  } catch {
    // No storage: the system's word holds.
  }
  system.addEventListener("change", changed);
  addEventListener("storage", (event) => {
    if (event.key !== KEY) return;
    apply(event.newValue);
    changed();
  });
}

/** The other of the two. Choosing what the system says anyway follows the system again. */
export function switchTheme() {
  const next = shownTheme() === "dark" ? "light" : "dark";
  const own = next !== (system.matches ? "dark" : "light");
  apply(own ? next : null);
  try {
    if (own) localStorage.setItem(KEY, next);
    else localStorage.removeItem(KEY);
  } catch {
    // Holds until the page is left.
  }
}
