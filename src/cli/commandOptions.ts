type Option = {
  readonly type: "string" | "boolean";
  /** It may be given more than once, and is a list. */
  readonly multiple?: true;
  /** What stands for its value in help. */
  readonly value?: string;
  readonly doc: string;
};

/** Options of single commands; no keys of the configuration. One means the same wherever it is taken. */
export const commandOptions = {
  json: { type: "boolean", doc: "print JSON, for programs" },
  why: { type: "string", value: "TEXT", doc: "the reason, for those who read it later" },
  who: { type: "string", value: "NAME", doc: "who says so (default: the user's name)" },
  decision: { type: "string", value: "ID", doc: "a decision by its number in the journal" },
  since: { type: "string", value: "DATE", doc: "from this day on, such as 2026-01-31" },
  from: { type: "string", value: "BLOCK", doc: "the first block" },
  to: { type: "string", value: "BLOCK", doc: "the last block (default: the head)" },
  yes: { type: "boolean", doc: "do not ask before money moves" },
  limit: { type: "string", value: "N", doc: "how many at the most (default: 50)" },
  payment: { type: "string", value: "AMOUNT", doc: 'the most that the task may cost, such as "0.05 OGPU"' },
  "max-payment": { type: "string", value: "AMOUNT", doc: "refuse to pay more than this (default: sink.maxPayment)" },
  function: { type: "string", value: "NAME", doc: "the function of the source to call" },
  data: { type: "string", value: "JSON", doc: "the data for it; @FILE reads a file" },
  input: { type: "string", value: "JSON", doc: "function_name, data and further fields; @FILE reads a file" },
  url: { type: "string", value: "URL", doc: "an input that is uploaded already" },
  expires: { type: "string", value: "WHEN", doc: "a duration, a date or unix seconds (default: 1h)" },
  name: { type: "string", value: "NAME", doc: "the name that providers see" },
  description: { type: "string", value: "TEXT", doc: "what it does" },
  logo: { type: "string", value: "URL", doc: "its picture" },
  cpu: { type: "string", value: "URL", doc: "the docker-compose file for machines without a graphics card" },
  nvidia: { type: "string", value: "URL", doc: "the one for NVIDIA cards" },
  amd: { type: "string", value: "URL", doc: "the one for AMD cards" },
  "min-payment": { type: "string", value: "AMOUNT", doc: "the least that a task must pay" },
  "min-lockup": { type: "string", value: "AMOUNT", doc: "what a provider must have locked up (default: nothing)" },
  "max-expiry": { type: "string", value: "DURATION", doc: "the longest that a task may run (default: 1d)" },
  "first-response": { type: "boolean", doc: "the chain pays the first answer itself; nobody judges it" },
  client: { type: "string", value: "ADDRESS", doc: "the client that the signer is an agent of" },
  "older-than": { type: "string", value: "DURATION", doc: "such as 90d; at least 7d" },
  policy: { type: "string", multiple: true, value: "NAME", doc: "what this policy approved; once for each policy" },
  response: { type: "string", multiple: true, value: "ADDRESS", doc: "a response; further ones may follow" },
  all: { type: "boolean", doc: "all of them" },
  html: { type: "string", value: "FILE", doc: "write a page to this file too" },
} as const satisfies Readonly<Record<string, Option>>;

export type OptionName = keyof typeof commandOptions;

export type CommandOptions = {
  readonly [Name in OptionName]?: ValueOf<(typeof commandOptions)[Name]> | undefined;
};

type ValueOf<Spec extends Option> = Spec extends { readonly multiple: true }
  ? readonly string[]
  : Spec["type"] extends "string"
    ? string
    : boolean;

/** What is known of an option, whichever it is. */
export const optionNamed = (name: OptionName): Option => commandOptions[name];

export const isOptionName = (name: string): name is OptionName => Object.hasOwn(commandOptions, name);
