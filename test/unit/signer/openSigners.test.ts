import { writeFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { loadConfig } from "../../../src/config/loadConfig.ts";
import { openSigners, readSignerParts } from "../../../src/signer/openSigners.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";
import { createAuthority } from "./certificates.ts";
import { account, privateKey, transaction, viemBytes } from "./contract.ts";
import { lock } from "./lockKeystore.ts";
import { signerServer, signParameters } from "./signerServer.ts";

/** A folder with these files, readable by nobody else. */
function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder("signers-");
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 });
  return folder;
}

/** As the daemon opens them, with these settings of `signer`. */
async function open(cwd: string, settings: Record<string, string>) {
  const flags = Object.fromEntries(Object.entries(settings).map(([leaf, text]) => [`signer-${leaf}`, text]));
  const { config, origins } = loadConfig({ flags: { network: "devnet", ...flags }, env: {}, cwd });
  const parts = readSignerParts({ config, origins, env: {}, cwd });
  const opened = await openSigners(config.signer, parts);
  onTestFinished(opened.close);
  return { ...opened, parts };
}

describe("openSigners", () => {
  it.each(["0", "1"])("opens a signer for each key, with %s threads", async (threads) => {
    const folder = folderOf({ a: lock(privateKey, "pass word"), b: `0x${"6".repeat(64)}`, p: "pass word\n" });
    const { signers, from, parts } = await open(folder, { "key-file": "a", keys: "b", "password-file": "p", threads });
    expect(from).toEqual([join(folder, "a"), join(folder, "b")]);
    expect(parts.secrets).toEqual([privateKey, `0x${"6".repeat(64)}`, "pass word"]);
    expect(parts.warnings).toEqual([]);
    expect(signers).toHaveLength(2);
    expect((await signers[0]?.sign(transaction()))?.raw).toBe(await viemBytes(transaction()));
    await expect(signers[1]?.sign(transaction())).resolves.not.toMatchObject({ raw: await viemBytes(transaction()) });
  });

  it.each(["0", "1"])("opens a remote signer, with %s threads to check what it signs", async (threads) => {
    const authority = createAuthority();
    const client = authority.issue("daemon");
    const server = await signerServer(({ params }) => signParameters(params), {
      ...authority.issue("signer"),
      ca: authority.cert,
      requestCert: true,
    });
    const token = "abcdefgh12345678";
    const folder = folderOf({
      ca: authority.cert,
      cert: client.cert,
      key: client.key,
      token: `${token}\n`,
      own: privateKey,
    });
    const { signers, parts, from } = await open(folder, {
      threads,
      "key-file": "own",
      "remote-url": server.url,
      "remote-addresses": account.address,
      "remote-ca-file": "ca",
      "remote-cert-file": "cert",
      "remote-cert-key-file": "key",
      "remote-token-file": "token",
    });
    expect(parts.keys).toEqual([]);
    expect(parts.secrets).toEqual([token]);
    expect(parts.warnings).toEqual([expect.stringContaining("are not read")]);
    expect(from).toEqual([`the remote signer ${new URL(server.url).host}`]);
    expect((await signers[0]?.sign(transaction()))?.raw).toBe(await viemBytes(transaction()));
    expect(server.seen[0]?.authorization).toBe(`Bearer ${token}`);
  });

  it.each(["0", "1"])(
    "says where the native library is missing, with %s threads, and beside a remote signer, which needs it with threads alone",
    async (threads) => {
      const hooks = registerHooks({
        resolve: (name, context, next) => {
          if (name.startsWith("secp256k1/")) throw new Error("it is not installed");
          return next(name, context);
        },
      });
      onTestFinished(() => hooks.deregister());
      const missing = { code: "CURVE_MISSING", exitCode: 78 };
      const native = { threads, engine: "native" };
      await expect(open(folderOf({ own: privateKey }), { ...native, "key-file": "own" })).rejects.toMatchObject(
        missing,
      );
      const server = await signerServer(({ params }) => signParameters(params));
      const remote = { ...native, "remote-url": server.url, "remote-addresses": account.address };
      if (threads === "1") await expect(open(folderOf({}), remote)).rejects.toMatchObject(missing);
      else expect((await open(folderOf({}), remote)).signers).toHaveLength(1);
      expect(server.seen).toEqual([]);
    },
  );

  it("opens none where there is no key", async () => {
    const { signers } = await open(folderOf({}), {});
    expect(signers).toEqual([]);
  });

  it("says which file of the remote signer is missing, and which token is none", async () => {
    const remote = { "remote-url": "https://127.0.0.1:1", "remote-addresses": account.address };
    const folder = folderOf({ token: "two words" });
    await expect(open(folder, { ...remote, "remote-ca-file": "none" })).rejects.toMatchObject({
      code: "KEY_UNREADABLE",
      remedy: "correct signer.remoteCaFile, or put it there",
    });
    await expect(open(folder, { ...remote, "remote-token-file": "token" })).rejects.toMatchObject({
      code: "KEY_INVALID",
      message: expect.not.stringContaining("two words"),
    });
  });
});
