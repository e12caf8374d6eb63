/** @import { Status } from "../../src/ops/board/statusView.ts" */
import { h, show } from "../dom.js";
import { many } from "../format.js";

/**
 * The pipe's three stages, with what has gone through them.
 *
 * @param {HTMLElement} target
 * @param {Status} status
 */
export function showFlow(target, { totals, lane }) {
  const stage = (/** @type {string} */ title, /** @type {readonly (readonly [string, number])[]} */ figures) =>
    h(
      "li",
      {},
      h("h3", {}, title),
      h("dl", {}, ...figures.map(([what, count]) => h("div", {}, h("dt", {}, what), h("dd", {}, many(count))))),
    );
  show(target, [
    stage("Events", [
      ["tasks", totals.tasks],
      ["responses", totals.responses],
    ]),
    stage("Verdicts", [
      ["confirm", totals.confirm],
      ["reject", totals.reject],
      ["hold", totals.hold],
      ["wait", totals.wait],
    ]),
    stage("Confirmations", [
      ["waiting", lane.open.intended],
      ["in flight", lane.open.signed + lane.open.broadcast],
      ["mined", lane.open.mined],
      ["final", totals.final],
    ]),
  ]);
}
