// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import "./Ownable.sol";
import "./Page.sol";
import "./Types.sol";

/// What a client offers work on: its terms, the providers registered for it, and its tasks. The Nexus owns it.
contract Source is Ownable {
    using Page for address[];

    address public nexus;
    uint8 public status;
    SourceParams public sourceParams;
    address[] public registrants;
    address[] public tasks;
    /// Position in `registrants`, counted from 1; 0 is not registered.
    mapping(address => uint256) public registrantId;
    mapping(address => uint8) public preferredEnvironmentOf;

    constructor(address _nexus, SourceParams memory _sourceParams) Ownable(_nexus) {
        nexus = _nexus;
        sourceParams = _sourceParams;
    }

    function setSourceParams(SourceParams calldata _sourceParams) external onlyOwner {
        sourceParams = _sourceParams;
    }

    function setStatus(uint8 _status) external onlyOwner {
        status = _status;
    }

    function publishTask(address task) external onlyOwner {
        tasks.push(task);
    }

    function register(address provider, uint8 preferredEnvironment) external onlyOwner returns (uint256) {
        if (registrantId[provider] != 0) revert("AlreadyRegistered");
        registrants.push(provider);
        preferredEnvironmentOf[provider] = preferredEnvironment;
        return registrantId[provider] = registrants.length;
    }

    function unregister(address provider) external onlyOwner {
        uint256 id = registrantId[provider];
        if (id == 0) revert("NotRegistered");
        address last = registrants[registrants.length - 1];
        registrants[id - 1] = last;
        registrantId[last] = id;
        registrantId[provider] = 0;
        registrants.pop();
    }

    function getClient() external view returns (address) {
        return sourceParams.client;
    }

    function getSourceParams() external view returns (SourceParams memory) {
        return sourceParams;
    }

    function getStatus() external view returns (uint8) {
        return status;
    }

    function getTaskCount() external view returns (uint256) {
        return tasks.length;
    }

    function getTasks(uint256 lower, uint256 upper) external view returns (address[] memory) {
        return tasks.slice(lower, upper);
    }

    function getRegistrantCount() external view returns (uint256) {
        return registrants.length;
    }

    function getRegistrantId(address provider) external view returns (uint256) {
        return registrantId[provider];
    }

    function getRegistrants(uint256 lower, uint256 upper) external view returns (address[] memory) {
        return registrants.slice(lower, upper);
    }
}
