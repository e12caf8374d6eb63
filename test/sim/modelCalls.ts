import { type Abi, encodeErrorResult, encodeFunctionResult, parseAbi, toFunctionSelector } from "viem";
import { nexusAbi, responseAbi, sourceAbi, taskAbi, terminalAbi } from "../../src/protocol/abi.ts";
import { type Hex, zeroAddress } from "../../src/protocol/brand.ts";
import type { Deployment } from "../../src/protocol/chains.ts";
import { ResponseStatus } from "../../src/protocol/statuses.ts";
import type { ModelState, ResponseState, SourceState, TaskState } from "./modelContracts.ts";
import { addressAt, addressesResult, addressWord, numberAt, numberWord } from "./words.ts";

export type CallResult = { readonly ok: true; readonly data: Hex } | { readonly ok: false; readonly reason: string };

const selectorsOf = (abi: Abi): ReadonlyMap<string, string> =>
  new Map(abi.flatMap((item) => (item.type === "function" ? [[toFunctionSelector(item), item.name] as const] : [])));

const selectors = {
  nexus: selectorsOf(nexusAbi),
  terminal: selectorsOf(terminalAbi),
  source: selectorsOf(sourceAbi),
  task: selectorsOf(taskAbi),
  response: selectorsOf(responseAbi),
};

/** Selector of the one call that the daemon sends. */
export const confirmSelector = toFunctionSelector("confirmResponse(address)");

/** The function of a task that a call asks; `undefined`: of something else. */
export const askedOfTask = (
  { tasks }: ModelState,
  { to, data }: { readonly to: Hex; readonly data: Hex },
): string | undefined => (tasks.has(to.toLowerCase() as Hex) ? selectors.task.get(data.slice(0, 10)) : undefined);

const ok = (data: Hex): CallResult => ({ ok: true, data });
const word = (value: number | bigint): CallResult => ok(`0x${numberWord(value)}`);
const address = (value: Hex): CallResult => ok(`0x${addressWord(value)}`);
const unknownFunction: CallResult = { ok: false, reason: "" };
const noContract: CallResult = ok("0x");

/** Lists are cut as `Page.sol` does; a page past the end reverts on some versions of the contracts. */
function page(list: readonly Hex[], data: Hex, strict: boolean): CallResult {
  const [lower, upper] = [numberAt(data, 0), numberAt(data, 1)];
  if (strict && upper > list.length) return { ok: false, reason: "OutOfBounds" };
  return ok(addressesResult(list.slice(lower, upper)));
}

/**
 * Answers a view call on the contracts as they stood in one block.
 * @param strictPages Lists revert past their end.
 */
export function callView(
  state: ModelState,
  deployment: Deployment,
  { to, data }: { readonly to: Hex; readonly data: Hex },
  strictPages: boolean,
): CallResult {
  const selector = data.slice(0, 10);
  const target = to.toLowerCase() as Hex;
  if (target === deployment.nexus.toLowerCase()) return callNexus(state, selector, data, strictPages);
  if (target === deployment.terminal.toLowerCase()) {
    if (selectors.terminal.get(selector) !== "getIsAgentOf") return unknownFunction;
    return word(state.agents.has(`${addressAt(data, 0)}/${addressAt(data, 1)}`) ? 1 : 0);
  }
  const task = state.tasks.get(target);
  if (task) return callTask(task, state, selector, data, strictPages);
  const response = state.responses.get(target);
  if (response) return callResponse(response, selector);
  const source = state.sources.get(target);
  return source ? callSource(source, selector, data, strictPages) : noContract;
}

function callNexus({ sources }: ModelState, selector: string, data: Hex, strict: boolean): CallResult {
  switch (selectors.nexus.get(selector)) {
    case "getSourceCount":
      return word(sources.size);
    case "getSources":
      return page([...sources.keys()], data, strict);
    default:
      return unknownFunction;
  }
}

function callSource(source: SourceState, selector: string, data: Hex, strict: boolean): CallResult {
  switch (selectors.source.get(selector)) {
    case "getSourceParams":
      return ok(sourceParams(source));
    case "getStatus":
      return word(source.status);
    case "getClient":
      return address(source.client);
    case "getTaskCount":
      return word(source.tasks.length);
    case "getTasks":
      return page(source.tasks, data, strict);
    default:
      return unknownFunction;
  }
}

