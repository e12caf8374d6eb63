import { createHash } from "node:crypto";
import { parse } from "yaml";
import { parseAmount } from "../../protocol/amounts.ts";
import { type AccountAddress, unixSeconds } from "../../protocol/brand.ts";
import type { FactsJson } from "../factsJson.ts";
import type { Candidate, CandidateResponse } from "../policyPort.ts";
import { candidateOf, outputOf } from "./fromFacts.ts";

/** One case of a policy's tests. */
export type TestCase = {
  readonly name: string;
  readonly candidate: Candidate;
  /** Response addresses by the names that the file gives them. */
  readonly names: ReadonlyMap<string, string>;
  readonly signals: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** By response name: `confirm`, `reject: part of the reason`, `wait`, `hold` or `nothing`. */
  readonly expect: Readonly<Record<string, string>>;
};

type Map_ = Readonly<Record<string, unknown>>;

const caseKeys = ["name", "now", "published", "task", "source", "responses", "expect"];
const responseKeys = [
  ...["id", "payment", "at", "by", "json", "text", "error", "transient", "digest", "cidVerified", "provider"],
  ...["signals", "waits", "recorded"],
];

/**
 * Reads a test file: `given` (defaults for every case) and `cases`.
 *
 * @param readRecorded Reads a file with recorded facts, by the path that a response names.
 * @throws TypeError whose message names the case.
 */
export function readTestFile(text: string, readRecorded: (path: string) => string): readonly TestCase[] {
  const document = mapOf(parse(text), "the file");
  for (const key of Object.keys(document)) {
    if (!["policy", "given", "cases"].includes(key))
      throw new TypeError(`unknown key "${key}": known are given, cases`);
  }
  const given = mapOf(document.given ?? {}, "given");
  if (!Array.isArray(document.cases)) throw new TypeError("cases is a list");
  return document.cases.map((each, index) => {
    const own = mapOf(each, `case ${index + 1}`);
    const name = typeof own.name === "string" ? own.name : `case ${index + 1}`;
    try {
      return readCase(name, merge(given, own), readRecorded);
    } catch (error) {
      throw new TypeError(`${name}: ${(error as Error).message}`);
    }
  });
}

function readCase(name: string, given: Map_, readRecorded: (path: string) => string): TestCase {
  only(given, caseKeys, "a case");
  if (!Array.isArray(given.responses)) throw new TypeError("responses is a list");
  const responses = given.responses.map((each, index) => {
    const response = mapOf(each, `response ${index + 1}`);
    only(response, responseKeys, "a response");
    return { id: String(response.id ?? index + 1), response };
  });
  const signals = new Map<string, Map_>();
  const items = responses.map(({ id, response }, index): CandidateResponse => {
    if (response.signals !== undefined) signals.set(addressOf(id), mapOf(response.signals, "signals"));
    const recorded = typeof response.recorded === "string" ? readRecorded(response.recorded) : undefined;
    const facts =
      recorded === undefined ? factsOf(id, index, given, response) : renamed(JSON.parse(recorded), id, given);
    const [item] = candidateOf([facts]).responses;
    if (!item) throw new TypeError(`${id}: no facts`);
    const transient = response.transient === true;
    return { ...item, waits: Number(response.waits ?? 0), output: { ...item.output, transient } };
  });
  const [first] = responses;
  if (first === undefined) throw new TypeError("responses is empty");
  const base = candidateOf([factsOf(first.id, 0, given, {})]);
  const expect = mapOf(given.expect ?? {}, "expect") as Readonly<Record<string, string>>;
  if (Object.keys(expect).length === 0) throw new TypeError("expect is empty: the case would show nothing");
  const names = new Map(responses.map(({ id }) => [id, addressOf(id)]));
  for (const id of Object.keys(expect)) if (!names.has(id)) throw new TypeError(`expect names no response "${id}"`);
  const publishedAt = given.published === undefined ? undefined : unixSeconds(Number(given.published));
  return { name, candidate: { ...base, publishedAt, responses: items }, names, signals, expect };
}

