import type { TriedAnswer, TriedCall } from "../../src/chain/callsFrom.ts";
import type { Hex } from "../../src/protocol/brand.ts";

/** The calls that such a question holds. */
export function readCalls(data: Hex): readonly TriedCall[] {
  const calls: TriedCall[] = [];
  for (let at = 2; at < data.length; ) {
    const end = at + 52 + 2 * Number.parseInt(data.slice(at + 48, at + 52), 16);
    const gas = BigInt(`0x${data.slice(at + 40, at + 48)}`);
    calls.push({ to: `0x${data.slice(at, at + 40)}`, gas, data: `0x${data.slice(at + 52, end)}` });
    at = end;
  }
  return calls;
}

/** What the answers to such a question look like. */
export const writeAnswers = (answers: readonly TriedAnswer[]): Hex =>
  `0x${answers.map(({ ok, data }) => `0${Number(ok)}${((data.length - 2) / 2).toString(16).padStart(8, "0")}${data.slice(2)}`).join("")}`;
