import { encodeErrorResult, type Hex, parseAbi } from "viem";
import { describe, expect, it } from "vitest";
import { RpcError } from "../../../src/chain/jsonRpc.ts";
import { revertReason } from "../../../src/chain/revertReason.ts";
import { knownReverts } from "../../../src/protocol/reverts.ts";

const abi = parseAbi(["error Error(string)", "error Panic(uint256)", "error OwnableUnauthorizedAccount(address)"]);
const text = encodeErrorResult({ abi, errorName: "Error", args: ["NotOwner"] });
const panic = encodeErrorResult({ abi, errorName: "Panic", args: [17n] });
const unauthorized = encodeErrorResult({ abi, errorName: "OwnableUnauthorizedAccount", args: [`0x${"1".repeat(40)}`] });
const none = "reverted without a reason";

describe("the reason of a revert", () => {
  it.each<[string, number, string, unknown, string | undefined]>([
    ["geth, go-opera", 3, "execution reverted: NotOwner", text, "NotOwner"],
    ["geth without data", -32000, "execution reverted: NotOwner", undefined, "NotOwner"],
    ["geth without a reason", 3, "execution reverted", "0x", none],
    ["geth, a panic", 3, "execution reverted: arithmetic underflow or overflow", panic, "Panic(17)"],
    ["geth, a custom error that nobody knows", 3, "execution reverted", "0xdeadbeef", "unknown error 0xdeadbeef"],
    ["geth, a well-known custom error", 3, "execution reverted", unauthorized, "OwnableUnauthorizedAccount"],
    ["erigon", 3, "execution reverted: NotOwner", text, "NotOwner"],
    ["reth", 3, "execution reverted: NotOwner", text, "NotOwner"],
    ["anvil", 3, "execution reverted: NotOwner", text, "NotOwner"],
    [
      "anvil, a custom error",
      3,
      "execution reverted: custom error 0xdeadbeef",
      "0xdeadbeef",
      "unknown error 0xdeadbeef",
    ],
    ["nethermind", -32015, "VM execution error.", text, "NotOwner"],
    ["nethermind, older", -32015, "VM execution error.", `Reverted ${text}`, "NotOwner"],
    ["openethereum without a reason", -32015, "VM execution error.", "Reverted 0x", none],
    ["nethermind in words", -32015, "VM execution error.", "revert: NotOwner", "NotOwner"],
    ["nethermind in one word", -32015, "VM execution error.", "revert", none],
    ["besu", -32000, "Execution reverted", text, "NotOwner"],
    ["besu with its reason", -32000, "Execution reverted (NotOwner)", undefined, "NotOwner"],
    ["nested data", -32603, "Internal error", { message: "reverted", data: text }, "NotOwner"],
    [
      "hardhat",
      -32603,
      "Error: VM Exception while processing transaction: reverted with reason string 'NotOwner'",
      undefined,
      "NotOwner",
    ],
    ["ganache", -32000, "VM Exception while processing transaction: revert NotOwner", undefined, "NotOwner"],
    ["an assertion of an old compiler", -32000, "invalid opcode: INVALID", undefined, "invalid opcode"],
    ["code 3 alone", 3, "call failed", undefined, none],
    ["garbage that begins like a text", 3, "execution reverted", "0x08c379a0ffff", "unknown error 0x08c379a0"],
    ["no revert: a limit", -32005, "rate limit exceeded", undefined, undefined],
    ["no revert: the state is gone", -32000, "missing trie node 12ab (path )", undefined, undefined],
    ["no revert: out of gas under OpenEthereum's code", -32015, "VM execution error.", "OutOfGas", undefined],
    ["no revert: the balance", -32000, "insufficient funds for gas * price + value", undefined, undefined],
  ])("%s", (_, code, message, data, expected) => {
    expect(revertReason(new RpcError(message, code, data))).toBe(expected);
  });

  it.each(Object.keys(knownReverts))("is known as %s where the contract throws it as a custom error", (errorName) => {
    const data = encodeErrorResult({
      abi: parseAbi([`error ${errorName}()`] as readonly string[]) as never,
      errorName,
    } as never);
    expect(revertReason(new RpcError("execution reverted", 3, data as Hex))).toBe(errorName);
  });

  it("is nothing where the endpoint did not answer", () => {
    expect(revertReason(new Error("execution reverted"))).toBeUndefined();
  });

  it("is no longer than a line", () => {
    const long = encodeErrorResult({ abi, errorName: "Error", args: ["x".repeat(5_000)] });
    expect(revertReason(new RpcError("execution reverted", 3, long))).toHaveLength(256);
    expect(revertReason(new RpcError(`execution reverted: ${"x".repeat(5_000)}`, 3, undefined))).toHaveLength(256);
  });
});
