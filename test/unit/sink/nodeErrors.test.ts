import { describe, expect, it } from "vitest";
import { type AnswerClass, classifyAnswer } from "../../../src/sink/nodeErrors.ts";

/** As the nodes write them. */
const answers: Record<AnswerClass, readonly (readonly [node: string, text: string])[]> = {
  reverted: [
    ["geth", "execution reverted: NotOwner"],
    ["besu", "Execution reverted"],
  ],
  accepted: [
    ["geth", "already known"],
    ["older geth", "known transaction: 4bd3f0c6"],
    ["besu", "Known transaction"],
    ["erigon", "existing txn with same hash"],
    ["older erigon", "existing tx with same hash"],
    ["nethermind", "AlreadyKnown"],
    ["nethermind", "OwnNonceAlreadyUsed"],
    ["reth", "already known"],
    ["anvil", "[0x4bd3f0c6] Already imported"],
  ],
  "nonce-taken": [
    ["geth", "nonce too low: next nonce 5, tx nonce 3"],
    ["erigon", "nonce too low"],
    ["nethermind", "OldNonce, Current nonce: 5, nonce of rejected tx: 3"],
    ["besu", "Nonce too low"],
    ["reth", "nonce too low: next nonce 5, tx nonce 3"],
    ["anvil", "nonce too low"],
    ["openethereum", "Invalid transaction nonce"],
  ],
  gap: [
    ["geth", "nonce too high"],
    ["nethermind", "NonceGap, Future nonce. Expected nonce: 5"],
    ["a pool", "nonce too far in future"],
    ["besu", "Transaction nonce is too distant from current sender nonce"],
    ["besu", "An invalid transaction with a lower nonce exists"],
  ],
  "slot-held": [
    ["geth, reth", "replacement transaction underpriced"],
    ["geth", "replacement transaction underpriced: new tx gas fee cap 1 <= 2 queued"],
    ["geth", "future transaction tries to replace pending"],
    ["erigon", "could not replace existing tx"],
    ["erigon", "could not replace existing txn"],
    ["nethermind", "ReplacementNotAllowed"],
    ["besu", "Replacement transaction underpriced"],
    ["anvil", "[0x4bd3f0c6] insufficient gas price to replace existing transaction"],
  ],
  "fee-too-low": [
    ["geth", "transaction underpriced: gas tip cap 1, minimum needed 2"],
    ["geth", "max fee per gas less than block base fee: address 0x5a, maxFeePerGas: 1, baseFee: 7"],
    ["erigon", "underpriced"],
    ["erigon", "fee too low"],
    ["nethermind", "FeeTooLow, MaxFeePerGas too low. MaxFeePerGas: 1, BaseFee: 7"],
    ["nethermind", "FeeTooLowToCompete"],
    ["besu", "Gas price below configured minimum gas price"],
    ["besu", "gas price below current base fee"],
    ["anvil", "max fee per gas less than block base fee"],
  ],
  "no-funds": [
    ["geth, erigon", "insufficient funds for gas * price + value: address 0x5a have 0 want 1"],
    ["reth", "insufficient funds for gas * price + value: have 0 want 1"],
    ["anvil", "Insufficient funds for gas * price + value"],
    ["nethermind", "InsufficientFunds, Account balance: 0, cumulative cost: 1"],
    ["besu", "Upfront cost exceeds account balance"],
    ["geth", "gas required exceeds allowance (0)"],
  ],
  "fee-cap": [
    ["geth, erigon", "tx fee (1.05 ether) exceeds the configured cap (1.00 ether)"],
    ["besu", "Transaction fee cap exceeded"],
  ],
  busy: [
    ["geth, reth", "txpool is full"],
    ["geth", "account limit exceeded: pooled 64 txs"],
    ["erigon", "pending sub-pool is full"],
    ["geth, reth", "in-flight transaction limit reached for delegated accounts"],
  ],
  hopeless: [
    ["geth", "intrinsic gas too low: gas 1, minimum needed 21000"],
    ["besu", "intrinsic gas cost 21000 exceeds gas limit 1"],
    ["geth, reth", "exceeds block gas limit"],
    ["geth", "gas limit reached"],
    ["geth, reth", "oversized data: transaction size 200000, limit 131072"],
    ["geth", "invalid sender"],
    ["geth, anvil", "invalid chain id for signer: have 1 want 1071"],
    ["besu", "Transaction was meant for chain id 1 and not this chain id 1071"],
    ["nethermind", "Invalid, InvalidTxChainId: Expected 1071, got 1"],
  ],
  "perhaps-sent": [
    ["an endpoint", "the endpoint rpc.example did not answer: no answer within 10000 ms"],
    ["an endpoint", "the endpoint rpc.example did not answer: HTTP 502"],
    ["a limit", "rate limit exceeded"],
    ["a node that is not ready", "Unknown transaction"],
    ["a node", "transaction type not supported"],
    ["geth", "only replay-protected (EIP-155) transactions allowed over RPC"],
    ["nobody knows", ""],
  ],
};

describe.each(Object.entries(answers))("an answer is %s", (expected, texts) => {
  it.each(texts)("from %s: %s", (_, text) => {
    expect(classifyAnswer(text)).toBe(expected);
    expect(classifyAnswer(text.toUpperCase())).toBe(expected);
  });
});
