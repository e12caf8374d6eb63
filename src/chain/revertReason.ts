import { decodeErrorResult, type Hex, parseAbi } from "viem";
import { RpcError } from "./jsonRpc.ts";

const standardErrors = parseAbi([
  "error Error(string)",
  "error Panic(uint256)",
  "error OwnableInvalidOwner(address owner)",
  "error OwnableUnauthorizedAccount(address account)",
  "error AccessControlUnauthorizedAccount(address account, bytes32 neededRole)",
]);

/**
 * Why a call reverted: the revert text, a custom error's name, `Panic(n)`, or the selector of an unknown error.
 * Answers `undefined` where the node's refusal was no revert.
 */
export function revertReason(error: unknown): string | undefined {
  if (!(error instanceof RpcError)) return undefined;
  const data = revertData(error.data);
  if (data !== undefined && data.length >= 10) return decode(data);
  const text = /execution reverted(?::\s*(?:revert:?\s*)?(.*))?$/is.exec(error.message);
  if (text) return text[1]?.trim() || "reverted without a reason";
  return error.rpcCode === 3 ? "reverted without a reason" : undefined;
}

function revertData(data: unknown): Hex | undefined {
  if (typeof data === "string" && data.startsWith("0x")) return data as Hex;
  if (typeof data === "object" && data !== null && "data" in data) return revertData(data.data);
  return undefined;
}

function decode(data: Hex): string {
  try {
    const { errorName, args } = decodeErrorResult({ abi: standardErrors, data });
    if (errorName === "Error") return String(args[0]).slice(0, 256);
    return errorName === "Panic" ? `Panic(${args[0]})` : errorName;
  } catch {
    return `unknown error ${data.slice(0, 10)}`;
  }
}
