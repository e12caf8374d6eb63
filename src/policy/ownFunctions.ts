import { type ASTNode, type Environment, EvaluationError } from "@marcbachmann/cel-js";
import { descendants } from "./expressionTree.ts";
import { compilePattern } from "./re2.ts";

/**
 * Functions that the engine gets wrong, by our own names for ours: of the same length, so that every offset into an
 * expression stays what it was. Its `matches` can hang, its `lowerAscii` and `upperAscii` change more than ASCII, its
 * `trim` knows other spaces than CEL's, and its `int` leaves the range of 64 bits.
 */
const ours: Readonly<Record<string, string>> = {
  matches: "re2like",
  lowerAscii: "asciiLower",
  upperAscii: "asciiUpper",
  trim: "crop",
  int: "i64",
};

const sync = { async: false };
/** Unicode's White_Space, as CEL's `trim` has it. */
const space = "[\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+";
const spaceAround = new RegExp(`^${space}|${space}$`, "g");

/** Adds our own functions to an environment. */
export function registerOwnFunctions(environment: Environment): void {
  environment
    .registerFunction(
      `string.${ours.matches}(string): bool`,
      (text: string, pattern: string) => compilePattern(pattern).test(text),
      sync,
    )
    .registerFunction(
      `string.${ours.lowerAscii}(): string`,
      (text: string) => text.replace(/[A-Z]+/g, (part) => part.toLowerCase()),
      sync,
    )
    .registerFunction(
      `string.${ours.upperAscii}(): string`,
      (text: string) => text.replace(/[a-z]+/g, (part) => part.toUpperCase()),
      sync,
    )
    .registerFunction(`string.${ours.trim}(): string`, (text: string) => text.replace(spaceAround, ""), sync)
    .registerFunction(`${ours.int}(int): int`, (value: bigint) => value, sync)
    .registerFunction(`${ours.int}(double): int`, (value: number) => toInt(Math.trunc(value)), sync)
    .registerFunction(
      `${ours.int}(string): int`,
      (text: string) => (/^[+-]?\d{1,19}$/.test(text) ? inRange(BigInt(text)) : fail("not_an_integer")),
      sync,
    );
}

function toInt(value: number): bigint {
  // The doubles next to the ends of the range are out of it: CEL says so.
  return Math.abs(value) < 2 ** 63 ? BigInt(value) : fail("integer_out_of_range");
}

const inRange = (value: bigint): bigint => (BigInt.asIntN(64, value) === value ? value : fail("integer_out_of_range"));

function fail(code: string): never {
  throw new EvaluationError({ code, message: code.replaceAll("_", " ") });
}

export const isMatch = (node: ASTNode): node is ASTNode & { readonly op: "rcall" } =>
  node.op === "rcall" && (node.args[0] === "matches" || node.args[0] === ours.matches);

/** The source with our own functions in the engine's place; `undefined` where one could not be found in the text. */
export function withOwnFunctions(source: string, root: ASTNode): string | undefined {
  let text = source;
  for (const node of descendants(root)) {
    if (node.op !== "rcall" && node.op !== "call") continue;
    const own = ours[node.args[0]];
    if (own === undefined || (node.op === "call") !== (node.args[0] === "int")) continue;
    const from = node.op === "call" ? node.start : node.args[1].end;
    const before = node.op === "call" ? /^/ : /^[\s)]*\.\s*/;
    const found = before.exec(text.slice(from));
    const start = from + (found?.[0].length ?? 0);
    if (!found || text.slice(start, start + own.length) !== node.args[0]) return undefined;
    text = text.slice(0, start) + own + text.slice(start + own.length);
  }
  return text;
}

const theirs = new Map(Object.entries(ours).map(([name, own]) => [own, name]));
const ownNames = new RegExp(`\\b(${[...theirs.keys()].join("|")})(?=\\s*\\()`, "g");

/** An expression's text with the names that its author wrote. */
export const asWritten = (text: string): string => text.replace(ownNames, (own) => theirs.get(own) ?? own);
