import Offload
import Primitives
import TestSupport

/// Ports that do what they are told, or what chance makes of it.
final class FakeDriver: FlowDriver {
  struct Rule {
    var port: PortID
    var rule: FlowRule
    var counted = FlowCount()
    var lastHit: Instant
  }
  /// How often of 1000 calls something else happens than what was asked for.
  struct Weather {
    var placeFails = 0
    var placeBusy = 0
    var countFails = 0
    var removeFails = 0
    var removeBusy = 0
    /// A reading of 32 bits only, and one that came late.
    var wraps = 0
    var oldReading = 0
    /// Of those that have aged, told once and forgotten.
    var agesOnce = false
  }

  var weather = Weather()
  var now = Instant(nanoseconds: 0)
  /// Ports that know nothing of flows, and the reason they give.
  var unable: [PortID: String] = [:]
  var chance: SeededGenerator
  private(set) var rules: [FlowHandle: Rule] = [:]
  private(set) var calls = 0
  /// Calls to place a rule, by port.
  private(set) var asked: [PortID: Int] = [:]
  /// What rules that are gone had counted, and what all have, by the packets they were for.
  private(set) var truth: [OffloadTuple: FlowCount] = [:]
  private var toldAged: Set<FlowHandle> = []
  private var next: UInt = 0x1000

  init(seed: UInt64 = 1) { chance = SeededGenerator(seed: seed) }

  private func happens(_ permille: Int) -> Bool {
    permille > 0 && Int.random(in: 0..<1000, using: &chance) < permille
  }

  // MARK: The wire

  /// Packets of a flow come in by a port.
  func receive(_ tuple: OffloadTuple, on port: PortID, packets: UInt64, bytes: UInt64) {
    for (handle, rule) in rules where rule.port == port && rule.rule.tuple == tuple {
      rules[handle]?.counted += FlowCount(packets: packets, bytes: bytes)
      rules[handle]?.lastHit = now
      truth[tuple, default: FlowCount()] += FlowCount(packets: packets, bytes: bytes)
    }
  }

  func hasRule(_ tuple: OffloadTuple, on port: PortID) -> Bool {
    rules.values.contains { $0.port == port && $0.rule.tuple == tuple }
  }

  func setCounter(_ tuple: OffloadTuple, _ reading: FlowCount) {
    for (handle, rule) in rules where rule.rule.tuple == tuple { rules[handle]?.counted = reading }
  }

  // MARK: FlowDriver

  func place(_ rule: FlowRule, on port: PortID) throws(FlowRefusal) -> FlowHandle {
    calls += 1
    asked[port, default: 0] += 1
    if let reason = unable[port] { throw FlowRefusal(.unsupported, reason) }
    if happens(weather.placeBusy) { throw FlowRefusal(.busy, "try again") }
    if happens(weather.placeFails) { throw FlowRefusal(.failed, "no room in the table") }
    if hasRule(rule.tuple, on: port) { throw FlowRefusal(.failed, "rule exists") }
    next += 8
    rules[FlowHandle(rawValue: next)] = Rule(port: port, rule: rule, lastHit: now)
    return FlowHandle(rawValue: next)
  }

  func count(_ handle: FlowHandle, on port: PortID) throws(FlowRefusal) -> FlowCount {
    calls += 1
    if happens(weather.countFails) { throw FlowRefusal(.failed, "no answer") }
    guard let rule = rules[handle], rule.port == port else { throw FlowRefusal(.failed, "no such rule") }
    var reading = rule.counted
    if happens(weather.wraps) {
      reading = FlowCount(packets: reading.packets & 0xFF, bytes: reading.bytes & 0xFFFF)
    }
    if happens(weather.oldReading) {
      reading = FlowCount(packets: reading.packets / 2, bytes: reading.bytes / 2)
    }
    return reading
  }

  func remove(_ handle: FlowHandle, from port: PortID) throws(FlowRefusal) {
    calls += 1
    if happens(weather.removeBusy) { throw FlowRefusal(.busy, "try again") }
    if happens(weather.removeFails) { throw FlowRefusal(.failed, "no answer") }
    guard rules.removeValue(forKey: handle)?.port == port else { throw FlowRefusal(.failed, "no such rule") }
    toldAged.remove(handle)
  }

  func aged(on port: PortID) -> [UInt64] {
    calls += 1
    var tokens: [UInt64] = [0xFFFF_FFFF_FFFF_FFFF]  // of nobody
    for (handle, rule) in rules.sorted(by: { $0.key.rawValue < $1.key.rawValue }) where rule.port == port {
      guard now - rule.lastHit >= .seconds(UInt64(rule.rule.timeout)) else { continue }
      if weather.agesOnce, !toldAged.insert(handle).inserted { continue }
      tokens.append(rule.rule.token)
    }
    return tokens
  }
}

extension Interval {
  static func >= (a: Interval, b: Interval) -> Bool { !(a < b) }
}
