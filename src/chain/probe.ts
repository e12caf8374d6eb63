import { ConfigError, RetryableError } from "../errors.ts";
import { type AccountAddress, type Hex, type Wei, wei } from "../protocol/brand.ts";
import type { Deployment } from "../protocol/chains.ts";
import { quantity } from "./endpoints/answerShapes.ts";
import type { Endpoint } from "./endpoints/createEndpoint.ts";
import { EndpointError } from "./endpoints/endpointError.ts";
import { type HttpRpc, type RpcAnswer, RpcError, resultOf } from "./jsonRpc.ts";
import { type LogsProbe, probeLogs } from "./probeLogs.ts";
import { blockCall, blockIn, type WireBlock } from "./wire.ts";

/** What an endpoint turned out to be, and to be able to do. */
export type EndpointProbe = LogsProbe & {
  /** Host and port alone. */
  readonly name: string;
  readonly chainId: number;
  readonly clientVersion: string;
  readonly head: bigint;
  /** The head has a base fee. */
  readonly eip1559: boolean;
  /** Blocks from the head down to the block of the tag; `undefined` where the node does not know the tag. */
  readonly safeDepth: bigint | undefined;
  readonly finalizedDepth: bigint | undefined;
  /** Several calls in one request are answered. */
  readonly batches: boolean;
  /** `eth_call` runs code that is not deployed: a multicall needs no contract. */
  readonly deploylessCalls: boolean;
};

export type Expected = {
  readonly chainId: number;
  readonly deployment: Deployment;
  /** `chain.finality`: where it is a tag, one endpoint at least must know it. */
  readonly finality: number | "safe" | "finalized";
};

/** What became of one endpoint's probe. */
type Outcome = { readonly name: string } & ({ readonly found: EndpointProbe } | { readonly error: unknown });

type ProbeResult = {
  readonly probes: readonly EndpointProbe[];
  /** Endpoints that did not answer; the daemon does without them until they do. */
  readonly down: readonly { readonly name: string; readonly error: Error }[];
  /** Those that were not waited for. Each is left alone until it has passed. */
  readonly late: readonly { readonly name: string; readonly outcome: Promise<Outcome> }[];
};

/**
 * Asks every endpoint who it is and what it can do, before anything else happens.
 *
 * @param patience Begun when one has passed that is enough by itself: when it is over, the others are not waited for any longer.
 *   @default they are
 * @throws ConfigError `CHAIN_ID_MISMATCH` if one serves another chain, `CONTRACTS_MISSING` if Nexus is not on it,
 *   `FINALITY_UNKNOWN` if nothing would ever be final; RetryableError or RpcError if none answers.
 */
export async function probe(
  endpoints: readonly Endpoint[],
  expected: Expected,
  patience?: () => Promise<unknown>,
): Promise<ProbeResult> {
  const outcomes: Outcome[] = [];
  const asked = endpoints.map((endpoint) => ({
    endpoint,
    name: endpoint.name,
    outcome: outcomeOf(endpoint, expected),
  }));
  const enough = new Promise<void>((resolve) => {
    for (const { outcome } of asked)
      void outcome.then((each) => {
        outcomes.push(each);
        if ("found" in each && knowsFinality(each.found, expected.finality)) resolve();
      });
  });
  const all = Promise.all(asked.map(({ outcome }) => outcome));
  await (patience === undefined ? all : Promise.race([all, enough.then(patience)]));

  const late = asked.filter(({ name }) => !outcomes.some((each) => each.name === name));
  for (const { endpoint, outcome } of late) endpoint.leaveAlone(outcome.then((each) => !isUnfit(each)));
  const told = asked.flatMap(({ name }) => outcomes.find((each) => each.name === name) ?? []);
  const probes = told.flatMap((each) => ("found" in each ? [each.found] : []));
  const down: { name: string; error: Error }[] = [];
  for (const each of told) {
    if ("found" in each) continue;
    if (!isAboutTheEndpoint(each.error)) throw each.error;
    down.push({ name: each.name, error: each.error });
  }
  const [first] = down;
  requireFinality(probes, expected.finality);
  if (probes.length > 0 || first === undefined) return { probes, down, late };
  if (down.length === 1) throw first.error;
  throw new EndpointError(`no endpoint can be used: ${down.map(({ error }) => error.message).join("; ")}`);
}

