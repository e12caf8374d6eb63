import { expect, test } from "vitest";
import { buildFile, matchFile } from "../../../../src/payload/ipfs/buildFile.ts";
import { cidOf, cidText, codecs, matchesCid, parseCid, sameBlock } from "../../../../src/payload/ipfs/cid.ts";
import { pattern } from "../support/pattern.ts";

/** Roots that ipfs-unixfs-importer 17.1.1 gives for `pattern(size)`. */
const vectors: readonly (readonly [
  chunkSize: number,
  width: number,
  size: number,
  version: number,
  rawLeaves: boolean,
  root: string,
])[] = [
  [262144, 174, 0, 0, false, "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH"],
  [262144, 174, 0, 1, true, "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"],
  [262144, 174, 0, 0, true, "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"],
  [262144, 174, 0, 1, false, "bafybeif7ztnhq65lumvvtr4ekcwd2ifwgm3awq4zfr3srh462rwyinlb4y"],
  [262144, 174, 12, 0, false, "QmX5SKmZTwjZmSjMUyySvQvmWrH4xDrHzy1EqTcyLHQGFB"],
  [262144, 174, 12, 1, true, "bafkreihfnsdz2j7lmyvbs76imslpdyicu3vrsrnnrnmsdsupwoj4qacfhi"],
  [262144, 174, 12, 0, true, "bafkreihfnsdz2j7lmyvbs76imslpdyicu3vrsrnnrnmsdsupwoj4qacfhi"],
  [262144, 174, 12, 1, false, "bafybeieb2n3v5qtgestphsifnbt2f5znhgganudtrwjrd3nhtyn27u7jji"],
  [262144, 174, 262144, 0, false, "QmasoNfqQh2aG4Bv2EV6iBvKouZnHeNXXR7uHkVus5XHe3"],
  [262144, 174, 262144, 1, true, "bafkreigfujqjifvocriep54iv3ejktqqseuc6hqlwkncmndmgjt4ivg4iu"],
  [262144, 174, 262144, 0, true, "bafkreigfujqjifvocriep54iv3ejktqqseuc6hqlwkncmndmgjt4ivg4iu"],
  [262144, 174, 262144, 1, false, "bafybeif2i4f23zpphggdk65jkgpfu2blrpqynykyorhhsersju37vl7o2q"],
  [262144, 174, 262145, 0, false, "QmVYNScFmwvpXY31qsiAL7xCZY7FDHmGsMf2oHf58CS2z4"],
  [262144, 174, 262145, 1, true, "bafybeidzdp4d52f7ihrr3ywdtb3ofjrzy3nyjdeqnfva5pwv6a3meqf6pi"],
  [262144, 174, 262145, 0, true, "QmWVQn3qAXCPC1EFCUjapnTUCXtwEb7oJDUUazXop7TYX3"],
  [262144, 174, 262145, 1, false, "bafybeideloxsdvlradoouybwutz3uqdef3ux5rmvpyprj6zgyr722apkc4"],
  [262144, 174, 1000000, 0, false, "QmQXANssEbe448YEfrqtQxgrJNwqnUjugomh2cVZXZiS3N"],
  [262144, 174, 1000000, 1, true, "bafybeier5hdcosuuv2lvridf7rugmgfpq752pckliriw6ks45jej6ladbu"],
  [262144, 174, 1000000, 0, true, "QmYAEaQ8HFV6Pa3wzDq5wm4adwgyXMu7wd54S3iZ1PFPT2"],
  [262144, 174, 1000000, 1, false, "bafybeih5prqixe53bojs57mdrgoyaoafk74kdb75mr522ajas4onlqvblq"],
  [262144, 174, 45613057, 0, false, "QmWtq7uDuEvFQhbq2Gzk8qq73zFBY7ELVQ7Dkdjcujmd75"],
  [262144, 174, 45613057, 1, true, "bafybeiftdwuagzviteyqb76hw75afy7drpnp6nki3whzbment2bz44ztmq"],
  [262144, 174, 45613057, 0, true, "Qmc3X46rKAdVkqN21WVkVyNjTHnTufGQ31bLrAXZ6qmwfj"],
  [262144, 174, 45613057, 1, false, "bafybeiewgvrnr4y2lgqpkag5oidtal6wu6lpvq7nfr2m4o2br3gogbpt34"],
  [1048576, 1024, 1048577, 1, true, "bafybeiesusdkzhwnquvuwky6mimmy7xqkx3sdvjwc6qmtptjw2taaobcja"],
  [4, 3, 4, 0, false, "QmTxinrN1xTrTso94gMeXwDVBXiWoP4LLKgVXjdA4xYq1E"],
  [4, 3, 4, 1, true, "bafkreiaifd56qbufehmqanii6c2acxe4fu6ymaekjgup6ewbm5yqja3yoe"],
  [4, 3, 4, 0, true, "bafkreiaifd56qbufehmqanii6c2acxe4fu6ymaekjgup6ewbm5yqja3yoe"],
  [4, 3, 4, 1, false, "bafybeictq72ymvm3nrt5pejpnlwgcbwooxgg3gw3xv26cwoe5k6lzohbgu"],
  [4, 3, 5, 0, false, "QmUy71yw3MPEpfx1hWz2ZJ9QjR1Lhn44WNmzYfZyLrMfTn"],
  [4, 3, 5, 1, true, "bafybeigkgcrroukrmiejuenurthkjbec7wehsv55poxlyy52jx6ynknyzi"],
  [4, 3, 5, 0, true, "Qmbwv5ZDujEk6zG4WpN21dpbYFWLTgVKSGj8jMaEixg5Ff"],
  [4, 3, 5, 1, false, "bafybeieuympckb26eemhfi2qn6iglyljzf4yar46j77f7qlefotdplo4ne"],
  [4, 3, 12, 0, false, "QmcJuhPPHhB4axu1dBwuLV8Eqh8HNVEU6BTLsDeUHj7WoX"],
  [4, 3, 12, 1, true, "bafybeigmmahe64yxvd4pasnnfddwahute6jpapykfpleofepqxbeclguka"],
  [4, 3, 12, 0, true, "Qmc6SqDnzjWtE3NZnedE7ktRRZUbpuRUEBef9SmK8jeDs5"],
  [4, 3, 12, 1, false, "bafybeidwoszrnzh2cru64dpo2jfaassb5imuzc55e57z6skj7gxapbvmkq"],
  [4, 3, 13, 0, false, "QmV7QWxXo83WuQpx3YZcDs1cxVgFkQopGr6d1jBp4TxKPC"],
  [4, 3, 13, 1, true, "bafybeig6vasxkhu6bodp24jjciw3nui4zanpsm3kkiip7vqaw4vugjvfmq"],
  [4, 3, 13, 0, true, "QmWRGR5apdghYkcz9wGfCjtvidwDASW3e24L5UtMJVdDsf"],
  [4, 3, 13, 1, false, "bafybeianbrymjbbihzpgj3pm27y77uzkj4eroy73x5nsjpiofhio4sxtm4"],
  [4, 3, 36, 0, false, "QmTQKQJU9e9L6hQRBaGJPpP3kRCxrSRuAi288KmaK9sEhq"],
  [4, 3, 36, 1, true, "bafybeidhmf6v7umrcycoa5ms45grtrr2mbhxwaje4mfo243cvbgwvve3lm"],
  [4, 3, 36, 0, true, "QmZjMYkVbibMnta7ai7EwDB1Q9r2ZA6v4btQhKbY3VehHe"],
  [4, 3, 36, 1, false, "bafybeif3ttsnfdqiwps5zg4jyqj4khsru6ssj4rtkt2sbkektlq4spaehq"],
  [4, 3, 37, 0, false, "QmQHQEPo4FFYpGTRDWKt2UNgmj9BFuTKqBVHYqB7atTVEK"],
  [4, 3, 37, 1, true, "bafybeid55o6dvd4sjcfbuygg5rckr7kydtynfl6xaph67umau2gizztkse"],
  [4, 3, 37, 0, true, "QmS9dX5R8S1MQHaFZ2A5DcWVgQ6s4HqLtmmtKGQBGVJ7W1"],
  [4, 3, 37, 1, false, "bafybeicl5rjz36munjqequl6eeu4l6pmzaww2ajumhsu6x22i5cnjaci4u"],
  [4, 3, 100, 0, false, "QmTKextDPBYNAtyw87M3iRekGGhv4gBmWpdMZwHYbpufEc"],
  [4, 3, 100, 1, true, "bafybeiej6r43ckuadwos4xcmjfnobqaegvpqfaua73y3kovksoadx5igda"],
  [4, 3, 100, 0, true, "QmRCNBCcUmD6Hv5VUErDL4R3QeE5oS7ZLGEMwn3HeP4i1n"],
  [4, 3, 100, 1, false, "bafybeig4culmjogd7woxvmtfttqdr6crj5n7imb4wvtixtwynysky5e7m4"],
];

