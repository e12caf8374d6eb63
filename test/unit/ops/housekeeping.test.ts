import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
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
import { temporaryFolder } from "../../support/temporaryFolder.ts";
import { createAuthority } from "../signer/certificates.ts";

let directory: string;
let journal: Journal;
beforeEach(() => {
  directory = temporaryFolder("housekeeping-");
  journal = openSqliteJournal({ path: join(directory, "journal.sqlite"), chainId: 1071 });
});
afterEach(() => journal.close());
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

  const at = (number: number) => Date.UTC(2030, 0, number, 2, 47);
  const copy = (of: Journal, number: number, keep = 2) =>
    backupJournal(of, { directory: join(directory, "backups"), keep, chainId: 1071 }, at(number));
  const copies = () => readdirSync(join(directory, "backups")).sort();
  const put = (...names: readonly string[]) => {
    mkdirSync(join(directory, "backups"), { recursive: true });
    for (const name of names) writeFileSync(join(directory, "backups", name), "half");
  };

  it("keeps the newest proven copies, and takes away what a crash left", async () => {
    await intake(tasks(1, 20));
    const { path, rows } = await copy(journal, 1);
    expect(rows).toBeGreaterThanOrEqual(20);
    expect(basename(path)).toMatch(/^journal-1071-[0-9a-f]{8}-20300101T024700Z\.sqlite$/);
    const named = (stamp: string) => basename(path).replace("20300101T024700Z", stamp);
    put(`${named("20300101T000000Z")}.part`, `${named("20300101T000000Z")}.part-journal`, "notes.txt");
    await copy(journal, 2);
    const newest = await copy(journal, 3);
    expect(copies()).toEqual([named("20300102T024700Z"), named("20300103T024700Z"), "notes.txt"]);
    const restored = openSqliteJournal({ path: newest.path, chainId: 1071 });
    expect(await restored.openTasks(undefined, 100)).toHaveLength(20);
    await restored.close();
  });

  it("keeps the copy that it has just made, whatever a clock that was ahead has named the others", async () => {
    for (const ahead of [8, 9]) await copy(journal, ahead);
    const { path } = await copy(journal, 1);
    expect(copies()).toEqual([basename(path), basename(path).replace("20300101", "20300109")]);
  });

  it("touches no copy of another journal in the same folder, also of one that is being made", async () => {
    const other = openSqliteJournal({ path: join(directory, "other.sqlite"), chainId: 1071 });
    onTestFinished(() => other.close());
    const [first] = [await copy(journal, 1), await copy(other, 1)];
    const making = `${basename(first.path).replace("20300101", "20300104")}.part`;
    put(making);
    for (const number of [2, 3, 4]) await copy(other, number);
    expect(copies()).toHaveLength(4);
    expect(copies()).toEqual(expect.arrayContaining([basename(first.path), making]));
  });

  it("goes on with the copies of a journal that was restored from one", async () => {
    const { path } = await copy(journal, 1);
    const moved = join(directory, "restored.sqlite");
    copyFileSync(path, moved);
    const restored = openSqliteJournal({ path: moved, chainId: 1071 });
    onTestFinished(() => restored.close());
    await copy(restored, 2);
    await copy(restored, 3);
    expect(copies().map((name) => name.slice(-23))).toEqual(["20300102T024700Z.sqlite", "20300103T024700Z.sqlite"]);
  });

  const unnamed = ["journal-20291230T024700Z.sqlite", "journal-20291231T024700Z.sqlite"];

  it("counts copies from before they were named after a journal among its own", async () => {
    put(...unnamed, "journal-20291231T024700Z.sqlite.part");
    const { path } = await copy(journal, 1);
    expect(copies()).toEqual([basename(path), unnamed[1]].sort());
    await copy(journal, 2);
    expect(copies()).toHaveLength(2);
    expect(copies()).not.toContain(unnamed[1]);
  });

  it("leaves copies that are named after no journal alone where another journal has copies, too: they may be its own", async () => {
    const other = openSqliteJournal({ path: join(directory, "other.sqlite"), chainId: 1071 });
    onTestFinished(() => other.close());
    await copy(other, 1);
    put(...unnamed);
    for (const number of [2, 3, 4]) await copy(journal, number);
    expect(copies()).toHaveLength(5);
    expect(copies()).toEqual(expect.arrayContaining(unnamed));
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
      chainTime: () => undefined,
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
      chainTime: () => undefined,
    });
    const metrics = createMetrics({ version: "", nodeVersion: "", withProcess: false });
    showJobs(metrics, jobs, 7_000);
    const lines = (await metrics.text()).split("\n");
    const line = (job: string) => `ogpu_confirmd_housekeeping_since_timestamp_seconds{job_name="${job}"} 7`;
    expect([lines.includes(line("prune")), lines.includes(line("backup"))]).toEqual([true, isShown]);
  });

  it("refuses a copy that is damaged, and keeps the ones before", async () => {
    await intake(tasks(1, 200));
    await copy(journal, 1, 1);
    const before = copies();
    const damaged = {
      ...journal,
      backup: async (path: string) => {
        await journal.backup(path);
        const bytes = readFileSync(path);
        bytes.fill(0x5a, 4_096 * 3, 4_096 * 12);
        writeFileSync(path, bytes);
      },
    };
    await expect(copy(damaged, 2, 1)).rejects.toThrow(/no good/);
    const empty = { ...journal, backup: async (path: string) => writeFileSync(path, "") };
    await expect(copy(empty, 2, 1)).rejects.toThrow(/no good/);
    expect(copies()).toEqual(before);
  });

  it("prunes in steps until nothing is left to prune", async () => {
    const all = tasks(1, 450);
    await intake(all);
    for (const task of all) await journal.settleTask(task, "ignored", "not ours", 1n);
    expect(await pruneJournal(journal, 30 * day, 0)).toBe(0);
    expect(await pruneJournal(journal, 30 * day, 29 * day)).toBe(0);
    expect(await pruneJournal(journal, 30 * day, 31 * day)).toBe(450);
  });

  it("fails to prune by a clock that is more than an hour from the chain's: a ceiling may stand on what it would take", async () => {
    const all = tasks(1, 3);
    await intake(all);
    for (const task of all) await journal.settleTask(task, "closed", "over", 1n);
    const { config } = loadConfig({ flags: {}, env: { NODE_ENV: "production" }, cwd: directory });
    const pruneAt = async (now: number, chainTime: number | undefined) => {
      const jobs = housekeepingJobs({
        ...{ config, journal, clock: { now: () => now }, report: () => undefined, ticks$: () => new Subject() },
        ...{ probeEndpoints: async () => "", chainTime: () => chainTime },
      });
      return jobs.find(({ name }) => name === "prune")?.work();
    };
    const noted = 400 * day;
    expect(await pruneAt(noted, noted - 3_600_000)).toBe("0 tasks pruned");
    const later = 800 * day;
    const refused = (why: string) => ({
      code: "CLOCK_WRONG",
      message: expect.stringMatching(`^nothing was pruned: ${why}`),
    });
    const ahead = refused("the machine's clock is 9600\\.0 h ahead of the chain");
    await expect(pruneAt(later, noted)).rejects.toMatchObject(ahead);
    const behind = refused("the machine's clock is 1\\.0 h behind");
    await expect(pruneAt(later, later + 3_600_001)).rejects.toMatchObject(behind);
    await expect(pruneAt(later, undefined)).rejects.toMatchObject(refused("no endpoint"));
    expect((await journal.task(all[0] as TaskAddress))?.state).toBe("closed");
    expect(await pruneAt(later, later + 3_600_000)).toBe("3 tasks pruned");
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
