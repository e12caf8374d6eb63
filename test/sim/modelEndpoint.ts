import { type HttpRpc, type RpcAnswer, type RpcCall, RpcError, resultOf } from "../../src/chain/jsonRpc.ts";
import { RetryableError } from "../../src/errors.ts";
import { type Ailments, ailingAnswer, well } from "./ailments.ts";
import type { Faults } from "./faults.ts";
import { refusal } from "./modelAnswers.ts";
import type { ModelNode } from "./modelNode.ts";
import type { Prng } from "./prng.ts";
import type { Trace } from "./trace.ts";
import type { VirtualTime } from "./virtualTime.ts";

export type EndpointDeps = {
  readonly name: string;
  /** What the balancer chooses from, for each request anew. */
  readonly nodes: readonly ModelNode[];
  /** Those of all nodes that answer now. */
  readonly answering: () => readonly ModelNode[];
  readonly prng: Prng;
  readonly faults: Faults;
  readonly time: VirtualTime;
  readonly trace: Trace;
  /** Milliseconds after which a hanging request fails. */
  readonly timeoutMs: number;
  /** What it lacks, also when the faults are over. @default nothing */
  readonly ailments?: Ailments;
};

/** One HTTP endpoint: a balancer before some nodes, which fails, hangs, and loses what goes through it. */
export function createModelEndpoint(deps: EndpointDeps): HttpRpc {
  const { name, answering, prng, faults, time, trace, timeoutMs, ailments = well } = deps;
  let downUntil = 0;

  const answerOf = (node: ModelNode, call: RpcCall, calls: number) =>
    ailments.isWithoutBatches && calls > 1
      ? refusal("batch requests are not supported", -32600)
      : ailingAnswer(ailments, node, call);
  const unavailable = (why: string) =>
    new RetryableError(`the endpoint ${name} did not answer: ${why}`, { code: "ENDPOINT_UNAVAILABLE" });

  const batch = (calls: readonly RpcCall[]): Promise<readonly RpcAnswer[]> =>
    new Promise((resolve, reject) => {
      if (calls.length === 0) return resolve([]);
      const methods = calls.map(({ method }) => method.replace("eth_", "")).join(",");
      const fail = (inMs: number, why: string) => {
        trace.digest(`${name} ${methods}: ${why}`);
        time.after(inMs, () => reject(unavailable(why)));
      };
      if (faults.strikes("endpoint down")) downUntil = time.now() + prng.between(2_000, 30_000);
      if (time.now() < downUntil && !faults.isOver()) return fail(prng.between(1, 50), "HTTP 503");
      if (faults.strikes("http error")) return fail(prng.between(1, 300), prng.pick(["HTTP 502", "ECONNRESET"]));
      const nodes = deps.nodes.filter((each) => answering().includes(each));
      if (nodes.length === 0) return fail(prng.between(1, 50), "HTTP 503");
      const isSend = calls.some(({ method }) => method === "eth_sendRawTransaction");
      if (isSend && faults.strikes("send lost")) return fail(prng.between(1, 300), "ECONNRESET");
      if (isSend && faults.strikes("send and answer lost")) return fail(timeoutMs, `no answer within ${timeoutMs} ms`);

      const node = prng.pick(nodes);
      if (isSend && faults.strikes("send late")) {
        // Somewhere on the way it waits, and comes when nobody expects it any more.
        time.after(prng.between(5_000, 60_000), () => {
          for (const call of calls) answerOf(node, call, calls.length);
        });
        return fail(timeoutMs, `no answer within ${timeoutMs} ms`);
      }
      const hangs = faults.strikes("http hang");
      const loses = isSend && faults.strikes("answer lost");
      time.after(prng.between(1, 60), () => {
        // A proxy asks again where it heard nothing, and passes the second answer on.
        if (isSend && faults.strikes("send twice")) for (const call of calls) answerOf(node, call, calls.length);
        const answers = calls.map((call) => toAnswer(answerOf(node, call, calls.length)));
        trace.digest(
          `${name} ${methods} ${answers.map((answer) => ("error" in answer ? answer.error.message : "ok"))}`,
        );
        if (hangs || (loses && prng.chance(0.5))) return fail(timeoutMs, `no answer within ${timeoutMs} ms`);
        if (loses) return fail(prng.between(1, 300), "its answer has holes");
        const slowness = ailments.isSlow ? 1_500 : 0;
        time.after(prng.between(1, 60) + slowness, () => resolve(answers));
      });
    });

  return {
    name,
    batch,
    call: async <T>(method: string, ...params: readonly unknown[]) => {
      const [answer] = await batch([{ method, params }]);
      return resultOf(answer) as T;
    },
  };
}

function toAnswer(answer: ReturnType<ModelNode["answer"]>): RpcAnswer {
  if (!("error" in answer)) return answer;
  const { message, code, data } = answer.error;
  return { error: new RpcError(message, code, data) };
}
