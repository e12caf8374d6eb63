import { type Environment, EvaluationError } from "@marcbachmann/cel-js";
import { type AccountAddress, toAddress } from "../protocol/brand.ts";

/** See `weiType.ts` for why this is a class. */
class AddressValue {
  readonly hex: string;
  constructor(hex: string) {
    this.hex = hex;
    Object.freeze(this);
  }
}

/**
 * An address as expressions see it.
 *
 * @throws TypeError if `text` is no address, or has a wrong checksum.
 */
export const addressValue = (text: string): unknown => new AddressValue(toAddress<AccountAddress>(text));

/** The text of a value of the type. */
export const addressOf = (value: unknown): string | undefined =>
  value instanceof AddressValue ? value.hex : undefined;

/**
 * Adds the type `Address`. It compares with another one, and with text: `response.provider == "0x…"`,
 * `response.provider in ["0x…", "0x…"]`, in lower case or checksummed alike. Text that is no address is an error,
 * never "not equal": a slip in a deny list must not let a response through.
 */
export function registerAddress(environment: Environment): void {
  environment
    .registerType("Address", { ctor: AddressValue, fields: {} })
    .registerFunction("address(string): Address", (text: string) => new AddressValue(read(text)), { async: false })
    .registerOperator("Address == Address", (a: AddressValue, b: AddressValue) => a.hex === b.hex)
    .registerOperator("Address == string", (a: AddressValue, b: string) => a.hex === read(b))
    .registerOperator("Address in list<string>", (a: AddressValue, list: readonly string[]) =>
      list.map(read).includes(a.hex),
    );
}

function read(text: string): string {
  try {
    return toAddress<AccountAddress>(text);
  } catch (cause) {
    throw new EvaluationError({ code: "not_an_address", message: "not an address", cause });
  }
}
