// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Pages of an array: `[lower, upper)`, where `upper` may lie past the end.
library Page {
    function slice(address[] storage items, uint256 lower, uint256 upper) internal view returns (address[] memory page) {
        uint256 length = size(items.length, lower, upper);
        page = new address[](length);
        for (uint256 i = 0; i < length; i++) page[i] = items[lower + i];
    }

    function slice(uint256[] storage items, uint256 lower, uint256 upper) internal view returns (uint256[] memory page) {
        uint256 length = size(items.length, lower, upper);
        page = new uint256[](length);
        for (uint256 i = 0; i < length; i++) page[i] = items[lower + i];
    }

    function size(uint256 length, uint256 lower, uint256 upper) internal pure returns (uint256) {
        if (upper > length) upper = length;
        return lower < upper ? upper - lower : 0;
    }
}
