import { isIP } from "node:net";
import { formatGwei } from "ox/Value";
import { maskUrl } from "../ops/maskUrl.ts";
import { validateCron } from "../ops/validateCron.ts";
import { formatOgpu, parseAmount } from "../protocol/amounts.ts";
import { checksummed, toAddress, type Wei } from "../protocol/brand.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import { type Format, isKeyLike, mismatch, quote } from "./format.ts";
import { formatSize, parseSize } from "./size.ts";

const same = <T>(value: T): unknown => value;

/** One of a few words. */
export function oneOf<const Word extends string>(...words: readonly Word[]): Format<Word> {
  const expects = `one of ${words.join(", ")}`;
  return {
    expects,
    show: same,
    parse: (value) => {
      const word = words.find((candidate) => candidate === value);
      if (word === undefined) throw mismatch(value, expects);
      return word;
    },
  };
}

export const flag: Format<boolean> = {
  expects: "true or false",
  show: same,
  fromText: (text) => (/^(true|false)$/i.test(text) ? text.toLowerCase() === "true" : text),
  parse: (value) => {
    if (typeof value !== "boolean") throw mismatch(value, flag.expects);
    return value;
  },
};

const integerFromText = (text: string): unknown => (/^\d{1,20}$/.test(text) ? BigInt(text) : text);

/** A whole number within bounds, both included. */
export function whole(min: number, max: number): Format<number> {
  const expects = `a whole number from ${min} to ${max}`;
  return {
    expects,
    show: same,
    fromText: integerFromText,
    parse: (value) => {
      const number = typeof value === "bigint" ? Number(value) : value;
      if (typeof number !== "number" || !Number.isSafeInteger(number)) throw mismatch(value, expects);
      if (number < min || number > max) throw mismatch(value, expects);
      return number;
    },
  };
}

/** `head`, or a block's number. */
export const startBlock: Format<"head" | bigint> = {
  expects: '"head" or a block number',
  show: (value) => (value === "head" ? value : Number(value)),
  fromText: integerFromText,
  parse: (value) => {
    if (value === "head") return value;
    const integer = typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : value;
    if (typeof integer !== "bigint" || integer < 0n) throw mismatch(value, startBlock.expects);
    return integer;
  },
};

/** Blocks on top, or a block tag. `latest` is the same as 0. */
export const finality: Format<number | "safe" | "finalized"> = {
  expects: 'a number of blocks from 0 to 1000, "latest", "safe" or "finalized"',
  show: (value) => value,
  fromText: integerFromText,
  parse: (value) => {
    if (value === "safe" || value === "finalized") return value;
    if (value === "latest") return 0;
    const blocks = typeof value === "bigint" ? Number(value) : value;
    if (typeof blocks !== "number" || !Number.isInteger(blocks) || blocks < 0 || blocks > 1_000) {
      throw mismatch(value, finality.expects);
    }
    return blocks;
  },
};

/** A duration, in milliseconds, within bounds given in the same form. */
export function duration(min: string, max = "1d"): Format<number> {
  const [lowest, highest] = [parseDuration(min), parseDuration(max)];
  const expects = `a duration from ${min} to ${max}, with its unit (ms, s, m, h or d), like "10s"`;
  return {
    expects,
    show: formatDuration,
    parse: (value) => {
      if (typeof value !== "string") throw mismatch(value, expects);
      let milliseconds: number;
      try {
        milliseconds = parseDuration(value);
      } catch {
        throw mismatch(value, expects);
      }
      if (milliseconds < lowest || milliseconds > highest) throw mismatch(value, expects);
      return milliseconds;
    },
  };
}

/** A size, in bytes, within bounds given in the same form. */
export function size(min: string, max: string): Format<number> {
  const [lowest, highest] = [parseSize(min), parseSize(max)];
  const expects = `a size from ${min} to ${max}, with its unit (B, KiB, MiB or GiB), like "256MiB"`;
  return {
    expects,
    show: formatSize,
    parse: (value) => {
      const bytes = typeof value === "string" ? parseSize(value) : undefined;
      if (bytes === undefined || lowest === undefined || highest === undefined) throw mismatch(value, expects);
      if (bytes < lowest || bytes > highest) throw mismatch(value, expects);
      return bytes;
    },
  };
}

/** What a bare number was probably meant as: a large one is wei. */
function likely(value: number | bigint, unit: string): string {
  const text = String(value);
  return /^\d+(\.\d+)?$/.test(text) && text.length < 30 ? `"${text} ${value >= 1e9 ? "wei" : unit}"` : `"1 ${unit}"`;
}

/** An amount in wei; `unit` is the one that a bare number was probably meant in. */
export function amount(unit: "OGPU" | "gwei"): Format<Wei> {
  const expects = `a quoted amount with its unit, like ${unit === "OGPU" ? '"0.05 OGPU"' : '"500 gwei"'}`;
  return {
    expects,
    show: (value) => (unit === "OGPU" ? formatOgpu(value) : `${formatGwei(value)} gwei`),
    parse: (value) => {
      if (typeof value === "number" || typeof value === "bigint")
        throw new TypeError(`is ${quote(value)}; write it in quotes with its unit, like ${likely(value, unit)}`);
      if (typeof value !== "string") throw mismatch(value, expects);
      try {
        return parseAmount(value);
      } catch {
        throw mismatch(value, expects);
      }
    },
  };
}

/** A ceiling: an amount, or `none`. */
export function limit(unit: "OGPU" | "gwei"): Format<Wei | undefined> {
  const { expects, parse, show } = amount(unit);
  return {
    expects: `${expects}, or "none"`,
    show: (value) => (value === undefined ? "none" : show(value)),
    parse: (value) => (value === "none" ? undefined : parse(value)),
  };
}

