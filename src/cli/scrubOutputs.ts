import type { Config } from "../config/schema.ts";
import { createScrubber } from "../ops/scrub.ts";
import type { Context } from "./context.ts";

type Outputs = Pick<Context, "stdout" | "stderr">;

/**
 * Outputs without credentials: without these from the first moment on, and without those that the configuration turns out
 * to hold, from `hide` on. It is one place for all commands: a node's words may repeat what it was asked with.
 */
export function scrubOutputs({ stdout, stderr }: Outputs, atFirst: readonly string[]): Outputs & Pick<Context, "hide"> {
  const [secrets, urls] = [[...atFirst], [] as string[]];
  let scrub = createScrubber(secrets);
  return {
    stdout: { write: (text) => stdout.write(scrub(text)) },
    stderr: { write: (text) => stderr.write(scrub(text)) },
    hide: (more, inUrls) => {
      secrets.push(...more);
      urls.push(...inUrls);
      scrub = createScrubber(secrets, urls);
    },
  };
}

/** The URLs that a command may ask. */
export const askedUrls = ({ rpc, payload, signer }: Config): readonly string[] => [
  ...rpc.http,
  ...rpc.ws,
  ...payload.gateways,
  payload.uploadUrl,
  ...(signer.remoteUrl === undefined ? [] : [signer.remoteUrl]),
];
