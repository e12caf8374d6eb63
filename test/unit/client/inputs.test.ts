import { expect, it } from "vitest";
import { readAddress, readAmount, readTaskConfig } from "../../../src/client/inputs.ts";
import { draftSource } from "../../../src/client/sourceParams.ts";

it("repeats nothing of a private key that was given for an address", () => {
  const key = `0x${"8c1f5a2e".repeat(8)}`;
  for (const text of [key, key.slice(2), `${key} `, `key=${key}`, key.slice(0, 58)]) {
    expect(() => readAddress("the task", text)).toThrowError(/^the task ".*" is not an address/);
    expect(() => readAddress("the task", text)).not.toThrowError(/8c1f5a2e/);
  }
  expect(() => readAddress("the task", "0x8c1f5a2e")).toThrowError('"0x8c1f5a2e" is not an address');
});

it.each([0.05, 5, undefined, null, {}])("says of the amount %o how one is written", (amount) => {
  expect(() => readAmount("the payment", amount as never)).toThrow(
    expect.objectContaining({
      code: "AMOUNT_INVALID",
      message: `the payment: not an amount: "${amount}" (write a quoted number with a unit, like "0.05 OGPU")`,
    }),
  );
});

it.each([
  undefined,
  null,
  5,
  () => 1,
  [],
  {},
  { function_name: "" },
  { function_name: 5 },
  "",
  "hello",
  "5",
  "[]",
  "{",
  "ftp://a/b",
])("%o is nothing that a task could ask for, and no money is frozen for it", (config) => {
  expect(() => readTaskConfig(config as never)).toThrow(expect.objectContaining({ code: "TASK_INFO_INVALID" }));
});

it.each([
  "https://example.com/a.json",
  "http://example.com/",
  "ipfs://bafy",
  "{}",
  ' {"function_name":"f"}',
  { function_name: "f", data: 1 },
])("%o is what a task may ask for", (config) => {
  expect(readTaskConfig(config)).toBe(config);
});

it.each([
  ["name", { name: 5 }],
  ["description", { description: undefined }],
  ["imageEnvs", { imageEnvs: undefined }],
  ["imageEnvs.cpu", { imageEnvs: { cpu: 5 } }],
  ["logoUrl", { logoUrl: undefined }],
])("names what is wrong with the %s of a source", (field, wrong) => {
  const info = { name: "n", description: "", logoUrl: "", imageEnvs: { cpu: "https://example.com/a" }, minPayment: 0n };
  const all = { ...info, minAvailableLockup: 0n, maxExpiryDuration: 60 };
  expect(draftSource("0x", all).metadata.name).toBe("n");
  expect(() => draftSource("0x", { ...all, ...wrong } as never)).toThrow(
    expect.objectContaining({
      code: "SOURCE_INFO_INVALID",
      message: expect.stringContaining(`the source's ${field} `),
    }),
  );
});
