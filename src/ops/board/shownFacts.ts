import { formatOgpu } from "../../protocol/amounts.ts";

/** A fact as the page shows it. */
type ShownFact = { readonly name: string; readonly value: string };

/** Whose values a stranger writes, or a judge who may quote a stranger: told by their size alone. */
const bodies = new Set(["output.json", "output.text", "task.config"]);
const amounts = /(^|\.)(payment|minPayment|lockup|price)$/;
const times = /(^|\.)(now|expiryTime|submittedAt)$/;
const mostFacts = 200;
const longest = 160;

/** The facts of a verdict, flat, without a payload's text: that never comes to the page. */
export function shownFacts(factsJson: string): readonly ShownFact[] {
  if (factsJson === "") return [];
  let facts: unknown;
  try {
    facts = JSON.parse(factsJson);
  } catch {
    return [];
  }
  return flat("", facts).slice(0, mostFacts);
}

function flat(name: string, value: unknown): ShownFact[] {
  if (bodies.has(name)) return isEmpty(value) ? [] : [{ name, value: sizeOf(value) }];
  if (name.startsWith("signals.") && typeof value === "string") return [{ name, value: sizeOf(value) }];
  if (Array.isArray(value)) return value.flatMap((each, index) => flat(`${name}[${index}]`, each));
  if (typeof value === "object" && value !== null)
    return Object.entries(value).flatMap(([key, each]) => flat(name === "" ? key : `${name}.${key}`, each));
  return [{ name, value: scalar(name, value) }];
}

function scalar(name: string, value: unknown): string {
  if (typeof value === "string" && amounts.test(name) && /^\d{1,40}$/.test(value)) return formatOgpu(BigInt(value));
  if (typeof value === "number" && times.test(name)) return new Date(value * 1000).toISOString();
  const text = String(value);
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

const isEmpty = (value: unknown): boolean => value === null || value === undefined || value === "";

function sizeOf(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return `(${text.length} characters, not shown)`;
}
