import fc from "fast-check";
import { accessTo, type Fault, fieldOf, type Look, type Offer, type Part, type Truth } from "./verdicts.ts";

/** Fields of payloads: some that every object has of itself, one that is no name, and one that is a method's. */
export const fields = ["a", "b", "constructor", "toString", "hasOwnProperty", "size", "ключ"];
export const field = fc.constantFrom(...fields);
/** Wei, beyond what a double can hold. */
export const amount = fc.constantFrom(0n, 1n, 2n ** 53n, 2n ** 53n + 1n, 10n ** 18n, 10n ** 18n + 1n, 3n * 10n ** 20n);

type Literal = number | bigint | string;
const texts = ["x", "", "3", "é", "😀", "\uFFFD"];
const literal = fc.constantFrom<Literal[]>(0n, 3n, -3n, 3, 0.9, 1e300, 2n ** 53n + 1n, 2n ** 63n - 1n, ...texts);

function written(value: Literal): string {
  if (typeof value === "string") return JSON.stringify(value);
  return Number.isInteger(value) ? (value as number).toExponential() : String(value);
}

const isNumber = (value: unknown): value is number | bigint => typeof value === "number" || typeof value === "bigint";

/** As `a` is below `b`, equal to it or above it; `undefined` where they have no order. */
function compare(a: unknown, b: Literal): number | undefined {
  if (isNumber(a) && isNumber(b)) return a < b ? -1 : a > b ? 1 : 0;
  // By code points, as UTF-8 has them in order.
  return typeof a === "string" && typeof b === "string" ? Buffer.compare(Buffer.from(a), Buffer.from(b)) : undefined;
}
const areEqual = (a: unknown, b: Literal) => compare(a, b) === 0;

const operators = {
  "<": (order: number) => order < 0,
  "<=": (order: number) => order <= 0,
  ">": (order: number) => order > 0,
  ">=": (order: number) => order >= 0,
};
const operator = fc.constantFrom(...(Object.keys(operators) as (keyof typeof operators)[]));
function holds(a: unknown, by: keyof typeof operators, b: Literal, fault: Fault = "payload"): Truth {
  const order = compare(a, b);
  return order === undefined ? fault : operators[by](order);
}

/** A condition on a field, which stands as `_` in its text. */
const onField = (name: string, text: string, of: (value: unknown) => Truth): Part<Truth> => ({
  text: text.replace("_", () => accessTo(name)),
  of: ({ json }) => {
    const found = fieldOf(json, name);
    return found ? of(found.value) : "payload";
  },
});

const isThing = (value: unknown): value is object => typeof value === "object" && value !== null;

function sizeOf(value: unknown): number | undefined {
  if (typeof value === "string") return [...value].length;
  return isThing(value) ? Object.keys(value).length : undefined;
}

function overAll(loop: string, truths: readonly Truth[]): Truth {
  if (loop === "all" && truths.includes(false)) return false;
  if (loop === "exists" && truths.includes(true)) return true;
  if (truths.includes("payload")) return "payload";
  return loop === "all" || (loop === "exists_one" && truths.filter((each) => each === true).length === 1);
}

function isAbove(value: unknown, least: number): Truth {
  if (typeof value === "string") return /^-?\d+$/.test(value) ? BigInt(value) + 1n > least : "payload";
  return typeof value === "number" && Math.abs(value) < 2 ** 63 ? BigInt(Math.trunc(value)) + 1n > least : "payload";
}

const onFields: fc.Arbitrary<Part<Truth>> = fc.oneof(
  fc
    .tuple(field, literal)
    .map(([name, value]) => onField(name, `_ == ${written(value)}`, (found) => areEqual(found, value))),
  fc
    .tuple(field, literal)
    .map(([name, value]) => onField(name, `_ != ${written(value)}`, (found) => !areEqual(found, value))),
  fc
    .tuple(field, operator, literal)
    .map(([name, by, value]) => onField(name, `_ ${by} ${written(value)}`, (found) => holds(found, by, value))),
  fc
    .tuple(field, fc.subarray(texts, { minLength: 1 }))
    .map(([name, list]) =>
      onField(name, `_ in [${list.map(written)}]`, (found) => list.some((each) => areEqual(found, each))),
    ),
  fc.constantFrom(...fields.slice(0, -1)).map((name) => ({
    text: `has(${accessTo(name)})`,
    of: ({ json }: Offer) => fieldOf(json, name) !== undefined,
  })),
  fc.tuple(field, fc.nat(3)).map(([name, least]) =>
    onField(name, `size(_) > ${least}`, (found) => {
      const size = sizeOf(found);
      return size === undefined ? "payload" : size > least;
    }),
  ),
  fc.tuple(field, fc.constantFrom("all", "exists", "exists_one"), operator, literal).map(([name, loop, by, value]) =>
    onField(name, `_.${loop}(each, each ${by} ${written(value)})`, (found) => {
      if (!isThing(found)) return "payload";
      const items = Array.isArray(found) ? found : Object.keys(found);
      return overAll(
        loop,
        items.map((each) => holds(each, by, value)),
      );
    }),
  ),
  fc
    .tuple(field, fc.constantFrom("startsWith" as const, "endsWith" as const), fc.constantFrom("x", "é"))
    .map(([name, method, part]) =>
      onField(name, `_.${method}("${part}")`, (found) => (typeof found === "string" ? found[method](part) : "payload")),
    ),
  fc
    .tuple(field, fc.integer({ min: -3, max: 4 }))
    .map(([name, least]) => onField(name, `int(_) + 1 > ${least}`, (found) => isAbove(found, least))),
);

