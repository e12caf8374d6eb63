// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import "./Nexus.sol";
import "./Ownable.sol";
import "./Response.sol";
import "./Source.sol";
import "./Task.sol";
import "./Terminal.sol";
import "./Types.sol";
import "./Vault.sol";

/// What a client, or its agent, may do with its tasks: publish, cancel, and confirm, which pays.
contract Controller is Ownable {
    Nexus public nexus;
    Terminal public terminal;
    Vault public vault;

    constructor(address initialOwner) Ownable(initialOwner) {}

    function setNexus(address _nexus) external onlyOwner {
        nexus = Nexus(_nexus);
    }

    function setTerminal(address _terminal) external onlyOwner {
        terminal = Terminal(_terminal);
    }

    function setVault(address _vault) external onlyOwner {
        vault = Vault(_vault);
    }

    function publishTask(TaskParams calldata _taskParams) external {
        address source = _taskParams.source;
        if (nexus.getSourceId(source) == 0) revert("NotFound");
        SourceParams memory terms = Source(source).getSourceParams();
        _checkActsFor(terms.client);
        if (Source(source).getStatus() != SOURCE_ACTIVE) revert("SourceInactive");
        if (_taskParams.payment < terms.minPayment) revert("PaymentTooLow");
        if (_taskParams.expiryTime <= block.timestamp) revert("Expired");
        if (_taskParams.expiryTime > block.timestamp + terms.maxExpiryDuration) revert("ExpiryTooFar");
        address task = address(new Task(address(nexus), _taskParams, terms.deliveryMethod));
        vault.freezePayment(terms.client, task, _taskParams.payment);
        nexus.emitTaskPublished(task, source);
    }

    /// Pays the response's price to its provider and returns the rest of the frozen payment to the client.
    function confirmResponse(address response) external {
        ResponseParams memory params = Response(response).getResponseParams();
        Task task = Task(params.task);
        address client = _clientOf(task);
        _checkActsFor(client);
        if (Response(response).confirmedFinal()) revert("AlreadyConfirmed");
        if (task.getStatus() == TASK_FINALIZED) revert("AlreadyFinalized");
        if (block.timestamp > task.getExpiryTime()) revert("Expired");
        nexus.setResponseStatus(response, RESPONSE_CONFIRMED);
        nexus.setTaskStatus(address(task), TASK_FINALIZED);
        vault.processPayment(client, params.provider, address(task), params.payment);
    }

    function cancelTask(address task) external {
        address client = _clientOf(Task(task));
        _checkActsFor(client);
        uint8 status = Task(task).getStatus();
        if (status == TASK_EXPIRED) revert("Expired");
        if (status == TASK_FINALIZED || status == TASK_CANCELED) revert("AlreadyFinalized");
        if (status != TASK_NEW) revert("NotCancelable");
        nexus.setTaskStatus(task, TASK_CANCELED);
        vault.releasePayment(client, task);
    }

    function _clientOf(Task task) private view returns (address) {
        return Source(task.getSource()).getClient();
    }

    function _checkActsFor(address client) private view {
        if (msg.sender != client && !terminal.getIsAgentOf(client, msg.sender)) revert("NotOwner");
    }
}
