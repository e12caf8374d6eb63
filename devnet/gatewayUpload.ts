import type { IncomingMessage } from "node:http";

const limit = 16 * 1024 * 1024;

/**
 * Reads the `file` field of a multipart upload.
 * @throws Error if there is none, or the body is larger than 16 MiB.
 */
export async function readUpload(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new Error(`an upload may have ${limit} bytes`);
    chunks.push(chunk);
  }
  const headers = { "content-type": request.headers["content-type"] ?? "" };
  const file = (await new Response(Buffer.concat(chunks), { headers }).formData()).get("file");
  if (file === null) throw new Error("the upload has no field named file");
  return typeof file === "string" ? new TextEncoder().encode(file) : new Uint8Array(await file.arrayBuffer());
}
