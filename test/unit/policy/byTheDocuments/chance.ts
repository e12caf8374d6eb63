import fc from "fast-check";
import { amount, condition, field, fields } from "./conditions.ts";
import { accessTo, fieldOf, type Offer, type Part, type Rules, type Truth } from "./verdicts.ts";

const sometimes = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });

type Score = Rules["score"];

const always = fc.constant<Part<Truth>>({ text: "true", of: () => true });

/** Rules by chance: any comparison of whatever comes, or any condition on it. */
const rulesOf = (more: { readonly [Key in "strategy" | "eligible"]: fc.Arbitrary<Rules[Key]> }) =>
  fc.record<Rules>({
    ...more,
    perTask: fc.constantFrom(...Array(5).fill(undefined), 10n ** 18n),
    score: fc.oneof(
      field.map(
        (name): Score => ({
          text: accessTo(name),
          of: ({ json }) => {
            const found = fieldOf(json, name);
            if (found === undefined) return "payload";
            return typeof found.value === "number" ? found.value : undefined;
          },
        }),
      ),
      fc.constant<Score>({
        text: "task.payment - response.payment",
        of: ({ price }, { payment }) => payment - price,
      }),
      fc.constant<Score>({ text: "now - response.submittedAt", of: ({ at }, { now }) => BigInt(now - at) }),
    ),
    ties: fc.constantFrom("earliest", "cheapest", "hold"),
    count: fc.constantFrom(2, 2, 3),
    key: fc.constantFrom(...Array(9).fill("a"), ...fields),
    within: sometimes(fc.constantFrom(29, 30, 60)),
    pick: fc.constantFrom("first", "cheapest"),
    without: fc.constantFrom("hold", "first", "cheapest"),
    decide: fc.constantFrom("reached", "closed"),
    window: sometimes(
      fc.record({
        from: fc.constantFrom("firstEligible", "published"),
        seconds: fc.constantFrom(1, 60, 5_000, 5_000),
        beforeExpiry: fc.constantFrom(0, 0, 600),
      }),
    ),
  });

/** Rules by chance, most of which compare. */
export const comparisons = rulesOf({
  strategy: fc.constantFrom("first", "cheapest", "best", "best", "quorum", "quorum", "quorum", "manual"),
  eligible: fc.oneof({ weight: 5, arbitrary: always }, { weight: 1, arbitrary: condition }),
});

/** Rules by chance that turn on a condition. */
export const conditions = rulesOf({ strategy: fc.constant("first"), eligible: condition });

/** The rules as a policy's file. */
export function fileOf(name: string, rules: Rules): string {
  const { strategy, eligible, perTask, score, ties, key, window, within, count, pick, without, decide } = rules;
  const quorum = { count, key: accessTo(key), pick, without, decide, ...(within && { within: `${within}s` }) };
  const span = window && {
    ...{ from: window.from, for: `${window.seconds}s` },
    latest: `task.expiry - ${window.beforeExpiry}`,
  };
  return JSON.stringify({
    ...{ apiVersion: "ogpu-confirmd/v1", name, strategy, eligible: eligible.text },
    ...(perTask && { caps: { perTask: `${perTask} wei` } }),
    ...(strategy === "best" && { score: score.text }),
    ...((strategy === "best" || strategy === "cheapest") && { ties }),
    ...(strategy === "quorum" && { quorum }),
    ...(strategy !== "first" && span && { window: span }),
  });
}

const value = fc.oneof(
  fc.constantFrom<unknown[]>(
    ...[0, -0, 1, 3, 3.5, 0.9, -3, 1e300, 2 ** 53, 2 ** 63, true, false, null],
    ...["x", "", "3", "-4", "é", "e\u0301", "😀", "\uFFFD", "1e400", "NaN", "0x10"],
    ...[[], [1, 4], [1, "x"], [3, 3], ["x"], {}, { x: 1 }, { constructor: 1 }, [[[]]]],
  ),
  fc.jsonValue({ maxDepth: 2 }),
);
const alike = fc.record({ a: fc.constantFrom<unknown[]>(3, 3, 3, 0.9, "x"), b: value });
const body: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: alike.map((each) => JSON.stringify(each)) },
  { weight: 1, arbitrary: fc.dictionary(field, value, { maxKeys: 4 }).map((each) => JSON.stringify(each)) },
  fc.constantFrom(
    ...['{"a":1e400}', '{"a":-0}', '{"a":NaN}', '{"a":1,"a":2}', '{"__proto__":{"a":3}}', '{"a":9007199254740993}'],
    ...['{"a":30e-1}', '{"\\u0061":3}', '{"a":"\\ud800"}', `{"a":[${"3,".repeat(500)}3]}`, `${"[".repeat(65)}`],
    ...["null", "[]", "3", '"x"', "<html>", ""],
  ),
);

/** An answer as it comes. */
const draft: fc.Arbitrary<Omit<Offer, "id" | "json">> = fc.record({
  price: amount,
  at: fc.constantFrom(100, 100, 130, 160),
  master: fc.nat(3),
  lockup: fc.option(amount, { nil: undefined, freq: 8 }),
  body,
  lost: fc.constantFrom<Offer["lost"][]>(...Array(18).fill(undefined), "now", "for good"),
  waits: fc.nat(4),
  isTooDear: fc.constantFrom(...Array(4).fill(false), true),
});

/** What is seen at one moment, by chance: often just before something ends, or at its very second. */
export const look = fc.record({
  after: fc.constantFrom(0, 1, 59, 60, 120, 399, 400, 2_299, 2_300, 2_899, 2_899, 2_900),
  expiry: fc.constantFrom(500, 3_000, 3_000),
  published: sometimes(fc.constantFrom(50, 90, 100)),
  payment: fc.constantFrom(10n ** 21n, 10n ** 21n, 10n ** 18n, 2n ** 53n),
  config: fc.constantFrom<object[]>({}, { least: 3 }, { least: "3" }, { least: 2 }, { least: null }),
  isLeftToPerson: fc.constantFrom(...Array(7).fill(false), true),
  drafts: fc.array(draft, { minLength: 1, maxLength: 6 }).map((each) => each.toSorted((a, b) => a.at - b.at)),
});
