import CSegment
import EventSupport
import FlowCache
import Foundation
import OracleSupport
import Pipeline
import Primitives
import Reassembly
import Segment
import TestSupport
import Testing
import Wire

@testable import Conntrack

/// What Linux 6.18 said of the same packets: the class of each, the connections after it and what was told of them (C7-C10,
/// a breath for each packet), by the whole journey.
struct GoldenTests {
  @Test(
    .enabled(if: Shared.isThere), arguments: GoldenTests.cases, [FlowCache(isOn: false), FlowCache(after: .confirmed)])
  func `every packet is judged, and leaves the table, as Linux had it`(_ one: OracleCase, _ cache: FlowCache) throws {
    let accepted = try AcceptedDifferences(contentsOf: AcceptedDifferences.file)
    let line = try GoldenLine(one, cache)
    var observed = Observed()
    for (bytes, isFromClient) in zip(one.frames, one.isFromClient) {
      // Rules may ask by which port; without them all come by one, as through the real binary.
      observed.classes.append(line.send(Frame(bytes), by: isFromClient || !one.readsPorts ? Bench.a : Bench.b))
      observed.tables.append(line.table)
      observed.events.append(line.told)
      // That a fragment waits is part of the judgement.
      if one.name.hasPrefix("frag") || one.rules != nil { observed.isForwarded.append(line.hasSent) }
    }
    let found = one.differences(from: observed)
    for difference in found where accepted.reason(for: difference) == nil { Issue.record("\(one): \(difference)") }
    let fields: Set<Difference.Field> =
      one.name.hasPrefix("frag") || one.rules != nil ? [.class, .table, .event, .verdict] : [.class, .table, .event]
    let idle = accepted.idle(for: one.name, found, fields: fields)
    #expect(idle.isEmpty, "lines of the list that are not needed: \(idle.map(\.number))")
  }

  /// Those of protocols, plain IP, fragments and rules; translation has other judges.
  static let cases: [OracleCase] = {
    guard let folder = Shared.oracle?.appending(path: "cases") else { return [] }
    let families: Set<Substring> = [
      "tcp", "udp", "icmp", "icmp6", "sctp", "gre", "gen", "ip", "frag4", "frag6", "mark", "zone", "tmo", "lim",
    ]
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.sorted().filter { $0.hasSuffix(".json") && families.contains($0.prefix { $0 != "-" }) }
      .compactMap { name in
        do {
          let one = try OracleCase(contentsOf: folder.appending(path: name))
          return one.needs == nil ? one : nil
        } catch { preconditionFailure("\(error)") }
      }
  }()
}

/// A worker with the settings of a case, shown frame after frame; the clock stands still.
private final class GoldenLine {
  private let bench: Bench
  private let events = EventMemory()
  private let rules = RuleLine(ports: ["tapc", "taps"])
  /// The last frame let something out.
  private(set) var hasSent = false

  init(_ one: OracleCase, _ cache: FlowCache) throws {
    func isOn(_ name: String, otherwise standard: Bool) -> Bool {
      one.switches["net/netfilter/nf_conntrack_\(name)"].map { $0 != "0" } ?? standard
    }
    var choices = TrackingChoices()
    choices.tcpLoose = isOn("tcp_loose", otherwise: true)
    choices.tcpLiberal = isOn("tcp_be_liberal", otherwise: false)
    choices.tcpIgnoresInvalidReset = isOn("tcp_ignore_invalid_rst", otherwise: false)
    for timeout in Timeout.allCases { choices.seconds[timeout] = OracleTimeouts.seconds(timeout.name) }
    var log = events.log(capacity: 64)
    unsafe log.set([.new, .update, .destroy], zones: nil)
    let tracker = Tracker(
      table: ConnectionTable(capacity: 64, extensionCapacity: 64, secret: HashSecret(seed: 7)),
      settings: TrackerSettings(), policies: ZonePolicies(choices), events: log)
    let checksum: Policy.Checksum = isOn("checksum", otherwise: true) ? .software : .off
    let toB = Egress(port: Bench.b, mtu: one.egressMTU.map { UInt16($0) })
    bench = Bench(
      policy: Policy(checksum: checksum), tracker: tracker, cache: cache,
      fragments: Reassembly(settings: FragmentSettings(fragments: 64), secret: HashSecret(seed: 7)), toB: toB,
      mailbox: rules.mailbox, states: rules.states)
    if let text = one.rules { try rules.load(text, into: bench) }
  }

