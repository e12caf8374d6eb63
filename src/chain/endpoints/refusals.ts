import { type RpcCall, type RpcError, sendMethod } from "../jsonRpc.ts";
import { revertData } from "../revertReason.ts";

/**
 * Whose a refusal is, by what to do about it.
 *
 * - `account`: of whoever asks, whatever is asked: the key is not known, the quota is used up. The endpoint is as good as down.
 * - `method`: this endpoint does not do this call, for anybody or for this plan. Another one may.
 * - `here`: this endpoint cannot answer this one question, because it has dropped that state, or calls the least that can be
 *   asked too much. Another one may.
 * - `call`: of what was asked; an answer, as any endpoint would give it.
 */
export type RefusalKind = "account" | "method" | "here" | "call";

/** What a plan may leave out. Of these "unauthorized" is no word on the account: whatever else is asked next tells of that. */
const isOptional = (method: string): boolean =>
  !/^eth_(chainId|blockNumber|getBlockBy|getTransaction|getBalance|getCode|call|estimateGas|sendRaw)/.test(method);

/** Texts of providers (Alchemy, Ankr, Blast, Chainstack, dRPC, Infura, NodeReal, 1RPC, PublicNode, QuickNode) and of nodes. */
const key = [
  /\b(invalid|unknown|missing|wrong|incorrect|inactive|expired|revoked|disabled|bad|no) (or \w+ )?((api|access|auth|project|app|bearer)[ _-]?(key|token|id|secret)|jwt|credentials?)\b/,
  /\b(api|access|auth|security|project|app)[ _-]?(key|token|id|secret)\b.{0,60}\b(invalid|not (found|valid|allowed|enabled|active|provided|recogni[sz]ed)|disabled|expired|revoked|inactive|suspended|exhausted|blocked|missing|required|does not (exist|have access))\b/,
  /^(invalid|unknown|expired) token\b|\btoken is (invalid|expired|not valid)/,
  /\bmust (be authenticated|authenticate)\b|\bauthenticat(e your request|ion (failed|required|error))|\b(not |un)authenticated\b/,
  /\b(not |un)authori[sz]ed\b|\bforbidden\b|\b(access|permission) denied\b|\bnot allowed to access\b/,
  /\brejected due to project id settings\b/,
  /\b(ip|origin|domain|host|referr?er)\b.{0,60}\b(white|allow)[ -]?list/,
  /\b(app|account|project|endpoint|subscription|plan|tenant|organi[sz]ation|workspace|service|team|node)( is| has been| was)? (inactive|disabled|suspended|deactivated|expired|terminated|paused|blocked|frozen|deleted)\b/,
  /\bnot enabled for this (app|project|key|account)\b/,
  /\b(chain|blockchain|network)\b.{0,60}\bnot (available on|enabled|included|allowed|in project scope)\b|\bunsupported (chain|network)\b/,
];
const quota = [
  /\b(daily|monthly|weekly)\b.{0,60}\b(limit|quota|capacity|count|requests?|credits?|units?|usage)\b/,
  /\b(limit|quota|capacity|requests|credits?|units|usage)\b.{0,40}\b(per|this|for the|of the|for this) (day|month)\b/,
  /\b(quota|credits?|(compute|request) units?|usage limit|plan limit)\b.{0,40}\b(exceeded|exhausted|used up|depleted|reached|spent)\b/,
  /\b(exceeded|exhausted|reached|used up|hit|ran out of|run out of|out of)\b.{0,60}\b(quota|credits?|cus?|(compute|request) units|usage limit|free tier)\b/,
  /\bmax(imum)?( \w+)? usage( limit)? reached\b|\bbilling (period|cycle)\b|\b(insufficient|no( more)?|not enough) credits?\b/,
  /\bpayment (is )?(required|overdue)\b|\bpast due\b|\btrial\b.{0,20}\b(expired|ended|over)\b/,
];
/** That is over in a moment. */
const ofAMoment = /per[ -](second|minute)|\/ ?s(ec|econd)?\b|\b(second|minute|rps|rate|throughput|concurrent)\b/;
/** Words on a transaction: of a send nothing else is looked for, where there are any. */
const ofTransaction =
  /\b(transactions?|tx|sender|signer|signature|nonce|gas|fees?|funds|balance|txpool|pool|mempool|underpriced|known|imported)\b/;

