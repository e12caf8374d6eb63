/** @import { Status } from "../../src/ops/board/statusView.ts" */
import { h, show } from "../dom.js";
import { many, ogpu } from "../format.js";

/**
 * @param {HTMLElement} target
 * @param {Status} status
 */
export function showTiles(target, { money, lane, held, key, totals }) {
  const tile = (/** @type {string} */ what, /** @type {string} */ figure, unit = "", tone = "plain") =>
    h(
      "div",
      { class: "tile", "data-tone": tone },
      h("div", { class: "what" }, what),
      h("div", { class: "figure" }, figure, unit && " ", unit && h("small", {}, unit)),
    );
  const offered = BigInt(money.day.paid) + BigInt(money.day.saved);
  const share = offered === 0n ? "" : `OGPU, ${Number((BigInt(money.day.saved) * 1000n) / offered) / 10} %`;
  const flying = lane.open.signed + lane.open.broadcast + lane.open.mined;
  const left = key.confirmations;
  show(target, [
    tile("Paid in 24 hours", ogpu(money.day.paid), `OGPU, ${many(money.day.count)} tasks`),
    tile("Saved in 24 hours", ogpu(money.day.saved), share || "OGPU"),
    tile("Judged since the start", many(totals.confirm + totals.reject + totals.hold), "responses"),
    tile("In flight", many(flying), lane.open.intended > 0 ? `and ${many(lane.open.intended)} waiting` : ""),
    tile(
      "Stuck",
      many(lane.stuck),
      lane.bumped > 0 ? `${many(lane.bumped)} bumped so far` : "",
      lane.stuck > 0 ? "warn" : "plain",
    ),
    tile("Waiting for a person", many(held.count), "", held.count > 0 ? "warn" : "plain"),
    ...(left === null
      ? []
      : [tile("Gas lasts for", left >= 1e6 ? "> 1 M" : many(left), "confirmations", left < 10 ? "bad" : "plain")]),
  ]);
}
