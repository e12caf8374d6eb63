import type { AccountAddress, Hash, Hex, ResponseAddress, TaskAddress } from "../protocol/brand.ts";
import { toNonce, unixSeconds, wei } from "../protocol/brand.ts";
import type { Attempt, BlockRef, Confirmation, VerdictRecord } from "./journal.ts";

/** A row as SQLite answers it. */
export type Row = Record<string, unknown>;

export const toBlockRef = (row: Row): BlockRef => ({
  number: BigInt(row.block_number as number),
  hash: row.block_hash as Hash,
});

export const toAttempt = (row: Row): Attempt => ({
  kind: row.kind as Attempt["kind"],
  hash: row.hash as Hash,
  raw: row.raw as Hex,
  nonce: toNonce(Number(row.nonce)),
  signedAt: Number(row.signed_at),
  signer: (row.signer as AccountAddress | null) ?? undefined,
});

export const toConfirmation = (row: Row, attempts: readonly Attempt[]): Confirmation => ({
  id: Number(row.id),
  task: row.task as TaskAddress,
  response: row.response as ResponseAddress,
  verdictId: Number(row.verdict_id),
  payment: wei(BigInt(row.payment as string)),
  ...(row.offered !== null && { offered: wei(BigInt(row.offered as string)) }),
  responseDigest: row.response_digest as string,
  state: row.state as Confirmation["state"],
  reason: row.reason as string,
  nonce: row.nonce === null ? undefined : toNonce(Number(row.nonce)),
  mined:
    row.mined_hash === null
      ? undefined
      : { hash: row.mined_hash as Hash, blockNumber: BigInt(row.mined_block as number) },
  attempts,
});

export const toVerdictRecord = (row: Row): VerdictRecord => ({
  id: Number(row.id),
  task: row.task as TaskAddress,
  response: row.response as ResponseAddress,
  kind: row.kind as VerdictRecord["kind"],
  reason: row.reason as string,
  until: row.until === null ? undefined : unixSeconds(Number(row.until)),
  policy: row.policy as string,
  policyDigest: row.policy_digest as string,
  mode: row.mode as VerdictRecord["mode"],
  block: { number: BigInt(row.block_number as number), hash: row.block_hash as Hash },
  payloadDigest: row.payload_digest as string,
  payment: wei(BigInt(row.payment as string)),
  responseDigest: row.response_digest as string,
  ...(row.provider !== null && { provider: row.provider as AccountAddress }),
  ...(row.waits_for !== null && { waitsFor: row.waits_for as NonNullable<VerdictRecord["waitsFor"]> }),
  decidedAt: Number(row.decided_at),
  waits: Number(row.waits),
  windows: Number(row.windows ?? 0),
});
