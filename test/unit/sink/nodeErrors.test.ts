import { describe, expect, it } from "vitest";
import { refusalKind } from "../../../src/chain/endpoints/refusals.ts";
import { RpcError } from "../../../src/chain/jsonRpc.ts";
import { type AnswerClass, classifyAnswer } from "../../../src/sink/nodeErrors.ts";

/**
 * Where the nodes' own sources spell them; figures stand for what a `%v` or a `{}` is filled with. Files of the repositories
 * ethereum/go-ethereum, erigontech/erigon, NethermindEth/nethermind, hyperledger/besu, paradigmxyz/reth, foundry-rs/foundry
 * and Fantom-foundation/go-opera.
 */
const files = {
  geth: "go-ethereum core/txpool/errors.go",
  "geth core": "go-ethereum core/error.go",
  "geth checks": "go-ethereum core/txpool/validation.go",
  "geth pool": "go-ethereum core/txpool/legacypool/legacypool.go",
  "geth api": "go-ethereum internal/ethapi/api.go",
  erigon: "erigon txnprovider/txpool/txpoolcfg/txpoolcfg.go",
  nethermind: "nethermind src/Nethermind/Nethermind.TxPool/TxPoolErrorMessages.cs",
  "nethermind checks": "nethermind src/Nethermind/Nethermind.Core/Messages/TxErrorMessages.cs",
  "older nethermind": "nethermind src/Nethermind/Nethermind.TxPool/AcceptTxResult.cs (nameof)",
  besu: "besu ethereum/api/…/jsonrpc/internal/response/RpcErrorType.java",
  reth: "reth crates/rpc/rpc-eth-types/src/error/mod.rs",
  anvil: "foundry crates/anvil/src/eth/error.rs",
  "go-opera": "go-opera evmcore/tx_pool.go",
  "go-opera core": "go-opera evmcore/error.go",
  openethereum: "openethereum rpc/src/v1/helpers/errors.rs",
  "no node": "what stands between the daemon and a node",
} as const;

