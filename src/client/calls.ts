import { encodeFunctionData } from "viem";
import { controllerAbi, nexusAbi, terminalAbi } from "../protocol/abi.ts";
import type { Deployment } from "../protocol/chains.ts";
import type { SourceParams } from "./sourceParams.ts";
import type { Address } from "./types.ts";

export type Call = { readonly to: Address; readonly data: `0x${string}` };

export type TaskParams = {
  readonly source: Address;
  /** A URL, or JSON. */
  readonly config: string;
  /** Unix seconds. */
  readonly expiryTime: bigint;
  /** Wei. */
  readonly payment: bigint;
};

/** The calls that a client sends, as the contracts take them. */
export const calls = {
  publishSource: ({ nexus }: Deployment, params: SourceParams): Call => ({
    to: nexus,
    data: encodeFunctionData({ abi: nexusAbi, functionName: "publishSource", args: [params] }),
  }),
  updateSource: ({ nexus }: Deployment, source: Address, params: SourceParams): Call => ({
    to: nexus,
    data: encodeFunctionData({ abi: nexusAbi, functionName: "updateSource", args: [source, params] }),
  }),
  inactivateSource: ({ nexus }: Deployment, source: Address): Call => ({
    to: nexus,
    data: encodeFunctionData({ abi: nexusAbi, functionName: "inactivateSource", args: [source] }),
  }),
  publishTask: ({ controller }: Deployment, params: TaskParams): Call => ({
    to: controller,
    data: encodeFunctionData({ abi: controllerAbi, functionName: "publishTask", args: [params] }),
  }),
  cancelTask: ({ controller }: Deployment, task: Address): Call => ({
    to: controller,
    data: encodeFunctionData({ abi: controllerAbi, functionName: "cancelTask", args: [task] }),
  }),
  confirmResponse: ({ controller }: Deployment, response: Address): Call => ({
    to: controller,
    data: encodeFunctionData({ abi: controllerAbi, functionName: "confirmResponse", args: [response] }),
  }),
  setAgent: ({ terminal }: Deployment, agent: Address, value: boolean): Call => ({
    to: terminal,
    data: encodeFunctionData({ abi: terminalAbi, functionName: "setAgent", args: [agent, value] }),
  }),
};
