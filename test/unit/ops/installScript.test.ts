import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

const script = join(import.meta.dirname, "../../../systemd/install.sh");
let home: string;
let root: string;

beforeEach(() => {
  home = temporaryFolder("install-");
  root = join(home, "root");
  mkdirSync(join(home, "bin"));
  mkdirSync(join(home, "policies/schemas"), { recursive: true });
  writeFileSync(join(home, "bin/ogpu-confirmd"), "#!/bin/sh\n", { mode: 0o755 });
  writeFileSync(join(home, "bin/node"), "#!/bin/sh\necho v24.0.0\n", { mode: 0o755 });
  writeFileSync(join(home, "key"), "0xsecret\n");
  chmodSync(join(home, "key"), 0o644);
  writeFileSync(join(home, "config.yaml"), "network: testnet\n");
  writeFileSync(join(home, "policies/mine.yaml"), "name: mine\n");
  writeFileSync(join(home, "policies/schemas/s.json"), "{}");
});

const run = (args: readonly string[], path = `${join(home, "bin")}:/usr/bin:/bin`) => {
  const { status, stdout, stderr } = spawnSync("sh", [script, ...args], {
    encoding: "utf8",
    env: { PATH: path, DESTDIR: root },
  });
  return { status, output: stdout + stderr };
};
const everything = () => [
  "--key",
  join(home, "key"),
  "--config",
  join(home, "config.yaml"),
  "--policies",
  join(home, "policies"),
];
const installed = (path: string) => join(root, path);
const mode = (path: string) => (statSync(installed(path)).mode & 0o777).toString(8);
const unit = "etc/systemd/system/ogpu-confirmd.service";