  /// Shows the frame to the worker; the oracle's word for what it makes of it.
  func send(_ frame: Frame, by port: PortID) -> String {
    let (before, sent) = (classes, bench.sent)
    bench.ports.arrive([frame], on: port)
    while bench.worker.breathe() > 0 {}
    hasSent = bench.sent > sent
    let words = ["new_o", "est_o", "rel_o", "new_r", "est_r", "rel_r", "inv", "untracked"]
    let counted = zip(words, zip(before, classes)).filter { $1.0 != $1.1 }.map(\.0)
    return counted.isEmpty ? "none" : counted.joined(separator: "+")
  }

  private var classes: [UInt64] {
    (0..<8).map { unsafe bench.worker.journey.tracker.table.classes[$0] }
  }

  var table: [String] {
    let slots = 0..<bench.worker.journey.tracker.table.slotsUsed
    return slots.filter { bench.worker.journey.tracker.table.isLive($0) }.map { entry($0).line }
  }

  private func entry(_ slot: Int) -> Entry {
    let tracker = (bench.worker.journey.tracker.id(of: slot), bench.worker.journey.tracker.now)
    var connection = bench.worker.journey.tracker.table.connection(slot, as: tracker.0, now: tracker.1)
    // The kernel was asked a moment after the packet.
    connection.remaining = connection.remaining == 0 ? 0 : connection.remaining - 1
    return Entry(connection)
  }

  /// What was told since the last look.
  var told: [String] {
    events.take().map { event in
      let word = ["NEW", "UPDATE", "DESTROY"][Int(event.kind.rawValue) - 1]
      var entry = Entry(event.connection, countsToo: event.kind == .destroy)
      // The kernel tells the state with an UPDATE when that is what changed.
      if event.kind == .update, !event.changes.contains(.state) { entry.state = nil }
      if event.kind == .update, !event.changes.contains(.labels) { entry.labels = nil }
      return "\(word) \(entry.line)"
    }
  }
}

extension Entry {
  /// A connection in the oracle's words.
  fileprivate init(_ connection: Connection, countsToo: Bool = true) {
    func tuple(_ tuple: Connection.Tuple) -> Tuple {
      let (src, dst) =
        connection.isIPv6
        ? (tuple.source.description, tuple.destination.description)
        : (tuple.source.ipv4.description, tuple.destination.ipv4.description)
      if connection.isICMP {
        let query = (UInt8(tuple.destinationPort >> 8), UInt8(tuple.destinationPort & 0xFF), tuple.sourcePort)
        return Tuple(src: src, dst: dst, proto: connection.protocol, query: query)
      }
      let hasPorts = ProtocolGroup(connection.protocol, isIPv6: connection.isIPv6) != .other
      let ports = (tuple.sourcePort, tuple.destinationPort)
      return Tuple(src: src, dst: dst, proto: connection.protocol, ports: hasPorts ? ports : nil)
    }
    let state: String? =
      switch connection.protocol {
      case 6: TCPState(rawValue: connection.state)?.name
      case 132: SCTPState(rawValue: connection.state)?.name
      default: nil
      }
    let words: [(UInt16, String)] = [
      (Status.seenReply, "SEEN_REPLY"), (Status.assured, "ASSURED"), (Status.dying, "DYING"),
    ]
    let counts = (
      Count(packets: connection.counts.original.packets, bytes: connection.counts.original.bytes),
      Count(packets: connection.counts.reply.packets, bytes: connection.counts.reply.bytes)
    )
    self.init(
      original: tuple(connection.original), reply: tuple(connection.reply), state: state,
      status: words.filter { connection.status & $0.0 != 0 }.map(\.1), mark: connection.mark,
      zone: connection.original.zone, labels: connection.labels.digits, counts: countsToo ? counts : nil,
      timer: OracleTimeouts.name(ofRemaining: connection.remaining / 1000))
  }
}

extension Connection.Labels {
  /// The bytes from bit 0 on, as the kernel's are printed.
  fileprivate var digits: String {
    (0..<32).map { digit -> String in
      let shift = UInt64(digit % 16 / 2 * 8 + (digit % 2 == 0 ? 4 : 0))
      return String((digit < 16 ? low : high) >> shift & 15, radix: 16)
    }.joined()
  }
}
