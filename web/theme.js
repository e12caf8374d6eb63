import { byId } from "./dom.js";

const key = "ogpu-confirmd-theme";
const themes = /** @type {const} */ (["system", "light", "dark"]);
const dark = matchMedia("(prefers-color-scheme: dark)");

const chosen = () => themes.find((theme) => theme === localStorage.getItem(key)) ?? "system";

function apply() {
  const theme = chosen();
  document.documentElement.dataset.theme = theme === "system" ? (dark.matches ? "dark" : "light") : theme;
  byId("theme").textContent = `Theme: ${theme}`;
}

/** Follows the system, until the reader chooses. */
export function followTheme() {
  dark.addEventListener("change", apply);
  apply();
}

export function nextTheme() {
  localStorage.setItem(key, themes[(themes.indexOf(chosen()) + 1) % themes.length] ?? "system");
  apply();
}