describe("install.sh", () => {
  it("puts unit, configuration, policies and key where the unit looks for them; the key is root's alone", () => {
    const { status, output } = run(everything());
    expect([status, output]).toEqual([0, expect.not.stringContaining("missing")]);
    expect(readFileSync(installed(unit), "utf8")).toContain("Type=notify");
    expect(readFileSync(installed("etc/ogpu-confirmd/agent-key"), "utf8")).toBe("0xsecret\n");
    expect(mode("etc/ogpu-confirmd/agent-key")).toBe("600");
    expect(readFileSync(installed("etc/ogpu-confirmd/config.yaml"), "utf8")).toBe("network: testnet\n");
    expect(existsSync(installed("etc/ogpu-confirmd/policies/schemas/s.json"))).toBe(true);
    expect(output).not.toContain("secret");
    const program = readFileSync(installed(`${unit}.d/10-program.conf`), "utf8");
    expect(program).toContain(`ExecStart=${join(home, "bin/ogpu-confirmd")} run`);
  });

  it("forgets where the program was before, and finds policies by either ending", () => {
    run(everything());
    rmSync(installed("etc/ogpu-confirmd/policies/mine.yaml"));
    writeFileSync(installed("etc/ogpu-confirmd/policies/mine.yml"), "name: mine\n");
    const { output } = run([], "/usr/bin:/bin");
    expect(existsSync(installed(`${unit}.d/10-program.conf`))).toBe(false);
    expect([output.includes("the program:"), output.includes("policies:")]).toEqual([true, false]);
  });

  it("may be run again, and leaves what is there", () => {
    run(everything());
    writeFileSync(installed("etc/ogpu-confirmd/config.yaml"), "network: mainnet # mine\n");
    expect(run([]).status).toBe(0);
    expect(readFileSync(installed("etc/ogpu-confirmd/config.yaml"), "utf8")).toContain("mine");
    expect(existsSync(installed("etc/ogpu-confirmd/agent-key"))).toBe(true);
  });

  it("names the policies from before that stay in force beside new ones", () => {
    run(everything());
    rmSync(join(home, "policies/mine.yaml"));
    writeFileSync(join(home, "policies/other.yml"), "name: other\n");
    const { output } = run(["--policies", join(home, "policies")]);
    const stays = output.split("\n").filter((line) => line.startsWith("still in force"));
    expect(stays).toEqual([expect.stringContaining(installed("etc/ogpu-confirmd/policies/mine.yaml"))]);
  });

  it("lets the service find the Node that stands beside the program", () => {
    writeFileSync(join(home, "bin/ogpu-confirmd"), "#!/usr/bin/env -S node --flag\n", { mode: 0o755 });
    writeFileSync(join(home, "bin/node"), "#!/bin/sh\necho this node\n", { mode: 0o755 });
    expect(run(everything()).status).toBe(0);
    const dropin = readFileSync(installed(`${unit}.d/10-program.conf`), "utf8");
    const [, program = ""] = /^ExecStart=(\S+) run/m.exec(dropin) ?? [];
    const [, path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"] =
      /^Environment=PATH=(.+)$/m.exec(dropin) ?? [];
    expect(spawnSync(program, ["run"], { env: { PATH: path }, encoding: "utf8" }).stdout).toBe("this node\n");
  });

  it.each([
    ["v20.20.2", true],
    ["v9.11.2", true],
    ["v24.0.0", false],
    ["v101.0.0", false],
  ])("does not start a program that Node %s cannot run: %s", (version, isMissing) => {
    writeFileSync(join(home, "bin/node"), `#!/bin/sh\necho ${version}\n`, { mode: 0o755 });
    const { status, output } = run(everything());
    const said = `Node 24 or later where the service looks for it: ${join(home, "bin/node")} is ${version}`;
    expect([status, output.includes(said), output.includes("not started")]).toEqual([0, isMissing, isMissing]);
  });

  it("says what is still missing, and does not start", () => {
    const { status, output } = run([], "/usr/bin:/bin");
    expect(status).toBe(0);
    for (const thing of ["npm install -g --omit=optional ogpu-confirmd", "--key FILE", "--policies DIR"])
      expect(output).toContain(thing);
    expect(readFileSync(installed("etc/ogpu-confirmd/config.yaml"), "utf8")).toContain("network: mainnet");
  });

  it("uninstalls and leaves configuration, key and journal, unless it is told to take them", () => {
    run(everything());
    const journal = "var/lib/private/ogpu-confirmd/journal.sqlite";
    mkdirSync(installed("var/lib/private/ogpu-confirmd"), { recursive: true });
    writeFileSync(installed(journal), "");
    expect(run(["--uninstall"]).status).toBe(0);
    expect([unit, "etc/ogpu-confirmd/agent-key", journal].map((path) => existsSync(installed(path)))).toEqual([
      false,
      true,
      true,
    ]);
    expect(run(["--uninstall", "--purge"]).status).toBe(0);
    expect(["etc/ogpu-confirmd", journal].map((path) => existsSync(installed(path)))).toEqual([false, false]);
  });

  it("has the unit use the encrypted key that an earlier installation left", () => {
    mkdirSync(installed("etc/ogpu-confirmd"), { recursive: true });
    writeFileSync(installed("etc/ogpu-confirmd/agent-key.cred"), "encrypted");
    expect(run(["--policies", join(home, "policies")]).output).not.toContain("missing");
    const dropin = readFileSync(installed(`${unit}.d/10-encrypted-key.conf`), "utf8");
    expect(dropin).toContain("LoadCredentialEncrypted=agent-key:/etc/ogpu-confirmd/agent-key.cred");
    run(["--key", join(home, "key")]);
    expect(existsSync(installed(`${unit}.d/10-encrypted-key.conf`))).toBe(false);
  });

  it("takes the operator's drop-ins with the files that they name, and leaves both where it is not told to purge", () => {
    run(everything());
    const [dropin, secret] = [`${unit}.d/alert-webhook.conf`, "etc/ogpu-confirmd/alert-webhook"];
    writeFileSync(installed(dropin), "[Service]\nLoadCredential=alert-webhook:/etc/ogpu-confirmd/alert-webhook\n");
    writeFileSync(installed(secret), "https://hooks.example\n");
    expect(run(["--uninstall"]).output).toContain(`${unit}.d`);
    expect([dropin, secret].map((path) => existsSync(installed(path)))).toEqual([true, true]);
    expect(run(["--uninstall", "--purge"]).output).toContain("drop-ins");
    expect([`${unit}.d`, secret].map((path) => existsSync(installed(path)))).toEqual([false, false]);
  });

  it.each([
    [["--kye", "x"], /no option --kye/],
    [["--key"], /needs a path/],
    [["--key", "/nonexistent"], /does not exist/],
    [["--purge"], /goes with --uninstall/],
    [["--encrypt-key"], /needs --key/],
  ])("refuses %j before it writes anything", (args, complaint) => {
    const { status, output } = run(args);
    expect([status, output]).toEqual([78, expect.stringMatching(complaint)]);
    expect(existsSync(installed("etc/ogpu-confirmd/agent-key"))).toBe(false);
  });
});
