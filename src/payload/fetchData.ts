import { createAgents } from "./agents.ts";
import { startDeadline } from "./deadline.ts";
import { decodeBody, noOutput } from "./decodeBody.ts";
import { type Egress, refusal } from "./egress.ts";
import { failed } from "./failure.ts";
import { createFetchUrl, type FetchUrl } from "./fetchUrl.ts";
import type { Answer } from "./ipfs/askGateway.ts";
import { askGateways, type GatewayMode } from "./ipfs/askGateways.ts";
import type { BlockCache } from "./ipfs/blockCache.ts";
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

export type FetchDataLimits = FetchLimits & {
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
    return answer.ok ? decodeBody(answer.body, { cidVerified: answer.verified, type: answer.type }) : noOutput(answer);
  } finally {
    deadline.end();
    agents.destroy();
  }
}

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
