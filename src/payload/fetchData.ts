import { createAgents } from "./agents.ts";
import { startDeadline } from "./deadline.ts";
import { decodeBody, noOutput } from "./decodeBody.ts";
import { type Egress, refusal } from "./egress.ts";
import { failed } from "./failure.ts";
import { createFetchUrl, type FetchUrl } from "./fetchUrl.ts";
import { type Answer, askGateway } from "./ipfs/askGateway.ts";
import { askGateways, type GatewayMode } from "./ipfs/askGateways.ts";
import type { BlockCache } from "./ipfs/blockCache.ts";
import { hashes } from "./ipfs/cid.ts";
import type { Gateway } from "./ipfs/gateway.ts";
import type { FetchLimits, Output } from "./payloadPort.ts";
import type { RemoteData } from "./readData.ts";

export type FetchDataDeps = {
  readonly egress: Egress;
  /** The operator's own. */
  readonly gateways: readonly Gateway[];
  readonly mode: GatewayMode;
  readonly cache: BlockCache;
  readonly firstByteMs: number;
  /** Milliseconds. */
  readonly now: () => number;
};

type FetchDataLimits = FetchLimits & {
  /** When the whole time is over, by `now`: a part of it may be. */
  readonly endsAt: number;
};

/** Fetches what is not inline, under one deadline and over connections that end with it. */
export async function fetchData(data: RemoteData, limits: FetchDataLimits, deps: FetchDataDeps): Promise<Output> {
  const { endsAt, timeoutMs } = limits;
  const deadline = startDeadline(endsAt - deps.now(), failed(`timed out after ${timeoutMs} ms`, true));
  const agents = createAgents();
  try {
    const ask = { maxBytes: limits.maxBytes, signal: deadline.signal };
    const fetchUrl = createFetchUrl({ ...deps, agents });
    const answer = await fetchAnswer(data, { ...deps, ...ask, fetchUrl, endsAt });
    return outputOf(answer);
  } finally {
    deadline.end();
    agents.destroy();
  }
}

/** Whether what it names may be at hand already. */
export async function isKept(data: RemoteData, { cache, egress }: FetchDataDeps): Promise<boolean> {
  if (data.kind !== "ipfs" || (data.url && refusal(data.url, egress))) return false;
  const { cid } = data.reference;
  return cid.hash === hashes.identity || cache.has(cid);
}

/** Reads what is at hand, and asks nobody; `undefined` where a part of it is missing. */
export async function readKept(
  data: RemoteData,
  { maxBytes }: FetchLimits,
  { cache }: FetchDataDeps,
): Promise<Output | undefined> {
  if (data.kind !== "ipfs") return undefined;
  const { signal } = new AbortController();
  const fetchUrl: FetchUrl = async () => failed("it is not at hand");
  const answer = await askGateway(nobody, data.reference, { cache, maxBytes, signal, fetchUrl });
  return answer.ok || answer.proven ? outputOf(answer) : undefined;
}

const nobody: Gateway = { name: "nobody", urlOf: () => new URL("nobody:") };

const outputOf = (answer: Answer): Output =>
  answer.ok ? decodeBody(answer.body, { cidVerified: answer.verified, type: answer.type }) : noOutput(answer);

type Job = FetchDataDeps & {
  readonly fetchUrl: FetchUrl;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  readonly endsAt: number;
};

async function fetchAnswer(data: RemoteData, job: Job): Promise<Answer> {
  if (data.kind === "url") {
    const fetched = await job.fetchUrl(data.url, { ...job, textOnly: true });
    return fetched.ok ? { ...fetched, verified: false } : fetched;
  }
  const { reference, url, gateway } = data;
  const refused = url ? refusal(url, job.egress) : "";
  if (refused) return failed(refused);
  const others = job.gateways.filter(({ name }) => name !== gateway?.name);
  return askGateways(gateway ? [gateway, ...others] : others, reference, job);
}
