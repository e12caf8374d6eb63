import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Subject } from "rxjs";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { loadConfig } from "../../../src/config/loadConfig.ts";
import type { Journal } from "../../../src/journal/journal.ts";
import { openSqliteJournal } from "../../../src/journal/sqliteJournal.ts";
import { backupJournal } from "../../../src/ops/housekeeping/backupJournal.ts";
import { digestText } from "../../../src/ops/housekeeping/digestText.ts";
import { checkExpiries } from "../../../src/ops/housekeeping/expiries.ts";
import { housekeepingJobs } from "../../../src/ops/housekeeping/jobs.ts";
import { probeGateways } from "../../../src/ops/housekeeping/probeGateways.ts";
import { pruneJournal } from "../../../src/ops/housekeeping/pruneJournal.ts";
import { type Job, startHousekeeping } from "../../../src/ops/housekeeping/startHousekeeping.ts";
import { createMetrics } from "../../../src/ops/metrics/createMetrics.ts";
import { showJobs } from "../../../src/ops/metrics/showJobs.ts";
import { type SourceAddress, type TaskAddress, wei } from "../../../src/protocol/brand.ts";
import type { Report } from "../../../src/report.ts";
import { closedPort } from "../../support/closedPort.ts";
import { createAuthority } from "../signer/certificates.ts";

let directory: string;
let journal: Journal;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "housekeeping-"));
  journal = openSqliteJournal({ path: join(directory, "journal.sqlite"), chainId: 1071 });
});
afterEach(async () => {
  await journal.close();
  rmSync(directory, { recursive: true });
});
const day = 86_400_000;
const source = `0x${"2".repeat(40)}` as SourceAddress;
const tasks = (from: number, count: number) =>
  Array.from({ length: count }, (_, at) => `0x${(from + at).toString(16).padStart(40, "0")}` as TaskAddress);
const intake = (all: readonly TaskAddress[]) =>
  journal.intake({ tasks: all.map((task) => ({ task, source })), responses: [], touched: [] });

