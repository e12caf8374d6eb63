import { firstValueFrom, timer } from "rxjs";
import type { ChainPort } from "../../chain/chainPort.ts";
import type { Clock } from "../../clock.ts";
import { RetryableError } from "../../errors.ts";
import { checksummed, type Nonce, toNonce } from "../../protocol/brand.ts";
import type { Signer } from "../../signer/signerPort.ts";

export type FreeNonceDeps = {
  readonly chain: ChainPort;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly pollIntervalMs: number;
};

/** What was just sent, or mined, takes a moment to reach every endpoint. */
const mostLooks = 6;

/**
 * The next nonce that nothing is signed in. A count that this client's own transactions do not explain is the word of two endpoints,
 * where there are two that answer: behind one that is too high nothing is mined, and one that is too low takes what waits its place.
 * @param own The nonce after the highest that was signed here.
 * @throws RetryableError `ENDPOINTS_DISAGREE` if they go on to count differently.
 */
export async function freeNonce(deps: FreeNonceDeps, own: Nonce | undefined): Promise<Nonce> {
  const { chain, signer, clock, pollIntervalMs } = deps;
  for (let look = 1; ; look++) {
    const here = await counted(chain.minedNonce(signer.address), chain.pendingNonce(signer.address));
    if (own !== undefined && here <= own) return own;
    const elsewhere = await countedElsewhere(deps);
    if (elsewhere === undefined || elsewhere === here) return here;
    if (look === mostLooks) throw disagreement(signer, here, elsewhere);
    await firstValueFrom(timer(pollIntervalMs, clock.scheduler));
  }
}

const counted = async (mined: Promise<Nonce>, pending: Promise<Nonce>): Promise<Nonce> =>
  toNonce(Math.max(...(await Promise.all([mined, pending]))));

/** Transactions that are mined or wait; `undefined` where no other endpoint can tell. */
export async function countedElsewhere({
  chain,
  signer: { address },
}: Pick<FreeNonceDeps, "chain"> & { readonly signer: Pick<Signer, "address"> }): Promise<Nonce | undefined> {
  const head = await chain.head();
  try {
    const mined = chain.minedNonceElsewhere(address, head.number).then((second) => second.mined);
    return await counted(mined, chain.pendingNonceElsewhere(address));
  } catch {
    return undefined;
  }
}

const disagreement = ({ address }: Signer, here: number, elsewhere: number) =>
  new RetryableError(
    `one endpoint counts ${here} transactions of ${checksummed(address)}, and another one ${elsewhere}: nothing was signed`,
    {
      code: "ENDPOINTS_DISAGREE",
      remedy: "try again later: one of them lags, or shows no transactions that wait; leave out the one that is wrong",
    },
  );
