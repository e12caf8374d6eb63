import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parseDuration } from "../../../src/config/duration.ts";
import { schema } from "../../../src/config/schema.ts";
import { exitCodes } from "../../../src/errors.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

const path = fileURLToPath(new URL("../../../systemd/ogpu-confirmd.service", import.meta.url));
const unit = readFileSync(path, "utf8");
const value = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(unit)?.[1];
const installed = spawnSync("systemd-analyze", ["--version"]).status === 0;

/** A root folder with the unit, what it starts, and the targets that it leans on. */
const rootFolder = (text: string) => {
  const root = temporaryFolder("unit-");
  const units = join(root, "etc/systemd/system");
  mkdirSync(units, { recursive: true });
  mkdirSync(join(root, "usr/local/bin"), { recursive: true });
  mkdirSync(join(root, "bin"));
  for (const program of ["usr/local/bin/ogpu-confirmd", "bin/kill"])
    writeFileSync(join(root, program), "#!/bin/sh\n", { mode: 0o755 });
  for (const target of ["sysinit", "basic", "shutdown", "network-online", "multi-user"])
    writeFileSync(join(units, `${target}.target`), "[Unit]\nDescription=stub\nDefaultDependencies=no\n");
  writeFileSync(join(units, "ogpu-confirmd.service"), text);
  return { root, file: join(units, "ogpu-confirmd.service") };
};

const verify = (text: string) => {
  const { root, file } = rootFolder(text);
  const { status, stdout, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", `--root=${root}`, file], {
    encoding: "utf8",
  });
  return { status, output: `${stdout}${stderr}` };
};

/** What the runbook's function gives systemd-run, by a shell: each `-p NAME=VALUE`, and the program's own words. */
const runbookCommand = (...words: readonly string[]) => {
  const runbook = readFileSync(fileURLToPath(new URL("../../../docs/runbook.md", import.meta.url)), "utf8");
  const [, shellFunction = ""] = /^(confirmd\(\) \{\n[\s\S]*?\n\}\n)/m.exec(runbook) ?? [];
  const bin = mkdtempSync(join(tmpdir(), "bin-"));
  writeFileSync(join(bin, "systemd-run"), `#!/bin/sh\nprintf '%s\\n' "$@"\n`, { mode: 0o755 });
  const { stdout } = spawnSync("/bin/sh", ["-c", `${shellFunction}confirmd "$@"`, "sh", ...words], {
    encoding: "utf8",
    env: { PATH: `${bin}:/usr/bin:/bin` },
  });
  rmSync(bin, { recursive: true });
  const given = stdout.trimEnd().split("\n");
  const program = given.indexOf("/usr/local/bin/ogpu-confirmd");
  return { properties: given.slice(0, program).filter((_, at) => given[at - 1] === "-p"), words: given.slice(program) };
};

describe("the runbook's way to run a command", () => {
  const { properties, words } = runbookCommand("pause", "--why", "two words");

  it("gives it what the unit gives the daemon: user, folder, environment, key and configuration", () => {
    const lines = unit.replaceAll("%S", "/var/lib").split("\n");
    expect(properties.filter((property) => !["User=ogpu-confirmd", ...lines].includes(property))).toEqual([]);
    const names = ["DynamicUser", "StateDirectory", "StateDirectoryMode", "WorkingDirectory", "UMask"];
    for (const name of [...names, "EnvironmentFile", "LoadCredential"])
      expect(properties).toContain(lines.find((line) => line.startsWith(`${name}=`)));
    expect(properties.filter((property) => property.startsWith("Environment=")).sort()).toEqual([
      "Environment=NODE_ENV=production",
      "Environment=OGPU_POLICIES_DIR=/etc/ogpu-confirmd/policies",
    ]);
    const [, configuration] = /(--config \S+)$/.exec(value("ExecStart") ?? "") ?? [];
    expect(words.slice(1)).toEqual(["pause", "--why", "two words", ...(configuration ?? "").split(" ")]);
  });
});

describe("the systemd unit", () => {
  it("gives the daemon longer to stop than the daemon gives itself", () => {
    expect(parseDuration(value("TimeoutStopSec") ?? "")).toBeGreaterThan(
      parseDuration(schema.shutdown.grace.default as string),
    );
  });

  it("waits for the clock where the machine's start does, and asks no machine for it", () => {
    expect(value("After")?.split(" ")).toContain("time-sync.target");
    expect(unit).not.toMatch(/^(Wants|Requires|Requisite|BindsTo)=.*time-sync/m);
  });

  it("does not restart a daemon whose configuration is wrong", () => {
    expect(value("RestartPreventExitStatus")).toBe(String(exitCodes.config));
    expect(value("Restart")).toBe("on-failure");
  });

  it("restarts a daemon that stands still, after several signs of life that did not come", () => {
    expect(value("Type")).toBe("notify");
    expect(parseDuration((value("WatchdogSec") ?? "").replace("min", "m"))).toBeGreaterThanOrEqual(60_000);
  });

  it.skipIf(!installed)("is what systemd understands, without a warning", () => {
    expect(verify(unit)).toEqual({ status: 0, output: "" });
  });

  it.skipIf(!installed)("would not pass that check with a mistake in it", () => {
    expect(verify(unit.replace("ProtectHome=", "ProtectHom=")).output).toContain("ProtectHom");
  });

  it.skipIf(!installed)("is exposed no more than 1.5 by systemd's own measure", () => {
    const { stdout } = spawnSync("systemd-analyze", ["security", "--offline=true", "--no-pager", path], {
      encoding: "utf8",
    });
    expect(Number(/Overall exposure level[^:]*: ([\d.]+)/.exec(stdout)?.[1])).toBeLessThanOrEqual(1.5);
  });
});
