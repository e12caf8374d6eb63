import type { Client } from "../client/createClient.ts";
import { createClientOn } from "../client/createClientOn.ts";
import { loadConfig } from "../config/loadConfig.ts";
import type { Config } from "../config/schema.ts";
import { ConfigError } from "../errors.ts";
import { openSigners, readSignerParts } from "../signer/openSigners.ts";
import type { Signer } from "../signer/signerPort.ts";
import type { Line } from "./command.ts";
import type { Context } from "./context.ts";
import { type JournalSite, journalSite } from "./journalSite.ts";
import { openEndpoints } from "./openEndpoints.ts";
import { requireDeployment } from "./requireDeployment.ts";
import { askedUrls } from "./scrubOutputs.ts";

export type Opened = {
  readonly client: Client;
  readonly config: Config;
  readonly signer: Signer | undefined;
  /** Its journal, which may not be there. */
  readonly site: JournalSite;
  /** What is asked from now on each time before anything is signed or sent, by what it throws. */
  readonly guard: (require: () => Promise<void>) => void;
};

/**
 * Opens a client as the configuration describes it, for as long as the work takes.
 * @throws ConfigError `KEY_MISSING` from `signerIn` where there is no key.
 */
export async function withClient<T>(
  context: Context,
  line: Pick<Line, "file" | "flags">,
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  const { env, cwd, stderr } = context;
  const { config, origins, warnings } = loadConfig({ file: line.file, flags: line.flags, env, cwd });
  const parts = readSignerParts({ config, origins, env, cwd });
  const site = journalSite(config, { env, cwd });
  context.hide([...parts.secrets, ...site.secrets], askedUrls(config));
  for (const warning of [...warnings, ...parts.warnings, ...site.warnings]) stderr.write(`warning: ${warning}\n`);
  // One transaction needs no threads.
  const { signers, close } = await openSigners({ ...config.signer, threads: 0 }, parts);
  let requireMaySend = async () => {};
  const signer = signers[0] && guarded(signers[0], () => requireMaySend());
  const guard: Opened["guard"] = (require) => {
    requireMaySend = require;
  };
  try {
    const { chain, sink, payload, rpc } = config;
    const endpoints = openEndpoints(config, { random: Math.random, report: () => undefined });
    // No socket: no command waits for what a node pushes.
    const client = createClientOn(
      {
        rpc: endpoints,
        tip: { minTip: sink.minTip, maxTip: sink.maxTip },
        requireMaySend: () => requireMaySend(),
      },
      {
        chain: { id: chain.id, contracts: requireDeployment(chain.id) },
        ...(signer && { signer }),
        payload,
        uploadUrl: payload.uploadUrl,
        maxFeePerGas: sink.maxFeePerGas,
        finality: chain.finality,
        pollIntervalMs: Math.min(rpc.pollInterval, 1_000),
        rebroadcastAfterMs: sink.rebroadcastAfter,
      },
    );
    return await work({ client, config, signer, site, guard });
  } finally {
    await close();
  }
}

const guarded = (signer: Signer, requireMaySend: () => Promise<void>): Signer => ({
  ...signer,
  sign: async (transaction) => {
    await requireMaySend();
    return signer.sign(transaction);
  },
});

/** The key to sign with. @throws ConfigError `KEY_MISSING`. */
export function signerIn({ signer, config }: Pick<Opened, "signer" | "config">): Signer {
  if (signer) return signer;
  throw new ConfigError("there is no key to sign with", {
    code: "KEY_MISSING",
    // It is not the default: whoever wrote it is refused another one's key.
    remedy:
      config.signer.role === "client"
        ? "set CLIENT_PRIVATE_KEY, or name the file of the client's key: --signer-key-file FILE"
        : "set CLIENT_PRIVATE_KEY or AGENT_PRIVATE_KEY, signer.keyFile or signer.remoteUrl",
  });
}
