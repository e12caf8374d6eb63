import { formatOgpu } from "../protocol/amounts.ts";
import type { Config } from "./schema.ts";

/** What is wrong with the ceilings together: nothing may be held for ever that a single key allows. */
export function checkLimits(
  { sink, guardrails }: Pick<Config, "sink" | "guardrails">,
  issue: (key: string, problem: string) => void,
): void {
  for (const name of ["perHour", "perDay", "perProviderHour"] as const) {
    const limit = guardrails[name];
    if (limit === undefined || limit === 0n || sink.maxPayment <= limit) continue;
    const [price, most] = [formatOgpu(sink.maxPayment), formatOgpu(limit)];
    issue(
      "sink.maxPayment",
      `is ${price}, above guardrails.${name} (${most}): such a confirmation would be held for ever; raise the one or lower the other`,
    );
  }
  if (sink.maxTip !== undefined && sink.minTip > sink.maxTip)
    issue("sink.minTip", "is above sink.maxTip; lower it, or raise that");
  if (sink.minTip > sink.maxFeePerGas) issue("sink.minTip", "is above sink.maxFeePerGas; lower it, or raise that");
}
