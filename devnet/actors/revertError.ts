import { type Abi, BaseError, decodeErrorResult, type Hex, isHex } from "viem";
import { managerAbi, nexusAbi } from "../../src/protocol/abi.ts";

const errors: Abi = [...nexusAbi, ...managerAbi].filter(({ type }) => type === "error");

/** A contract refused a call; `reason` is its text, such as `NotOwner`, or the custom error's name. */
export class RevertError extends Error {
  override readonly name = "RevertError";
  readonly reason: string;

  constructor(reason: string, cause?: unknown) {
    super(`the contract reverted: ${reason}`, { cause });
    this.reason = reason;
  }
}

/** Turns what a node answered to a doomed call into a `RevertError`; any other error is passed through. */
export function toRevertError(error: unknown): unknown {
  const data = revertDataOf(error);
  return data === undefined ? error : new RevertError(reasonOf(data), error);
}

function revertDataOf(error: unknown): Hex | undefined {
  if (!(error instanceof BaseError)) return undefined;
  const carrier = error.walk((inner) => isHex((inner as { data?: unknown }).data));
  return (carrier as { data?: Hex } | null)?.data;
}

function reasonOf(data: Hex): string {
  try {
    const { errorName, args } = decodeErrorResult({ abi: errors, data });
    return errorName === "Error" ? String(args?.[0]) : errorName;
  } catch {
    return data;
  }
}
