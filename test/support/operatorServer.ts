import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { loadConfig } from "../../src/config/loadConfig.ts";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import { createLogger } from "../../src/ops/logger.ts";
import { createObservers } from "../../src/ops/observers.ts";
import { startOperatorServer } from "../../src/ops/operatorServer.ts";
import { createScrubber } from "../../src/ops/scrub.ts";
import { fixedPolicies } from "../../src/policy/policyStore.ts";
import { loadLedger } from "../../src/sink/guardrails/openLedger.ts";

export const pageToken = "a-token-that-nobody-can-guess-0123456789";

type Options = {
  readonly token?: string | undefined;
  readonly flags?: Record<string, string>;
  readonly secrets?: string[];
};

/** The real server on a real journal, without a chain behind it. */
export async function startTestServer({ token = pageToken, flags = {}, secrets = [] }: Options = {}) {
  const directory = mkdtempSync(join(tmpdir(), "operator-"));
  const lines: string[] = [];
  const logger = createLogger({
    level: "trace",
    format: "json",
    isTTY: false,
    destination: { write: (line) => lines.push(line) },
  });
  const { config } = loadConfig({
    flags: { network: "devnet", "journal-path": join(directory, "journal.sqlite"), "http-port": "0", ...flags },
    env: {},
    cwd: directory,
  });
  const clock = { now: () => Date.now(), scheduler: undefined as never };
  const observers = createObservers({ config, version: "1.2.3", nodeVersion: "v24", keys: [], clock, logger });
  const journal = openSqliteJournal({ path: config.journal.path, chainId: config.chain.id });
  const server = await startOperatorServer({
    ...{ config, version: "1.2.3", logger, observers, clock, signers: [] },
    scrub: createScrubber([...secrets, token]),
    livez: () => ({ ok: true }),
    rpc: { health: () => [] } as never,
    policies: fixedPolicies({ policies: [], select: () => undefined }),
  });
  await server.show({
    journal,
    ledger: () => loadLedger(journal, clock.now()),
    token: token === "" ? undefined : token,
  });
  onTestFinished(async () => {
    server.leave();
    await server.stop();
    await journal.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const tellAtOnce: typeof observers.report = (report) => {
    observers.report(report);
    observers.flush();
  };
  const base = `http://127.0.0.1:${server.port}`;
  return {
    base,
    journal,
    observers: { ...observers, report: tellAtOnce },
    log: () => lines.join(""),
    get: (path: string, headers: Record<string, string> = {}) => fetch(`${base}${path}`, { headers }),
    post: (path: string, body: unknown, headers: Record<string, string> = { authorization: `Bearer ${token}` }) =>
      fetch(`${base}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      }),
  };
}

/** The messages of `/api/events`, as they come. */
export async function* eventsOf(base: string, signal: AbortSignal): AsyncGenerator<{ event: string; data: never }> {
  const response = await fetch(`${base}/api/events`, { signal });
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    const messages = text.split("\n\n");
    text = messages.pop() ?? "";
    for (const message of messages) {
      const [, event = "", data = "null"] = /^event: (\w+)\ndata: (.*)$/.exec(message) ?? [];
      yield { event, data: JSON.parse(data) as never };
    }
  }
}
