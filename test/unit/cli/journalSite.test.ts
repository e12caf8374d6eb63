import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { journalSite } from "../../../src/cli/journalSite.ts";
import { loadConfig } from "../../../src/config/loadConfig.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

let directory: string;
beforeEach(() => {
  directory = temporaryFolder("site-");
});

const site = (flags: Record<string, string>, env: Record<string, string> = {}) => {
  const context = { env: { NODE_ENV: "production", ...env }, cwd: directory };
  return journalSite(loadConfig({ flags, ...context }).config, context);
};
const url = "postgres://ogpu@db.example/ogpu?sslmode=verify-full";

describe("the journal's password", () => {
  const write = (name: string, text: string, mode = 0o600) => {
    writeFileSync(join(directory, name), text);
    chmodSync(join(directory, name), mode);
  };

  it("comes from its file, else systemd's credential, else the environment, and is known to the scrubber", () => {
    write("w", "of the file\n");
    write("journal-password", "of systemd");
    const env = { OGPU_JOURNAL_PASSWORD: "of the environment" };
    const both = { ...env, CREDENTIALS_DIRECTORY: directory };
    expect(site({ "journal-url": url, "journal-password-file": "w" }, both).secrets).toEqual(["of the file"]);
    expect(site({ "journal-url": url }, both).secrets).toEqual(["of systemd"]);
    expect(site({ "journal-url": url }, env).secrets).toEqual(["of the environment"]);
    expect(site({ "journal-url": url }).secrets).toEqual([]);
    expect(site({ "journal-url": url }, both).name).toBe("PostgreSQL db.example/ogpu");
  });

  it("is asked for by name where its file is missing, and complained of where others can read it", () => {
    const flags = { "journal-url": url, "journal-password-file": "w" };
    expect(() => site(flags)).toThrow(/password file .*w does not exist/);
    write("w", "word", 0o644);
    expect(site(flags).warnings).toEqual([expect.stringContaining("open to other users")]);
  });
});

it("warns of a journal that goes over a network unencrypted, and of no other", () => {
  const warned = (each: string) => site({ "journal-url": each }).warnings.length;
  expect(["postgres://ogpu@db.example/ogpu", "postgres://ogpu@10.0.0.5:6000/ogpu"].map(warned)).toEqual([1, 1]);
  expect(
    [
      url,
      "postgres://ogpu@db/ogpu?sslmode=disable",
      "postgres://ogpu@localhost/ogpu",
      "postgres://ogpu@127.0.0.1/ogpu",
    ].map(warned),
  ).toEqual([0, 0, 0, 0]);
});

describe("a journal's file that this user cannot look for", () => {
  /** Root may look anywhere. */
  async function asNobody<T>(work: () => Promise<T>): Promise<T> {
    if (process.geteuid?.() !== 0) return work();
    process.seteuid?.(65_534);
    try {
      return await work();
    } finally {
      process.seteuid?.(0);
    }
  }

  it("is no journal that is missing: a command would pay beside the daemon that holds it", async () => {
    mkdirSync(join(directory, "data"), { mode: 0o700 });
    writeFileSync(join(directory, "data/journal.sqlite"), "");
    chmodSync(directory, 0o755);
    const hidden = site({ "journal-path": "data/journal.sqlite" });
    chmodSync(join(directory, "data"), process.geteuid?.() === 0 ? 0o700 : 0);
    try {
      const refusal = { code: "JOURNAL_UNUSABLE", exitCode: 78, message: expect.stringContaining("EACCES") };
      await asNobody(async () => {
        await expect(hidden.exists()).rejects.toMatchObject(refusal);
        await expect(hidden.isHeld()).rejects.toMatchObject(refusal);
        await expect(hidden.verify()).rejects.toMatchObject({ code: "JOURNAL_UNUSABLE" });
      });
    } finally {
      chmodSync(join(directory, "data"), 0o700);
    }
  });

  it("is refused where the path leads in a circle, and missing where a part of it is", async () => {
    symlinkSync("circle", join(directory, "circle"));
    writeFileSync(join(directory, "file"), "");
    const refusal = { code: "JOURNAL_UNUSABLE", message: expect.stringContaining("ELOOP") };
    await expect(site({ "journal-path": "circle/journal.sqlite" }).exists()).rejects.toMatchObject(refusal);
    for (const path of ["none", "none/journal.sqlite", "file/journal.sqlite"]) {
      expect(await site({ "journal-path": path }).exists()).toBe(false);
    }
  });
});

it("loads nothing of PostgreSQL where the journal is a file", () => {
  const file = join(import.meta.dirname, "../../../src/cli/run.ts");
  const program = `
    await import(${JSON.stringify(file)});
    const { createRequire } = await import("node:module");
    console.log(Object.keys(createRequire(import.meta.url).cache).filter((path) => /node_modules.pg/.test(path)).length);`;
  expect(execFileSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" })).toBe("0\n");
});
