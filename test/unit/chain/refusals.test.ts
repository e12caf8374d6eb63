import { describe, expect, it } from "vitest";
import { accountFault, type RefusalKind, refusalKind } from "../../../src/chain/endpoints/refusals.ts";
import { RpcError } from "../../../src/chain/jsonRpc.ts";

const hash = `0x${"ab".repeat(32)}`;
const kindOf = (method: string, code: number, message: string, data?: unknown, params: readonly unknown[] = []) =>
  refusalKind({ method, params }, new RpcError(message, code, data));

/** As providers wrote them. */
const ofTheKey: readonly (readonly [string, number, string])[] = [
  ["Alchemy", -32600, "Must be authenticated!"],
  ["Alchemy", -32600, "App is inactive"],
  ["Alchemy", -32600, "Unspecified origin not on whitelist."],
  ["Alchemy", 403, "OGPU_MAINNET is not enabled for this app"],
  ["Infura", -32600, "invalid project id"],
  ["Infura", -32600, "project id required in the url"],
  ["Infura", -32002, "rejected due to project ID settings"],
  ["Infura", -32600, "project ID does not have access to this network"],
  ["Ankr", -32000, "Unauthorized: You must authenticate your request with an API key. Create an account on https://…"],
  ["Ankr", -32051, "message: API key disabled, reason: tenant disabled, json-rpc code: -32051, rest code: 403"],
  ["Ankr", -32052, "message: API key is not allowed to access blockchain, json-rpc code: -32052, rest code: 403"],
  ["Ankr", 0, "message: API key not found, trace_id: 4b1f"],
  ["Ankr", -32001, "Missing API key (x-ankr-api-key header or Bearer token)."],
  ["dRPC", 4, "token is invalid"],
  ["dRPC", 35, "chain is not available on freetier"],
  ["NodeReal", -32000, "Unauthorized"],
  ["NodeReal", -32002, "IP address 192.0.2.7 is not on whitelist"],
  ["QuickNode", -32001, "UNAUTHORIZED"],
  ["QuickNode", 403, "Forbidden"],
  ["Goldsky", -32016, "Invalid or missing authentication: unauthorized"],
  ["a gateway", -32001, "invalid api key"],
  ["a gateway", -32011, 'chain "ogpu" not in project scope'],
  ["a gateway", 402, "account suspended — contact your administrator"],
];
const ofTheQuota: readonly (readonly [string, number, string])[] = [
  ["Infura", -32005, "daily request count exceeded, request rate limited"],
  [
    "Alchemy",
    429,
    "Monthly capacity limit exceeded. Visit https://dashboard.alchemy.com/settings/billing to upgrade your scaling policy for continued service.",
  ],
  ["Ankr", -32051, "API key disabled, reason: Freemium monthly quota exhausted"],
  [
    "1RPC",
    -32001,
    "You've reached the usage limit for your current plan. To continue with higher limits and uninterrupted access, please upgrade here: https://www.1rpc.io/#pricing",
  ],
  ["NodeReal", -32005, "ran out of cu"],
  ["NodeReal", -32005, "You have reached the maximum API usage limit of public."],
  ["QuickNode", -32003, "daily request limit reached - upgrade your account at quicknode.com"],
  ["Helius", -32429, "max usage reached"],
  ["a gateway", -32005, "compute unit quota exceeded"],
  ["a gateway", -32000, "Your free trial has ended"],
  ["a gateway", -32005, "quota exceeded"],
  ["a gateway", -32005, "You have exceeded the 100000 requests per day of your plan"],
];

describe("a refusal of the account", () => {
  const all = [
    ...ofTheKey.map((each) => ["key", ...each] as const),
    ...ofTheQuota.map((each) => ["quota", ...each] as const),
  ];
  it.each(all)("is known by what is said of the %s by %s: %i %s", (fault, _, code, message) => {
    expect(accountFault(new RpcError(message, code, undefined))).toBe(fault);
    for (const method of ["eth_call", "eth_blockNumber", "eth_getTransactionReceipt", "eth_sendRawTransaction"])
      expect([method, kindOf(method, code, message)]).toEqual([method, "account"]);
  });

  it.each(ofTheQuota)("is one whatever was asked where the quota is used up: %s %i %s", (...of) => {
    const [, code, message] = of;
    for (const method of ["debug_traceTransaction", "eth_feeHistory", "eth_getLogs"])
      expect([method, kindOf(method, code, message)]).toEqual([method, "account"]);
  });

  it.each(ofTheKey)(
    "says nothing of the rest where it comes with a call that a plan may leave out: %s %i %s",
    (...of) => {
      const [, code, message] = of;
      for (const method of ["debug_traceTransaction", "eth_feeHistory", "eth_getLogs", "web3_clientVersion"])
        expect([method, kindOf(method, code, message)]).toEqual([method, "method"]);
    },
  );
});

describe("a refusal of the method", () => {
  it.each([
    ["debug_traceTransaction", -32601, "the method debug_traceTransaction does not exist/is not available"],
    ["eth_feeHistory", -32601, "Method not found"],
    ["eth_call", -32604, "Method not enabled"],
    [
      "debug_traceTransaction",
      -32601,
      "The method 'debug_traceTransaction' is found but the namespace 'debug' is disabled",
    ],
    [
      "eth_getBlockReceipts",
      -32600,
      "eth_getBlockReceipts is not available on the Free tier - upgrade to Pay As You Go",
    ],
    ["eth_getLogs", 35, "method is not available on freetier, please upgrade to paid tier"],
    ["eth_getLogs", -32004, "method eth_getLogs does not support"],
    ["eth_getLogs", -32000, "eth_getLogs is not allowed"],
    ["eth_getLogs", -32600, "Unsupported method: eth_getLogs on OGPU_MAINNET."],
    ["eth_getLogs", -32601, "rpc method is not whitelisted"],
    ["eth_call", -32001, "Unauthorized method"],
    ["eth_call", -32052, "API key is not allowed to call this method"],
    ["debug_traceTransaction", -32002, "Archive, Debug and Trace requests are not available on your current plan."],
    ["trace_block", -32600, "Method trace_block not allowed"],
    ["eth_sendRawTransaction", -32601, "the method eth_sendRawTransaction does not exist/is not available"],
    ["eth_sendRawTransaction", -32601, "sending transactions is turned off"],
    ["trace_block", -32000, "This is not included in your plan"],
  ])("is known for %s: %i %s", (method, code, message) => {
    expect(kindOf(method, code, message)).toBe("method");
  });
});

