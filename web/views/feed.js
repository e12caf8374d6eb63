/** @import { DatedEntry } from "../../src/ops/board/createBoard.ts" */
import { byId, h } from "../dom.js";
import { clock, many, ogpu } from "../format.js";
import { chainLink, taskLink } from "../links.js";

const most = 300;
const feed = byId("feed");

/** @param {readonly DatedEntry[]} entries The newest, oldest first, in the place of what was shown. */
export function beginFeed(entries) {
  feed.replaceChildren(...entries.map((entry) => row(entry)).reverse());
}

/**
 * @param {readonly DatedEntry[]} entries Oldest first.
 * @param {number} skipped Entries that came too fast to be shown.
 */
export function addToFeed(entries, skipped) {
  const rows = entries.map((entry) => row(entry, "fresh")).reverse();
  if (skipped > 0)
    rows.push(
      h(
        "li",
        { "data-kind": "notice" },
        h("time", {}, ""),
        h("span", {}, ""),
        h("div", { class: "text detail" }, `${many(skipped)} more came too fast to be shown`),
      ),
    );
  feed.prepend(...rows);
  while (feed.childElementCount > most) feed.lastElementChild?.remove();
}

/** @param {string} filter */
export function filterFeed(filter) {
  feed.dataset.filter = filter;
}

/**
 * @param {DatedEntry} entry
 * @param {string} [className]
 */
function row({ at, kind, tone, title, detail, task, payment, policy, mode, hash, nonce }, className) {
  const isShadow = mode === "shadow";
  const labelled = kind === "verdict" || kind === "confirmation";
  const badge = h(
    "span",
    {
      class: isShadow ? "badge outline" : "badge",
      "data-tone": kind === "confirmation" && tone === "plain" ? "accent" : tone,
    },
    labelled ? (isShadow ? `shadow ${title}` : title) : kind,
  );
  const text = h("div", { class: "text" });
  if (task) text.append(taskLink(task), " ");
  if (policy) text.append(policy, " ");
  if (!labelled) text.append(title, " ");
  if (nonce !== undefined) text.append(`nonce ${nonce} `);
  if (hash) text.append(chainLink("tx", hash), " ");
  if (detail) text.append(h("span", { class: "detail" }, labelled && !hash ? `· ${detail}` : detail));
  return h(
    "li",
    { "data-kind": kind, class: className },
    h("time", { datetime: new Date(at).toISOString() }, clock(at)),
    badge,
    text,
    h("div", { class: "sum" }, payment ? `${ogpu(payment)} OGPU` : ""),
  );
}
