import { formatOgpu } from "../../protocol/amounts.ts";
import { checksummed } from "../../protocol/brand.ts";
import { DeliveryMethod, statusName } from "../../protocol/statuses.ts";
import { loadPolicies } from "../loadPolicies.ts";
import type { MatchSpec } from "../policySpec.ts";

/** The policies of a folder in the order in which they are tried, one a line. */
export function listPolicies(folder: string): string {
  const rows = loadPolicies(folder).loaded.map(({ file, spec, policy }, index) => [
    String(index + 1),
    policy.name,
    policy.mode,
    policy.strategy,
    matchText(spec.match),
    file,
    policy.digest.slice(0, 12),
  ]);
  const head = ["", "name", "mode", "strategy", "for", "file", "digest"];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ");
  return `${[head, ...rows].map((row) => line(row).trimEnd()).join("\n")}\n`;
}

function matchText({ sources, clients, functions, delivery, payment }: MatchSpec): string {
  const parts = [
    functions && [...functions].join(" or "),
    sources && `source ${[...sources].map(checksummed).join(" or ")}`,
    clients && `client ${[...clients].map(checksummed).join(" or ")}`,
    delivery && [...delivery].map((method) => statusName(DeliveryMethod, method)).join(" or "),
    payment?.min !== undefined && `from ${formatOgpu(payment.min)}`,
    payment?.max !== undefined && `up to ${formatOgpu(payment.max)}`,
  ];
  return parts.filter(Boolean).join(", ") || "every task";
}
