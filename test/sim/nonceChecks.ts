import type { Hex } from "../../src/protocol/brand.ts";
import type { JournalReader } from "./journalReader.ts";
import type { Block } from "./modelChain.ts";

export type NonceChecksDeps = {
  /** The keys of this run. */
  readonly signers: readonly Hex[];
  readonly journal: () => JournalReader | undefined;
  /** Whether a node has told of more transactions of a key than any block counts. */
  readonly isMiscounted: () => boolean;
  readonly fail: (invariant: string, what: string) => void;
};

/** What the oracle asks of each key by itself, however many there are. */
export type NonceChecks = {
  /** Something was committed: of each key the nonces of one batch at the most. */
  readonly committed: () => void;
  readonly tipped: (tip: Block) => void;
};

export function createNonceChecks({ signers, journal, isMiscounted, fail }: NonceChecksDeps): NonceChecks {
  const keys = signers.map((signer) => ({ signer, highest: -1, mostMined: 0 }));
  return {
    committed: () => {
      for (const key of keys) {
        const { signer, mostMined } = key;
        let before = { nonce: -1, confirmation: -1 };
        for (const taken of journal()?.noncesAbove(signer, key.highest) ?? []) {
          const { nonce, confirmation } = taken;
          const what = `${signer} takes nonce ${nonce} for confirmation ${confirmation}`;
          // A stranger's transaction may have been counted that a reorg took back since.
          if (nonce > Math.max(key.highest + 1, mostMined) && !isMiscounted())
            fail("no-nonce-skipped", `${what} after ${key.highest}, and no block counts more than ${mostMined}`);
          if (confirmation < before.confirmation)
            fail("nonces-in-order", `${what}, and nonce ${before.nonce} for ${before.confirmation}, which came later`);
          key.highest = nonce;
          before = taken;
        }
      }
    },
    tipped: ({ state }) => {
      for (const key of keys) key.mostMined = Math.max(key.mostMined, state.nonces.get(key.signer) ?? 0);
    },
  };
}
