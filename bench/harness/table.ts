import { type Goal, type Row, round } from "./benchmark.ts";

const ratio = (ours: number, other: number | undefined): string =>
  other === undefined ? "" : `${round(ours / other)}×`;

/** Rows and goals as text for a terminal. */
export function formatTable(rows: readonly Row[], goals: readonly Goal[]): string {
  const head = ["", "unit", "ours", "peer", "limit", "ours/peer", "ours/limit"];
  const body = rows.map(({ label, unit, ours, peer, limit }) => [
    label,
    unit,
    round(ours),
    peer === undefined ? "" : round(peer),
    limit === undefined ? "" : round(limit),
    ratio(ours, peer),
    ratio(ours, limit),
  ]);
  const verdicts = goals.map(({ what, wanted, got, met }) => [met ? "met" : "MISSED", what, wanted, got]);
  return `${columns([head, ...body])}\n\n${columns(verdicts)}\n`;
}

function columns(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  const isText = (at: number) => at < 2;
  const pad = (cell: string, at: number) =>
    isText(at) ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0);
  return lines.map((line) => line.map(pad).join("  ").trimEnd()).join("\n");
}
