import { createHash, createHmac } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { FactsJson } from "../factsJson.ts";
import type { SignalSpec } from "../policySpec.ts";
import { createHourlyBudget } from "./hourlyBudget.ts";
import type { SignalAnswer, SignalFailure, Signals } from "./signalsPort.ts";

type HttpSignalsOptions = {
  /** The value of a secret by its name. */
  readonly secretOf: (name: string) => string | undefined;
  readonly fetch?: typeof globalThis.fetch;
  /** Milliseconds since 1970. @default the machine's clock; for the hours of budgets one that nobody sets */
  readonly now?: () => number;
  readonly pause?: (ms: number) => Promise<unknown>;
};

const maxAnswerBytes = 64 * 1024;
const maxRemembered = 10_000;

/**
 * Judges that answer over HTTP: a POST of the facts as JSON, answered by JSON. Where there is a secret, the request
 * carries `x-ogpu-timestamp` (unix seconds) and `x-ogpu-signature: sha256=HMAC(timestamp + "." + body)`.
 */
export function createHttpSignals(options: HttpSignalsOptions): Signals {
  const { secretOf, fetch = globalThis.fetch, now = Date.now, pause = sleep } = options;
  const remembered = new Map<string, Promise<SignalAnswer>>();
  const budget = createHourlyBudget(options.now ?? (() => performance.now()));

  const post = async (signal: SignalSpec, body: string): Promise<SignalAnswer> => {
    const headers: Record<string, string> = { "content-type": "application/json", accept: "application/json" };
    if (signal.secret !== undefined) {
      const secret = secretOf(signal.secret);
      if (!secret) return failed(signal, `has no secret: set ${signal.secret}`);
      const timestamp = String(Math.floor(now() / 1_000));
      const mac = createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex");
      headers["x-ogpu-timestamp"] = timestamp;
      headers["x-ogpu-signature"] = `sha256=${mac}`;
    }
    const request = { method: "POST", headers, body, redirect: "error", signal: AbortSignal.timeout(signal.timeoutMs) };
    const response = await fetch(signal.url, request as RequestInit);
    if (!response.ok) return failed(signal, `answered HTTP ${response.status}`);
    const text = await readBounded(response);
    if (text === undefined) return failed(signal, `answered more than ${maxAnswerBytes} bytes`);
    return { ok: true, answer: JSON.parse(text) as unknown };
  };

  const askAnew = async (signal: SignalSpec, facts: FactsJson): Promise<SignalAnswer> => {
    const body = JSON.stringify({ signal: signal.name, facts });
    let last: SignalAnswer = failed(signal, "was not asked");
    for (let attempt = 0; attempt <= signal.retries; attempt++) {
      if (attempt > 0) await pause(500 * 2 ** (attempt - 1));
      const againInMs = budget.take(signal);
      if (againInMs !== undefined) return attempt > 0 ? last : usedUp(signal, againInMs);
      last = await post(signal, body).catch((error: unknown) => failed(signal, reasonOf(error)));
      if (last.ok) return last;
    }
    return last;
  };

  return {
    ask: (signal, facts) => {
      const key = keyOf(signal, facts);
      const known = remembered.get(key);
      if (known) return known;
      const asked = askAnew(signal, facts).then((answer) => {
        if (!answer.ok) remembered.delete(key);
        return answer;
      });
      if (remembered.size >= maxRemembered) remembered.delete(remembered.keys().next().value ?? "");
      remembered.set(key, asked);
      return asked;
    },
  };
}

/** One answer for one judge, response and payload. */
const keyOf = ({ name, url }: SignalSpec, { response, output, task }: FactsJson): string =>
  createHash("sha256").update([name, url, task.address, response.address, output.digest].join("\0")).digest("hex");

const failed = ({ name }: SignalSpec, what: string): SignalFailure => ({
  ok: false,
  error: `the judge ${name} ${what}`,
});

const usedUp = (signal: SignalSpec, againInMs: number): SignalFailure => ({
  ...failed(signal, `has been asked ${signal.perHour} times within the hour`),
  againInMs,
});

function reasonOf(error: unknown): string {
  if (error instanceof SyntaxError) return "answered no JSON";
  const isTimeout = error instanceof DOMException && error.name === "TimeoutError";
  return isTimeout ? "did not answer in time" : "could not be reached";
}

async function readBounded(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxAnswerBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
