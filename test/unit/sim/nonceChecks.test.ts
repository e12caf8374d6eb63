import { expect, it } from "vitest";
import type { Hex } from "../../../src/protocol/brand.ts";
import type { JournalReader } from "../../sim/journalReader.ts";
import type { Block } from "../../sim/modelChain.ts";
import { createNonceChecks } from "../../sim/nonceChecks.ts";

const [one, other]: readonly Hex[] = ["0x1", "0x2"];
type Taken = readonly (readonly [signer: Hex | undefined, nonce: number, confirmation: number])[];

/** @param batches What is taken with each commit. */
function failuresOf(batches: readonly Taken[], { mined = 0, isMiscounted = false } = {}): readonly string[] {
  const taken: Taken[number][] = [];
  const failures: string[] = [];
  const noncesAbove: JournalReader["noncesAbove"] = (signer, above) =>
    taken
      .filter(([by, nonce]) => by === signer && nonce > above)
      .map(([, nonce, confirmation]) => ({ nonce, confirmation }));
  const checks = createNonceChecks({
    signers: [one as Hex, other as Hex],
    journal: () => ({ noncesAbove }) as JournalReader,
    isMiscounted: () => isMiscounted,
    fail: (invariant) => failures.push(invariant),
  });
  checks.tipped({ state: { nonces: new Map([[other, mined]]) } } as unknown as Block);
  for (const batch of batches) {
    taken.push(...batch);
    checks.committed();
  }
  return failures;
}

it.each<[string, readonly Taken[], readonly string[], Parameters<typeof failuresOf>[1]?]>([
  [
    "of each key follow one another",
    [
      [
        [one, 0, 1],
        [other, 0, 2],
      ],
      [[one, 1, 3]],
    ],
    [],
  ],
  ["may not skip one, though the other key has it", [[[one, 0, 1]], [[other, 1, 2]]], ["no-nonce-skipped"]],
  ["may skip what a block counts", [[[other, 3, 1]]], [], { mined: 3 }],
  ["may not skip more than that", [[[other, 4, 1]]], ["no-nonce-skipped"], { mined: 3 }],
  ["may skip what a node has made up", [[[other, 4, 1]]], [], { isMiscounted: true }],
  [
    "are lower for what came first, of those of one batch",
    [
      [
        [one, 0, 2],
        [one, 1, 1],
      ],
    ],
    ["nonces-in-order"],
  ],
  [
    "are so neither for another batch nor for another key",
    [
      [
        [one, 0, 2],
        [other, 0, 1],
      ],
      [[one, 1, 1]],
    ],
    [],
  ],
])("nonces %s", (_, batches, failures, given) => {
  expect(failuresOf(batches, given)).toEqual(failures);
});
