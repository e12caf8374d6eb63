// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Makes calls one after the other, as the account whose code it stands in for while a node answers one `eth_call`; it is
/// never deployed. `callsFrom.ts` holds its code, and a test compiles this file and compares.
///
/// In, for each call: the target (20 bytes), its gas (4 bytes; 0: all there is), the data's length (2 bytes), the data.
/// Out, for each: 1 where it succeeded (1 byte), the answer's length (4 bytes), the answer.
contract CallsFrom {
    fallback() external {
        assembly {
            let at := 0
            let out := 0
            for {} lt(at, calldatasize()) {} {
                let head := calldataload(at)
                let limit := and(shr(64, head), 0xffffffff)
                if iszero(limit) { limit := gas() }
                let length := and(shr(48, head), 0xffff)
                calldatacopy(out, add(at, 26), length)
                at := add(at, add(26, length))
                let ok := call(limit, shr(96, head), 0, out, length, 0, 0)
                mstore8(out, ok)
                mstore(add(out, 1), shl(224, returndatasize()))
                returndatacopy(add(out, 5), 0, returndatasize())
                out := add(out, add(5, returndatasize()))
            }
            return(0, out)
        }
    }
}
