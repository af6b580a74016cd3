internal import Conntrack
internal import FlowCache
internal import Rules

extension Journey {
  /// Goes by these rules from the next packet on. What was decided by others is out of date.
  public mutating func adopt(_ setup: RuleSetup) {
    ruleSetup = setup
    rules.adopt(setup.view)
    isRuled = rules.isOn || setup.isClosed || setup.programHooks != 0
    hooksInUse = 0
    for hook in RuleHook.allCases where rules.has(hook) || setup.hasProgram(hook) { hooksInUse |= 1 << hook.rawValue }
    tracker.setFlowTables(setup.flowTables)
    unsafe tracker.setTimeoutPolicies(setup.timeouts)
    unsafe tracker.defineFlowTables(setup.definitions)
    cache.invalidate()
  }
}
