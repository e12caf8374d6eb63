import { constants, createBrotliCompress, createZstdCompress, deflateSync, gzipSync } from "node:zlib";

const megabyte = Buffer.alloc(1 << 20, "a");

async function compress(stream: ReturnType<typeof createBrotliCompress>, megabytes: number): Promise<Buffer> {
  const write = async () => {
    for (let nth = 0; nth < megabytes; nth++) {
      if (!stream.write(megabyte)) await new Promise((resolve) => stream.once("drain", resolve));
    }
    stream.end();
  };
  const writing = write();
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  await writing;
  return Buffer.concat(chunks);
}

/** 1 GiB in about a megabyte: a hundred small members one after the other. */
export const gzipBomb = (): Buffer => Buffer.concat(Array(103).fill(gzipSync(Buffer.alloc(10 << 20, "a"))));

/** 256 MiB in a few hundred bytes. */
export const brotliBomb = (): Promise<Buffer> =>
  compress(createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }), 256);

/** 64 MiB. */
export const deflateBomb = (): Buffer => deflateSync(Buffer.alloc(64 << 20, "a"));

/** 64 MiB; a decoder that obeys its head keeps a window of 128 MiB. */
export const zstdWindowBomb = (): Promise<Buffer> =>
  compress(createZstdCompress({ params: { [constants.ZSTD_c_windowLog]: 27 } }), 64);

/** 256 MiB. */
export const zstdBomb = (): Promise<Buffer> => compress(createZstdCompress(), 256);