const onOthers: fc.Arbitrary<Part<Truth>> = fc.oneof(
  fc.constant<Part<Truth>>({ text: "output.valid", of: ({ json }) => json !== undefined }),
  fc.tuple(operator, amount).map(([by, value]) => ({
    text: `response.payment ${by} wei("${value}")`,
    of: ({ price }: Offer) => holds(price, by, value),
  })),
  fc.integer({ min: 1, max: 100 }).map((percent) => ({
    text: `response.payment <= task.payment.percent(${percent})`,
    of: ({ price }: Offer, { payment }: Look) => price <= (payment * BigInt(percent)) / 100n,
  })),
  amount.map((value) => ({
    text: `provider.lockup >= wei("${value}")`,
    of: ({ lockup }: Offer): Truth => (lockup === undefined ? "other" : lockup >= value),
  })),
  fc.nat(200).map((span) => ({
    text: `now - response.submittedAt <= duration("${span}s")`,
    of: ({ at }: Offer, { now }: Look) => now - at <= span,
  })),
  fc.nat(12).map((least) => ({
    text: `size(output.text) > ${least}`,
    of: ({ body }: Offer) => [...body].length > least,
  })),
  fc.constant<Part<Truth>>({
    text: "task.config.least >= 3",
    of: (_offer, { config }) => holds(fieldOf(config, "least")?.value, ">=", 3n, "other"),
  }),
  fc.constant<Part<Truth>>({
    text: "[task.config.least].all(each, each > 2)",
    of: (_offer, { config }) => holds(fieldOf(config, "least")?.value, ">", 2n, "other"),
  }),
  fc.constant<Part<Truth>>({
    text: "siblings.exists(each, each.payment < response.payment)",
    of: (offer, { offers }) => offers.some(({ price }) => price < offer.price),
  }),
);

const not = (a: Truth): Truth => (typeof a === "boolean" ? !a : a);
function and(a: Truth, b: Truth): Truth {
  if (a === false || b === false) return false;
  if (a === true) return b;
  return b === true || a === b ? a : "either";
}
const or = (a: Truth, b: Truth): Truth => not(and(not(a), not(b)));

type Condition = Part<Truth>;

/** A condition by chance, up to three deep, with what it comes to: an operand that is an error does not matter where the other decides. */
export const { condition } = fc.letrec<{ condition: Condition }>((tie) => {
  const part = () => tie("condition");
  const joined = (sign: string, join: typeof and) =>
    fc.tuple(part(), part()).map(
      ([a, b]): Condition => ({
        text: `(${a.text}) ${sign} (${b.text})`,
        of: (...on) => join(a.of(...on), b.of(...on)),
      }),
    );
  return {
    condition: fc.oneof(
      { maxDepth: 3 },
      { weight: 3, arbitrary: onFields },
      { weight: 2, arbitrary: onOthers },
      { weight: 3, arbitrary: joined("&&", and) },
      { weight: 2, arbitrary: joined("||", or) },
      {
        weight: 1,
        arbitrary: part().map((a): Condition => ({ text: `!(${a.text})`, of: (...on) => not(a.of(...on)) })),
      },
      {
        weight: 1,
        arbitrary: fc.tuple(part(), part(), part()).map(
          ([a, b, c]): Condition => ({
            text: `(${a.text}) ? (${b.text}) : (${c.text})`,
            of: (...on) => {
              const truth = a.of(...on);
              return typeof truth === "boolean" ? (truth ? b : c).of(...on) : truth;
            },
          }),
        ),
      },
    ),
  };
});
