import { h } from "./dom.js";
import { short } from "./format.js";

/** @type {string | null} */
let explorer = null;

/** @param {string | null} url */
export const setExplorer = (url) => {
  explorer = url;
};

/**
 * A task, to be opened.
 *
 * @param {string} address
 */
export const taskLink = (address) =>
  h(
    "button",
    { type: "button", class: "link", "data-action": "task", "data-task": address, title: address },
    short(address),
  );

/**
 * @param {"tx" | "address" | "task" | "source"} kind
 * @param {string | null | undefined} hex
 * @param {string} [text]
 */
export function chainLink(kind, hex, text = short(hex)) {
  if (!hex) return h("span", {}, "–");
  if (explorer === null) return h("span", { class: "mono", title: hex }, text);
  const attributes = { class: "link", href: `${explorer}/${kind}/${hex}`, title: hex, target: "_blank" };
  return h("a", { ...attributes, rel: "noopener noreferrer" }, text);
}