const answers: Record<AnswerClass, readonly (readonly [node: keyof typeof files, text: string])[]> = {
  reverted: [
    ["reth", "execution reverted: NotOwner"],
    ["besu", "Execution reverted"],
    ["anvil", "execution reverted: Some(0x08c379a0)"],
  ],
  accepted: [
    ["geth", "already known"],
    ["geth pool", "known transaction: 4bd3f0c6"],
    ["go-opera", "already known"],
    ["erigon", "already known"],
    ["erigon", "existing txn with same hash"],
    ["erigon", "existing tx with same hash"],
    ["nethermind", "already known"],
    ["older nethermind", "AlreadyKnown"],
    ["older nethermind", "OwnNonceAlreadyUsed"],
    ["besu", "Known transaction"],
    ["reth", "already known"],
    ["anvil", "Tx: [0x4bd3f0c6] already Imported"],
  ],
  "nonce-taken": [
    ["geth checks", "nonce too low: next nonce 5, tx nonce 3"],
    ["go-opera core", "nonce too low"],
    ["erigon", "nonce too low"],
    ["nethermind", "nonce too low"],
    ["older nethermind", "OldNonce, Current nonce: 5, nonce of rejected tx: 3"],
    ["besu", "Nonce too low"],
    ["reth", "nonce too low: next nonce 5, tx nonce 3"],
    ["anvil", "nonce too low"],
    ["openethereum", "Invalid transaction nonce"],
  ],
  gap: [
    ["geth checks", "nonce too high: tx nonce 9, gapped nonce 5"],
    ["geth pool", "gapped-nonce tx from delegated accounts"],
    ["go-opera core", "nonce too high"],
    ["nethermind", "nonce too high"],
    ["nethermind", "nonce too far in future"],
    ["nethermind", "delegation nonce gap"],
    ["older nethermind", "NonceGap, Future nonce. Expected nonce: 5"],
    ["older nethermind", "NonceTooFarInFuture"],
    ["besu", "Nonce too high"],
    ["besu", "Transaction nonce is too distant from current sender nonce"],
    ["besu", "An invalid transaction with a lower nonce exists"],
    ["reth", "nonce too high"],
    ["anvil", "Nonce too high"],
  ],
  "slot-held": [
    ["geth", "replacement transaction underpriced"],
    ["geth pool", "replacement transaction underpriced: new tx gas fee cap 1 <= 2 queued"],
    ["geth", "future transaction tries to replace pending"],
    ["go-opera", "replacement transaction underpriced"],
    ["erigon", "replacement transaction underpriced"],
    ["erigon", "could not replace existing tx"],
    ["nethermind", "replacement transaction underpriced"],
    ["older nethermind", "ReplacementNotAllowed"],
    ["besu", "Replacement transaction underpriced"],
    ["reth", "replacement transaction underpriced"],
    ["anvil", "Tx: [0x4bd3f0c6] insufficient gas price to replace existing transaction"],
  ],
  "fee-too-low": [
    ["geth", "transaction underpriced: gas tip cap 1, minimum needed 2"],
    ["geth checks", "transaction gas price below minimum: gas tip cap 1, minimum needed 2"],
    ["geth core", "max fee per gas less than block base fee: address 0x5a, maxFeePerGas: 1, baseFee: 7"],
    ["go-opera", "transaction underpriced"],
    ["go-opera core", "max fee per gas less than block base fee"],
    ["erigon", "underpriced"],
    ["erigon", "fee too low"],
    ["nethermind", "transaction underpriced"],
    ["older nethermind", "FeeTooLow, MaxFeePerGas too low. MaxFeePerGas: 1, BaseFee: 7"],
    ["older nethermind", "FeeTooLowToCompete"],
    ["besu", "Gas price below configured minimum gas price"],
    ["besu", "Gas price below current base fee"],
    ["reth", "transaction underpriced"],
    ["reth", "max fee per gas less than block base fee"],
    ["reth", "transaction priority fee below minimum required priority fee 1000000"],
    ["anvil", "max fee per gas less than block base fee"],
  ],
  "no-funds": [
    ["geth checks", "insufficient funds for gas * price + value: balance 0, tx cost 1, overshot 1"],
    ["geth checks", "insufficient funds for gas * price + value: balance 1, queued cost 1, tx cost 1, overshot 1"],
    ["geth core", "insufficient funds for transfer"],
    ["geth api", "gas required exceeds allowance (0)"],
    ["go-opera core", "insufficient funds for gas * price + value"],
    ["erigon", "insufficient funds"],
    ["nethermind", "insufficient funds for gas * price + value"],
    ["older nethermind", "InsufficientFunds, Account balance: 0, cumulative cost: 1"],
    ["besu", "Upfront cost exceeds account balance"],
    ["reth", "insufficient funds for gas * price + value: have 0 want 1"],
    ["reth", "gas required exceeds allowance (0)"],
    ["anvil", "Insufficient funds for gas * price + value"],
    ["anvil", "Out of gas: gas required exceeds allowance: 0"],
  ],
  "fee-cap": [
    ["geth api", "tx fee (1.05 ether) exceeds the configured cap (1.00 ether)"],
    ["besu", "Transaction fee cap exceeded"],
    ["reth", "tx fee (1050000000000000000 wei) exceeds the configured cap (1000000000000000000 wei)"],
  ],
  busy: [
    ["geth pool", "txpool is full"],
    ["geth checks", "account limit exceeded: pooled 64 txs"],
    ["geth", "in-flight transaction limit reached for delegated accounts"],
    ["geth", "address already reserved"],
    ["go-opera", "txpool is full"],
    ["erigon", "pending sub-pool is full"],
    ["erigon", "baseFee sub-pool is full"],
    ["erigon", "queued sub-pool is full"],
    ["erigon", "spammer"],
    ["nethermind", "node is syncing"],
    ["nethermind", "pending transaction type conflict"],
    ["nethermind", "delegation authority has pending transaction"],
    ["besu", "Initial sync is still in progress"],
    ["besu", "Transaction pool not enabled. (Either txpool explicitly disabled, or node not yet in sync)."],
    ["reth", "txpool is full"],
    ["reth", "address already reserved"],
  ],
  hopeless: [
    ["geth checks", "intrinsic gas too low: gas 1, minimum needed 21000"],
    ["geth checks", "insufficient gas for floor data gas cost: gas 1, minimum needed 21000"],
    ["geth checks", "transaction gas limit too high (cap: 16777216, tx: 30000000)"],
    ["geth", "exceeds block gas limit"],
    ["geth core", "gas limit reached"],
    ["geth core", "gas uint64 overflow"],
    ["geth core", "max priority fee per gas higher than max fee per gas"],
    ["geth core", "sender not an eoa"],
    ["geth checks", "oversized data: transaction size 200000, limit 131072"],
    ["geth checks", "invalid sender: invalid chain id for signer: have 1 want 1071"],
    ["go-opera", "exceeds block gas limit"],
    ["go-opera core", "intrinsic gas too low"],
    ["erigon", "IntrinsicGas"],
    ["erigon", "GasUintOverflow"],
    ["erigon", "RLPTooLong"],
    ["erigon", "gas limit is too high"],
    ["erigon", "oversized data"],
    ["erigon", "invalid sender"],
    ["nethermind", "gas limit reached"],
    ["nethermind", "transaction too large"],
    ["nethermind", "failed to recover sender"],
    ["nethermind checks", "intrinsic gas too low"],
    ["nethermind checks", "gas below floor data cost"],
    ["nethermind checks", "InvalidTxChainId: Expected 1071, got 1."],
    ["nethermind checks", "InvalidTxSignature: Signature is invalid."],
    ["older nethermind", "GasLimitExceeded"],
    ["older nethermind", "FailedToResolveSender"],
    ["besu", "Intrinsic gas exceeds gas limit"],
    ["besu", "Transaction gas limit exceeds block gas limit"],
    ["besu", "Max priority fee per gas exceeds max fee per gas"],
    ["besu", "Invalid signature"],
    ["besu", "Wrong chainId"],
    ["besu", "ChainId not supported"],
    ["besu", "ChainId is required"],
    ["reth", "intrinsic gas too high"],
    ["reth", "gas limit too high"],
    ["reth", "exceeds max transaction gas limit"],
    ["reth", "invalid chain ID"],
    ["reth", "invalid transaction signature"],
    ["reth", "sender is not an EOA"],
    ["anvil", "intrinsic gas too high -- tx.gas_limit > env.cfg.tx_gas_limit_cap"],
    ["anvil", "Transaction gas limit is greater than the block gas limit, gas_limit: 2, cap: 1"],
    ["anvil", "Incompatible EIP-155 transaction, signed for another chain"],
    ["anvil", "invalid chain id for signer"],
  ],
  "perhaps-sent": [
    ["no node", "the endpoint rpc.example did not answer: no answer within 10000 ms"],
    ["no node", "the endpoint rpc.example did not answer: HTTP 502"],
    ["no node", "rate limit exceeded"],
    ["no node", "Unknown transaction"],
    ["no node", ""],
    ["geth core", "transaction type not supported"],
    ["geth api", "only replay-protected (EIP-155) transactions allowed over RPC"],
    ["reth", "internal eth error"],
    ["besu", "Plugin has marked the transaction as invalid"],
    ["anvil", "Transaction 0x4bd3f0c6 was added to the mempool but wasn't confirmed within 30s"],
  ],
};

