/** @import { Status } from "../../src/ops/board/statusView.ts" */
import { byId, h, show } from "../dom.js";
import { many, ogpu, span } from "../format.js";
import { session } from "../session.js";

/**
 * The one word for how it is.
 *
 * @param {Status | undefined} status
 * @param {boolean} connected
 * @returns {{ tone: string, text: string }}
 */
export function stateOf(status, connected) {
  if (!connected) return { tone: "bad", text: "No connection to the daemon" };
  if (status === undefined) return { tone: "plain", text: "Starting" };
  if (status.paused) return { tone: "bad", text: "Paused" };
  if (!status.live || !status.ready.ok) return { tone: "warn", text: "Not ready" };
  if (!status.pays) return { tone: "accent", text: "Watching, pays nothing" };
  return { tone: "good", text: "Paying" };
}

/**
 * @param {Status | undefined} status
 * @param {boolean} connected
 */
export function showHeader(status, connected) {
  const { tone, text } = stateOf(status, connected);
  byId("state").dataset.tone = tone;
  byId("state-text").textContent = text;
  document.title = `${status && status.held.count > 0 ? `(${status.held.count}) ` : ""}${text} · ogpu-confirmd`;
  if (status === undefined) return;
  byId("network").textContent = `${status.network} · ${status.chainId}`;
  const { head, checkpoint, key, at } = status;
  const lag = head && checkpoint ? Number(BigInt(head.number) - BigInt(checkpoint.number)) : null;
  const vitals = [
    ["Head", head ? `${many(Number(head.number))}, ${span(at - head.heardAt)} ago` : "–"],
    ["Scanner", lag === null ? "–" : lag <= 0 ? "at the head" : `${many(lag)} behind`],
    ...(key.addresses.length > 0 ? [["Gas money", `${ogpu(key.balance, 3)} OGPU`]] : []),
    ["Up", span(at - status.startedAt)],
  ];
  show(
    byId("vitals"),
    vitals.map(([what, value]) => h("div", {}, h("dt", {}, what), h("dd", {}, value))),
  );
  const pause = /** @type {HTMLButtonElement} */ (byId("pause"));
  pause.disabled = !status.canChange || !connected;
  pause.textContent = status.paused ? "Resume paying" : "Pause paying";
  pause.className = status.paused ? "button strong" : "button";
  pause.dataset.action = status.paused ? "resume" : "pause";
  const lock = /** @type {HTMLButtonElement} */ (byId("session"));
  lock.disabled = !status.canChange;
  lock.textContent = !status.canChange ? "Look only" : session.isOpen() ? "Lock" : "Unlock";
  lock.title = status.canChange ? "" : "http.tokenFile is empty: nothing can be changed over HTTP";
}
