import fc from "fast-check";
import { expect, test } from "vitest";
import { jsonRefusal } from "../../../src/payload/jsonGuard.ts";

const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

const keysWithoutCommas = (times: number) => Array.from({ length: times }, (_, nth) => `"${nth}":`).join("");

const refused: readonly (readonly [text: string, why: string])[] = [
  [nested(65), "JSON nests deeper than 64"],
  ['{"a":'.repeat(65), "JSON nests deeper than 64"],
  [`[${"1,".repeat(10_000)}1]`, "JSON has more than 10000 keys and elements"],
  [`[${"[],".repeat(6_000)}1]`, "JSON has more than 10000 keys and elements"],
  [`{${keysWithoutCommas(20_000)}1}`, "JSON has more than 10000 keys and elements"],
  ['{"a": 1, "b": {"a": 2}, "a": 3}', "JSON repeats a key"],
  ['{"a": 1, "\\u0061": 3}', "JSON repeats a key"],
  ['{"a": [], "b": {}, "a"\n:3}', "JSON repeats a key"],
  ['{"__proto__": 1}', "JSON has a key __proto__"],
  ['{"x": [{"\\u005f_proto__": 1}]}', "JSON has a key __proto__"],
];

test.each(refused)("refuses %.40s", (text, why) => expect(jsonRefusal(text)).toBe(why));

const accepted = [
  nested(64),
  '{"a": {"a": {"a": 1}}, "b": [{"a": 1}, {"a": 2}]}',
  '{"a": "a", "b": "a", "c": "\\"a\\": 1, \\"a\\": 2"}',
  '["__proto__", "{[{["]',
  '{"a\\\\": 1, "a": "__proto__"}',
  '"\\ud800"',
  JSON.stringify(Object.fromEntries(Array.from({ length: 9_999 }, (_, nth) => [`a${nth}`, nth]))),
  "",
];

test.each(accepted)("lets %.40s through", (text) => expect(jsonRefusal(text)).toBe(""));

test("what JavaScript writes as JSON passes, unless it nests or grows too far", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const text = JSON.stringify(value, null, 1);
      expect(jsonRefusal(text)).toBe(text.includes('"__proto__":') ? "JSON has a key __proto__" : "");
    }),
  );
});

test("a document nested 10,000,000 deep costs next to nothing", () => {
  const text = "[".repeat(10_000_000);
  const before = performance.now();
  expect(jsonRefusal(text)).toBe("JSON nests deeper than 64");
  expect(performance.now() - before).toBeLessThan(2_000);
});

test("broken text never throws", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:\\a1 ') }), (text) => {
      expect(() => jsonRefusal(text)).not.toThrow();
    }),
  );
});
