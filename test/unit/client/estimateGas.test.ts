import { expect, it } from "vitest";
import type { HttpRpc } from "../../../src/chain/jsonRpc.ts";
import { estimateGas } from "../../../src/client/lane/estimateGas.ts";

const transaction = { what: "a call", to: "0x00000000000000000000000000000000DeaDBeef", data: "0x" } as const;
const estimated = (answer: unknown): Promise<bigint> => {
  const rpc: HttpRpc = { name: "node", call: async <T>() => answer as T, batch: async () => [] };
  return estimateGas(rpc, "0x00000000000000000000000000000000c0ffee00", transaction);
};

it.each([
  ...["0x", "", "0xzz", "21000", "abc", null, undefined, 50_000, true, {}, ["0x5208"]],
  ...["0x0", "0x5207", "0x1000001", `0x${"f".repeat(64)}`],
])("an estimate of %j is an endpoint's failure: nothing is signed with it", async (answer) => {
  await expect(estimated(answer)).rejects.toMatchObject({
    name: "EndpointError",
    code: "ENDPOINT_UNAVAILABLE",
    message: expect.stringMatching(/node.*(its estimate of gas is no number|gas, which no transaction takes)/),
  });
});

it("a call has more gas than was estimated, and never more than a transaction may have", async () => {
  expect(await estimated("0x5208")).toBe(51_500n);
  expect(await estimated("0xffffff")).toBe(1n << 24n);
});
