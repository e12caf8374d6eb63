/** @import { Status } from "../../src/ops/board/statusView.ts" */
import { h, show } from "../dom.js";
import { moment, ogpu, span } from "../format.js";

/** @typedef {{ tone: "bad" | "warn", what: string, detail: string }} Concern */

const reasons = /** @type {Record<string, string>} */ ({
  head: "No fresh head",
  backfill: "Catching up",
  key: "The key cannot pay for gas",
  journal: "The journal cannot be written",
  pipe: "The pipe stands still",
});

/**
 * What an operator should know before anything else, the worst first.
 *
 * @param {Status} status
 * @returns {Concern[]}
 */
export function concernsOf(status) {
  const { paused, ready, live, endpoints, socket, sockets, lane, caps, catchingUp } = status;
  /** @type {Concern[]} */
  const concerns = [];
  const bad = (/** @type {string} */ what, detail = "") => concerns.push({ tone: "bad", what, detail });
  const warn = (/** @type {string} */ what, detail = "") => concerns.push({ tone: "warn", what, detail });
  // A pipe that stands still for too long is not live, either; the check tells it, with the reason.
  const standsStill = ready.checks.some(({ name, ok }) => name === "pipe" && !ok);
  if (!live && !standsStill) bad("The pipe is not running");
  if (paused) {
    const by = paused.by === "reverts" ? "by the circuit breaker" : `by ${paused.who}`;
    bad("Paying is paused", `${by}, since ${moment(paused.at)}: ${paused.why}`);
  }
  for (const { name, ok, reason } of ready.checks) {
    if (ok) continue;
    const eta = name === "backfill" && catchingUp ? `; about ${span(catchingUp.etaSeconds * 1000)} to go` : "";
    (name === "backfill" ? warn : bad)(reasons[name] ?? name, `${reason}${eta}`);
  }
  for (const { name, state, forMs, isRefusing } of endpoints) {
    if (isRefusing)
      bad(`${name} refuses its key or its plan, or its quota is used up`, "look at its key, its plan and its bill");
    else if (state === "cooling") bad(`${name} is lost`, `asked again in ${span(forMs)}`);
    if (state === "limited") warn(`${name} wants fewer requests`, `asked again in ${span(forMs)}`);
  }
  if (sockets > 0 && !socket.up) warn("No WebSocket", socket.problem || "new events are found by polling");
  if (lane.stuck > 0) warn(`${lane.stuck} transactions are stuck`, "they are sent again, and replaced at a higher fee");
  for (const { name, of, used, limit } of caps) {
    if (used !== null && BigInt(used) >= BigInt(limit)) warn(`${name} is used up`, `${of}: ${ogpu(limit)} OGPU`);
  }
  return concerns.sort((a, b) => Number(b.tone === "bad") - Number(a.tone === "bad"));
}

/**
 * @param {HTMLElement} target
 * @param {readonly Concern[]} concerns
 */
export function showConcerns(target, concerns) {
  const items = concerns.map(({ tone, what, detail }) =>
    h("li", { "data-tone": tone }, h("strong", {}, what), h("span", {}, detail)),
  );
  show(target, items.length === 0 ? [] : [h("ul", {}, ...items)]);
}
