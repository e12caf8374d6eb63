import type { ChainPort, Receipt } from "../chain/chainPort.ts";
import type { Confirmation } from "../journal/journal.ts";
import type { AccountAddress, Hash } from "../protocol/brand.ts";
import { explainRevert } from "../protocol/reverts.ts";
import type { Reporter } from "../report.ts";
import { readAttempt } from "./replace.ts";

/** What mined transactions of ours reverted with. It is for people: nothing waits for it, and nothing is decided by it. */
export type Reverts = {
  /** Begins to find out, once each. */
  readonly look: (deps: RevertDeps, confirmation: Confirmation, receipt: Receipt) => void;
  /** In words, once it is found out. */
  readonly of: (hash: Hash) => string | undefined;
};

type RevertDeps = {
  readonly chain: Pick<ChainPort, "revertOf">;
  readonly signer: { readonly address: AccountAddress };
  readonly report: Reporter;
};

/** Reverts are rare; of more than these the oldest are forgotten. */
const mostKept = 256;

export function createReverts(): Reverts {
  const found = new Map<Hash, string | undefined>();
  return {
    look: ({ chain, signer, report }, confirmation, { hash, blockNumber }) => {
      const attempt = confirmation.attempts.find((each) => each.hash === hash);
      if (attempt === undefined || found.has(hash)) return;
      for (const oldest of [...found.keys()].slice(0, Math.max(0, found.size + 1 - mostKept))) found.delete(oldest);
      found.set(hash, undefined);
      const from = attempt.signer ?? signer.address;
      const asked = chain.revertOf({ hash, blockNumber, from, ...readAttempt(attempt).call });
      asked.then(
        (revert) => {
          const reason = revert && explainRevert(revert.reason);
          const told = reason === undefined ? "nobody can tell why" : revert?.isCertain ? reason : `probably ${reason}`;
          found.set(hash, told);
          report({ type: "reverted", confirmation, hash, reason: told });
        },
        // It is asked again when that is final, and is not worth more.
        () => void found.delete(hash),
      );
    },
    of: (hash) => found.get(hash),
  };
}
