import { createEndpoints, type Endpoints, type EndpointsOptions } from "../chain/endpoints/createEndpoints.ts";
import type { Config } from "../config/schema.ts";

/** The endpoints as the configuration describes them. */
export const openEndpoints = (
  { chain, rpc }: Config,
  parts: Pick<EndpointsOptions, "clock" | "random" | "report">,
): Endpoints =>
  createEndpoints({
    ...parts,
    urls: rpc.http,
    timeoutMs: rpc.timeout,
    rateLimit: rpc.rateLimit,
    batchSize: rpc.batchSize,
    cooldownMs: rpc.cooldown,
    chainId: chain.id,
  });