const dropped =
  /missing trie node|\bprun(ed|ing)\b|\barchiv(e|al)\b|\bhistorical state\b|\bno (historical )?state (is )?(available|found)|\bworld state unavailable|\bstate\b(?!.{0,20}override).{0,90}\b(is )?(not available|unavailable|already discarded)|\bolder than \d+ blocks|\bhistory\b.{0,60}\bnot available\b|\bneither stored nor reproducible\b/;

const verbs =
  "not (been )?(found|available|supported|enabled|allowed|implemented|permitted|whitelisted|included)|(does|do)(n't| not) (exist|support)|disabled|unavailable|restricted|only available|requires";
const ofMethod = [
  new RegExp(`\\b(methods?|namespace|module)\\b.{0,80}\\b(${verbs})\\b`),
  new RegExp(`\\b(eth|debug|trace|txpool|net|web3)_\\w+.{0,60}\\b(${verbs})\\b`),
  /\b(unsupported|unknown|disallowed|restricted|unauthori[sz]ed|forbidden|invalid|no such) (rpc |json-?rpc )?method\b/,
  /\b(not (allowed|authori[sz]ed|permitted) to (access|call|use)|custom traces?)\b.{0,40}\b(method|trace)/,
];
const ofPlan =
  /\bnot (available|supported|included|allowed) (on|in|for|with)\b.{0,40}\b(plan|tier|freetier|subscription)\b/;

/** Too much of it: whoever asked for a range asks for a narrower one. */
const tooMuch =
  /\branges?\b|\bresults?\b|\bresponse size\b|\btoo (many|large|big|wide)\b|\bmore than\b|\blimited to\b|\btime(d )?-?out\b/;

/** A contract chose the words, or none: they say nothing of the node. */
export const isOfContract = ({ rpcCode, message, data }: RpcError): boolean =>
  rpcCode === 3 ||
  rpcCode === -32015 ||
  /revert|vm exception|vm execution|invalid opcode/i.test(message) ||
  revertData(data) !== undefined;

/** Whether a node lacks old state or old logs, which another one may keep. */
export const hasDropped = (error: RpcError): boolean =>
  (error.rpcCode === 4444 || dropped.test(error.message.toLowerCase())) && !isOfContract(error);

/** What a refusal says of whoever asked, whatever was asked: the key is no good, or the quota is used up. */
export function accountFault(error: RpcError): "key" | "quota" | undefined {
  const text = error.message.toLowerCase();
  const says = (pattern: RegExp) => pattern.test(text);
  if (isOfContract(error) || ofMethod.some(says) || dropped.test(text)) return undefined;
  if (quota.some(says) && (/\b(daily|monthly|weekly|day|month)\b/.test(text) || !ofAMoment.test(text))) return "quota";
  return key.some(says) || [401, 402, 403].includes(error.rpcCode) ? "key" : undefined;
}

/**
 * Classes a refusal by its text, and by its code where that says enough. In doubt it is the call's: an answer.
 *
 * @param call What was refused. A transaction's refusal is an answer about it, if it says a word on it.
 */
export function refusalKind(call: RpcCall, error: RpcError): RefusalKind {
  const { method } = call;
  const text = error.message.toLowerCase();
  if (isOfContract(error) || /\bbatch\b/.test(text)) return "call";
  const says = (pattern: RegExp) => pattern.test(text);
  const isMethods = error.rpcCode === -32601 || error.rpcCode === -32604 || ofMethod.some(says);
  if (method === sendMethod && !isMethods && ofTransaction.test(text)) return "call";
  const fault = accountFault(error);
  if (fault === "quota") return "account";
  if (method === "eth_getLogs" && tooMuch.test(text)) return isOneBlock(call) ? "here" : "call";
  // Old state is one thing that a plan leaves out, and traces are another.
  if (method !== sendMethod && hasDropped(error))
    return ofPlan.test(text) && /^(debug|trace)_/.test(method) ? "method" : "here";
  if (fault !== undefined) return isOptional(method) ? "method" : "account";
  if (error.rpcCode === -32602) return "call";
  return isMethods || ofPlan.test(text) ? "method" : "call";
}

/** Nothing narrower can be asked for. */
function isOneBlock({ params }: RpcCall): boolean {
  const { blockHash, fromBlock, toBlock } = (params[0] ?? {}) as Record<string, unknown>;
  return blockHash !== undefined || (typeof fromBlock === "string" && fromBlock === toBlock);
}