const outcomeOf = (endpoint: Endpoint, expected: Expected): Promise<Outcome> =>
  probeEndpoint(endpoint, expected).then(
    (found) => ({ name: endpoint.name, found }),
    (error: unknown) => ({ name: endpoint.name, error }),
  );

/** Whether it answers, and must not be used. */
const isUnfit = (outcome: Outcome): boolean => "error" in outcome && !isAboutTheEndpoint(outcome.error);

/** Whether an endpoint can tell what is final. */
export const knowsFinality = ({ safeDepth, finalizedDepth }: EndpointProbe, finality: Expected["finality"]): boolean =>
  typeof finality === "number" || (finality === "safe" ? safeDepth : finalizedDepth) !== undefined;

function requireFinality(probes: readonly EndpointProbe[], finality: Expected["finality"]): void {
  if (probes.length === 0 || probes.some((probe) => knowsFinality(probe, finality))) return;
  throw new ConfigError(`no endpoint knows the block tag "${finality}": nothing would ever be final`, {
    code: "FINALITY_UNKNOWN",
    remedy: "set chain.finality to a number of blocks, or to a tag that ogpu-confirmd check shows",
  });
}

const isAboutTheEndpoint = (error: unknown): error is Error =>
  error instanceof RetryableError || error instanceof RpcError;

/** @throws as `probe`; RetryableError or RpcError if this one does not answer. */
async function probeEndpoint(endpoint: Endpoint, { chainId, deployment }: Expected): Promise<EndpointProbe> {
  const { name } = endpoint;
  const [id, version, block, code] = await endpoint.batch([
    { method: "eth_chainId", params: [] },
    { method: "web3_clientVersion", params: [] },
    blockCall("latest"),
    { method: "eth_getCode", params: [deployment.nexus, "latest"] },
  ]);
  const found = Number(resultOf(id) as Hex);
  if (found !== chainId) {
    throw new ConfigError(`the endpoint ${name} serves chain ${found}, not chain ${chainId}`, {
      code: "CHAIN_ID_MISMATCH",
      remedy: "set rpc.http to endpoints of the configured network, or choose the network with --network",
    });
  }
  if (resultOf(code) === "0x") {
    throw new ConfigError(`there is no Nexus contract at ${deployment.nexus} on chain ${found}, says ${name}`, {
      code: "CONTRACTS_MISSING",
      remedy: "check that rpc.http leads to the OpenGPU network, or to a devnet that is ready",
    });
  }
  const latest = blockIn(block);
  const head = quantity(latest?.number);
  if (latest === null || head === undefined)
    throw new EndpointError(`the endpoint ${name} did not answer: its head is no block`);
  const [safe, finalized, multicall] = await endpoint.batch([
    blockCall("safe"),
    blockCall("finalized"),
    { method: "eth_call", params: [{ data: answers42 }, "latest"] },
  ]);
  return {
    name,
    chainId: found,
    clientVersion: version && "result" in version ? String(version.result).slice(0, 100) : "unknown",
    head,
    eip1559: latest.baseFeePerGas !== undefined,
    safeDepth: depthOf(safe, head),
    finalizedDepth: depthOf(finalized, head),
    batches: endpoint.health().batchSize > 1,
    deploylessCalls: multicall !== undefined && "result" in multicall && quantity(multicall.result) === 42n,
    ...(await probeLogs(endpoint, deployment.nexus, latest)),
  };
}

/** Stores 42 in memory and returns the word. */
const answers42 = "0x602a60005260206000f3";

function depthOf(answer: RpcAnswer | undefined, head: bigint): bigint | undefined {
  const block = answer && "result" in answer ? (answer.result as WireBlock | null) : null;
  const number = quantity(block?.number);
  if (number === undefined) return undefined;
  return head > number ? head - number : 0n;
}

/** What an account can pay for gas. */
export const balanceOf = async (rpc: HttpRpc, account: AccountAddress): Promise<Wei> =>
  wei(BigInt(await rpc.call<Hex>("eth_getBalance", account, "latest")));