describe("housekeeping", () => {
  it("runs one job at a time, leaves out ticks that come meanwhile, and goes on after a failure", async () => {
    const reports: Report[] = [];
    const log: string[] = [];
    const gates = new Map([["slow", Promise.withResolvers<void>()]]);
    const job = (name: string, work: () => Promise<string>): Job & { readonly ticks$: Subject<void> } => ({
      name,
      ticks$: new Subject<void>(),
      work: async () => {
        log.push(`${name} begins`);
        const said = await work();
        log.push(`${name} ends`);
        return said;
      },
    });
    const slow = job("slow", async () => {
      await gates.get("slow")?.promise;
      return "done";
    });
    let failures = 0;
    const flaky = job("flaky", async () => {
      if (failures++ === 0) throw new Error("not today");
      return "done";
    });
    const end = startHousekeeping([slow, flaky], { now: () => 0 }, (report) => reports.push(report));
    slow.ticks$.next();
    slow.ticks$.next();
    flaky.ticks$.next();
    await new Promise(setImmediate);
    expect(log).toEqual(["slow begins"]);
    gates.get("slow")?.resolve();
    await expect.poll(() => reports.length).toBe(2);
    flaky.ticks$.next();
    await expect.poll(() => reports.length).toBe(3);
    expect(log).toEqual(["slow begins", "slow ends", "flaky begins", "flaky begins", "flaky ends"]);
    expect(reports.map((report) => report.type === "job" && [report.job, report.ok])).toEqual([
      ["slow", true],
      ["flaky", false],
      ["flaky", true],
    ]);
    end();
    slow.ticks$.next();
    await new Promise(setImmediate);
    expect(log).toHaveLength(5);
  });

  it("keeps the newest proven copies, and takes away what a crash left", async () => {
    await intake(tasks(1, 20));
    const backups = join(directory, "backups");
    const at = (number: number) => Date.UTC(2030, 0, number, 2, 47);
    const first = await backupJournal(journal, { directory: backups, keep: 2 }, at(1));
    expect(first.rows).toBeGreaterThanOrEqual(20);
    writeFileSync(join(backups, "journal-20300101T000000Z.sqlite.part"), "half");
    writeFileSync(join(backups, "notes.txt"), "an operator's own");
    await backupJournal(journal, { directory: backups, keep: 2 }, at(2));
    await backupJournal(journal, { directory: backups, keep: 2 }, at(3));
    expect(readdirSync(backups).sort()).toEqual([
      "journal-20300102T024700Z.sqlite",
      "journal-20300103T024700Z.sqlite",
      "notes.txt",
    ]);
    const restored = openSqliteJournal({ path: join(backups, "journal-20300103T024700Z.sqlite"), chainId: 1071 });
    expect(await restored.openTasks(undefined, 100)).toHaveLength(20);
    await restored.close();
  });

  it("leaves copies of a journal in PostgreSQL to its server, and says so", async () => {
    const backupDir = join(directory, "backups");
    const { config } = loadConfig({
      flags: { "journal-url": "postgres://ogpu@localhost/ogpu", "housekeeping-backup-dir": backupDir },
      env: { NODE_ENV: "production" },
      cwd: directory,
    });
    const refuses = { ...journal, backup: () => Promise.reject(new Error("not here")) };
    const jobs = housekeepingJobs({
      ...{ config, journal: refuses, clock: { now: () => 0 }, report: () => undefined, ticks$: () => new Subject() },
      probeEndpoints: async () => "",
    });
    expect(await jobs.find(({ name }) => name === "backup")?.work()).toContain("PostgreSQL");
    expect(existsSync(backupDir)).toBe(false);
  });

  it.each([
    ["backups", true],
    ["", false],
  ])("shows in the metrics whether backups are made: housekeeping.backupDir is %j", async (backupDir, isShown) => {
    const { config } = loadConfig({
      flags: { "housekeeping-backup-dir": backupDir },
      env: { NODE_ENV: "production" },
      cwd: directory,
    });
    const jobs = housekeepingJobs({
      ...{ config, journal, clock: { now: () => 0 }, report: () => undefined, ticks$: () => new Subject() },
      probeEndpoints: async () => "",
    });
    const metrics = createMetrics({ version: "", nodeVersion: "", withProcess: false });
    showJobs(metrics, jobs, 7_000);
    const lines = (await metrics.text()).split("\n");
    const line = (job: string) => `ogpu_confirmd_housekeeping_since_timestamp_seconds{job_name="${job}"} 7`;
    expect([lines.includes(line("prune")), lines.includes(line("backup"))]).toEqual([true, isShown]);
  });

  it("refuses a copy that is damaged, and keeps the ones before", async () => {
    await intake(tasks(1, 200));
    const backups = join(directory, "backups");
    await backupJournal(journal, { directory: backups, keep: 1 }, 0);
    const before = readdirSync(backups);
    const damaged = {
      backup: async (path: string) => {
        await journal.backup(path);
        const bytes = readFileSync(path);
        bytes.fill(0x5a, 4_096 * 3, 4_096 * 12);
        writeFileSync(path, bytes);
      },
    };
    await expect(backupJournal(damaged, { directory: backups, keep: 1 }, day)).rejects.toThrow(/no good/);
    const empty = { backup: async (path: string) => writeFileSync(path, "") };
    await expect(backupJournal(empty, { directory: backups, keep: 1 }, day)).rejects.toThrow(/no good/);
    expect(readdirSync(backups)).toEqual(before);
  });

  it("prunes in steps until nothing is left to prune", async () => {
    const all = tasks(1, 450);
    await intake(all);
    for (const task of all) await journal.settleTask(task, "ignored", "not ours", 1n);
    expect(await pruneJournal(journal, 30 * day, 0)).toBe(0);
    expect(await pruneJournal(journal, 30 * day, 29 * day)).toBe(0);
    expect(await pruneJournal(journal, 30 * day, 31 * day)).toBe(450);
  });

  it("tells a day in words", () => {
    const digest = {
      since: 0,
      until: day,
      confirmations: 12,
      paid: wei(9_600_000_000_000_000_000n),
      saved: wei(2_400_000_000_000_000_000n),
      gas: wei(10_000_000_000_000_000n),
      approved: 12,
      rejected: 3,
      held: 1,
      superseded: 0,
      failed: 0,
      dead: 1,
    };
    expect(digestText(digest)).toBe(
      "Paid 9.6 OGPU in 12 confirmations, saved 2.4 OGPU, gas 0.01 OGPU. Responses: 12 approved, 3 rejected, 1 held. Confirmations in trouble: 1 dead: look at them.",
    );
  });

  it("tells gateways that answer from those that do not", async () => {
    const server = createServer((request, response) => {
      response.writeHead(request.url === "/deep/ipfs/bafkqaaa" ? 404 : 502).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => new Promise((resolve) => void server.close(() => resolve())));
    const closed = await closedPort();
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const reports: Report[] = [];
    await probeGateways([`${base}/deep`, base, `http://127.0.0.1:${closed}`], 2_000, (report) => reports.push(report));
    expect(reports).toEqual(
      expect.arrayContaining([
        { type: "gateway", gateway: new URL(base).host, up: true },
        { type: "gateway", gateway: new URL(base).host, up: false, problem: "it answered with status 502" },
        { type: "gateway", gateway: `127.0.0.1:${closed}`, up: false, problem: "it cannot be reached (ECONNREFUSED)" },
      ]),
    );
  });

  it("warns of a certificate that ends soon, by the first of its chain to end", () => {
    const path = join(directory, "cert.pem");
    writeFileSync(path, createAuthority().issue("daemon").cert);
    const reports: Report[] = [];
    const what = "certificate";
    checkExpiries([{ what, path }], { now: Date.now(), warnMs: 0 }, (report) => reports.push(report));
    const [found] = reports;
    if (found?.type !== "expiry") throw new Error("nothing was found");
    expect(found.soon).toBe(false);
    checkExpiries([{ what, path }], { now: found.at - day, warnMs: 2 * day }, (report) => reports.push(report));
    expect(reports[1]).toEqual({ type: "expiry", what, at: found.at, soon: true });
    writeFileSync(path, "nothing");
    expect(() => checkExpiries([{ what, path }], { now: 0, warnMs: 0 }, () => undefined)).toThrow(/no certificate/);
  });
});
