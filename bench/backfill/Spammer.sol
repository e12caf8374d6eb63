// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Stands in the Nexus' place for a benchmark, and emits the events of whole tasks' lives, cheaply.
contract Spammer {
    event ResponseStatusChanged(address response, uint8 status);
    event ResponseSubmitted(address response, address task);
    event TaskPublished(address task, address source);
    event TaskStatusChanged(address task, uint8 status);

    /// One block of a steady network: tasks `[from, to)` are published, the ones that were published `age` tasks ago are
    /// answered, and the ones from twice as long ago are finalised. Every hundredth is of the source `ours`.
    function live(uint256 from, uint256 to, uint256 age, address ours) external {
        for (uint256 i = from; i < to; i++) {
            address task = _address(i, 0);
            emit TaskPublished(task, i % 100 == 0 ? ours : _address(i % 100, 1));
            emit TaskStatusChanged(task, 1);
            if (i >= age) _answer(i - age);
            if (i >= 2 * age) _finalise(i - 2 * age);
        }
    }

    function _answer(uint256 i) private {
        address task = _address(i, 0);
        emit ResponseSubmitted(_address(i, 2), task);
        emit TaskStatusChanged(task, 2);
        emit ResponseSubmitted(_address(i, 3), task);
    }

    function _finalise(uint256 i) private {
        emit ResponseStatusChanged(_address(i, 2), 1);
        emit TaskStatusChanged(_address(i, 0), 5);
    }

    function _address(uint256 number, uint256 kind) private pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode(number, kind)))));
    }
}