function callTask(task: TaskState, state: ModelState, selector: string, data: Hex, strict: boolean): CallResult {
  switch (selectors.task.get(selector)) {
    case "taskParams":
      return ok(taskParams(task));
    case "getStatus":
      return word(task.status);
    case "getDeliveryMethod":
      return word(task.deliveryMethod);
    case "getSource":
      return address(task.source);
    case "getExpiryTime":
      return word(task.expiryTime);
    case "getPayment":
      return word(task.payment);
    case "getAttemptCount":
      return word(task.attempts.length);
    case "getAttempters":
      return page(
        task.attempts.map(({ provider }) => provider),
        data,
        strict,
      );
    case "getResponsesOf":
      return page(
        task.attempts.map(({ response }) => response ?? zeroAddress),
        data,
        strict,
      );
    case "winningProvider":
      return address(task.attempts.find(({ response }) => isConfirmed(state, response))?.provider ?? zeroAddress);
    default:
      return unknownFunction;
  }
}

const isConfirmed = (state: ModelState, response: Hex | undefined): boolean =>
  response !== undefined && state.responses.get(response)?.status === ResponseStatus.CONFIRMED;

function callResponse(response: ResponseState, selector: string): CallResult {
  switch (selectors.response.get(selector)) {
    case "getResponseParams":
      return ok(responseParams(response));
    case "getStatus":
      return word(response.status);
    case "responseTimestamp":
      return word(response.timestamp);
    case "confirmedFinal":
      return word(response.status === ResponseStatus.CONFIRMED ? 1 : 0);
    default:
      return unknownFunction;
  }
}

/** The same answer to `taskParams` with a time that is over: the third of its words. */
export const withExpiryOver = (params: Hex): Hex =>
  `${params.slice(0, 130)}${numberWord(1)}${params.slice(194)}` as Hex;

/** Structs with texts are encoded once a contract: what they hold never changes. */
function onceEach<T extends { readonly address: Hex }>(encode: (contract: T) => Hex): (contract: T) => Hex {
  const encoded = new WeakMap<object, Hex>();
  return (contract) => {
    const known = encoded.get(contract);
    if (known !== undefined) return known;
    const fresh = encode(contract);
    encoded.set(contract, fresh);
    return fresh;
  };
}

const sourceParams = onceEach<SourceState>(({ client, deliveryMethod }) =>
  encodeFunctionResult({
    abi: sourceAbi,
    functionName: "getSourceParams",
    result: {
      client,
      imageMetadataUrl: "",
      imageEnvironments: 1,
      minPayment: 1n,
      minAvailableLockup: 0n,
      maxExpiryDuration: 1_000_000n,
      privacyEnabled: false,
      optionalParamsUrl: "",
      deliveryMethod,
      lastUpdateTime: 0n,
    },
  }),
);

const taskParams = onceEach<TaskState>(({ source, config, expiryTime, payment }) =>
  encodeFunctionResult({
    abi: taskAbi,
    functionName: "taskParams",
    result: [source, config, BigInt(expiryTime), payment],
  }),
);

const responseParams = onceEach<ResponseState>(({ task, provider, data, payment }) =>
  encodeFunctionResult({
    abi: responseAbi,
    functionName: "getResponseParams",
    result: { task, provider, data, payment },
  }),
);

const errorAbi = parseAbi(["error Error(string)"]);

/** Revert data of `revert("…")`. */
export const revertBytes = (reason: string): Hex => encodeErrorResult({ abi: errorAbi, args: [reason] });

/** The response that a call of `confirmResponse` names. */
export const confirmedBy = (data: Hex): Hex | undefined =>
  data.startsWith(confirmSelector) ? addressAt(data, 0) : undefined;

/** Every contract that has code, for `eth_getCode`. */
export const isContract = (state: ModelState, deployment: Deployment, account: Hex): boolean =>
  Object.values(deployment).some((each) => each.toLowerCase() === account) ||
  state.tasks.has(account) ||
  state.responses.has(account) ||
  state.sources.has(account);
