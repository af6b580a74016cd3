/// What becomes of packets where there are no rules.
public enum FailMode: String, CaseIterable, Sendable {
  /// They pass.
  case open
  /// They are dropped.
  case closed
}

/// What the operator chose for rules: the tables [rules] and [flowtable].
public struct RuleSettings: Equatable, Sendable {
  /// The file that is loaded at start, and again on SIGHUP; `nil`: there are no rules at first.
  public internal(set) var file: String?
  public internal(set) var fail = FailMode.open
  /// Without rules established flows take the short way all the same.
  public internal(set) var autoFlowtable = false
  /// Seconds without a packet after which a flow leaves a table that says nothing of it.
  public internal(set) var tcpTimeout = 30
  public internal(set) var udpTimeout = 30
}

extension Planner {
  /// What rules say of the rest.
  mutating func checkRules() {
    let rules = settings.rules
    if rules.autoFlowtable, rules.fail == .closed {
      problems.append("auto-flowtable is for packets that pass without rules: with fail = \"closed\" none do")
    }
    if rules.autoFlowtable, !settings.tracking.isEnabled {
      problems.append("auto-flowtable: flows take the short way of connections that are tracked, and none are")
    }
  }
}

extension Plan {
  /// What the plan's text says of rules.
  var ruleLines: [String] {
    let rules = settings.rules
    let fail =
      switch rules.fail {
      case .open: "fail open: without rules packets pass"
      case .closed: "fail closed: without rules packets are dropped"
      }
    let flows =
      "flows leave a flow table after \(rules.tcpTimeout) s (TCP) and \(rules.udpTimeout) s (UDP) without packets"
    return [
      rules.file.map { "loaded from \($0), and again on SIGHUP" } ?? "none at start",
      fail, rules.autoFlowtable ? "\(flows); without rules established flows are offloaded" : flows,
    ]
  }
}