function factsOf(id: string, index: number, given: Map_, response: Map_): FactsJson {
  const task = mapOf(given.task ?? {}, "task");
  const source = mapOf(given.source ?? {}, "source");
  const config = task.config ?? { function_name: task.function ?? "", data: null };
  const submittedAt = Number(response.at ?? 100 + index);
  const error = String(response.error ?? "");
  const provider = mapOf(response.provider ?? {}, "provider");
  return {
    now: Number(given.now ?? 1_000),
    task: {
      address: addressOf("the task"),
      source: addressOf(String(source.id ?? "the source")),
      payment: amount(task.payment ?? "1 OGPU"),
      expiryTime: Number(task.expiryTime ?? 100_000),
      deliveryMethod: "MANUAL_CONFIRMATION",
      function: String(task.function ?? ""),
      config,
    },
    source: {
      address: addressOf(String(source.id ?? "the source")),
      client: addressOf(String(source.client ?? "the client")),
      minPayment: amount(source.minPayment ?? "0 wei"),
      status: "ACTIVE",
    },
    response: {
      address: addressOf(id),
      provider: addressOf(String(response.by ?? `provider of ${id}`)),
      payment: amount(response.payment ?? "0.01 OGPU"),
      submittedAt,
    },
    output: outputOf({
      valid: error === "",
      error,
      json: response.json ?? null,
      text: typeof response.text === "string" ? response.text : "",
      cidVerified: response.cidVerified === true,
      digest: String(response.digest ?? digestOf(error, response.json ?? response.text, id)),
    }),
    provider: providerOf(id, response, provider),
  };
}

function providerOf(id: string, response: Map_, provider: Map_): NonNullable<FactsJson["provider"]> {
  const by = String(response.by ?? `provider of ${id}`);
  return {
    address: addressOf(by),
    lockup: amount(provider.lockup ?? "0 wei"),
    eligible: provider.eligible !== false,
    master: addressOf(String(provider.master ?? `master of ${by}`)) as AccountAddress,
    seen: Number(provider.seen ?? 0),
    approved: Number(provider.approved ?? 0),
    rejected: Number(provider.rejected ?? 0),
    price: amount(provider.price ?? "0 wei"),
  };
}

/** Recorded facts under the case's own task and the name that it gives the response. */
function renamed(recorded: FactsJson, id: string, given: Map_): FactsJson {
  const own = factsOf(id, 0, given, {});
  return {
    ...recorded,
    task: own.task,
    source: own.source,
    response: { ...recorded.response, address: addressOf(id) },
  };
}

/** A text that is no address becomes one: the same each time. */
function addressOf(text: string): string {
  if (/^0x[0-9a-fA-F]{40}$/.test(text)) return text.toLowerCase();
  return `0x${createHash("sha256").update(text).digest("hex").slice(0, 40)}`;
}

/** Empty for what did not come, as the daemon has it: an error, and nothing beside it. */
function digestOf(error: string, content: unknown, id: string): string {
  if (error !== "" && content === undefined) return "";
  return createHash("sha256")
    .update(JSON.stringify(content ?? id))
    .digest("hex");
}
const amount = (value: unknown): string => String(parseAmount(String(value)));

function mapOf(value: unknown, what: string): Map_ {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new TypeError(`${what} is a map of keys`);
  return value as Map_;
}

function only(given: Map_, known: readonly string[], what: string): void {
  const other = Object.keys(given).find((key) => !known.includes(key));
  if (other !== undefined) throw new TypeError(`unknown key "${other}" in ${what}: known are ${known.join(", ")}`);
}

/** The case's own keys over the given ones; maps are merged one level deep. */
function merge(given: Map_, own: Map_): Map_ {
  const isMap = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);
  const merged: Record<string, unknown> = { ...given };
  for (const [key, value] of Object.entries(own)) {
    const base = given[key];
    merged[key] =
      isMap(base) && isMap(value) && key !== "expect" ? { ...(base as object), ...(value as object) } : value;
  }
  return merged;
}
