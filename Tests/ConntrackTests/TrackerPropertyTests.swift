import CSegment
import Conntrack
import Foundation
import Primitives
import TestSupport
import Testing
import Wire

/// Any row of packets, times and sweeps does to the tracker what it does to a dictionary.
struct TrackerPropertyTests {
  /// `DPDKFWD_TRACKER_STEPS` makes it a long run: millions in release.
  private static let steps =
    ProcessInfo.processInfo.environment["DPDKFWD_TRACKER_STEPS"].flatMap { Int($0) } ?? 10_000

  /// C1-C3, C11, W8, W39, W41: state, direction and refusal of every packet; the whole table and its gauges again and
  /// again. The worker's milliseconds pass 2^32 on the way.
  @Test(arguments: PropertyBench.Conditions.allCases)
  func `steps without number do to a tracker what they do to a dictionary`(conditions: PropertyBench.Conditions) {
    let bench = PropertyBench(conditions, SeededGenerator.forThisRun("\(conditions)"))
    for step in 0..<Self.steps {
      bench.step()
      if step % 1024 == 0 { bench.compareAll() }
      if let breach = bench.breach {
        Issue.record("\(conditions), step \(step): \(breach)")
        return
      }
    }
    bench.compareAll()
    #expect(bench.breach == nil)
    bench.outlive()
    #expect(bench.breach == nil)
    print("\(conditions): \(bench.summary)")
  }
}

/// A tracker and its model, fed alike.
final class PropertyBench {
  enum Conditions: String, CaseIterable, CustomTestStringConvertible {
    /// Room for all, and no limits.
    case roomy
    /// Limits by zone, in all and by source.
    case limited
    /// A table of 16 connections, all of which a search for a victim sees.
    case tiny
    /// A table of 96, of which some is kept for assured connections.
    case crowded

    var testDescription: String { rawValue }
  }

  private let conditions: Conditions
  private let bench: TrackerBench
  private var model = TrackerModel()
  private var chance: SeededGenerator
  private(set) var breach: String?
  private var seen: [String: Int] = [:]
  private var recent: [PropertyTraffic.Packet] = []
  private let capacity: Int
  private let mostUnassured: Int

  private static let zones: [ZoneMap.Rule] = [
    ZoneMap.Rule(port: 1, zones: ZonePair(7)), ZoneMap.Rule(port: 2, zones: ZonePair(original: 5, reply: 0)),
  ]

  init(_ conditions: Conditions, _ chance: SeededGenerator) {
    self.conditions = conditions
    self.chance = chance
    var settings = TrackerSettings()
    var limits: SharedLimits?
    var short = TrackingChoices()
    short.seconds[.udp] = 3
    model.udpTimeout[7] = 3
    switch conditions {
    case .roomy: capacity = 1024
    case .tiny: capacity = 16
    case .crowded:
      capacity = 96
      settings.mostUnassured = 70
    case .limited:
      capacity = 1024
      limits = SharedLimits(
        total: 90, zoneDefault: 80, zones: [5: 12], source: 12, capacity: 4096, secret: TrackerBench.secret)
      model.limits.total = 90
      model.limits.zone = [0: 80, 7: 80, 5: 12]
      model.limits.source = 12
    }
    mostUnassured = Int(min(settings.mostUnassured, UInt64(capacity)))
    bench = TrackerBench(
      capacity: capacity, extensions: 2 * capacity, policies: [7: short], zones: Self.zones, settings: settings,
      limits: limits)
    // A minute before the milliseconds come round.
    advance(1 << 32 - 60_000)
  }

  // MARK: Steps

  func step() {
    switch Int.random(in: 0..<100, using: &chance) {
    case 0..<88: send()
    case 88..<96: advance(interval())
    default: sweep(most: [1, 8, 64, 4096].randomElement(using: &chance)!)
    }
  }

  /// Any packet, or one that was sent lately, or what answers it.
  private func pick() -> PropertyTraffic.Packet {
    guard Int.random(in: 0..<3, using: &chance) > 0, let old = recent.randomElement(using: &chance) else {
      var packet = PropertyTraffic.all.randomElement(using: &chance)!
      // Few answers without a question.
      if case .flow(let flow, _) = packet.kind, flow.isAnswer, Int.random(in: 0..<8, using: &chance) > 0 {
        packet = PropertyTraffic.byFlow[flow.inverse]!
      }
      if recent.count == 24 { recent.remove(at: Int.random(in: 0..<24, using: &chance)) }
      recent.append(packet)
      return packet
    }
    guard Bool.random(using: &chance), case .flow(let flow, _) = old.kind else { return old }
    return PropertyTraffic.byFlow[flow.inverse] ?? old
  }

  /// Milliseconds: often few, now and then around a timeout, seldom beyond all.
  private func interval() -> UInt64 {
    let choices: [UInt64] =
      switch Int.random(in: 0..<200, using: &chance) {
      case 0..<100: [0, 1, 7, 100, 250]
      case 100..<180: [500, 999, 1000, 1001, 1999, 2000, 2001]
      case 180..<198: [2500, 3000, 4000, 15_000, 29_000, 30_000, 31_000]
      default: [119_500, 180_000, 700_000]
      }
    return choices.randomElement(using: &chance)!
  }

  private func advance(_ milliseconds: UInt64) {
    bench.advance(.milliseconds(milliseconds))
    model.now += milliseconds
  }

