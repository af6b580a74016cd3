import CSegment
import Foundation
import Glibc
import Segment

/// A segment with known numbers, and the built `dpdkfwd-stat` to read it.
final class Fixture: Sendable {
  let root: String

  init() {
    root = "/dev/shm/dpdkfwd-stat-test-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
  }

  deinit { try? FileManager.default.removeItem(atPath: root) }

  struct Output: Equatable {
    var status: Int32
    var out: String
    var error: String

    var lines: [String] { out.split(separator: "\n").map(String.init) }

    /// As Foundation reads it.
    func json() throws -> [String: Any] {
      try JSONSerialization.jsonObject(with: Data(out.utf8)) as? [String: Any] ?? [:]
    }
  }

  /// Next to the test bundle.
  static var binary: String {
    let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return URL(fileURLWithPath: tests).deletingLastPathComponent().path + "/dpdkfwd-stat"
  }

  func run(_ arguments: String..., prefix: String = "t") throws -> Output {
    try Self.execute(Self.binary, ["--root", root, "-f", prefix] + arguments)
  }

  static func execute(_ program: String, _ arguments: [String]) throws -> Output {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    let (out, error) = (Pipe(), Pipe())
    process.standardOutput = out
    process.standardError = error
    try process.run()
    let text = out.fileHandleForReading.readDataToEndOfFile()
    let words = error.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return Output(
      status: process.terminationStatus, out: String(decoding: text, as: UTF8.self),
      error: String(decoding: words, as: UTF8.self))
  }

  /// A forwarder with two lcores and two ports, in the middle of its life, whose accounts balance.
  ///
  /// - Parameters:
  ///   - slots: connections and extensions that each lcore has room for; 0: no connection tracking.
  ///   - datagrams: datagrams that each lcore has room for, with four fragments each; 0: no reassembly.
  ///   - missing: fields that its lcores do not have.
  ///   - events: entries of each of its rings of events; 0: it has none.
  func forwarder(
    _ prefix: String = "t", extra: [Kind] = [], slots: Int = 0, datagrams: Int = 0, without missing: Set<String> = [],
    events: Int = 0
  ) throws -> SegmentWriter {
    var schema = ForwarderSchema.make(
      lcores: 2, ports: 2, queues: 4, pools: 1, dropReasons: ["ipv4_bad_checksum", "ipv6_short", "tx_full"],
      invalidReasons: ["tcp_short"], packetKinds: ["ipv4", "other"], stages: ["parse", "send"], history: 8,
      tracking: slots == 0
        ? nil
        : TrackingTables(
          connections: slots, extensions: slots, faults: ["none", "tcp_flags", "icmp_quote"],
          cacheMisses: ["unassured", "flags"]),
      fragments: datagrams == 0
        ? nil
        : FragmentTables(
          datagrams: datagrams, fragments: 4 * datagrams, fragmentEvents: Self.fragmentEvents,
          datagramEvents: Self.datagramEvents),
      events: events == 0 ? nil : EventTables(events: events, fragmentEvents: events, dying: events))
    schema.kinds += extra
    for place in schema.kinds.indices where schema.kinds[place].id == .lcores {
      schema.kinds[place].fields.removeAll { missing.contains($0.name) }
    }
    let writer = try SegmentWriter(
      prefix: prefix, schema: schema, options: SegmentOptions(root: root), writer: "0.1-test", tscHz: 2_000_000_000)
    for index in 0..<2 { unsafe introduce(writer.port(index), index) }
    for index in 0..<2 { fill(writer, lcore: index) }
    let pool = unsafe writer.mempool(0)
    unsafe pool.pointee.generation = 1
    unsafe setText(&pool.pointee.name, "mbufs-0")
    unsafe pool.pointee.size = 4096
    unsafe pool.pointee.in_use = 1024
    unsafe pool.pointee.in_use_max = 2048
    writer.setState(.running)
    return writer
  }

  /// As the forwarder names them, in the order of their numbers.
  static let fragmentEvents = [
    "accepted", "completed", "expired", "too_small", "overlapped", "purged", "duplicate", "straggler", "too_many",
    "oversize", "misaligned", "empty", "end_conflict", "header_chain", "bad_header", "ecn", "no_room", "source_share",
    "evicted", "atomic", "truncated", "unknown_protocol", "no_buffer", "refused",
  ]
  static let datagramEvents = [
    "started", "completed", "expired", "overlapped", "discarded", "evicted", "purged", "cut", "refused", "handed_off",
  ]

  /// Receives on its own port what lcore `index` counts, and sends what the other one does.
  private func introduce(_ port: UnsafeMutablePointer<dpdkfwd_port_record>, _ index: Int) {
    unsafe port.pointee.generation = 1
    unsafe port.pointee.port = UInt16(index)
    unsafe port.pointee.pair = UInt16(1 - index)
    unsafe port.pointee.link = 1
    unsafe setText(&port.pointee.name, "eth\(index)")
    unsafe setText(&port.pointee.driver, "net_null")
    unsafe port.pointee.rx_packets = [1000, 500][index]
    unsafe port.pointee.rx_bytes = [60_000, 30_000][index]
    unsafe port.pointee.tx_packets = [495, 950][index]
    unsafe port.pointee.tx_bytes = [29_700, 57_000][index]
  }

  private func fill(_ writer: SegmentWriter, lcore index: Int) {
    let (received, sent, dropped): (UInt64, UInt64, UInt64) = index == 0 ? (1000, 950, 47) : (500, 495, 5)
    let record = unsafe writer.lcore(index)
    unsafe beginCommit(record)
    unsafe record.pointee.lcore = UInt32(index + 1)
    unsafe record.pointee.state = 1
    unsafe record.pointee.rx_packets = received
    unsafe record.pointee.tx_packets = sent
    unsafe record.pointee.dropped = dropped
    unsafe record.pointee.held = received - sent - dropped
    unsafe record.pointee.cycles_busy = 250_000
    unsafe record.pointee.cycles_idle = 750_000
    unsafe record.pointee.busy_breaths = 100
    unsafe record.pointee.stage_cycles.1 = 9
    for direction in 0..<2 {
      let queue = unsafe writer.queue(lcore: index, direction)
      unsafe queue.pointee.generation = 1
      unsafe queue.pointee.direction = UInt8(direction)
      unsafe queue.pointee.lcore = UInt32(index + 1)
      unsafe queue.pointee.port = UInt16(direction == 0 ? index : 1 - index)
      unsafe queue.pointee.packets = direction == 0 ? received : sent
    }
    for reason in 0..<3 { unsafe writer.tally(.drops, lcore: index, reason).pointee.lcore = UInt32(index + 1) }
    unsafe writer.tally(.drops, lcore: index, 0).pointee.packets = dropped
    unsafe writer.tally(.drops, lcore: index, 0).pointee.bytes = dropped * 60
    unsafe writer.tally(.packets, lcore: index, 0).pointee.packets = received
    unsafe endCommit(record)
  }
}
