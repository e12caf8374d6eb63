import { onTestFinished } from "vitest";
import { createEndpoints, type EndpointsOptions } from "../../src/chain/endpoints/createEndpoints.ts";
import type { Report } from "../../src/report.ts";
import { type RpcReply, type RpcRequest, startRpcServer } from "./rpcServer.ts";
import { createVirtualTime } from "./virtualTime.ts";

/** What a server answers. */
export type Reply = (calls: readonly RpcRequest[]) => RpcReply;

/** Endpoints on servers that answer as told until the test is over, on a clock that stands still. */
export async function openEndpointStage(replies: readonly Reply[], options: Partial<EndpointsOptions> = {}) {
  const servers = await Promise.all(replies.map((reply) => startRpcServer(reply)));
  onTestFinished(() => Promise.all(servers.map((server) => server.stop())).then(() => undefined));
  const { clock, pass } = createVirtualTime();
  const reports: Report[] = [];
  const endpoints = createEndpoints({
    urls: servers.map(({ url }) => url),
    timeoutMs: 2_000,
    clock,
    random: () => 0.5,
    rateLimit: 0,
    batchSize: 100,
    cooldownMs: 30_000,
    report: (report) => reports.push(report),
    ...options,
  });
  const names = endpoints.each().map(({ name }) => name);
  const events = () =>
    reports.flatMap((each) => (each.type === "endpoint" ? [`${names.indexOf(each.endpoint)} ${each.event}`] : []));
  /** How often each server was asked for what. */
  const asked = (method?: string) =>
    servers.map(({ requests }) => requests.filter(({ calls }) => !method || calls[0]?.method === method).length);
  return { endpoints, servers, names, reports, events, asked, pass, clock };
}

export const answering =
  (result: (call: RpcRequest) => unknown): Reply =>
  (calls) => {
    const answers = calls.map((call) => ({ jsonrpc: "2.0", id: call.id, result: result(call) }));
    return { body: answers.length === 1 ? answers[0] : answers };
  };

export const refusing =
  (message: string, code = -32000): Reply =>
  (calls) => {
    const answers = calls.map(({ id }) => ({ jsonrpc: "2.0", id, error: { code, message } }));
    return { body: answers.length === 1 ? answers[0] : answers };
  };

/** Answers as the first does for so many requests, then as the second. */
export const first = (count: number, before: Reply, after: Reply): Reply => {
  let requests = 0;
  return (calls) => (requests++ < count ? before : after)(calls);
};