  private func send() {
    let packet = pick()
    let port = [0, 0, 1, 2].randomElement(using: &chance)!
    let zones =
      [
        TrackerModel.Zones(original: 0, reply: 0), TrackerModel.Zones(original: 7, reply: 7),
        TrackerModel.Zones(original: 5, reply: 0),
      ][port]
    let confirms = Int.random(in: 0..<10, using: &chance) > 0
    let answer = model.judge(packet.kind, zones)
    let seen = bench.send(packet.frame, packet.summary, port: UInt16(port), confirms: confirms)
    self.seen[answer.words, default: 0] += 1
    if let id = answer.connection, model.connections[id]!.isAssured { self.seen["of assured", default: 0] += 1 }
    if seen.words != answer.words { return fail("\(packet.kind) from \(port) is \(seen.words), not \(answer.words)") }
    if let opened = answer.opens, confirms {
      begin(opened, seen)
    } else {
      if let refusal = seen.refusal { fail("\(packet.kind) is refused: \(refusal)") }
      if let id = answer.connection, model.connections[id]!.slot != seen.slot {
        fail("\(packet.kind) is of \(seen.slot)")
      }
    }
  }

  /// The tracker was asked to take a connection up.
  private func begin(_ opened: TrackerModel.Connection, _ seen: Seen) {
    let refused = seen.refusal.map { "\($0)" }
    if let reason = model.refusal(of: opened) {
      if refused != reason { fail("\(opened.flow) should be refused: \(reason), and was not: \(refused ?? "taken")") }
      self.seen[reason, default: 0] += 1
      return
    }
    let wasFull = model.connections.count == capacity || unassured >= mostUnassured
    // The model learns who had to go; it was not assured, and it was one.
    let gone = model.connections.filter { !isThere($0.value) }
    if gone.count > (wasFull ? 1 : 0) {
      fail("\(gone.count) connections went for \(opened.flow), \(gone.map(\.value))")
    }
    for (id, victim) in gone {
      if victim.isAssured, !model.isOver(id) { fail("\(victim.flow) is assured, and gone") }
      self.seen[model.isOver(id) ? "expired for room" : "early drop", default: 0] += 1
      model.remove(id)
    }
    if let refused {
      self.seen[refused, default: 0] += 1
      if refused != "shardFull" { return fail("\(opened.flow) is refused: \(refused)") }
      let mayGo = model.connections.contains { !$0.value.isAssured || model.isOver($0.key) }
      if !wasFull || (conditions == .tiny && mayGo) { fail("\(opened.flow) finds no room") }
      return
    }
    if model.connections.count >= capacity { return fail("more connections than there is room for") }
    var opened = opened
    opened.slot = seen.slot
    opened.generation = unsafe bench.tracker.table.record(seen.slot).pointee.generation
    model.add(opened)
    if unassured > mostUnassured { fail("\(unassured) connections are unassured, of \(mostUnassured)") }
  }

  private var unassured: Int { model.connections.values.count { !$0.isAssured } }

  /// Only what is over goes by a sweep.
  private func sweep(most: Int) {
    bench.tracker.sweep(most: most, wiping: 1)
    for (id, connection) in model.connections where !isThere(connection) {
      if !model.isOver(id) { fail("\(connection.flow) was swept away before its time") }
      model.remove(id)
    }
  }

  private func isThere(_ connection: TrackerModel.Connection) -> Bool {
    let record = unsafe bench.tracker.table.record(connection.slot).pointee
    return record.generation == connection.generation
  }

  private func fail(_ what: String) { breach = breach ?? what }

  // MARK: Everything

  /// Every connection of the model is in the table, as the model has it, and nothing else is.
  func compareAll() {
    for connection in model.connections.values {
      let record = unsafe bench.tracker.table.record(connection.slot).pointee
      let there = Told(record)
      let wanted = Told(connection)
      if there != wanted { fail("\(connection.flow) is \(there), not \(wanted)") }
    }
    if bench.count != model.connections.count { fail("\(bench.count) entries, not \(model.connections.count)") }
    if let wrong = bench.tracker.table.checkInvariants() { fail(wrong) }
  }

  /// All are gone a while after the last packet, and all that was counted is given back.
  func outlive() {
    advance(1_000_000)
    sweep(most: capacity)
    for _ in 0..<20 {
      advance(500)
      sweep(most: capacity)
    }
    compareAll()
    if !model.connections.isEmpty { fail("\(model.connections.count) connections outlive their time") }
  }

  var summary: String {
    seen.sorted { $0.value > $1.value }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
  }

  /// A connection in plain words.
  private struct Told: Equatable {
    var isReplied, isAssured: Bool
    var deadline: UInt32
    var start: UInt32
    var mark: UInt32 = 0
    var packets, bytes: [UInt64]
    var proto: UInt8
    var zone: UInt16

    init(_ record: dpdkfwd_ct_record) {
      isReplied = record.status & 2 != 0
      isAssured = record.status & 4 != 0
      deadline = record.deadline
      start = record.start
      mark = record.mark
      packets = [record.packets_original, record.packets_reply]
      bytes = [record.bytes_original, record.bytes_reply]
      proto = record.protocol
      zone = record.zone
    }

    init(_ connection: TrackerModel.Connection) {
      isReplied = connection.isReplied
      isAssured = connection.isAssured
      deadline = UInt32(truncatingIfNeeded: connection.deadline)
      start = UInt32(1_700_000_000 + connection.begun / 1000)
      packets = connection.packets
      bytes = connection.bytes
      proto = connection.flow.proto
      zone = connection.zones.original
    }
  }
}
