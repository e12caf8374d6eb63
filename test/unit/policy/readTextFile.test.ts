import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readTextFile } from "../../../src/policy/readTextFile.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "text-"));
  writeFileSync(join(folder, "text"), "naïve €");
  writeFileSync(join(folder, "most"), "a".repeat(1024 * 1024));
  writeFileSync(join(folder, "larger"), "a".repeat(1024 * 1024 + 1));
  writeFileSync(join(folder, "latin"), Buffer.from([0x6e, 0x61, 0xef, 0x76, 0x65]));
  mkdirSync(join(folder, "folder"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("reads text as it is, up to a mebibyte", () => {
  expect(readTextFile(join(folder, "text"))).toBe("naïve €");
  expect(readTextFile(join(folder, "most"))).toHaveLength(1024 * 1024);
});

test.each([
  ["larger", "is larger than 1 MiB"],
  ["latin", "is not UTF-8 text"],
  ["missing", "cannot be read"],
  ["folder", "cannot be read"],
])("says of %s that it %s", (name, message) => {
  expect(() => readTextFile(join(folder, name))).toThrow(new TypeError(message));
});
