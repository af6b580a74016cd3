internal import Segment

/// What rules let be told of one connection (`ct event set`), as an extension keeps it.
public struct EventSelection: OptionSet, BitwiseCopyable, Sendable {
  public var rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Set in every selection, so that an empty one is not none.
  static let isGiven = EventSelection(rawValue: 1)
  static let new = EventSelection(rawValue: 2)
  static let destroy = EventSelection(rawValue: 4)
  static let reply = EventSelection(rawValue: 8)
  static let assured = EventSelection(rawValue: 16)
  static let protocolState = EventSelection(rawValue: 32)
  static let mark = EventSelection(rawValue: 64)
  static let labels = EventSelection(rawValue: 128)

  /// - Parameter bits: netfilter's `1 << IPCT_*`.
  public init(kernel bits: UInt16) {
    self = .isGiven
    // NEW and RELATED, which is how an expected connection begins.
    if bits & 0b11 != 0 { insert(.new) }
    if bits & 1 << 2 != 0 { insert(.destroy) }
    if bits & 1 << 3 != 0 { insert(.reply) }
    if bits & 1 << 4 != 0 { insert(.assured) }
    if bits & 1 << 5 != 0 { insert(.protocolState) }
    if bits & 1 << 7 != 0 { insert(.mark) }
    if bits & 1 << 10 != 0 { insert(.labels) }
  }

  func tells(_ kind: ConnectionEvent.Kind, _ changes: ConnectionEvent.Changes) -> Bool {
    switch kind {
    case .new: contains(.new)
    case .destroy: contains(.destroy)
    case .update:
      contains(.reply) && changes.contains(.reply) || contains(.assured) && changes.contains(.assured)
        || contains(.protocolState) && changes.contains(.state) || contains(.mark) && changes.contains(.mark)
        || contains(.labels) && changes.contains(.labels)
    }
  }
}
