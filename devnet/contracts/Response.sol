// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import "./Ownable.sol";
import "./Types.sol";

/// One provider's answer to one task, at its price. The Nexus owns it.
contract Response is Ownable {
    uint8 public status;
    bool public confirmedFinal;
    uint256 public responseTimestamp;
    ResponseParams public responseParams;

    constructor(address nexus, ResponseParams memory _responseParams) Ownable(nexus) {
        responseParams = _responseParams;
        responseTimestamp = block.timestamp;
    }

    function setStatus(uint8 _status) external onlyOwner {
        status = _status;
    }

    function confirm() external onlyOwner {
        confirmedFinal = true;
    }

    function getResponseParams() external view returns (ResponseParams memory) {
        return responseParams;
    }

    function getStatus() external view returns (uint8) {
        return status;
    }
}
