import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Anvil, startAnvil } from "../../../devnet/anvil.ts";
import { callsFrom, type TriedAnswer, type TriedCall, tryCalls } from "../../../src/chain/callsFrom.ts";
import { createJsonRpc } from "../../../src/chain/createJsonRpc.ts";
import type { HttpRpc } from "../../../src/chain/jsonRpc.ts";
import type { AccountAddress, Hex } from "../../../src/protocol/brand.ts";
import { readCalls, writeAnswers } from "../../sim/modelTries.ts";

const source = join(import.meta.dirname, "../../../src/chain/CallsFrom.sol");
const account = `0x${"a1".repeat(20)}` as AccountAddress;
const target = (digit: string): Hex => `0x${digit.repeat(40)}`;

describe("calls that are made as one", () => {
  let anvil: Anvil;
  let rpc: HttpRpc;
  beforeAll(async () => {
    anvil = await startAnvil();
    rpc = createJsonRpc({ url: anvil.httpUrl, timeoutMs: 10_000 });
    // Who calls; a counter that answers how often it was called; what it was given, reverted; a loop without an end.
    await rpc.call("anvil_setCode", target("1"), "0x3360005260206000f3");
    await rpc.call("anvil_setCode", target("2"), "0x6000546001018060005560005260206000f3");
    await rpc.call("anvil_setCode", target("3"), "0x366000600037366000fd");
    await rpc.call("anvil_setCode", target("4"), "0x5b600056");
  });
  afterAll(() => anvil.stop());

  const word = (value: Hex | number): Hex => `0x${BigInt(value).toString(16).padStart(64, "0")}`;
  const askOf = async (node: HttpRpc, calls: readonly TriedCall[]) =>
    (await tryCalls(node, { from: account, calls, block: "latest" as Hex })).answers;
  const ask = (calls: readonly TriedCall[]) => askOf(rpc, calls);

  it("come from the account, see what the ones before did, and change nothing", async () => {
    const calls: readonly TriedCall[] = [
      { to: target("1"), data: "0x" },
      { to: target("2"), data: "0x" },
      { to: target("2"), data: "0x" },
      { to: target("9"), data: "0x1234" },
    ];
    const expected = [account, 1, 2].map((data) => ({ ok: true, data: word(data as Hex) }));
    for (const _ of [1, 2]) expect(await ask(calls)).toEqual([...expected, { ok: true, data: "0x" }]);
    expect(await rpc.call("eth_getCode", account, "latest")).toBe("0x");
  });

  it("fail one by one, by a revert or for want of gas, and the others do not", async () => {
    const answers = await ask([
      { to: target("3"), data: "0xdeadbeef" },
      { to: target("4"), data: "0x", gas: 50_000n },
      { to: target("1"), data: "0x" },
    ]);
    expect(answers).toEqual([
      { ok: false, data: "0xdeadbeef" },
      { ok: false, data: "0x" },
      { ok: true, data: word(account) },
    ]);
  });

  it("are not told from an account without code by a node that passes the code over", async () => {
    const deaf: HttpRpc = { ...rpc, batch: async (calls) => calls.map(() => ({ result: "0x" })) };
    expect(await askOf(deaf, [{ to: target("1"), data: "0x" }])).toBeUndefined();
  });

  it("are answered whole or not at all", async () => {
    const answers: readonly TriedAnswer[] = [
      { ok: true, data: "0x1234" },
      { ok: false, data: "0x" },
    ];
    const whole = writeAnswers(answers);
    const calls = answers.map(() => ({ to: target("1"), data: "0x" }) as const);
    for (let length = 0; length <= whole.length + 2; length++) {
      const result = whole.padEnd(length, "0").slice(0, length);
      const cut: HttpRpc = { ...rpc, batch: async () => [{ result }] };
      expect(await askOf(cut, calls)).toEqual(length === whole.length ? answers : undefined);
    }
  });

  it("are written as the contract reads them", () => {
    const hex = fc.uint8Array({ maxLength: 300 }).map((bytes) => `0x${Buffer.from(bytes).toString("hex")}` as Hex);
    const call = fc.record({
      to: fc.uint8Array({ minLength: 20, maxLength: 20 }).map((b) => `0x${Buffer.from(b).toString("hex")}` as Hex),
      gas: fc.bigInt({ min: 0n, max: 0xffffffffn }),
      data: hex,
    });
    fc.assert(
      fc.property(fc.array(call), (calls) => {
        const [{ data }] = callsFrom(account, calls, "latest" as Hex).params as [{ data: Hex }];
        expect(readCalls(data)).toEqual(calls);
      }),
    );
  });

  it("are made by the contract whose source is beside it", async () => {
    const { default: solc } = await import("solc");
    const input = {
      language: "Solidity",
      sources: { it: { content: readFileSync(source, "utf8") } },
      settings: {
        evmVersion: "london",
        optimizer: { enabled: true, runs: 200 },
        metadata: { appendCBOR: false, bytecodeHash: "none" },
        outputSelection: { "*": { "*": ["evm.deployedBytecode.object"] } },
      },
    };
    const { contracts } = JSON.parse(solc.compile(JSON.stringify(input)));
    const [, , overrides] = callsFrom(account, [], "latest" as Hex).params as [unknown, unknown, object];
    expect(overrides).toEqual({ [account]: { code: `0x${contracts.it.CallsFrom.evm.deployedBytecode.object}` } });
  });
});
