import type { Hex } from "../../src/protocol/brand.ts";
import type { Deployment } from "../../src/protocol/chains.ts";
import { mainnet } from "../../src/protocol/chains.ts";
import { settingWithout } from "./actors.ts";
import { type Ailments, drawAllAilments, well } from "./ailments.ts";
import type { DaemonSettings } from "./incarnation.ts";
import { createModelChain, type ModelChain } from "./modelChain.ts";
import type { NodeOptions } from "./modelNode.ts";
import type { Prng } from "./prng.ts";
import { modelHash } from "./words.ts";

const chainId = mainnet.id;

/** How the nodes of a run are. */
export const drawNodeOptions = (
  world: Prng,
  given: Pick<NodeOptions, "deployment" | "finalizedDepth" | "takesTraces">,
): NodeOptions => ({
  ...given,
  chainId,
  logLimit: world.pick([4, 20, 10_000]),
  strictPages: world.chance(0.3),
  replacementPerMille: world.pick([1_100n, 1_125n]),
  refusesBelowBaseFee: world.chance(0.5),
  takesOverrides: world.chance(0.7),
});

/** Draws of the endpoints that daemons ask. */
export type EndpointDraws = {
  /** Whether there are two, and whether the first one has no receipts. */
  readonly two: Prng;
  /** Whether more ails those, and a third one that is well. */
  readonly ailments: Prng;
};

/** How its daemons are configured. @param endpoints `undefined`: they ask one. */
export const drawSettings = (
  world: Prng,
  endpoints: EndpointDraws | undefined,
  given: Pick<DaemonSettings, "deployment" | "finalityDepth" | "guardrails">,
): DaemonSettings => ({
  ...given,
  endpoints: endpoints && drawEndpoints(endpoints, given.finalityDepth),
  chainId,
  startBlock: world.pick(["head", 0n] as const),
  maxBlockRange: world.pick([1, 3, 10, 2_000]),
  maxInFlight: world.pick([1, 4, 16]),
  sweepEveryMs: world.pick([20_000, 60_000, 300_000]),
  hasSocket: world.chance(0.75),
  timeoutMs: 10_000,
  rebroadcastAfterMs: world.pick([8_000, 30_000]),
  askAllUpTo: world.pick([0, 16]),
});

/** Of several the last one is well: what no other one does, it does. */
function drawEndpoints({ two, ailments }: EndpointDraws, finalityDepth: number): DaemonSettings["endpoints"] {
  if (!two.chance(0.5)) return undefined;
  const batchSize = two.pick([1, 20, 100]);
  const first: Ailments = { isWithoutReceipts: two.chance(0.3) };
  if (!ailments.chance(0.5)) return { batchSize, ailments: [first, well] };
  return { batchSize, ailments: drawAllAilments(ailments, finalityDepth) };
}

/** Seconds between the blocks of the past. */
const pastSeconds = 2;

/** A chain with all that is there before anything happens; some have a past, so that a node can hang far behind. */
export function drawChain(
  past: Prng,
  startSeconds: number,
  deployment: Deployment,
  baseFee: bigint | undefined,
  late: readonly Hex[],
): ModelChain {
  const empty = past.chance(0.15) ? past.between(100, 220) : 0;
  const genesis = startSeconds - pastSeconds * empty;
  const chain = createModelChain(deployment, genesis, baseFee);
  const setUp = settingWithout(late).map((action, index) => ({ hash: modelHash(0x5e, index), action, key: undefined }));
  chain.adopt(chain.build(chain.tip(), { time: genesis + 1, baseFee, transactions: setUp }));
  for (let built = 0; built < empty; built++) {
    const tip = chain.tip();
    chain.adopt(chain.build(tip, { time: tip.time + pastSeconds, baseFee, transactions: [] }));
  }
  return chain;
}
