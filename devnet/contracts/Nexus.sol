// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import "./Manager.sol";
import "./Ownable.sol";
import "./Page.sol";
import "./Response.sol";
import "./Source.sol";
import "./Task.sol";
import "./Terminal.sol";
import "./Types.sol";
import "./Vault.sol";

/// The registry, and the one contract that speaks: every event about sources, tasks and responses comes from here.
contract Nexus is Ownable {
    using Page for address[];

    event Attempted(address task, address provider, uint256 suggestedPayment);
    event Registered(address provider, uint256 registrantId, address source, uint8 preferredEnvironment);
    event ResponseStatusChanged(address response, uint8 status);
    event ResponseSubmitted(address response, address task);
    event SourcePublished(address source);
    event SourceStatusChanged(address source, uint8 status);
    event SourceUpdated(address source, SourceParams sourceParams);
    event TaskPublished(address task, address source);
    event TaskStatusChanged(address task, uint8 status);

    bytes32 public constant CONTROLLER = CONTROLLER_ROLE;
    bytes32 public constant PROVIDER = PROVIDER_ROLE;

    Manager public manager;
    Terminal public terminal;
    Vault public vault;
    address[] public clients;
    address[] public sources;
    /// Position in `sources`, counted from 1; 0 is not a source.
    mapping(address => uint256) public sourceId;
    mapping(address => address[]) public sourcesOf;
    mapping(address => uint256) public activeSourceCountOf;
    /// Tasks and responses that this protocol made, so that nobody can slip in a contract of their own.
    mapping(address => bool) private genuine;

    constructor(address initialOwner) Ownable(initialOwner) {}

    modifier onlyController() {
        if (!checkController(msg.sender)) revert("NotController");
        _;
    }

    modifier onlyGenuine(address account) {
        if (!genuine[account]) revert("NotFound");
        _;
    }

    modifier onlyClientOf(address source) {
        if (sourceId[source] == 0) revert("NotFound");
        _checkActsFor(Source(source).getClient());
        _;
    }

    modifier onlyFor(address provider) {
        if (!manager.hasRole(PROVIDER_ROLE, provider)) revert("NotProvider");
        if (msg.sender != provider && msg.sender != terminal.getMasterOf(provider)) revert("NotMaster");
        _;
    }

    function setManager(address _manager) external onlyOwner {
        manager = Manager(_manager);
    }

    function setTerminal(address _terminal) external onlyOwner {
        terminal = Terminal(_terminal);
    }

    function setVault(address _vault) external onlyOwner {
        vault = Vault(_vault);
    }

    function publishSource(SourceParams memory _sourceParams) external {
        address client = _sourceParams.client;
        _checkActsFor(client);
        _sourceParams.lastUpdateTime = block.timestamp;
        address source = address(new Source(address(this), _sourceParams));
        if (sourcesOf[client].length == 0) clients.push(client);
        sources.push(source);
        sourceId[source] = sources.length;
        sourcesOf[client].push(source);
        activeSourceCountOf[client]++;
        emit SourcePublished(source);
    }

    function updateSource(address source, SourceParams memory _sourceParams) external onlyClientOf(source) {
        if (_sourceParams.client != Source(source).getClient()) revert("NotOwner");
        _sourceParams.lastUpdateTime = block.timestamp;
        Source(source).setSourceParams(_sourceParams);
        emit SourceUpdated(source, _sourceParams);
    }

    function inactivateSource(address source) external onlyClientOf(source) {
        _setSourceStatus(source, SOURCE_INACTIVE);
    }

    function setSourceStatus(address source, uint8 status) external onlyController {
        if (sourceId[source] == 0) revert("NotFound");
        _setSourceStatus(source, status);
    }

    function register(address source, address provider, uint8 preferredEnvironment) external onlyFor(provider) {
        if (sourceId[source] == 0) revert("NotFound");
        if (Source(source).getStatus() != SOURCE_ACTIVE) revert("SourceInactive");
        if (!vault.isWhitelisted(provider)) {
            uint256 lockup = vault.getLockupOf(provider);
            uint256 wanted = Source(source).getSourceParams().minAvailableLockup;
            if (lockup < wanted || lockup < vault.MIN_LOCKUP_PER_SOURCE()) revert("InsufficientLockup");
        }
        if (!vault.isEligible(provider)) revert("NotEligible");
        uint256 id = Source(source).register(provider, preferredEnvironment);
        emit Registered(provider, id, source, preferredEnvironment);
    }

    function unregister(address source, address provider) external onlyFor(provider) {
        if (sourceId[source] == 0) revert("NotFound");
        Source(source).unregister(provider);
    }

    /// An attempt after the expiry time closes the task instead of reverting: a revert would undo the new status.
    function attempt(address task, address provider, uint256 suggestedPayment)
        external
        onlyGenuine(task)
        onlyFor(provider)
    {
        Source source = Source(Task(task).getSource());
        if (source.getRegistrantId(provider) == 0) revert("NotEligible");
        _checkOpen(task);
        if (block.timestamp > Task(task).getExpiryTime()) {
            vault.releasePayment(source.getClient(), task);
            _setTaskStatus(task, TASK_EXPIRED);
            return;
        }
        if (suggestedPayment > Task(task).getPayment()) revert("PaymentTooHigh");
        Task(task).attempt(provider);
        emit Attempted(task, provider, suggestedPayment);
        if (Task(task).getStatus() == TASK_NEW) _setTaskStatus(task, TASK_ATTEMPTED);
    }

    function submitResponse(ResponseParams memory _responseParams)
        external
        onlyGenuine(_responseParams.task)
        onlyFor(_responseParams.provider)
    {
        Task task = Task(_responseParams.task);
        _checkOpen(address(task));
        if (block.timestamp > task.getExpiryTime()) revert("Expired");
        if (task.getAttempterId(_responseParams.provider) == 0) revert("NotAttempted");
        if (_responseParams.payment > task.getPayment()) revert("PaymentTooHigh");
        address response = address(new Response(address(this), _responseParams));
        genuine[response] = true;
        task.submitResponse(response, _responseParams.provider);
        emit ResponseSubmitted(response, address(task));
        if (task.getStatus() != TASK_RESPONDED) _setTaskStatus(address(task), TASK_RESPONDED);
        if (task.getDeliveryMethod() == FIRST_RESPONSE) _confirmFirst(response, _responseParams);
    }

    function emitTaskPublished(address task, address source) external onlyController {
        genuine[task] = true;
        Source(source).publishTask(task);
        emit TaskPublished(task, source);
    }

    function setTaskStatus(address task, uint8 status) external onlyController onlyGenuine(task) {
        _setTaskStatus(task, status);
    }

    function setResponseStatus(address response, uint8 status) external onlyController onlyGenuine(response) {
        _setResponseStatus(response, status);
    }

    function checkController(address account) public view returns (bool) {
        return manager.hasRole(CONTROLLER_ROLE, account);
    }

    function getActiveSourceCount(address client) external view returns (uint256) {
        return activeSourceCountOf[client];
    }

    function getSourceCount() external view returns (uint256) {
        return sources.length;
    }

    function getSourceId(address source) external view returns (uint256) {
        return sourceId[source];
    }

    function getSources(uint256 lower, uint256 upper) external view returns (address[] memory) {
        return sources.slice(lower, upper);
    }

    function _confirmFirst(address response, ResponseParams memory params) private {
        address client = Source(Task(params.task).getSource()).getClient();
        _setResponseStatus(response, RESPONSE_CONFIRMED);
        _setTaskStatus(params.task, TASK_FINALIZED);
        vault.processPayment(client, params.provider, params.task, params.payment);
    }

    function _setSourceStatus(address source, uint8 status) private {
        if (Source(source).getStatus() == status) return;
        address client = Source(source).getClient();
        if (status == SOURCE_ACTIVE) activeSourceCountOf[client]++;
        else activeSourceCountOf[client]--;
        Source(source).setStatus(status);
        emit SourceStatusChanged(source, status);
    }

    function _setTaskStatus(address task, uint8 status) private {
        Task(task).setStatus(status);
        emit TaskStatusChanged(task, status);
    }

    function _setResponseStatus(address response, uint8 status) private {
        Response(response).setStatus(status);
        if (status == RESPONSE_CONFIRMED) Response(response).confirm();
        emit ResponseStatusChanged(response, status);
    }

    function _checkActsFor(address client) private view {
        if (msg.sender != client && !terminal.getIsAgentOf(client, msg.sender)) revert("NotOwner");
    }

    function _checkOpen(address task) private view {
        uint8 status = Task(task).getStatus();
        if (status == TASK_EXPIRED) revert("Expired");
        if (status == TASK_CANCELED || status == TASK_FINALIZED) revert("AlreadyFinalized");
    }
}
