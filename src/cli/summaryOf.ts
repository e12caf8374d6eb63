import type { Approval } from "../journal/withdrawalJournal.ts";
import { formatOgpu } from "../protocol/amounts.ts";

/** How many, and what they come to. */
export const summaryOf = (approvals: readonly Approval[]): string => {
  const sum = approvals.reduce((total, { confirmation }) => total + confirmation.payment, 0n);
  return `${approvals.length} ${approvals.length === 1 ? "approval" : "approvals"} (${formatOgpu(sum)})`;
};
