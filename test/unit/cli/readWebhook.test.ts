import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readWebhook } from "../../../src/cli/readWebhook.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

const url = "https://hooks.example/services/T0K3N";
const folder = () => {
  const directory = temporaryFolder("webhook-");
  writeFileSync(join(directory, "alert-webhook"), `${url}\n`, { mode: 0o600 });
  return directory;
};
const read = (webhookFile: string | undefined, env = {}) =>
  readWebhook({ webhookFile, format: "generic", chat: undefined } as never, env);

it("reads the webhook out of the file that the configuration names, or else out of systemd's credential", () => {
  const directory = folder();
  expect(read(join(directory, "alert-webhook"))).toEqual({ url, warnings: [] });
  expect(read(undefined, { CREDENTIALS_DIRECTORY: directory })).toEqual({ url, warnings: [] });
  expect(read(undefined, { CREDENTIALS_DIRECTORY: join(directory, "none") }).url).toBeUndefined();
});

it.each([
  ["https://hooks.example/x", []],
  ["http://localhost:9/x", []],
  ["http://[::1]:9/x", []],
  ["http://127.0.0.1:9/x", []],
  ["http://127.0.0.2/x", []],
  ["http://127.0.0.2.example/x", ["alerts go to 127.0.0.2.example unencrypted: use https"]],
])("warns of alerts that leave this machine unencrypted: %s %j", (webhook, warnings) => {
  const path = join(folder(), "alert-webhook");
  writeFileSync(path, webhook);
  expect(read(path)).toEqual({ url: webhook, warnings });
});

it("does not start without the file that the configuration names: alerts that go nowhere would look like peace", () => {
  const path = join(folder(), "absent");
  expect(() => read(path)).toThrow(
    expect.objectContaining({ code: "KEY_UNREADABLE", exitCode: 78, message: expect.stringContaining(path) }),
  );
});

it("does not start with an empty file that the configuration names, either", () => {
  const path = join(folder(), "alert-webhook");
  writeFileSync(path, "");
  expect(() => read(path)).toThrow(expect.objectContaining({ code: "WEBHOOK_INVALID", exitCode: 78 }));
});

it.each(["docs/alerts.md", "docs/quick-start.md"])("finds the webhook that %s hands to the service", (document) => {
  const text = readFileSync(join(import.meta.dirname, "../../..", document), "utf8");
  const [, name = "", source] = /LoadCredential=([^:\s]+):([^\s']+)/.exec(text) ?? [];
  expect(text).toContain(`install -m 600 /dev/stdin ${source} `);
  // Root's, mode 600: the service's own user cannot read it there.
  expect(text).not.toMatch(/webhookFile: \/etc/);
  const directory = folder();
  writeFileSync(join(directory, name), "https://hooks.example/of-the-service\n", { mode: 0o600 });
  expect(read(undefined, { CREDENTIALS_DIRECTORY: directory }).url).toBe("https://hooks.example/of-the-service");
});
