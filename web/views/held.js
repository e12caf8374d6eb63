import { change, read } from "../api.js";
import { ask } from "../ask.js";
import { byId, h, show } from "../dom.js";
import { many, moment, ogpu, span } from "../format.js";
import { chainLink, taskLink } from "../links.js";

/** @typedef {{ id: number, since: number, task: string, response: string, provider: string | null, payment: string, policy: string, policyDigest: string, mode: string, reason: string }} Held */

/** @type {Map<number, Held>} */
let known = new Map();

/** Reads the queue again. @param {boolean} canChange */
export async function showHeld(canChange) {
  const { total, held } = /** @type {{ total: number, held: Held[] }} */ (await read("/api/held"));
  known = new Map(held.map((each) => [each.id, each]));
  byId("held-count").textContent = total > held.length ? `the oldest ${held.length} of ${many(total)}` : "";
  if (held.length === 0) return show(byId("held"), [h("p", { class: "empty" }, "Nothing is held.")]);
  const list = h("ul", {}, ...held.map((each) => item(each, canChange)));
  show(byId("held"), [
    h("div", { class: "held-list", tabindex: 0, role: "region", "aria-label": "Held responses" }, list),
  ]);
}

/**
 * @param {Held} held
 * @param {boolean} canChange
 */
function item({ id, since, task, provider, payment, policy, mode, reason }, canChange) {
  const button = (/** @type {string} */ kind, /** @type {string} */ text, /** @type {string} */ look) =>
    h(
      "button",
      {
        type: "button",
        class: `button ${look}`,
        "data-action": "answer",
        "data-id": id,
        "data-kind": kind,
        disabled: !canChange,
        "aria-label": `${text} response ${id}`,
      },
      text,
    );
  return h(
    "li",
    { class: "held-item", "data-held": id },
    h(
      "div",
      { class: "head" },
      h("span", { class: "price" }, `${ogpu(payment)} OGPU`),
      h("span", {}, "for ", taskLink(task)),
      mode === "shadow" && h("span", { class: "badge outline" }, "shadow: pays nothing"),
      h(
        "time",
        { class: "note", datetime: new Date(since).toISOString(), title: moment(since) },
        `${span(Date.now() - since)} ago`,
      ),
    ),
    h(
      "p",
      { class: "why" },
      `${policy}: ${reason}`,
      provider && " · provider ",
      provider && chainLink("address", provider),
    ),
    h("div", { class: "buttons" }, button("approve", "Approve", ""), button("reject", "Reject", "quiet")),
  );
}

/**
 * @param {number} id
 * @param {"approve" | "reject"} kind
 */
export function askAbout(id, kind) {
  const held = known.get(id);
  if (held === undefined) return;
  const pays = kind === "approve" && held.mode !== "shadow";
  const facts = h(
    "dl",
    { class: "pairs" },
    ...pair("Price", `${ogpu(held.payment, 18)} OGPU`),
    ...pair("Task", held.task),
    ...pair("Response", held.response),
    ...pair("Policy", held.policy),
    ...pair("Held because", held.reason),
  );
  const warning = pays
    ? "The daemon pays it at its next look, on the chain as it is then and under the same ceilings. This cannot be undone."
    : kind === "approve"
      ? "The policy is in shadow mode: this is recorded, and nothing is paid."
      : "The response is never paid. Another response of the task may be.";
  ask({
    title: kind === "approve" ? "Approve this response?" : "Reject this response?",
    text: [facts, h("p", { class: "note" }, warning)],
    submit: kind === "approve" ? "Approve" : "Reject",
    stops: kind === "reject",
    act: (answer) => change(`/api/held/${id}`, { kind, ...answer }).then(() => showHeld(true)),
  });
}

/**
 * @param {string} name
 * @param {string} value
 */
const pair = (name, value) => [h("dt", {}, name), h("dd", {}, value)];
