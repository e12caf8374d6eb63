// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

struct SourceParams {
    address client;
    string imageMetadataUrl;
    uint8 imageEnvironments;
    uint256 minPayment;
    uint256 minAvailableLockup;
    uint256 maxExpiryDuration;
    bool privacyEnabled;
    string optionalParamsUrl;
    uint8 deliveryMethod;
    uint256 lastUpdateTime;
}

struct ResponseParams {
    address task;
    address provider;
    string data;
    uint256 payment;
}

struct TaskParams {
    address source;
    string config;
    uint256 expiryTime;
    uint256 payment;
}

uint8 constant SOURCE_ACTIVE = 0;
uint8 constant SOURCE_INACTIVE = 1;

uint8 constant TASK_NEW = 0;
uint8 constant TASK_ATTEMPTED = 1;
uint8 constant TASK_RESPONDED = 2;
uint8 constant TASK_CANCELED = 3;
uint8 constant TASK_EXPIRED = 4;
uint8 constant TASK_FINALIZED = 5;

uint8 constant RESPONSE_SUBMITTED = 0;
uint8 constant RESPONSE_CONFIRMED = 1;

uint8 constant MANUAL_CONFIRMATION = 0;
uint8 constant FIRST_RESPONSE = 1;

bytes32 constant ADMIN_ROLE = 0x00;
bytes32 constant CONTROLLER_ROLE = keccak256("CONTROLLER");
bytes32 constant JUDGE_ROLE = keccak256("JUDGE");
bytes32 constant PROVIDER_ROLE = keccak256("PROVIDER");
// Who may grant and revoke PROVIDER_ROLE: the Terminal.
bytes32 constant TERMINAL_ROLE = keccak256("TERMINAL");
