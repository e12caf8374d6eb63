import { notRead } from "../../payload/notRead.ts";
import type { FactsJson } from "../factsJson.ts";
import type { Needs } from "../needs.ts";

/** Whether all that a policy reads of a response was recorded: another policy, which read less, may have judged. */
export function isEnough({ task, output, provider }: FactsJson, needs: Needs): boolean {
  const came = output.digest !== "";
  const wasRead = came || output.error !== notRead.error;
  return (
    (!needs.output || wasRead) &&
    (!needs.json || !output.valid || output.json !== null) &&
    (!needs.text || !came || output.text !== "" || output.bytes === 0) &&
    (!needs.config || task.config !== null) &&
    (!needs.stake || provider?.lockup !== undefined) &&
    (!needs.history || provider?.seen !== undefined)
  );
}
