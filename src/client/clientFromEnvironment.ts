import { ConfigError } from "../errors.ts";
import { ChainId } from "./chainId.ts";
import { type Client, type ClientOptions, createClient } from "./createClient.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const networks: Readonly<Record<string, number>> = {
  mainnet: ChainId.OGPU_MAINNET,
  testnet: ChainId.OGPU_TESTNET,
};

/**
 * A client as the environment describes it, for those who want one and nothing to set up: `OGPU_NETWORK` (`mainnet` or
 * `testnet`, default `mainnet`), `OGPU_RPC_HTTP` and `OGPU_RPC_WS` (URLs, separated by commas), and the key in
 * `CLIENT_PRIVATE_KEY` or else `AGENT_PRIVATE_KEY`. `OGPU_PAYLOAD_GATEWAYS`, `OGPU_PAYLOAD_ALLOW_HOSTS` and
 * `OGPU_PAYLOAD_UPLOAD_URL` mean what they mean to the daemon.
 *
 * @param options What they say goes before the environment.
 * @throws ConfigError `NETWORK_UNKNOWN`; InputError `KEY_INVALID`, which never quotes the key.
 * @example const client = clientFromEnvironment(process.env);
 */
export function clientFromEnvironment(env: Environment, options: Partial<ClientOptions> = {}): Client {
  const network = env.OGPU_NETWORK || "mainnet";
  const chain = options.chain ?? networks[network];
  if (chain === undefined) {
    throw new ConfigError(`OGPU_NETWORK is "${network}"`, {
      code: "NETWORK_UNKNOWN",
      remedy: `write ${Object.keys(networks).join(" or ")}, or call createClient with a chain of your own`,
    });
  }
  const key = env.CLIENT_PRIVATE_KEY || env.AGENT_PRIVATE_KEY;
  return createClient({
    ...(key && { signer: (key.startsWith("0x") ? key : `0x${key}`) as `0x${string}` }),
    ...(env.OGPU_RPC_HTTP && { rpc: urlsIn(env.OGPU_RPC_HTTP) }),
    ...(env.OGPU_RPC_WS && { ws: urlsIn(env.OGPU_RPC_WS) }),
    payload: {
      ...(env.OGPU_PAYLOAD_GATEWAYS && { gateways: urlsIn(env.OGPU_PAYLOAD_GATEWAYS) }),
      ...(env.OGPU_PAYLOAD_ALLOW_HOSTS && { allowHosts: urlsIn(env.OGPU_PAYLOAD_ALLOW_HOSTS) }),
    },
    ...(env.OGPU_PAYLOAD_UPLOAD_URL && { uploadUrl: env.OGPU_PAYLOAD_UPLOAD_URL }),
    ...options,
    chain,
  });
}

const urlsIn = (text: string): readonly string[] =>
  text
    .split(",")
    .map((url) => url.trim())
    .filter((url) => url !== "");
