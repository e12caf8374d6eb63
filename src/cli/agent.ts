import { InputError } from "../client/errors.ts";
import { readAddress } from "../client/inputs.ts";
import { exitCodes } from "../errors.ts";
import { checksummed } from "../protocol/brand.ts";
import { maySend } from "./ask.ts";
import type { Line } from "./command.ts";
import { usage } from "./commandLine.ts";
import type { Context } from "./context.ts";
import { during } from "./progress.ts";
import { required } from "./readers.ts";
import { printSent } from "./sent.ts";
import { facts, json, onErrors } from "./terminal.ts";
import { type Opened, signerIn, withClient } from "./withClient.ts";
import { requireFreeKey, sendWith } from "./withKey.ts";

/** Authorises and revokes agents, and shows whether one is authorised. @returns the exit code. */
export const agent = (context: Context, line: Line): Promise<number> =>
  withClient(context, line, async (opened) => {
    const [action, address] = line.args;
    const { client } = opened;
    if (action === "show") return show(context, line, opened);
    if (action !== "set" && action !== "revoke") throw usage('write "agent set", "agent revoke" or "agent show"');
    const who = readAddress("the agent", required(address, "the agent's address"));
    const signer = signerIn(opened);
    if (isSame(who, signer.address))
      throw notTheClients(`${who} is the key that signs here, and no client's agent of itself`);
    await requireFreeKey(opened.site, signer);
    if (action === "revoke" && !(await client.isAgent(signer.address, who)))
      throw notTheClients(
        `${who} is no agent of ${checksummed(signer.address)}, whose key signs here: nothing was revoked`,
      );
    const plan = facts(onErrors(context), [
      [action === "set" ? "authorise the agent" : "revoke the agent", who],
      ["for the client", checksummed(signer.address)],
      ["which lets it", action === "set" ? "publish, and confirm: pay out of this client's escrow" : "do nothing more"],
    ]);
    if (!(await maySend(context, line, opened.config, plan))) return exitCodes.failed;
    const send = () => (action === "set" ? client.setAgent(who) : client.revokeAgent(who));
    const sending = sendWith(opened, `agent ${action}`, send);
    const mined = await during(context, "waiting until it is mined", sending);
    printSent(
      context,
      line,
      { agent: who, client: checksummed(signer.address), authorised: String(action === "set") },
      mined,
    );
    return exitCodes.ok;
  });

const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** The daemon's configuration names its own key: what that one revokes lets the agent go on. */
const notTheClients = (message: string) =>
  new InputError(message, {
    code: "ADDRESS_INVALID",
    remedy: "sign with the client's key: --signer-key-file FILE",
  });

async function show(context: Context, line: Line, opened: Opened): Promise<number> {
  const [, agentAddress, clientAddress] = line.args;
  const { client, signer } = opened;
  const who = readAddress("the agent", required(agentAddress, "the agent's address"));
  // The daemon's configuration names the agent's key, which is nobody's client.
  const own = signer && !isSame(who, signer.address) ? signer.address : undefined;
  const of = readAddress("the client", clientAddress ?? required(own, "the client's address"));
  const authorised = await during(context, "reading the chain", client.isAgent(of, who));
  if (line.options.json) context.stdout.write(json({ agent: who, client: of, authorised }));
  else
    context.stdout.write(
      authorised ? `${who} may act for ${of}\n` : `${who} may not act for ${of}: ogpu-confirmd agent set ${who}\n`,
    );
  return authorised ? exitCodes.ok : exitCodes.failed;
}
