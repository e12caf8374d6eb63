import { read } from "../api.js";
import { byId, h, show, svg, table } from "../dom.js";
import { moment, ogpu, ogpuNumber } from "../format.js";

/** @typedef {{ at: number, paid: string, saved: string, count: number }} Point */
/** @typedef {{ span: string, lengthMs: number, stepMs: number, at: number, points: Point[] }} Money */
/** @typedef {{ at: number, paid: bigint, saved: bigint, count: number }} Sum */

let span = "hour";
/** @type {{ money: Money, sums: Sum[] } | undefined} */
let shown;

/** @param {string} next */
export function chooseSpan(next) {
  span = next;
  return showMoney();
}

/** Reads the money again. */
export async function showMoney() {
  const money = /** @type {Money} */ (await read(`/api/money?span=${span}`));
  if (money.span !== span) return;
  shown = { money, sums: sumsOf(money) };
  draw();
}

/** Where the chart begins: with the span, or, where nothing was paid for most of it, just before the first payment. @param {Money} money */
function startOf({ at, lengthMs, stepMs, points }) {
  const first = points[0]?.at ?? at - lengthMs;
  return Math.max(at - lengthMs, Math.min(first - stepMs, at - 12 * stepMs));
}

/** @param {Money} money The running sums, from nothing at the start. @returns {Sum[]} */
function sumsOf(money) {
  const { points } = money;
  const start = startOf(money);
  /** @type {Sum} */
  let sum = { at: start, paid: 0n, saved: 0n, count: 0 };
  const sums = [sum];
  for (const point of points) {
    sum = {
      at: Math.max(point.at, start),
      paid: sum.paid + BigInt(point.paid),
      saved: sum.saved + BigInt(point.saved),
      count: sum.count + point.count,
    };
    sums.push(sum);
  }
  return sums;
}

const box = { left: 52, right: 14, top: 10, bottom: 24, height: 260 };

function draw() {
  if (shown === undefined) return;
  const { money, sums } = shown;
  const start = startOf(money);
  const length = money.at - start;
  const width = Math.max(280, byId("chart").clientWidth);
  const last = /** @type {Sum} */ (sums.at(-1));
  const top = niceTop(Math.max(ogpuNumber(last.paid), ogpuNumber(last.saved)));
  const x = (/** @type {number} */ at) => box.left + ((at - start) / length) * (width - box.left - box.right);
  const y = (/** @type {number} */ amount) =>
    box.height - box.bottom - (amount / top) * (box.height - box.top - box.bottom);
  const line = (/** @type {"paid" | "saved"} */ what) => {
    let path = "";
    for (const sum of sums)
      path +=
        path === ""
          ? `M${x(sum.at).toFixed(1)},${y(ogpuNumber(sum[what])).toFixed(1)}`
          : `H${x(sum.at).toFixed(1)}V${y(ogpuNumber(sum[what])).toFixed(1)}`;
    return `${path}H${x(money.at).toFixed(1)}`;
  };
  const ground = y(0);
  const marks = [0, 1, 2, 3, 4].map((step) => (top * step) / 4);
  const steps = width < 480 ? 2 : 4;
  const times = Array.from({ length: steps + 1 }, (_, step) => start + (length * step) / steps);
  show(byId("chart"), [
    svg(
      "svg",
      {
        viewBox: `0 0 ${width} ${box.height}`,
        role: "img",
        "aria-label": `Paid ${ogpu(last.paid)} OGPU and saved ${ogpu(last.saved)} OGPU in this span`,
      },
      ...marks.flatMap((mark) => [
        svg("line", { class: "grid", x1: box.left, x2: width - box.right, y1: y(mark), y2: y(mark) }),
        svg("text", { x: box.left - 8, y: y(mark) + 4, "text-anchor": "end" }, tick(mark)),
      ]),
      ...times.map((at, index) =>
        svg(
          "text",
          { x: x(at), y: box.height - 6, "text-anchor": index === 0 ? "start" : index === steps ? "end" : "middle" },
          timeMark(at, length),
        ),
      ),
      svg("path", { class: "paid-area", d: `${line("paid")}V${ground}H${x(start)}Z` }),
      svg("path", { class: "paid", d: line("paid") }),
      svg("path", { class: "saved", d: line("saved") }),
    ),
  ]);
  legend(last, "");
  show(byId("money-table"), [
    table(
      "Money paid and saved",
      ["Until", "#Tasks", "#Paid", "#Saved"],
      sums
        .slice(1)
        .slice(-20)
        .reverse()
        .map(({ at, count, paid, saved }) => [moment(at), count, ogpu(paid), ogpu(saved)]),
    ),
  ]);
}

/**
 * @param {Sum} sum
 * @param {string} when
 */
function legend({ paid, saved, count }, when) {
  show(byId("legend"), [
    h("span", { class: "key paid" }, "Paid ", h("b", {}, `${ogpu(paid)} OGPU`)),
    h("span", { class: "key saved" }, "Saved ", h("b", {}, `${ogpu(saved)} OGPU`)),
    h("span", { class: "when" }, when || `${count} tasks`),
  ]);
}

/** @param {number} most */
function niceTop(most) {
  if (most <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return ([1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10].find((step) => step * power >= most) ?? 10) * power;
}

/** @param {number} amount */
const tick = (amount) => (amount >= 1000 ? `${amount / 1000}k` : String(Math.round(amount * 10_000) / 10_000));

/**
 * @param {number} at
 * @param {number} length Of the whole axis, ms.
 */
const timeMark = (at, length) =>
  length > 2 * 86_400_000
    ? new Date(at).toISOString().slice(5, 10)
    : new Date(at).toLocaleTimeString("en-GB", length < 600_000 ? {} : { hour: "2-digit", minute: "2-digit" });

byId("chart").addEventListener("pointermove", (event) => {
  if (shown === undefined) return;
  const { money, sums } = shown;
  const { left, width } = byId("chart").getBoundingClientRect();
  const share = (event.clientX - left - box.left) / (width - box.left - box.right);
  const start = startOf(money);
  const at = start + Math.min(1, Math.max(0, share)) * (money.at - start);
  const sum = sums.findLast((each) => each.at <= at) ?? sums[0];
  if (sum) legend(sum, `until ${moment(at)}`);
});
byId("chart").addEventListener("pointerleave", () => {
  const last = shown?.sums.at(-1);
  if (last) legend(last, "");
});
new ResizeObserver(draw).observe(byId("chart"));
