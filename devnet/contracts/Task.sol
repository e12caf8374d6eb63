// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import "./Ownable.sol";
import "./Page.sol";
import "./Response.sol";
import "./Types.sol";

/// One piece of work: who tried it, who answered, and who won. The Controller deploys it, the Nexus owns it.
contract Task is Ownable {
    using Page for address[];
    using Page for uint256[];

    uint8 public status;
    uint8 public deliveryMethod;
    address public winningProvider;
    TaskParams public taskParams;
    address[] public attempters;
    uint256[] public attemptTimestamps;
    /// Position in `attempters`, counted from 1; 0 is no attempt.
    mapping(address => uint256) public attempterId;
    mapping(address => address) public responseOf;
    mapping(bytes32 => bool) public isAlreadySubmitted;

    constructor(address nexus, TaskParams memory _taskParams, uint8 _deliveryMethod) Ownable(nexus) {
        taskParams = _taskParams;
        deliveryMethod = _deliveryMethod;
    }

    function attempt(address provider) external onlyOwner {
        if (attempterId[provider] != 0) revert("AlreadyAttempted");
        attempters.push(provider);
        attemptTimestamps.push(block.timestamp);
        attempterId[provider] = attempters.length;
    }

    function submitResponse(address response, address provider) external onlyOwner {
        string memory data = Response(response).getResponseParams().data;
        bytes32 digest = keccak256(abi.encode(address(this), provider, data));
        if (isAlreadySubmitted[digest] || responseOf[provider] != address(0)) revert("AlreadySubmitted");
        isAlreadySubmitted[digest] = true;
        responseOf[provider] = response;
    }

    /// The interface names no winner when a task is finalised, so the task looks for its confirmed response.
    function setStatus(uint8 _status) external onlyOwner {
        status = _status;
        if (_status != TASK_FINALIZED) return;
        for (uint256 i = 0; i < attempters.length; i++) {
            address response = responseOf[attempters[i]];
            if (response != address(0) && Response(response).confirmedFinal()) winningProvider = attempters[i];
        }
    }

    /// The attempters' responses in the order of their attempts; zero where an attempter has not answered.
    function getResponsesOf(uint256 lower, uint256 upper) external view returns (address[] memory) {
        address[] memory page = attempters.slice(lower, upper);
        for (uint256 i = 0; i < page.length; i++) page[i] = responseOf[page[i]];
        return page;
    }

    function getAttemptCount() external view returns (uint256) {
        return attempters.length;
    }

    function getAttempters(uint256 lower, uint256 upper) external view returns (address[] memory) {
        return attempters.slice(lower, upper);
    }

    function getAttemptTimestamps(uint256 lower, uint256 upper) external view returns (uint256[] memory) {
        return attemptTimestamps.slice(lower, upper);
    }

    function getAttempterId(address provider) external view returns (uint256) {
        return attempterId[provider];
    }

    function getDeliveryMethod() external view returns (uint8) {
        return deliveryMethod;
    }

    function getExpiryTime() external view returns (uint256) {
        return taskParams.expiryTime;
    }

    function getPayment() external view returns (uint256) {
        return taskParams.payment;
    }

    function getSource() external view returns (address) {
        return taskParams.source;
    }

    function getStatus() external view returns (uint8) {
        return status;
    }
}
