/// Why conntrack does not do what it was asked to.
struct ConntrackFailure: Error, Equatable {
  enum Kind { case parameters, other }

  var kind: Kind
  var text: String

  /// What was asked for is not right: exit status 2, and a hint at the help.
  static func parameters(_ text: String) -> ConntrackFailure { ConntrackFailure(kind: .parameters, text: text) }

  /// Anything else: exit status 1.
  static func other(_ text: String) -> ConntrackFailure { ConntrackFailure(kind: .other, text: text) }

  static func operation(_ reason: String) -> ConntrackFailure { other("Operation failed: \(reason)") }

  static func bad(_ parameter: some StringProtocol) -> ConntrackFailure { parameters("Bad parameter `\(parameter)'") }

  static let familyMismatch = parameters("mismatched address family")

  var status: Int32 { kind == .parameters ? 2 : 1 }
}
