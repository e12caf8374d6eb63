import { setTimeout as sleep } from "node:timers/promises";

export type WebhookOptions = {
  /** A secret: it is the right to post there. */
  readonly url: string;
  /** Milliseconds for one try. */
  readonly timeoutMs: number;
  /** Bodies that wait at the most; beyond it the oldest is dropped, and counted. */
  readonly maxQueue?: number;
  /** Milliseconds before the second try; they double with each. */
  readonly firstRetryMs?: number;
  readonly onFailure: (problem: string, lost: number) => void;
};

type Webhook = {
  /** Returns at once. */
  readonly send: (body: Record<string, unknown>) => void;
  /** Resolves when everything was delivered or given up. */
  readonly drained: () => Promise<void>;
  /** Gives up what waits. */
  readonly close: () => void;
};

const tries = 5;
const longestPauseMs = 60_000;

/** Posts JSON to one URL, one after the other, without ever making its caller wait. */
export function createWebhook(options: WebhookOptions): Webhook {
  const { maxQueue = 100, onFailure } = options;
  const queue: Record<string, unknown>[] = [];
  const abort = new AbortController();
  let running: Promise<void> | undefined;

  const run = async () => {
    for (let body = queue.shift(); body !== undefined && !abort.signal.aborted; body = queue.shift()) {
      const problem = await deliver(body, options, abort.signal);
      if (problem !== undefined && !abort.signal.aborted) onFailure(problem, 1);
    }
    running = undefined;
  };
  return {
    send: (body) => {
      if (abort.signal.aborted) return;
      queue.push(body);
      if (queue.length > maxQueue) {
        queue.shift();
        onFailure(`more than ${maxQueue} notices wait`, 1);
      }
      running ??= run();
    },
    drained: () => running ?? Promise.resolve(),
    close: () => {
      queue.length = 0;
      abort.abort();
    },
  };
}

/** @returns why it could not be delivered. The URL is in no text. */
async function deliver(
  body: Record<string, unknown>,
  { url, timeoutMs, firstRetryMs = 1_000 }: WebhookOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  let problem = "";
  for (let attempt = 0; attempt < tries && !signal.aborted; attempt++) {
    let pauseMs = firstRetryMs * 2 ** attempt;
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json", "user-agent": "ogpu-confirmd" },
        body: JSON.stringify(body),
        redirect: "error",
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      await response.body?.cancel();
      if (response.ok) return undefined;
      problem = `it answered with status ${response.status}`;
      if (response.status < 500 && response.status !== 429) return problem;
      const seconds = Number(response.headers.get("retry-after"));
      if (seconds > 0) pauseMs = seconds * 1_000;
    } catch (error) {
      problem = reasonOf(error);
    }
    if (attempt + 1 < tries)
      await sleep(Math.min(pauseMs, longestPauseMs), undefined, { signal, ref: false }).catch(() => undefined);
  }
  return `${problem}, ${tries} times`;
}

/** An error of `fetch` may quote the URL in its message; its cause's code does not. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === "TimeoutError") return "it did not answer in time";
  const code = ((error as Error)?.cause as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? `it cannot be reached (${code})` : "it cannot be reached";
}
