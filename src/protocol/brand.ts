import { checksum, validate } from "ox/Address";

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/**
 * Addresses inside the daemon are lower-case hex, so that they compare with `===` and serve as keys.
 * They become checksummed only where a person reads them.
 */
export type TaskAddress = Brand<`0x${string}`, "Task">;
export type ResponseAddress = Brand<`0x${string}`, "Response">;
export type SourceAddress = Brand<`0x${string}`, "Source">;
/** Any account: a client, an agent, a provider or a master. */
export type AccountAddress = Brand<`0x${string}`, "Account">;
/** An amount of the native coin, in wei (1 OGPU = 10^18 wei). */
export type Wei = Brand<bigint, "Wei">;
/** Seconds since 1970-01-01T00:00:00Z, as the chain counts them. */
export type UnixSeconds = Brand<number, "UnixSeconds">;
export type Nonce = Brand<number, "Nonce">;
/** 32 bytes, lower-case hex. */
export type Hash = `0x${string}`;
export type Hex = `0x${string}`;

type AnyAddress = TaskAddress | ResponseAddress | SourceAddress | AccountAddress;

/**
 * Normalises an address to the daemon's form.
 * @throws TypeError if `value` is not 20 bytes of hex, or is mixed-case with a wrong checksum.
 */
export function toAddress<T extends AnyAddress>(value: string): T {
  if (!validate(value)) throw new TypeError(`not an address: ${value.slice(0, 64)}`);
  return value.toLowerCase() as T;
}

/** The checksummed form (EIP-55), for people. */
export const checksummed = (address: string): `0x${string}` => checksum(address);

export const wei = (value: bigint): Wei => value as Wei;
export const unixSeconds = (value: number | bigint): UnixSeconds => Number(value) as UnixSeconds;
export const toNonce = (value: number): Nonce => value as Nonce;

export const zeroAddress = "0x0000000000000000000000000000000000000000";
