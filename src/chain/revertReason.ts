import type { Abi, Hex } from "viem";
import { decodeErrorResult, parseAbi } from "viem/utils";
import { knownReverts } from "../protocol/reverts.ts";
import { RpcError } from "./jsonRpc.ts";

const standardErrors = parseAbi([
  "error Error(string)",
  "error Panic(uint256)",
  "error OwnableInvalidOwner(address owner)",
  "error OwnableUnauthorizedAccount(address account)",
  "error AccessControlUnauthorizedAccount(address account, bytes32 neededRole)",
  ...Object.keys(knownReverts).map((name) => `error ${name}()` as const),
] as readonly string[]) as Abi;

/** As geth and its kin, Besu (`(reason)`), Hardhat and Ganache write it. */
const texts = [
  /execution reverted(?::\s*(?:revert:?\s*)?(.*)|\s*\((.*)\))?$/is,
  /reverted with reason string '(.*)'/is,
  /VM Exception while processing transaction:\s*revert(?:ed)?\b[\s:]*(.*)$/is,
  /^(invalid opcode)\b/i,
];

/**
 * Why a call reverted: the revert text, a custom error's name, `Panic(n)`, or the selector of an unknown error.
 * Answers `undefined` where the node's refusal was no revert.
 */
export function revertReason(error: unknown): string | undefined {
  if (!(error instanceof RpcError)) return undefined;
  const data = revertData(error.data);
  if (data !== undefined && data.length >= 10) return decodeRevert(data);
  for (const text of texts) {
    const match = text.exec(error.message);
    if (match) return (match[1] ?? match[2])?.trim().slice(0, 256) || noReason;
  }
  // OpenEthereum and Nethermind: "VM execution error.", and what happened in the data.
  const told = error.rpcCode === -32015 ? /^revert(?:ed)?\b[\s:]*(.*)$/is.exec(String(error.data)) : null;
  if (told) return told[1]?.replace(/^0x$/, "").trim().slice(0, 256) || noReason;
  return error.rpcCode === 3 ? noReason : undefined;
}

export const noReason = "reverted without a reason";

/** The bytes a call reverted with: as they are, nested, or after `Reverted ` (OpenEthereum, Nethermind). */
export function revertData(data: unknown): Hex | undefined {
  if (typeof data === "string")
    return /^(?:reverted\s+)?(0x(?:[0-9a-f]{2})*)$/i.exec(data.trim())?.[1] as Hex | undefined;
  if (typeof data === "object" && data !== null && "data" in data) return revertData(data.data);
  return undefined;
}

/** What the bytes say that a call reverted with: a text, a custom error's name, `Panic(n)`, or a selector. */
export function decodeRevert(data: Hex): string {
  try {
    const { errorName, args } = decodeErrorResult({ abi: standardErrors, data });
    if (errorName === "Error") return String(args?.[0]).slice(0, 256) || noReason;
    return errorName === "Panic" ? `Panic(${args?.[0]})` : errorName;
  } catch {
    return `unknown error ${data.slice(0, 10)}`;
  }
}