describe.each(Object.entries(answers))("an answer is %s", (expected, texts) => {
  it.each(texts)("from %s: %s", (node, text) => {
    expect(files[node]).toMatch(/\S/);
    expect(classifyAnswer(text)).toBe(expected);
    expect(classifyAnswer(text.toUpperCase())).toBe(expected);
  });

  it.each(texts)("and no refusal for reasons of the endpoint's own from %s: %s", (_, text) => {
    for (const each of [text, text.toUpperCase()]) {
      const refusal = new RpcError(each, -32000, undefined);
      expect(refusalKind({ method: "eth_sendRawTransaction", params: ["0x02"] }, refusal)).toBe("call");
    }
  });
});

it("knows every node in most of its classes", () => {
  const nodes = ["geth", "erigon", "nethermind", "besu", "reth", "anvil", "go-opera"];
  for (const node of nodes) {
    const classes = Object.values(answers).filter((texts) => texts.some(([from]) => from.includes(node)));
    expect(classes.length, node).toBeGreaterThanOrEqual(6);
  }
});

it("lets an operator's rules come first, whatever the case of their letters", () => {
  const rules = [
    { class: "busy", contains: "Already Known" },
    { class: "hopeless", contains: "already" },
  ] as const;
  expect(classifyAnswer("ALREADY KNOWN", rules)).toBe("busy");
  expect(classifyAnswer("already imported", rules)).toBe("hopeless");
  expect(classifyAnswer("nonce too low", rules)).toBe("nonce-taken");
});
