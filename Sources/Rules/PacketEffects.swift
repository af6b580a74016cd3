internal import Ruleset
internal import Wire

// What a rule changes in a packet and its connection. Both the interpreter and the engine do it by these.

extension RulePacket {
  @inline(__always)
  mutating func setMark(_ value: UInt32) { mark = value }

  /// Without a connection nothing is set, and the rule goes on: nft_ct_set_eval.
  @inline(__always)
  mutating func setConnectionMark(_ value: UInt32) {
    guard connection.isConnection else { return }
    connection.mark = value
    effects.changes.insert(.mark)
  }

  @inline(__always)
  mutating func setLabels(_ value: UInt128) {
    guard connection.isConnection else { return }
    connection.labels |= value
    effects.changes.insert(.labels)
  }

  /// A packet that has a connection keeps its zone, and so does one that was given one: nft_ct_set_zone_eval.
  @inline(__always)
  mutating func setZone(_ value: UInt16, original: Bool, reply: Bool) {
    guard !connection.isKnown, !effects.changes.contains(.zones) else { return }
    connection.zones = (original ? value : 0, reply ? value : 0)
    effects.changes.insert(.zones)
    // What was not to be tracked has a template now, and will be.
    effects.changes.remove(.notrack)
  }

  /// Of one that was seen before, or given a zone, nothing is changed: nft_notrack_eval.
  @inline(__always)
  mutating func setUntracked() {
    guard !connection.isKnown, !effects.changes.contains(.zones) else { return }
    effects.changes.insert(.notrack)
  }

  @inline(__always)
  mutating func setEvents(_ value: UInt16) {
    guard connection.isConnection else { return }
    effects.events = value
    effects.changes.insert(.events)
  }

  /// Of a connection that is not confirmed yet, and of the policy's protocol: nft_ct_timeout_obj_eval.
  @inline(__always)
  mutating func setTimeout(_ place: Int, transport: UInt8) {
    let isConfirmed = connection.status & 8 != 0
    guard connection.isConnection, !isConfirmed, summary.transport == transport else { return }
    effects.timeout = UInt8(truncatingIfNeeded: place)
    effects.changes.insert(.timeout)
  }

  @inline(__always)
  mutating func setFlowtable(_ place: Int) {
    effects.flowtable = UInt8(truncatingIfNeeded: place &+ 1)
    effects.changes.insert(.offload)
  }

  mutating func set(_ target: Target, _ value: UInt128) {
    switch target {
    case .mark: setMark(UInt32(truncatingIfNeeded: value))
    case .trace: isTraced = value & 0xFF != 0
    case .connectionMark: setConnectionMark(UInt32(truncatingIfNeeded: value))
    case .connectionLabel: setLabels(value)
    case .connectionZone(let direction):
      setZone(UInt16(truncatingIfNeeded: value), original: direction != .reply, reply: direction != .original)
    case .connectionEvents: setEvents(UInt16(truncatingIfNeeded: value))
    }
  }
}
