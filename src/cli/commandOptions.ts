type Option = {
  readonly type: "string" | "boolean";
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
  html: { type: "string", value: "FILE", doc: "write a page to this file too" },
} as const satisfies Readonly<Record<string, Option>>;

export type OptionName = keyof typeof commandOptions;

export type CommandOptions = {
  readonly [Name in OptionName]?:
    | ((typeof commandOptions)[Name]["type"] extends "string" ? string : boolean)
    | undefined;
};

/** What is known of an option, whichever it is. */
export const optionNamed = (name: OptionName): Option => commandOptions[name];

export const isOptionName = (name: string): name is OptionName => Object.hasOwn(commandOptions, name);
