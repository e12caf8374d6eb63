import { type Environment, EvaluationError } from "@marcbachmann/cel-js";
import { parseAmount } from "../protocol/amounts.ts";

/** The expression engine tells its types apart by constructor: hence a class, though it holds nothing but the amount. */
class WeiValue {
  readonly amount: bigint;
  constructor(amount: bigint) {
    this.amount = amount;
    Object.freeze(this);
  }
}

/**
 * An amount as expressions see it. CEL's own integers end at 9.22 OGPU, so an amount never becomes one.
 *
 * @throws TypeError if it is no bigint: `undefined` would compare as "not above".
 */
export function weiValue(amount: bigint): unknown {
  if (typeof amount !== "bigint") throw new TypeError("not an amount");
  return new WeiValue(amount);
}

/** The wei in a value of the type, for tests and explanations. */
export const amountOf = (value: unknown): bigint | undefined => (value instanceof WeiValue ? value.amount : undefined);

/**
 * Adds the type `Wei`: `ogpu("0.05")`, `wei("1")`, comparisons, `+`, `-`, and `x.percent(80)`, rounded down.
 * A difference may be negative.
 */
export function registerWei(environment: Environment): void {
  environment
    .registerType("Wei", { ctor: WeiValue, fields: {} })
    .registerFunction("ogpu(string): Wei", (text: string) => readAmount(`${text} OGPU`), sync)
    .registerFunction("wei(string): Wei", (text: string) => readAmount(`${text} wei`), sync)
    .registerFunction("Wei.percent(int): Wei", percent, sync)
    .registerOperator("Wei == Wei", (a: WeiValue, b: WeiValue) => a.amount === b.amount)
    .registerOperator("Wei < Wei", (a: WeiValue, b: WeiValue) => a.amount < b.amount)
    .registerOperator("Wei <= Wei", (a: WeiValue, b: WeiValue) => a.amount <= b.amount)
    .registerOperator("Wei > Wei", (a: WeiValue, b: WeiValue) => a.amount > b.amount)
    .registerOperator("Wei >= Wei", (a: WeiValue, b: WeiValue) => a.amount >= b.amount)
    .registerOperator("Wei + Wei", (a: WeiValue, b: WeiValue) => new WeiValue(a.amount + b.amount))
    .registerOperator("Wei - Wei", (a: WeiValue, b: WeiValue) => new WeiValue(a.amount - b.amount));
}

const sync = { async: false };

function readAmount(text: string): WeiValue {
  try {
    return new WeiValue(parseAmount(text));
  } catch (cause) {
    throw new EvaluationError({ code: "not_an_amount", message: "not an amount", cause });
  }
}

function percent(value: WeiValue, share: bigint): WeiValue {
  if (share < 0n) throw new EvaluationError({ code: "negative_percent", message: "a percentage below zero" });
  const scaled = value.amount * share;
  const down = scaled < 0n && scaled % 100n !== 0n ? 1n : 0n;
  return new WeiValue(scaled / 100n - down);
}
