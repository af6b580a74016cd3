import Pipeline
import Primitives

/// What becomes of the rules of a life: rulesets replace each other now and then while packets pass.
struct RulePlan: Sendable {
  enum Kind: Sendable {
    case none
    /// By what a packet brings along alone, so that an interpreter foretells each verdict.
    case foreseen
    /// Of connections, limits and sets that packets change, too: any packet may be dropped.
    case any
  }

  let kind: Kind
  /// Without rules no packet passes.
  let failsClosed: Bool
  let hasFlowtables: Bool
  /// Per step: the rules are changed.
  let changes: Rate

  init(_ chance: inout Chance) {
    kind = chance.pick([.none, .foreseen, .foreseen, .any])
    failsClosed = chance.below(4) == 0
    hasFlowtables = chance.below(2) == 0
    changes = chance.pick([.percent(0.5), .percent(3), .percent(20)])
  }

  /// Rules may end connections before their time, or keep them beyond it.
  var movesDeadlines: Bool { kind == .any || kind == .foreseen && hasFlowtables }

  /// What a datagram that was put together may be dropped for.
  var reasons: Reasons {
    guard kind != .none else { return [] }
    var reasons: Reasons = [.rule, .rulePolicy, .ruleReject]
    if failsClosed { reasons.insert(.noRules) }
    return reasons
  }
}

/// What rules say of a packet: by the hooks before its connection is known, and by those behind.
struct RuleForesight: BitwiseCopyable {
  var early: DropReason?
  var late: DropReason?
  /// It may be, or not: the flow may be in a flow table, or the rules are of those that nobody foretells.
  var isDoubtful = false
  var may = Reasons()
}

/// Rules of ingress and raw, and having none where there must be some.
struct EarlyRuleModel: Model {
  func opinion(of packet: Incoming) -> Opinion {
    if packet.rules.early == .noRules { return .drops(.noRules) }
    return packet.rules.opinion(packet.rules.early)
  }
}

/// Rules of prerouting, forward and postrouting. What is invalid by its connection does not get there.
struct LateRuleModel: Model {
  func opinion(of packet: Incoming) -> Opinion { packet.rules.opinion(packet.rules.late) }
}

/// What the tracker may find invalid, before rules see it as a packet of a connection.
struct InvalidModel: Model {
  func opinion(of packet: Incoming) -> Opinion {
    packet.refusals.contains(Int(DropReason.invalid.rawValue)) ? .mayDrop([.invalid]) : .passes
  }
}

extension RuleForesight {
  fileprivate func opinion(_ reason: DropReason?) -> Opinion {
    if !may.isEmpty { return .mayDrop(may) }
    guard let reason else { return .passes }
    guard isDoubtful else { return .drops(reason) }
    var reasons = Reasons()
    reasons.insert(reason)
    return .mayDrop(reasons)
  }
}

/// Rules count each packet that meets them, are there as long as a worker goes by them, and no longer.
struct RuleInvariant: Invariant {
  let kind = Failure.Kind.rules

  func breach(_ scene: Scene) -> String? { scene.world.desk?.look() }
}
