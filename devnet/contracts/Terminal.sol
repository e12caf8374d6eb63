// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import "./Manager.sol";
import "./Ownable.sol";
import "./Vault.sol";

/// Who is who: masters, their providers, and the agents that act for an account.
contract Terminal is Ownable {
    event AgentSet(address account, address agent, bool value);
    event BaseDataUpdated(address provider);
    event DefaultAgentDisabled(address master, bool value);
    event LiveDataUpdated(address provider);
    event MasterAnnounced(address provider, address master);
    event ProviderAnnounced(address provider, address master);
    event ProviderRemoved(address provider);
    event RemoveContainer(address provider, address source);

    bytes32 public constant PROVIDER = PROVIDER_ROLE;

    Manager public manager;
    Vault public vault;
    mapping(address => bool) public isMaster;
    mapping(address => bool) public isProvider;
    mapping(address => address) public masterOf;
    mapping(address => address) public providerOf;
    mapping(address => mapping(address => bool)) public isAgentOf;
    mapping(address => bool) public defaultAgentDisabled;
    mapping(address => string) public baseDataOf;
    mapping(address => string) public liveDataOf;

    constructor(address initialOwner) Ownable(initialOwner) {}

    modifier onlyMasterOf(address provider) {
        if (masterOf[provider] != msg.sender) revert("NotMaster");
        _;
    }

    modifier onlyProvider() {
        if (!isProvider[msg.sender]) revert("NotProvider");
        _;
    }

    function setManager(address _manager) external onlyOwner {
        manager = Manager(_manager);
    }

    function setVault(address _vault) external onlyOwner {
        vault = Vault(_vault);
    }

    /// A provider names its master; the master then takes it on with `announceProvider`.
    function announceMaster(address master) external {
        if (isProvider[msg.sender]) revert("AlreadyProvider");
        masterOf[msg.sender] = master;
        isMaster[master] = true;
        emit MasterAnnounced(msg.sender, master);
    }

    /// @param amount Part of the value that becomes the provider's balance in the Vault; it gets the rest for gas.
    function announceProvider(address provider, uint256 amount) external payable onlyMasterOf(provider) {
        if (amount > msg.value) revert("InsufficientBalance");
        isProvider[provider] = true;
        providerOf[msg.sender] = provider;
        manager.grantRole(PROVIDER_ROLE, provider);
        emit ProviderAnnounced(provider, msg.sender);
        if (amount > 0) vault.deposit{value: amount}(provider);
        if (msg.value > amount) {
            (bool sent,) = provider.call{value: msg.value - amount}("");
            if (!sent) revert("TransferFailed");
        }
    }

    function removeProvider(address provider) external onlyMasterOf(provider) {
        if (!isProvider[provider]) revert("NotProvider");
        isProvider[provider] = false;
        masterOf[provider] = address(0);
        if (providerOf[msg.sender] == provider) providerOf[msg.sender] = address(0);
        manager.revokeRole(PROVIDER_ROLE, provider);
        emit ProviderRemoved(provider);
    }

    function removeContainer(address provider, address source) external onlyMasterOf(provider) {
        emit RemoveContainer(provider, source);
    }

    function setAgent(address agent, bool value) external {
        isAgentOf[msg.sender][agent] = value;
        emit AgentSet(msg.sender, agent, value);
    }

    function setDefaultAgentDisabled(bool value) external {
        defaultAgentDisabled[msg.sender] = value;
        emit DefaultAgentDisabled(msg.sender, value);
    }

    function setBaseData(string calldata _baseData) external onlyProvider {
        baseDataOf[msg.sender] = _baseData;
        emit BaseDataUpdated(msg.sender);
    }

    function setLiveData(string calldata _liveData) external onlyProvider {
        liveDataOf[msg.sender] = _liveData;
        emit LiveDataUpdated(msg.sender);
    }

    function getIsAgentOf(address master, address agent) external view returns (bool) {
        return isAgentOf[master][agent];
    }

    function getIsMaster(address master) external view returns (bool) {
        return isMaster[master];
    }

    function getMasterOf(address provider) external view returns (address) {
        return masterOf[provider];
    }
}
