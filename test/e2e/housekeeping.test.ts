import { copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import type { Provider } from "../../devnet/actors/provider.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import { checksummed, type SourceAddress, type TaskAddress } from "../../src/protocol/brand.ts";
import { pausePaying, resumePaying } from "../../src/sink/guardrails/pausing.ts";
import { isConfirmed } from "../support/chainTruth.ts";
import { closedPort } from "../support/closedPort.ts";
import { createHome, type DaemonProcess, type Home, payFirstValid, startDaemon } from "../support/daemonProcess.ts";

let devnet: Devnet;
let source: SourceAddress;
let config: string;
let provider: Provider;
let home: Home;
let daemon: DaemonProcess;

beforeAll(async () => {
  devnet = await startDevnet({ blockTime: 0.2 });
  source = await devnet.client.publishSource();
  config = await devnet.gateway.putJson({ function_name: "analyze_sentiment", data: { text: "great" } });
  provider = devnet.createProvider(behaviours.honest());
  await provider.enrol(source);
});
afterAll(() => devnet.stop());
afterEach(async () => {
  daemon?.kill("SIGKILL");
  await daemon?.exited;
  home?.remove();
});

const start = (overrides = {}) => {
  home = createHome(devnet, overrides);
  return restart();
};
const restart = () => {
  daemon = startDaemon({ home, privateKey: devnet.accounts.agent.privateKey });
  return daemon;
};
const answered = async () => {
  const task = await devnet.client.publishTask({ source, config });
  const { response } = await provider.respondTo(task);
  return { task, response };
};
const final = (task: TaskAddress) =>
  daemon.logged(
    ({ msg, state, ...rest }) => msg === "confirmation" && state === "final" && rest.task === checksummed(task),
  );
const agentNonce = () => devnet.publicClient.getTransactionCount({ address: devnet.accounts.agent.address });

/** What a webhook got, oldest first. */
async function startWebhook() {
  const notices: { state: string; key: string; text: string }[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    notices.push(JSON.parse(text));
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/s3cr3t-t0ken-0123456789`;
  const got = (state: string, key: string) =>
    expect
      .poll(() => notices.some((each) => each.state === state && each.key.startsWith(key)), { timeout: 30_000 })
      .toBe(true);
  return { url, notices, got };
}

describe("housekeeping in the running daemon", () => {
  it("makes proven backups; one that is restored resumes the work, and pays nothing twice", async () => {
    start({
      housekeeping: { backupCron: "* * * * * *", backupDir: "backups", backupKeep: 2, digestCron: "* * * * * *" },
    });
    await daemon.ready();
    const before = await answered();
    await final(before.task);
    const firstCopy = await daemon.logged(({ msg, job }) => msg === "housekeeping done" && job === "backup");
    expect(firstCopy.did).toMatch(/^journal-\d+-[0-9a-f]{8}-\d{8}T\d{6}Z\.sqlite, \d+ bytes, \d+ rows, proven$/);
    await daemon.logged(({ msg }) => msg.startsWith("Paid 0.8 OGPU in 1 confirmations, saved 0.2 OGPU"));
    // Somebody keeps one of the copies; what is paid after it, it does not know.
    const backups = join(home.directory, "backups");
    const copy = join(home.directory, "kept.sqlite");
    copyFileSync(
      join(
        backups,
        readdirSync(backups)
          .filter((name) => name.endsWith(".sqlite"))
          .sort()
          .at(-1) ?? "",
      ),
      copy,
    );
    const after = await answered();
    await final(after.task);
    // A new one is there for a moment before the oldest goes.
    const copies = () => readdirSync(backups).filter((name) => name.endsWith(".sqlite")).length;
    await expect.poll(copies).toBeLessThanOrEqual(2);
    daemon.kill("SIGKILL");
    await daemon.exited;

    const missed = await answered();
    rmSync(join(home.journalPath, ".."), { recursive: true });
    mkdirSync(join(home.journalPath, ".."), { recursive: true });
    copyFileSync(copy, home.journalPath);
    const nonce = await agentNonce();
    restart();
    await final(missed.task);
    const next = await answered();
    await final(next.task);
    expect(await agentNonce()).toBe(nonce + 2);
    for (const { response } of [before, after, missed, next]) expect(await isConfirmed(devnet, response)).toBe(true);
  });

  it("tells a webhook of a pause, of refused policies and when they are over, and its URL to nobody", async () => {
    const webhook = await startWebhook();
    home = createHome(devnet, {
      alerts: { webhookFile: "hook-url" },
      log: { level: "trace", format: "json" },
      housekeeping: { digestCron: "* * * * * *" },
    });
    writeFileSync(join(home.directory, "hook-url"), `${webhook.url}\n`, { mode: 0o600 });
    restart();
    await daemon.ready();
    const journal = openSqliteJournal({ path: home.journalPath, chainId: devnet.chainId, shared: true });
    await pausePaying(journal, { who: "ann", why: "lunch" }, 0);
    await webhook.got("firing", "paused");
    await resumePaying(journal, { who: "ann", why: "back" }, 1);
    await webhook.got("resolved", "paused");
    await journal.close();
    home.writePolicy("broken.yaml", "apiVersion: nonsense\n");
    await webhook.got("firing", "policies");
    rmSync(join(home.directory, "policies/broken.yaml"));
    home.writePolicy("first-valid.yaml", `${payFirstValid}\n# changed\n`);
    await webhook.got("firing", "digest");
    expect(webhook.notices.find(({ key }) => key === "paused")?.text).toContain("ann paused it: lunch");
    expect(daemon.output()).not.toContain("s3cr3t-t0ken");
  });

  it("tells a webhook of a start that fails and needs a person, before it ends", async () => {
    const webhook = await startWebhook();
    home = createHome(devnet, { alerts: { webhookFile: "hook-url" } });
    writeFileSync(join(home.directory, "hook-url"), `${webhook.url}\n`, { mode: 0o600 });
    home.writePolicy("broken.yaml", "apiVersion: nonsense\n");
    expect(await restart().exited).toBe(78);
    // As a supervisor does it that knows no exit codes.
    expect(await restart().exited).toBe(78);
    expect(webhook.notices).toEqual([expect.objectContaining({ state: "firing", key: "broken" })]);
    expect(webhook.notices[0]?.text).toContain("broken.yaml");
    expect(daemon.output()).not.toContain("s3cr3t-t0ken");
  });

  it("tells no webhook of a start that its supervisor tries again", async () => {
    const webhook = await startWebhook();
    const rpc = { http: `http://127.0.0.1:${await closedPort()}`, ws: "" };
    home = createHome(devnet, { alerts: { webhookFile: "hook-url" }, rpc });
    writeFileSync(join(home.directory, "hook-url"), `${webhook.url}\n`, { mode: 0o600 });
    expect(await restart().exited).toBe(75);
    expect(webhook.notices).toEqual([]);
  });
});