describe("a refusal of what is not here", () => {
  it.each([
    ["eth_call", -32000, `missing trie node ${hash.slice(2)} (path ) state ${hash} is not available, not found`],
    ["eth_call", -32000, `historical state ${hash} is not available`],
    ["eth_getTransactionCount", -32000, "required historical state unavailable (reexec=128)"],
    ["eth_call", -32002, "No state available for block 0x10"],
    ["eth_getBalance", -32000, "World state unavailable"],
    ["eth_call", -32000, "state at block #1000 is pruned"],
    ["eth_getLogs", 4444, "pruned history unavailable"],
    ["eth_getLogs", 4444, "gone"],
    ["eth_call", -32000, "old data not available due to pruning"],
    ["eth_getTransactionCount", -32002, "project ID does not have access to archive state"],
    ["eth_getTransactionCount", -32002, "Archive, Debug and Trace requests are not available on your current plan."],
    ["eth_call", -32061, "No archive nodes available"],
    ["eth_call", -32602, "Archive requests require a personal token"],
    ["eth_call", -32600, "Invalid Request. Requested data is older than 128 blocks."],
  ])("is known for %s: %i %s", (method, code, message) => {
    expect(kindOf(method, code, message)).toBe("here");
  });
});

/** Limits of one query, in the providers' words; the scanner asks for less. */
const tooWide: readonly (readonly [number, string])[] = [
  [-32005, "query returned more than 10000 results"],
  [
    -32600,
    "Under the Free tier plan, you can make eth_getLogs requests with up to a 10 block range. Upgrade to PAYG for expanded block range.",
  ],
  [-32602, "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range"],
  [35, "ranges over 10000 blocks are not supported on freetier"],
  [-32614, "eth_getLogs is limited to a 10,000 range"],
  [-32701, "exceed maximum block range: 50000"],
  [-32062, "Block range is too large"],
  [-32000, "query timeout exceeded"],
];

describe("a refusal of the call", () => {
  it.each<[string, number, string, unknown?]>([
    ["eth_call", 3, "execution reverted: invalid api key", "0x08c379a0"],
    ["eth_call", -32000, "execution reverted: monthly quota exceeded"],
    ["eth_call", -32015, "VM execution error.", "Reverted 0x08c379a0"],
    ["eth_call", -32000, "Unauthorized", "0x82b42900"],
    ["eth_call", 3, "Unauthorized"],
    ["eth_call", -32015, "monthly quota exceeded"],
    ["eth_call", -32602, "invalid method parameters"],
    ["eth_call", -32000, "VM Exception while processing transaction: revert method not found"],
    ["eth_call", -32602, "invalid argument 0: hex string has length 2, want 40 for common.Address"],
    ["eth_call", -32602, "too many arguments, want at most 2"],
    ["eth_call", -32000, "header not found"],
    ["eth_call", -32000, "gas required exceeds allowance (50000000)"],
    ["eth_call", -32000, "method handler crashed"],
    ["eth_call", -32603, "internal error"],
    ["eth_call", -32005, "project ID request rate exceeded"],
    ["eth_call", 429, "Your app has exceeded its compute units per second capacity."],
    [
      "eth_call",
      -32007,
      "50/second request limit reached - reduce calls per second or upgrade your account at quicknode.com",
    ],
    ["eth_call", -32005, "You've exceeded the RPS limit available on the current plan."],
    [
      "eth_call",
      31,
      "Batch of more than 3 requests are not allowed on free tier, to use this feature register paid account",
    ],
    ["eth_getBlockByNumber", -39001, "Unknown block"],
    ["eth_getBlockByNumber", -32602, "'finalized' tag not supported on pre-merge network"],
    ["eth_sendRawTransaction", -32007, "Sender account not authorized to send transactions"],
    ["eth_sendRawTransaction", -32000, "insufficient funds for gas * price + value: balance 0, tx cost 1"],
    ["eth_sendRawTransaction", -32000, "account limit exceeded"],
    ["eth_sendRawTransaction", -32000, "transaction type not supported"],
    ["eth_sendRawTransaction", -32000, "already known: monthly quota exceeded"],
    ["eth_sendRawTransaction", -32000, "nonce too low"],
    ["eth_sendRawTransaction", -32000, "world state unavailable"],
  ])("is an answer, as any endpoint would give it: %s %i %s", (method, code, message, data) => {
    expect(kindOf(method, code, message, data)).toBe("call");
  });

  it.each(tooWide)("is one that asks for fewer blocks; of a single one it is not here: %i %s", (code, message) => {
    const kinds = [{ fromBlock: "0x1", toBlock: "0x9" }, { fromBlock: "0x9", toBlock: "0x9" }, { blockHash: hash }].map(
      (filter): RefusalKind => kindOf("eth_getLogs", code, message, undefined, [filter]),
    );
    expect(kinds).toEqual(["call", "here", "here"]);
  });
});
