import { createEndpoints, type Endpoints, type EndpointsOptions } from "../chain/endpoints/createEndpoints.ts";
import { steadyClock } from "../clock.ts";
import type { Config } from "../config/schema.ts";

/** The endpoints as the configuration describes them. */
export const openEndpoints = ({ chain, rpc }: Config, parts: Pick<EndpointsOptions, "random" | "report">): Endpoints =>
  createEndpoints({
    ...parts,
    clock: steadyClock,
    urls: rpc.http,
    timeoutMs: rpc.timeout,
    rateLimit: rpc.rateLimit,
    batchSize: rpc.batchSize,
    cooldownMs: rpc.cooldown,
    chainId: chain.id,
  });
