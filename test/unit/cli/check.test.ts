import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { cli } from "../../support/cli.ts";
import { payFirstValid } from "../../support/daemonProcess.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

const key = "1914f327e9e5c6fc442e3dade3221e632d9b6db1d10c979113002dc562852e9a";

/** What `check` and `run` say of a configuration with these lines; no endpoint answers either of them. */
async function saidOf(lines: string, files: Readonly<Record<string, string>>) {
  const cwd = temporaryFolder("check-");
  mkdirSync(join(cwd, "policies/schemas"), { recursive: true });
  writeFileSync(join(cwd, "policies/schemas/sentiment.json"), "{}");
  writeFileSync(join(cwd, "policies/first.yaml"), payFirstValid);
  writeFileSync(join(cwd, "config.yaml"), `network: devnet\nrpc: { http: "http://127.0.0.1:1" }\n${lines}\n`);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text, { mode: 0o600 });
  const ask = (command: string) => cli([command, "--config", "config.yaml"], { cwd, env: { AGENT_PRIVATE_KEY: key } });
  return { check: await ask("check"), run: await ask("run") };
}

it.each([
  ["webhook that is not there", "alerts: { webhookFile: hook }", {}, "KEY_UNREADABLE"],
  ["webhook that is empty", "alerts: { webhookFile: hook }", { hook: "" }, "WEBHOOK_INVALID"],
  ["chat that is missing", "alerts: { webhookFile: hook, format: telegram }", { hook: "https://x" }, "WEBHOOK_INVALID"],
  ["token of the page that is not there", "http: { tokenFile: token }", {}, "TOKEN_UNREADABLE"],
  ["token of the page that is weak", "http: { tokenFile: token }", { token: "short" }, "TOKEN_WEAK"],
])("finds the %s: the daemon would not start", async (_, lines, files, code) => {
  const { check, run } = await saidOf(lines, files);
  expect(run).toMatchObject({ code: 78, err: expect.stringContaining(code) });
  expect(check).toMatchObject({ code: 78, out: expect.stringContaining(`error ${code}`) });
});

it("says where alerts go and where the page's token is, and shows neither", async () => {
  const files = { hook: "https://hooks.example/T0K3N-99aa88bb77cc", token: "page-0f1e2d3c4b5a69788796" };
  const { check } = await saidOf("alerts: { webhookFile: hook }\nhttp: { tokenFile: token }", files);
  expect(check.out).toMatch(/^ok {5}alerts +hooks\.example$/m);
  expect(check.out).toMatch(/^ok {5}page +its token is in \S+\/token$/m);
  for (const secret of ["T0K3N", "page-0f"]) expect(check.out + check.err).not.toContain(secret);
});
