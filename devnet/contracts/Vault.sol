// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import "./Manager.sol";

/// All the money: balances, the payments frozen for open tasks, providers' lockups and sanctions.
contract Vault {
    event Claimed(address account, uint256 amount);
    event Deposited(address account, uint256 amount);
    event Locked(address account, uint256 amount);
    event Sanctioned(address account, uint256 amount);
    event Unbonded(address account, uint256 amount);
    event UnbondingCanceled(address account, uint256 amount);
    event Waived(address account, uint256 amount);
    event Withdrawn(address account, uint256 amount);

    Manager public manager;
    address public nexus;
    address public terminal;
    uint256 public MIN_LOCKUP_PER_SOURCE = 1 ether;
    uint256 public UNBONDING_PERIOD = 7 days;

    mapping(address => uint256) public balanceOf;
    mapping(address => uint256) public frozenPayment;
    mapping(address => bool) public isWhitelisted;
    mapping(address => uint256) public lockupOf;
    mapping(address => uint256) public sanctionOf;
    mapping(address => uint256) public totalEarningsOf;
    mapping(address => uint256) public unbondingOf;
    mapping(address => uint256) public unbondingTimestamp;
    uint256 public sanctionedAmount;

    constructor(address _manager, address _nexus) {
        manager = Manager(_manager);
        nexus = _nexus;
    }

    modifier only(bytes32 role) {
        if (!manager.hasRole(role, msg.sender)) revert("NotOwner");
        _;
    }

    modifier onlyProtocol() {
        if (msg.sender != nexus && !manager.hasRole(CONTROLLER_ROLE, msg.sender)) revert("NotController");
        _;
    }

    function setTerminal(address _terminal) external only(ADMIN_ROLE) {
        terminal = _terminal;
    }

    function setMinLockupPerSource(uint256 amount) external only(ADMIN_ROLE) {
        MIN_LOCKUP_PER_SOURCE = amount;
    }

    function setMaxUnbondingPeriod(uint256 period) external only(ADMIN_ROLE) {
        UNBONDING_PERIOD = period;
    }

    function setWhitelist(address account, bool value) external only(ADMIN_ROLE) {
        isWhitelisted[account] = value;
    }

    function deposit(address account) external payable {
        balanceOf[account] += msg.value;
        emit Deposited(account, msg.value);
    }

    function withdraw(uint256 amount) external {
        _debit(msg.sender, amount);
        emit Withdrawn(msg.sender, amount);
        _send(msg.sender, amount);
    }

    function lock(uint256 amount) external {
        _debit(msg.sender, amount);
        lockupOf[msg.sender] += amount;
        emit Locked(msg.sender, amount);
    }

    /// Starts the unbonding period; a second call starts it again for the whole amount.
    function unbond(uint256 amount) external {
        if (lockupOf[msg.sender] < amount) revert("InsufficientLockup");
        lockupOf[msg.sender] -= amount;
        unbondingOf[msg.sender] += amount;
        unbondingTimestamp[msg.sender] = block.timestamp;
        emit Unbonded(msg.sender, amount);
    }

    function cancelUnbonding() external {
        uint256 amount = _takeUnbonding(msg.sender);
        lockupOf[msg.sender] += amount;
        emit UnbondingCanceled(msg.sender, amount);
    }

    function claim() external {
        if (block.timestamp < unbondingTimestamp[msg.sender] + UNBONDING_PERIOD) revert("UnbondingNotElapsed");
        uint256 amount = _takeUnbonding(msg.sender);
        balanceOf[msg.sender] += amount;
        emit Claimed(msg.sender, amount);
    }

    function freezePayment(address client, address task, uint256 amount) external onlyProtocol {
        _debit(client, amount);
        frozenPayment[task] += amount;
    }

    function releasePayment(address client, address task) external onlyProtocol {
        balanceOf[client] += _takeFrozen(task);
    }

    function forceReleasePayment(address client, address task) external only(ADMIN_ROLE) {
        balanceOf[client] += _takeFrozen(task);
    }

    /// Pays the provider its price out of the frozen payment and returns the rest to the client.
    function processPayment(address client, address provider, address task, uint256 amount) external onlyProtocol {
        uint256 frozen = _takeFrozen(task);
        if (frozen < amount) revert("InsufficientBalance");
        balanceOf[provider] += amount;
        totalEarningsOf[provider] += amount;
        balanceOf[client] += frozen - amount;
    }

    /// Seizes up to `amount`: the lockup first, then what is unbonding.
    function sanction(address account, uint256 amount) external only(JUDGE_ROLE) {
        uint256 fromLockup = _min(amount, lockupOf[account]);
        uint256 fromUnbonding = _min(amount - fromLockup, unbondingOf[account]);
        lockupOf[account] -= fromLockup;
        unbondingOf[account] -= fromUnbonding;
        sanctionOf[account] += fromLockup + fromUnbonding;
        sanctionedAmount += fromLockup + fromUnbonding;
        emit Sanctioned(account, fromLockup + fromUnbonding);
    }

    function waive(address account, uint256 amount) external only(JUDGE_ROLE) {
        if (sanctionOf[account] < amount) revert("InsufficientBalance");
        sanctionOf[account] -= amount;
        sanctionedAmount -= amount;
        lockupOf[account] += amount;
        emit Waived(account, amount);
    }

    function withdrawSanctionOf(address account) external only(JUDGE_ROLE) {
        uint256 amount = sanctionOf[account];
        sanctionOf[account] = 0;
        sanctionedAmount -= amount;
        _send(msg.sender, amount);
    }

    function emergencyExit(address account) external only(ADMIN_ROLE) {
        uint256 amount = balanceOf[account] + lockupOf[account] + unbondingOf[account];
        balanceOf[account] = lockupOf[account] = unbondingOf[account] = 0;
        _send(account, amount);
    }

    function getBalanceOf(address account) external view returns (uint256) {
        return balanceOf[account];
    }

    function getLockupOf(address account) external view returns (uint256) {
        return lockupOf[account];
    }

    function isEligible(address account) external view returns (bool) {
        if (isWhitelisted[account]) return true;
        return sanctionOf[account] == 0 && lockupOf[account] >= MIN_LOCKUP_PER_SOURCE;
    }

    function _debit(address account, uint256 amount) private {
        if (balanceOf[account] < amount) revert("InsufficientBalance");
        balanceOf[account] -= amount;
    }

    function _takeFrozen(address task) private returns (uint256 amount) {
        amount = frozenPayment[task];
        frozenPayment[task] = 0;
    }

    function _takeUnbonding(address account) private returns (uint256 amount) {
        amount = unbondingOf[account];
        unbondingOf[account] = 0;
        unbondingTimestamp[account] = 0;
    }

    function _send(address account, uint256 amount) private {
        (bool sent,) = account.call{value: amount}("");
        if (!sent) revert("TransferFailed");
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}
