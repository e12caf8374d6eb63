// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import "./Types.sol";

/// Who may do what: roles in the manner of OpenZeppelin's AccessControl, written out.
contract Manager {
    error AccessControlBadConfirmation();
    error AccessControlUnauthorizedAccount(address account, bytes32 neededRole);

    event RoleAdminChanged(bytes32 indexed role, bytes32 indexed previousAdminRole, bytes32 indexed newAdminRole);
    event RoleGranted(bytes32 indexed role, address indexed account, address indexed sender);
    event RoleRevoked(bytes32 indexed role, address indexed account, address indexed sender);

    bytes32 public constant DEFAULT_ADMIN_ROLE = ADMIN_ROLE;
    bytes32 public constant CONTROLLER = CONTROLLER_ROLE;
    bytes32 public constant JUDGE = JUDGE_ROLE;
    bytes32 public constant PROVIDER = PROVIDER_ROLE;

    mapping(bytes32 role => bytes32) private adminOf;
    mapping(bytes32 role => mapping(address account => bool)) private members;

    constructor(address admin) {
        _grant(ADMIN_ROLE, admin);
        adminOf[PROVIDER_ROLE] = TERMINAL_ROLE;
        emit RoleAdminChanged(PROVIDER_ROLE, ADMIN_ROLE, TERMINAL_ROLE);
    }

    modifier onlyAdminOf(bytes32 role) {
        bytes32 needed = adminOf[role];
        if (!members[needed][msg.sender]) revert AccessControlUnauthorizedAccount(msg.sender, needed);
        _;
    }

    function hasRole(bytes32 role, address account) external view returns (bool) {
        return members[role][account];
    }

    function getRoleAdmin(bytes32 role) external view returns (bytes32) {
        return adminOf[role];
    }

    function grantRole(bytes32 role, address account) external onlyAdminOf(role) {
        _grant(role, account);
    }

    function revokeRole(bytes32 role, address account) external onlyAdminOf(role) {
        _revoke(role, account);
    }

    function renounceRole(bytes32 role, address callerConfirmation) external {
        if (callerConfirmation != msg.sender) revert AccessControlBadConfirmation();
        _revoke(role, msg.sender);
    }

    /// ERC-165 itself, and IAccessControl.
    function supportsInterface(bytes4 interfaceId) external view returns (bool) {
        return interfaceId == 0x01ffc9a7 || interfaceId == 0x7965db0b;
    }

    function _grant(bytes32 role, address account) private {
        if (members[role][account]) return;
        members[role][account] = true;
        emit RoleGranted(role, account, msg.sender);
    }

    function _revoke(bytes32 role, address account) private {
        if (!members[role][account]) return;
        members[role][account] = false;
        emit RoleRevoked(role, account, msg.sender);
    }
}
