import type { ChainPort, Simulation } from "../chain/chainPort.ts";
import type { Preview } from "../chain/confirmPreviews.ts";
import { olderThanRead } from "../chain/farBehind.ts";
import type { Confirmation, Journal } from "../journal/journal.ts";
import type { AccountAddress, UnixSeconds } from "../protocol/brand.ts";
import { explainRevert, revertMeaning } from "../protocol/reverts.ts";
import type { GasFigure } from "./gasFigure.ts";
import { type Doubted, type Obstacle, obstacleIn, onceFinal } from "./onceFinal.ts";

/**
 * Whether a confirmation may be sent now. `settled`: somebody else settled the task, finally. `refused`: it can never be
 * paid. `not-now`: it may be later; the reason says what it waits for.
 */
export type Payable =
  | {
      readonly type: "yes";
      /** Gas units. */
      readonly gas: bigint;
      /** When the task's time is over, where that was asked. */
      readonly expiresAt?: UnixSeconds | undefined;
    }
  /** @param withoutTask A final block that is without the task, where that is why. */
  | { readonly type: "refused"; readonly reason: string; readonly withoutTask?: bigint }
  /** @param ofKey Another key may pay it. */
  | { readonly type: "not-now"; readonly reason: string; readonly ofKey?: boolean }
  /** @param at The block that shows it. */
  | { readonly type: "settled"; readonly reason: string; readonly at: bigint };

type Deps = { readonly chain: ChainPort; readonly journal: Journal; readonly gasFigure: GasFigure };

type Payment = { readonly confirmation: Confirmation; readonly from: AccountAddress };

/**
 * Reads the tasks and the responses again and simulates the calls, in one request, before every signature and before
 * bytes go out again. Its error for each that cannot be told. Of what is payable nothing more is asked.
 *
 * @param withExpiry Reads when the tasks expire, too. @default false
 * @throws RetryableError if the endpoint does not answer.
 */
export async function payableAll(
  deps: Deps,
  payments: readonly Payment[],
  withExpiry = false,
): Promise<readonly (Payable | Error)[]> {
  const [first, ...others] = payments;
  if (first === undefined || others.length === 0 || deps.gasFigure.known() !== undefined) {
    return checkAll(deps, payments, withExpiry);
  }
  // The first one is estimated, and teaches what the others take: an estimate costs the node many times a call.
  return [...(await checkAll(deps, [first], withExpiry)), ...(await checkAll(deps, others, withExpiry))];
}

async function checkAll(
  deps: Deps,
  payments: readonly Payment[],
  withExpiry: boolean,
): Promise<readonly (Payable | Error)[]> {
  const { chain, journal, gasFigure } = deps;
  const gas = gasFigure.known();
  const asks = payments.map(({ confirmation: { task, response }, from }) => ({
    task,
    response,
    from,
    gas,
    withExpiry,
  }));
  // Before they are asked for: the scanner goes on meanwhile.
  const scanned = await journal.cursor();
  const previews = await chain.previews(asks);
  const looks = payments.map(({ confirmation }, index) => {
    const preview = previews[index] ?? new TypeError("a preview is missing");
    if (preview instanceof Error) return preview;
    return olderThanRead(preview.block, scanned) ?? judge(deps, confirmation, preview);
  });
  const doubted = looks.flatMap((look, index): Doubted[] => {
    const { confirmation } = payments[index] as Payment;
    return "seen" in look ? [{ confirmation, seen: look.seen }] : [];
  });
  const decided = (await onceFinal(deps, doubted)).values();
  return looks.map((look) => ("seen" in look ? (decided.next().value as Payable | Error) : look));
}

/** The same for one. @throws RetryableError if the endpoint does not answer. */
export async function payable(deps: Deps, confirmation: Confirmation, from: AccountAddress): Promise<Payable> {
  const [answer] = await payableAll(deps, [{ confirmation, from }]);
  if (answer === undefined || answer instanceof Error) throw answer;
  return answer;
}

/** What is told of one at once, and what only a final block can tell. */
function judge(
  { gasFigure }: Deps,
  confirmation: Confirmation,
  preview: Preview,
): Payable | { readonly seen: Obstacle } {
  const obstacle = obstacleIn(preview, confirmation);
  if (obstacle) return { seen: obstacle };
  const { simulation, expiresAt } = preview;
  if (simulation.ok) gasFigure.learn(simulation.gas);
  const answer = fromSimulation(simulation, preview.block);
  if (answer.type === "settled") return { seen: answer };
  return answer.type === "yes" ? { ...answer, expiresAt } : answer;
}

function fromSimulation(simulation: Simulation, at: bigint): Payable {
  if (simulation.ok) return { type: "yes", gas: simulation.gas };
  const reason = explainRevert(simulation.reason);
  switch (revertMeaning(simulation.reason)) {
    case "settled":
      return { type: "not-now", reason };
    case "expired":
      return { type: "settled", at, reason };
    case "passing":
      return { type: "not-now", reason, ofKey: simulation.reason === "NotOwner" };
    case "unknown":
      return { type: "refused", reason };
  }
}
