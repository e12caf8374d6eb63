import fc from "fast-check";
import {
  type Abi,
  type AbiFunction,
  type AbiParameter,
  decodeFunctionResult,
  encodeAbiParameters,
  parseAbi,
} from "viem";
import { describe, expect, it } from "vitest";
import { resultDecoder } from "../../../src/chain/resultDecoder.ts";
import { nexusAbi, responseAbi, sourceAbi, taskAbi, terminalAbi, vaultAbi } from "../../../src/protocol/abi.ts";
import type { Hex } from "../../../src/protocol/brand.ts";

const strange = parseAbi([
  "struct Inner { uint8 a; string b; }",
  "struct Fixed { address who; uint256 much; bool so; }",
  "function nested() view returns (Inner inner, uint256 n)",
  "function fixed() view returns (Fixed f, string s)",
  "function many() view returns (uint256[] ns, address[] who)",
  "function odd() view returns (int256 i, bytes b, bytes4 s)",
  "function texts() view returns (string[] all)",
  "function bare() view returns (uint8, address)",
]);

/** Every view function there is, whatever it answers. */
const functions = [nexusAbi, responseAbi, sourceAbi, taskAbi, terminalAbi, vaultAbi, strange].flatMap((abi: Abi) =>
  abi
    .filter((item): item is AbiFunction => item.type === "function" && item.outputs.length > 0)
    .map((item) => ({ abi, name: item.name, outputs: item.outputs as readonly AbiParameter[] })),
);

const addresses = fc.bigInt({ min: 0n, max: 2n ** 160n - 1n }).map((n) => `0x${n.toString(16).padStart(40, "0")}`);
const texts = fc.oneof(fc.string(), fc.constantFrom("", "\0leading", "\ufeffmark", "ünïcödé 🦀", "x".repeat(100)));

function valueFor(parameter: AbiParameter): fc.Arbitrary<unknown> {
  const { type } = parameter;
  if (type.endsWith("[]")) return fc.array(valueFor({ ...parameter, type: type.slice(0, -2) }), { maxLength: 4 });
  if (type === "tuple") {
    const { components } = parameter as { components: readonly AbiParameter[] };
    return fc.record(Object.fromEntries(components.map((each) => [each.name, valueFor(each)])));
  }
  if (type === "address") return addresses;
  if (type === "bool") return fc.boolean();
  if (type === "string") return texts;
  if (type === "bytes") return fc.constantFrom("0x", "0x01", `0x${"ab".repeat(40)}`);
  if (type.startsWith("bytes")) return fc.constant(`0x${"cd".repeat(Number(type.slice(5)))}`);
  const bits = Number(/\d+$/.exec(type)?.[0] ?? 256);
  const max = 2n ** BigInt(bits - 1) - 1n;
  const large = fc.oneof(fc.bigInt({ min: 0n, max }), fc.constantFrom(0n, 1n, max));
  return bits > 48 ? large : large.map(Number);
}

/** viem's answer with addresses as the daemon writes them; `undefined` where it refuses. */
function viemSays(abi: Abi, functionName: string, data: Hex): unknown {
  try {
    return lowered(decodeFunctionResult({ abi, functionName, data } as Parameters<typeof decodeFunctionResult>[0]));
  } catch {
    return undefined;
  }
}
const lowered = (value: unknown): unknown => {
  if (typeof value === "string") return /^0x[0-9a-f]{40}$/i.test(value) ? value.toLowerCase() : value;
  if (Array.isArray(value)) return value.map(lowered);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, lowered(each)]));
};
function weSay(abi: Abi, name: string, data: Hex): unknown {
  try {
    return lowered(resultDecoder(abi, name)(data));
  } catch {
    return undefined;
  }
}

const answers = fc
  .constantFrom(...functions)
  .chain((called) =>
    fc
      .tuple(...called.outputs.map(valueFor))
      .map((values) => ({ ...called, data: encodeAbiParameters(called.outputs, values) as Hex })),
  );

describe("decoding what a contract answered", () => {
  it("says what viem says, of whatever a contract may answer", () => {
    fc.assert(
      fc.property(answers, ({ abi, name, data }) => {
        expect(weSay(abi, name, data)).toEqual(viemSays(abi, name, data));
        expect(viemSays(abi, name, data)).toBeDefined();
      }),
      { numRuns: 1_000 },
    );
  });

  it("says what viem says of bytes that are cut off, longer, or changed anywhere, and refuses what viem refuses", () => {
    const changes = fc.record({
      at: fc.nat(2_000),
      digit: fc.constantFrom(..."0123456789abcdefABF"),
      cut: fc.nat(200),
    });
    fc.assert(
      fc.property(answers, fc.array(changes, { maxLength: 3 }), fc.boolean(), ({ abi, name, data }, all, isCut) => {
        let changed: string = data;
        for (const { at, digit, cut } of all) {
          const place = 2 + (at % (changed.length - 1));
          changed = `${changed.slice(0, place)}${digit}${changed.slice(place + 1)}`;
          if (isCut && changed.length > cut + 4) changed = changed.slice(0, changed.length - cut);
        }
        const bytes = changed as Hex;
        expect(weSay(abi, name, bytes)).toEqual(viemSays(abi, name, bytes));
      }),
      { numRuns: 3_000 },
    );
  });

  it.each<[string, Hex]>([
    ["nothing", "0x"],
    ["no hex", `0x${"zz".repeat(32)}` as Hex],
    ["a bool that is neither", `0x${"0".repeat(63)}2` as Hex],
  ])("refuses %s", (_, data) => {
    expect(() => resultDecoder(terminalAbi, "getIsAgentOf")(data)).toThrow();
  });

  it("writes addresses in lower case, in whatever case the node writes them", () => {
    const data = `0x${"0".repeat(24)}${"ABCDEF1234".repeat(4)}` as Hex;
    expect(resultDecoder(sourceAbi, "getClient")(data)).toBe(`0x${"abcdef1234".repeat(4)}`);
  });
});
