import CSegment
import FlowCache
import Foundation
import OracleSupport
import Pipeline
import Primitives
import Reassembly
import TestSupport
import Testing
import Wire

@testable import Conntrack

/// What Linux 6.18 said of the same packets: the class of each, and the connections after it, by the whole journey.
struct GoldenTests {
  @Test(
    .enabled(if: Shared.isThere), arguments: GoldenTests.cases, [FlowCache(isOn: false), FlowCache(after: .confirmed)])
  func `every packet is judged, and leaves the table, as Linux had it`(_ one: OracleCase, _ cache: FlowCache) throws {
    let accepted = try AcceptedDifferences(contentsOf: AcceptedDifferences.file)
    let line = GoldenLine(one, cache)
    var observed = Observed()
    for bytes in one.frames {
      observed.classes.append(line.send(Frame(bytes)))
      observed.tables.append(line.table)
      // That a fragment waits is part of the judgement.
      if one.name.hasPrefix("frag") { observed.isForwarded.append(line.hasSent) }
    }
    let found = one.differences(from: observed)
    for difference in found where accepted.reason(for: difference) == nil { Issue.record("\(one): \(difference)") }
    let fields: Set<Difference.Field> = one.name.hasPrefix("frag") ? [.class, .table, .verdict] : [.class, .table]
    let idle = accepted.idle(for: one.name, found, fields: fields)
    #expect(idle.isEmpty, "lines of the list that are not needed: \(idle.map(\.number))")
  }

  /// Those that need no rules, of protocols, plain IP and fragments; zones and translation have other judges.
  static let cases: [OracleCase] = {
    guard let folder = Shared.oracle?.appending(path: "cases") else { return [] }
    let families: Set<Substring> = ["tcp", "udp", "icmp", "icmp6", "sctp", "gre", "gen", "ip", "frag4", "frag6"]
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.sorted().filter { $0.hasSuffix(".json") && families.contains($0.prefix { $0 != "-" }) }
      .compactMap { name in
        do {
          let one = try OracleCase(contentsOf: folder.appending(path: name))
          return one.needs == nil && !one.isUntracked ? one : nil
        } catch { preconditionFailure("\(error)") }
      }
  }()
}

/// A worker with the settings of a case, shown frame after frame; the clock stands still.
private final class GoldenLine {
  private let bench: Bench
  /// The last frame let something out.
  private(set) var hasSent = false

  init(_ one: OracleCase, _ cache: FlowCache) {
    func isOn(_ name: String, otherwise standard: Bool) -> Bool {
      one.switches["net/netfilter/nf_conntrack_\(name)"].map { $0 != "0" } ?? standard
    }
    var choices = TrackingChoices()
    choices.tcpLoose = isOn("tcp_loose", otherwise: true)
    choices.tcpLiberal = isOn("tcp_be_liberal", otherwise: false)
    choices.tcpIgnoresInvalidReset = isOn("tcp_ignore_invalid_rst", otherwise: false)
    for timeout in Timeout.allCases { choices.seconds[timeout] = OracleTimeouts.seconds(timeout.name) }
    let tracker = Tracker(
      table: ConnectionTable(capacity: 64, extensionCapacity: 64, secret: HashSecret(seed: 7)),
      settings: TrackerSettings(), policies: ZonePolicies(choices))
    let checksum: Policy.Checksum = isOn("checksum", otherwise: true) ? .software : .off
    let toB = Egress(port: Bench.b, mtu: one.egressMTU.map { UInt16($0) })
    bench = Bench(
      policy: Policy(checksum: checksum), tracker: tracker, cache: cache,
      fragments: Reassembly(settings: FragmentSettings(fragments: 64), secret: HashSecret(seed: 7)), toB: toB)
  }

  /// Shows the frame to the worker; the oracle's word for what it makes of it.
  func send(_ frame: Frame) -> String {
    let (before, sent) = (classes, bench.out.count)
    bench.send([frame])
    hasSent = bench.out.count > sent
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
    let record = unsafe bench.worker.journey.tracker.table.record(slot).pointee
    let isIPv6 = record.flags & DPDKFWD_CT_IPV6 != 0
    let pair = bench.worker.journey.tracker.table.addresses(of: slot)
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
      ), timer: OracleTimeouts.name(ofRemaining: (record.deadline &- bench.worker.journey.tracker.now) / 1000))
  }
}
