import { malformed } from "./malformed.ts";
import { readFields, writeFields } from "./protobuf.ts";

/** What stands in a dag-pb block of a file or a folder: https://specs.ipfs.tech/unixfs/ */
export type UnixFs = {
  readonly type: number;
  readonly data: Uint8Array;
  /** Bytes of the file, as the writer counted them. */
  readonly fileSize: number;
};

export const unixFsTypes = { raw: 0, directory: 1, file: 2, symlink: 4, shard: 5 } as const;

/** One for each block below, where they are not packed: a file of more blocks is not read. */
const maxFields = 4_096;

/** @throws PayloadError if it is none. */
export function decodeUnixFs(bytes: Uint8Array): UnixFs {
  let type: number | undefined;
  let data: Uint8Array | undefined;
  let fileSize = 0;
  let fields = 0;
  for (const { number, value } of readFields(bytes)) {
    if (++fields > maxFields) throw malformed();
    if (number === 1 && typeof value === "number" && type === undefined) type = value;
    else if (number === 2 && typeof value !== "number" && data === undefined) data = value;
    else if (number === 3 && typeof value === "number") fileSize = value;
    else if (number < 4) throw malformed();
  }
  if (type === undefined) throw malformed();
  return { type, data: data ?? new Uint8Array(), fileSize };
}

/** @param blockSizes Bytes of the file below each link. */
export function encodeUnixFsFile(data: Uint8Array, blockSizes: readonly number[]): Uint8Array {
  const fileSize = blockSizes.reduce((sum, size) => sum + size, data.length);
  return writeFields([
    { number: 1, value: unixFsTypes.file },
    ...(data.length > 0 ? [{ number: 2, value: data }] : []),
    { number: 3, value: fileSize },
    ...blockSizes.map((value) => ({ number: 4, value })),
  ]);
}
