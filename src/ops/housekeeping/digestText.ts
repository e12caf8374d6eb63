import type { Digest } from "../../journal/upkeepJournal.ts";
import { formatOgpu } from "../../protocol/amounts.ts";

/** A day in one sentence or two, for people. */
export function digestText(digest: Digest): string {
  const { confirmations, paid, saved, gas, approved, rejected, held, superseded, failed, dead } = digest;
  const trouble = [
    superseded > 0 && `${superseded} settled by somebody else`,
    failed > 0 && `${failed} that paid nobody`,
    dead > 0 && `${dead} dead: look at them`,
  ].filter((text) => typeof text === "string");
  return [
    `Paid ${formatOgpu(paid)} in ${confirmations} confirmations, saved ${formatOgpu(saved)}, gas ${formatOgpu(gas)}.`,
    `Responses: ${approved} approved, ${rejected} rejected, ${held} held.`,
    ...(trouble.length > 0 ? [`Confirmations in trouble: ${trouble.join(", ")}.`] : []),
  ].join(" ");
}