/** The path of a file or a folder; relative ones start at the working directory. */
export const path: Format<string> = {
  expects: "a path",
  show: same,
  parse: (value) => {
    if (typeof value !== "string" || value.trim() === "" || value.includes("\0")) throw mismatch(value, path.expects);
    if (isKeyLike(value))
      throw new TypeError("is a private key itself; write the path of a file that holds it, and replace that key");
    return value;
  },
};

/** A short name without spaces. */
export const word: Format<string> = {
  expects: "a name without spaces",
  show: same,
  parse: (value) => {
    const text = typeof value === "number" || typeof value === "bigint" ? String(value) : value;
    if (typeof text !== "string" || !/^[\w@.-]{1,128}$/.test(text)) throw mismatch(value, word.expects);
    return text;
  },
};

/** A host name or address to listen at. */
export const host: Format<string> = {
  expects: 'a host name or an address, like "127.0.0.1"',
  show: same,
  parse: (value) => {
    if (typeof value !== "string" || !/^[a-z0-9.:-]{1,253}$/i.test(value)) throw mismatch(value, host.expects);
    return value;
  },
};

/** A host name or address as it is asked for, whatever the port. */
export const hostName: Format<string> = {
  expects: 'a host name or an address, without a port, like "page.example"',
  show: same,
  parse: (value) => {
    if (typeof value === "string" && isIP(value) !== 0) return value;
    const match = typeof value === "string" ? /^([a-z0-9.-]{1,253})(:\d{1,5})?$/i.exec(value) : null;
    if (!match?.[1]) throw mismatch(value, hostName.expects);
    if (match[2]) throw new TypeError(`is ${quote(value)}, with a port; write the name alone: ${quote(match[1])}`);
    return match[1];
  },
};

/** `host:port`, in lower case. */
export const hostAndPort: Format<string> = {
  expects: 'a host and a port, like "127.0.0.1:8080"',
  show: same,
  parse: (value) => {
    const match = typeof value === "string" ? /^(?:\[[0-9a-f:]+\]|[a-z0-9.-]+):(\d{1,5})$/i.exec(value) : null;
    const port = Number(match?.[1] ?? 0);
    if (!match || port < 1 || port > 65_535) throw mismatch(value, hostAndPort.expects);
    return match[0].toLowerCase();
  },
};

/** A URL with one of the schemes. What it holds is not quoted: the path or the user part may be a credential. */
export function url(...schemes: readonly string[]): Format<string> {
  const expects = `a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(" or ")}`;
  return {
    expects,
    show: maskUrl,
    parse: (value) => {
      if (typeof value !== "string") throw mismatch(value, expects);
      const parsed = URL.parse(value);
      if (!parsed) throw new TypeError(`is not a URL; write ${expects}`);
      if (!schemes.includes(parsed.protocol.slice(0, -1)) || !parsed.hostname)
        throw new TypeError(`is a URL that starts with ${parsed.protocol.slice(0, 16)}; write ${expects}`);
      return value.trim();
    },
  };
}

/** One URL as text, or a list of them; `""` and `[]` for none. */
export function urls(...schemes: readonly string[]): Format<readonly string[]> {
  const item = url(...schemes);
  const many = list(item);
  return {
    ...many,
    expects: `${item.expects}, or a list of such (in the environment and in flags: separated by commas)`,
    parse: (value) => {
      if (value === "") return [];
      return Array.isArray(value) ? many.parse(value) : [item.parse(value)];
    },
  };
}

/** A 20-byte address, lower case inside; mixed case must carry the right checksum. */
export function address<T extends Parameters<typeof toAddress>[0] & `0x${string}`>(): Format<T> {
  const expects = "an address: 0x and 40 hex digits, all lower case or with its checksum";
  return {
    expects,
    show: checksummed,
    parse: (value) => {
      if (typeof value !== "string") throw mismatch(value, expects);
      try {
        return toAddress(value) as unknown as T;
      } catch {
        const mixed = /^0x[0-9a-f]{40}$/i.test(value);
        throw mixed
          ? new TypeError(`is ${quote(value)}, whose checksum is wrong (a mistyped digit?); copy it again`)
          : mismatch(value, expects);
      }
    },
  };
}

/** A five- or six-field cron expression, in UTC. */
export const cron: Format<string> = {
  expects: 'a cron expression in UTC, like "*/5 * * * *"',
  show: same,
  parse: (value) => {
    if (typeof value !== "string") throw mismatch(value, cron.expects);
    const problem = validateCron(value);
    if (problem !== undefined) throw new TypeError(`is ${quote(value)} (${problem}); write ${cron.expects}`);
    return value;
  },
};

/** A list; in an environment variable or a flag its elements are separated by commas. Doubles count once. */
export function list<T>(item: Format<T>): Format<readonly T[]> {
  const expects = `a list, each element ${item.expects}`;
  return {
    expects,
    item: item as Format<unknown>,
    show: (values) => values.map(item.show),
    fromText: (text) =>
      text
        .split(",")
        .map((element) => element.trim())
        .filter((element) => element !== "")
        .map((element) => item.fromText?.(element) ?? element),
    parse: (value) => {
      if (!Array.isArray(value)) throw mismatch(value, expects);
      return [...new Set(value.map(item.parse))];
    },
  };
}

/** The same, or `""` for none. */
export function optional<T>({ expects, parse, show }: Format<T>): Format<T | undefined> {
  return {
    expects: `${expects}, or "" for none`,
    show: (value) => (value === undefined ? "" : show(value)),
    parse: (value) => (value === "" ? undefined : parse(value)),
  };
}
