import type { ASTNode, Environment } from "@marcbachmann/cel-js";
import { addressOf } from "./addressType.ts";
import { oneLine, textOf } from "./expressionText.ts";
import { childrenOf, loops } from "./expressionTree.ts";
import type { Facts } from "./facts.ts";
import { factVariables } from "./factTypes.ts";
import { asWritten } from "./ownFunctions.ts";
import { amountOf } from "./weiType.ts";

/** A sub-expression as it is written, how deep it stands, and what it came to. */
export type Trace = { readonly text: string; readonly depth: number; readonly value: string };

/** Evaluates each part of an expression on its own; the bodies of loops are left out, since they have no one value. */
export function trace(root: ASTNode, environment: Environment, facts: Facts): readonly Trace[] {
  const lines: Trace[] = [];
  const walk = (node: ASTNode, depth: number): void => {
    if (node.op === "value" || (node.op === "id" && node.args in factVariables && node.args !== "now")) return;
    const text = textOf(node, root.input, environment);
    lines.push({
      text: oneLine(asWritten(text)),
      depth,
      value: resultOf(text, environment, facts),
    });
    const isLoop = node.op === "rcall" && loops.has(node.args[0]);
    const parts = isLoop ? [node.args[1]] : node.op === "call" && node.args[0] === "has" ? [] : childrenOf(node);
    for (const part of parts) walk(part, depth + 1);
  };
  walk(root, 0);
  return lines;
}

function resultOf(text: string, environment: Environment, facts: Facts): string {
  try {
    return showValue(environment.parse(text)(facts));
  } catch (error) {
    return `error: ${(error as { summary?: string }).summary ?? "cannot be evaluated"}`;
  }
}

/** A value as a person reads it, cut where it is long. */
function showValue(value: unknown): string {
  const amount = amountOf(value);
  if (amount !== undefined) return `${amount} wei`;
  const address = addressOf(value);
  if (address !== undefined) return address;
  if (typeof value === "bigint") return String(value);
  const text = JSON.stringify(value, (_key, part: unknown) => {
    if (part instanceof Map) return Object.fromEntries(part);
    if (amountOf(part) !== undefined) return `${amountOf(part)} wei`;
    return typeof part === "bigint" ? Number(part) : (addressOf(part) ?? part);
  });
  return text === undefined ? String(value) : text.length > 160 ? `${text.slice(0, 159)}…` : text;
}
