import { expect, it } from "vitest";
import { readAddress } from "../../../src/client/inputs.ts";

it("repeats nothing of a private key that was given for an address", () => {
  const key = `0x${"8c1f5a2e".repeat(8)}`;
  for (const text of [key, key.slice(2), `${key} `, `key=${key}`, key.slice(0, 58)]) {
    expect(() => readAddress("the task", text)).toThrowError(/^the task ".*" is not an address/);
    expect(() => readAddress("the task", text)).not.toThrowError(/8c1f5a2e/);
  }
  expect(() => readAddress("the task", "0x8c1f5a2e")).toThrowError('"0x8c1f5a2e" is not an address');
});
