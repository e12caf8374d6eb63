import fc from "fast-check";
import { expect, test } from "vitest";
import { valueRefusal } from "../../../src/payload/jsonValues.ts";

test.each([
  ["1e999", "JSON has a number that is too large"],
  ['{"a": [1, -1e400]}', "JSON has a number that is too large"],
  ['"\\ud800"', "JSON has a lone surrogate"],
  ['{"a": [{"\\udc00": 1}]}', "JSON has a lone surrogate"],
  ['"\\ude00\\ud83d"', "JSON has a lone surrogate"],
  ['["\\ud83d\\ude00", 1e308, -0, null, true]', ""],
])("%s: %s", (text, why) => expect(valueRefusal(JSON.parse(text))).toBe(why));

test("what passes is the same when it is written and read again", () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      if (valueRefusal(value) !== "") return;
      const bytes = Buffer.from(JSON.stringify(value), "utf8");
      expect(JSON.stringify(JSON.parse(bytes.toString("utf8")))).toBe(JSON.stringify(value));
    }),
  );
});
