import CSegment
import Foundation
import OracleSupport
import Primitives
import TestSupport
import Testing
import Wire

@testable import Conntrack

/// What Linux 6.18 said of the same packets: the class of each, and the connections after it, by the whole tracker.
struct GoldenTests {
  @Test(.enabled(if: Shared.isThere), arguments: GoldenTests.cases)
  func `every packet is judged, and leaves the table, as Linux had it`(_ one: OracleCase) throws {
    let accepted = try AcceptedDifferences(contentsOf: AcceptedDifferences.file)
    let line = GoldenLine(one)
    var observed = Observed()
    for bytes in one.frames {
      observed.classes.append(line.send(Frame(bytes)))
      observed.tables.append(line.table)
    }
    let found = one.differences(from: observed)
    for difference in found where accepted.reason(for: difference) == nil { Issue.record("\(one): \(difference)") }
    let idle = accepted.idle(for: one.name, found, fields: [.class, .table])
    #expect(idle.isEmpty, "lines of the list that are not needed: \(idle.map(\.number))")
  }

  /// Those that need no rules, of protocols and plain IP; fragments, zones and translation have other judges.
  static let cases: [OracleCase] = {
    guard let folder = Shared.oracle?.appending(path: "cases") else { return [] }
    let families: Set<Substring> = ["tcp", "udp", "icmp", "icmp6", "sctp", "gre", "gen", "ip"]
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

/// A tracker with the settings of a case; the clock stands still.
private final class GoldenLine {
  private var tracker: Tracker
  private let verifiesChecksums: Bool

  init(_ one: OracleCase) {
    func isOn(_ name: String, otherwise standard: Bool) -> Bool {
      one.switches["net/netfilter/nf_conntrack_\(name)"].map { $0 != "0" } ?? standard
    }
    var choices = TrackingChoices()
    choices.tcpLoose = isOn("tcp_loose", otherwise: true)
    choices.tcpLiberal = isOn("tcp_be_liberal", otherwise: false)
    choices.tcpIgnoresInvalidReset = isOn("tcp_ignore_invalid_rst", otherwise: false)
    for timeout in Timeout.allCases { choices.seconds[timeout] = OracleTimeouts.seconds(timeout.name) }
    verifiesChecksums = isOn("checksum", otherwise: true)
    tracker = Tracker(
      table: ConnectionTable(capacity: 64, extensionCapacity: 64, secret: HashSecret(seed: 7)),
      settings: TrackerSettings(), policies: ZonePolicies(choices))
  }

  /// Shows the frame to the tracker; the oracle's word for what it says.
  func send(_ frame: Frame) -> String {
    var summary = Summary()
    frame.withSpan { span in
      _ = Summary.read(span, frameLength: span.byteCount, into: &summary)
      if verifiesChecksums, summary.invalid == .none { summary.invalid = summary.verifyTransport(span) }
    }
    guard summary.fault == .none else { return "none" }
    return unsafe frame.bytes.withUnsafeBytes { memory in
      let bytes = unsafe PacketBytes(memory.baseAddress!, count: memory.count)
      var tuple = Tuple()
      var tracked: Tracked
      switch Tracker.way(of: bytes, summary, zone: 0, tracker.secret, into: &tuple) {
      case .flow, .splitFlow: tracked = tracker.judge(bytes, summary, tuple, ZonePair(0))
      case .error: tracked = tracker.judgeError(bytes, summary, ZonePair(0))
      case .untracked: tracked = Tracked(.untracked)
      case .invalid: tracked = tracker.invalid(.malformed)
      }
      if tracked.isUnconfirmed { _ = tracker.confirm(&tracked) }
      let side = tracked.direction == .original ? "o" : "r"
      return switch tracked.state {
      case .new: "new_\(side)"
      case .established: "est_\(side)"
      case .related: "rel_\(side)"
      case .invalid: "inv"
      case .untracked: "untracked"
      }
    }
  }

  var table: [String] {
    (0..<tracker.table.slotsUsed).filter { tracker.table.isLive($0) }.map { entry($0).line }
  }

  private func entry(_ slot: Int) -> Entry {
    let record = unsafe tracker.table.record(slot).pointee
    let isIPv6 = record.flags & DPDKFWD_CT_IPV6 != 0
    let pair = tracker.table.addresses(of: slot)
    let ends =
      isIPv6
      ? (pair.source.description, pair.destination.description)
      : (
        IPv4Address(bits: record.source.bigEndian).description,
        IPv4Address(bits: record.destination.bigEndian).description
      )
    let (original, reply): (Entry.Tuple, Entry.Tuple)
    switch ProtocolGroup(record.protocol, isIPv6: isIPv6) {
    case .icmp, .icmpv6:
      let (type, code) = (UInt8(record.destination_port >> 8), UInt8(record.destination_port & 0xFF))
      let answer: [UInt8: UInt8] = [8: 0, 13: 14, 15: 16, 17: 18, 128: 129, 139: 140]
      original = Entry.Tuple(
        src: ends.0, dst: ends.1, proto: record.protocol, query: (type, code, record.source_port))
      reply = Entry.Tuple(
        src: ends.1, dst: ends.0, proto: record.protocol, query: (answer[type]!, code, record.source_port))
    case let group:
      let ports = group == .other ? nil : (record.source_port, record.destination_port)
      original = Entry.Tuple(src: ends.0, dst: ends.1, proto: record.protocol, ports: ports)
      reply = Entry.Tuple(src: ends.1, dst: ends.0, proto: record.protocol, ports: ports.map { ($0.1, $0.0) })
    }
    let state: String? =
      switch record.protocol {
      case 6: TCPState(rawValue: record.state)?.name
      case 132: SCTPState(rawValue: record.state)?.name
      default: nil
      }
    let words: [(UInt16, String)] = [(Status.seenReply, "SEEN_REPLY"), (Status.assured, "ASSURED")]
    return Entry(
      original: original, reply: reply, state: state,
      status: words.filter { record.status & $0.0 != 0 }.map(\.1), mark: record.mark, zone: record.zone,
      counts: (
        .init(packets: record.packets_original, bytes: record.bytes_original),
        .init(packets: record.packets_reply, bytes: record.bytes_reply)
      ), timer: OracleTimeouts.name(ofRemaining: (record.deadline &- tracker.now) / 1000))
  }
}
