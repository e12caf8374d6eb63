import type { ChainPort, Fees } from "../chain/chainPort.ts";
import type { AccountAddress, Nonce } from "../protocol/brand.ts";

/** A chain whose fees and whose counts of the keys are known before they are asked for. */
type HeadCache = {
  readonly chain: ChainPort;
  /** There is a new head: all are read again; where nothing may be to pay soon, they are forgotten. */
  readonly refresh: () => Promise<void>;
  /** Something is to pay: what is not known is read, beside what else that takes. */
  readonly prepare: () => void;
};

/** Milliseconds after which an answer is read anew where no head has come. */
const freshMs = 5_000;
/** Heads that come faster than this, in milliseconds, share an answer. */
const restMs = 250;

/**
 * Reads fees and the keys' counts of mined transactions at each head, so that paying does not wait for them.
 * @param mayPay Whether something may be to pay soon: what is read for nobody costs an endpoint, or its user, all the same.
 */
export function headCache(
  chain: ChainPort,
  accounts: readonly AccountAddress[],
  now: () => number,
  mayPay: () => Promise<boolean>,
): HeadCache {
  const fees = kept<Fees>(() => chain.fees(), now);
  const counts = new Map(accounts.map((account) => [account, kept<Nonce>(() => chain.minedNonce(account), now)]));
  const all = [fees, ...counts.values()];
  let isAwaited = true;
  const prepare = () => {
    for (const { read } of all) read().catch(() => undefined);
  };
  return {
    chain: {
      ...chain,
      fees: (urgent = false) => (urgent ? chain.fees(true) : fees.read()),
      minedNonce: (account, at, on) => {
        const count = at === undefined ? counts.get(account) : undefined;
        return count ? count.read() : chain.minedNonce(account, at, on);
      },
    },
    refresh: async () => {
      const wasAwaited = isAwaited;
      for (const { refresh, forget } of all) (wasAwaited ? refresh : forget)();
      // A journal that does not answer is met by whoever needs it.
      isAwaited = await mayPay().catch(() => true);
      if (isAwaited && !wasAwaited) prepare();
    },
    prepare,
  };
}

function kept<T>(ask: () => Promise<T>, now: () => number) {
  let answer: { readonly at: number; readonly value: Promise<T> } | undefined;
  const again = (): Promise<T> => {
    const asked = { at: now(), value: ask() };
    answer = asked;
    asked.value.catch(() => {
      if (answer === asked) answer = undefined;
    });
    return asked.value;
  };
  /** A clock that was set back says nothing of an answer's age. */
  const isYounger = (at: number, ms: number) => now() >= at && now() - at < ms;
  return {
    read: (): Promise<T> => (answer !== undefined && isYounger(answer.at, freshMs) ? answer.value : again()),
    refresh: () => {
      if (answer === undefined || !isYounger(answer.at, restMs)) again().catch(() => undefined);
    },
    forget: () => {
      answer = undefined;
    },
  };
}
