import { formatOgpu } from "../../protocol/amounts.ts";
import { checksummed } from "../../protocol/brand.ts";
import type { Backtest, BacktestRow, Paid } from "./backtest.ts";

const price = (payment: string | undefined): string => (payment === undefined ? "nobody" : formatOgpu(BigInt(payment)));

/** A price, and the beginning of the address of whoever gets it. */
const paidTo = (paid: Paid | undefined): string =>
  paid === undefined ? "nobody" : `${price(paid.payment)} to ${paid.provider.slice(0, 8)}…`;

/** A backtest as a table for people. */
export function backtestTable(result: Backtest): string {
  const lines = result.rows.map(({ task, policy, would, did, reason }) => {
    const same = would?.response === did?.response ? " " : "≠";
    return [`${same} ${checksummed(task)}`, paidTo(would), paidTo(did), `${policy}: ${reason}`];
  });
  const head = ["  task", "would pay", "did pay", ""];
  const widths = head.map((title, column) =>
    lines.reduce((most, line) => Math.max(most, line[column]?.length ?? 0), title.length),
  );
  const row = (line: readonly string[]) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return `${[head, ...lines].map(row).join("\n")}\n${summary(result).join("\n")}\n`;
}

/** The sums, and what they leave out. */
function summary({ rows, wouldPay, didPay, skipped, unjudged }: Backtest): readonly string[] {
  const saved = BigInt(didPay) - BigInt(wouldPay);
  const difference = `${price(String(saved < 0n ? -saved : saved))} ${saved < 0n ? "more" : "less"}`;
  return [
    `${count(rows.length, "task")}: these files would pay ${price(wouldPay)}; ${price(didPay)} was paid: ${difference}`,
    ...(skipped > 0 ? [`${count(skipped, "task")} left out: no policy matches, or what it reads is not known`] : []),
    ...(unjudged > 0
      ? [`${count(unjudged, "response")} never judged, so not compared: --from BLOCK reads them from the chain`]
      : []),
  ];
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? "" : "s"}`;

const barHeight = 14;
const width = 900;

/** A backtest as one self-contained page: two bars a task, what would be paid and what was. */
export function backtestPage(result: Backtest): string {
  const amounts = result.rows.flatMap(({ would, did }) => [BigInt(would?.payment ?? 0), BigInt(did?.payment ?? 0)]);
  const most = amounts.reduce((a, b) => (b > a ? b : a), 1n);
  const bars = result.rows.map((row, index) => barsOf(row, index, most)).join("");
  const height = result.rows.length * 3 * barHeight + 20;
  return `<!doctype html>
<meta charset="utf-8">
<title>Backtest</title>
<style>body { font: 14px system-ui; margin: 2em } pre { overflow: auto } text { font: 11px monospace }</style>
<h1>Backtest</h1>
<p><span style="color:#2563eb">■</span> these files would pay ${price(result.wouldPay)}
<span style="color:#9ca3af">■</span> was paid ${price(result.didPay)}</p>
<svg width="${width}" height="${height}" role="img">${bars}</svg>
<pre>${escapeHtml(backtestTable(result))}</pre>
`;
}

function barsOf({ task, would, did }: BacktestRow, index: number, most: bigint): string {
  const y = index * 3 * barHeight + 10;
  const length = (payment = "0") => Number((BigInt(payment) * 500n) / most);
  const bar = (row: number, color: string, payment: string | undefined) => {
    const top = y + row * barHeight;
    const end = 110 + length(payment);
    const rect = `<rect x="100" y="${top}" width="${length(payment)}" height="${barHeight - 2}" fill="${color}"/>`;
    return `${rect}<text x="${end}" y="${top + 10}">${price(payment)}</text>`;
  };
  const label = `<text x="0" y="${y + barHeight}">${task.slice(0, 12)}…</text>`;
  return label + bar(0, "#2563eb", would?.payment) + bar(1, "#9ca3af", did?.payment);
}

const escapeHtml = (text: string): string => text.replace(/[&<>]/g, (char) => `&#${char.charCodeAt(0)};`);