test.each(vectors)("chunks of %d, %d links, %d bytes, version %d, raw leaves %s", (...vector) => {
  const [chunkSize, width, size, version, rawLeaves, root] = vector;
  const cid = parseCid(root);
  const built = buildFile(pattern(size), { chunkSize, width, rawLeaves, version: version === 0 ? 0 : 1 });
  expect(cidText(built.root)).toBe(cid && cidText(cid));
  expect(built.blocks.at(-1)?.cid).toEqual(built.root);
  expect(built.blocks.every((block) => matchesCid(block.cid, block.bytes))).toBe(true);
});

test("a body is recognised whichever of the usual ways it was cut in, and nothing else is", () => {
  const body = pattern(1_000_000);
  const usual = vectors.filter(([chunkSize, , size]) => chunkSize === 262_144 && size === body.length);
  expect(usual).toHaveLength(4);
  for (const [, , , , , root] of usual) {
    const cid = parseCid(root);
    if (!cid) throw new Error("not a CID");
    const found = matchFile(cid, body);
    expect(found && sameBlock(found.root, cid)).toBe(true);
    expect(matchFile(cid, body.subarray(1))).toBeUndefined();
  }
});

test("bytes that hash to a CID of another codec are not the file that it names", () => {
  const body = pattern(12);
  expect(matchFile(cidOf(codecs.dagPb, body), body)).toBeUndefined();
});
