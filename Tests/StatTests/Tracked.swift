import CSegment
import Foundation
import Segment

/// Connections put into a segment by hand, each written down as `conntrack -L -o extended` has it.
final class Tracked {
  let writer: SegmentWriter
  /// Milliseconds on the clock of the workers, at the forwarder's last breath.
  let now: UInt32
  /// Seconds since 1970, then.
  let wall: UInt64
  private var next = [(slot: 0, extension: 0), (slot: 0, extension: 0)]

  static let epoch: UInt32 = 5

  /// - Parameter now: how long the clock of the workers has gone on when the forwarder breathes last, milliseconds.
  init(_ fixture: Fixture, slots: Int = 256, datagrams: Int = 0, now: UInt64 = 5000, events: Int = 0) throws {
    writer = try fixture.forwarder(slots: slots, datagrams: datagrams, events: events)
    self.now = UInt32(truncatingIfNeeded: now)
    let reader = try SegmentReader(SegmentPaths(root: fixture.root, prefix: "t"))
    wall = (reader.info.started + reader.lifetime) / 1_000_000_000
    for index in 0..<2 {
      let shard = unsafe writer.connectionShard(index)
      unsafe shard.pointee.lcore = UInt32(index + 1)
      unsafe shard.pointee.epoch = Self.epoch
      unsafe shard.pointee.clock_zero = reader.lastBreath &- now * 1_000_000
    }
  }

  /// Stores what a line tells, and returns its id. Words it does not know stop the test.
  @discardableResult
  func add(_ line: String, shard: Int = 0, generation: UInt32 = 1) -> ConnectionID {
    let words = line.split(separator: " ").map(String.init)
    let slot = next[shard].slot
    next[shard].slot += 1
    var record = dpdkfwd_ct_record()
    let isIPv6 = words[0] == "ipv6"
    record.protocol = UInt8(words[3])!
    record.deadline = now &+ UInt32(words[4])! * 1000 &+ 999
    record.status = 1 << 1 | 1 << 3
    record.start = UInt32(wall)
    record.generation = generation
    record.flags = isIPv6 ? 4 : 0
    record.cached_egress = (255, 255)
    let state = words[5].contains("=") ? nil : words[5]
    if let state { record.state = UInt8((record.protocol == 6 ? Self.tcp : Self.sctp).firstIndex(of: state)!) }

    var tuples: [[String: String]] = []
    var zones = (original: UInt16(0), reply: UInt16(0))
    for word in words.dropFirst(state == nil ? 5 : 6) {
      let sides = word.split(separator: "=", maxSplits: 1).map(String.init)
      switch sides[0] {
      case "src": tuples.append(["src": sides[1]])
      case "[UNREPLIED]": record.status &= ~(1 << 1)
      case "[ASSURED]": record.status |= 1 << 2
      case "mark": record.mark = UInt32(sides[1])!
      case "zone": zones = (UInt16(sides[1])!, UInt16(sides[1])!)
      case "zone-orig": zones.original = UInt16(sides[1])!
      case "zone-reply": zones.reply = UInt16(sides[1])!
      case "delta-time": record.start -= UInt32(sides[1])!
      case "use": break
      // ICMP's id is part of a tuple; the last one is the connection's.
      case "id": if tuples[tuples.count - 1]["packets"] == nil { tuples[tuples.count - 1]["id"] = sides[1] }
      case "dst", "sport", "dport", "type", "code", "srckey", "dstkey", "packets", "bytes":
        tuples[tuples.count - 1][sides[0]] = sides[1]
      default: preconditionFailure("\(word) in \(line)")
      }
    }
    let (original, reply) = (tuples[0], tuples[1])
    (record.source_port, record.destination_port) = Self.ports(original)
    (record.packets_original, record.bytes_original) = (UInt64(original["packets"]!)!, UInt64(original["bytes"]!)!)
    (record.packets_reply, record.bytes_reply) = (UInt64(reply["packets"]!)!, UInt64(reply["bytes"]!)!)
    record.zone = zones.original
    let turnedRound =
      reply["src"] == original["dst"] && reply["dst"] == original["src"] && zones.reply == zones.original
    var parts: [dpdkfwd_ct_extension_record] = []
    if isIPv6 { parts.append(Self.part(1, original, generation)) }
    if !turnedRound {
      var part = Self.part(2, reply, generation)
      (part.source_port, part.destination_port) = Self.ports(reply)
      part.zone = zones.reply
      parts.append(part)
    }
    if !isIPv6 {
      record.source = Self.ipv4(original["src"]!)
      record.destination = Self.ipv4(original["dst"]!)
    }
    if !parts.isEmpty { record.extension = UInt32(next[shard].extension + 1) }
    for index in parts.indices {
      parts[index].next = index + 1 < parts.count ? UInt32(next[shard].extension + 2) : 0
      unsafe (writer.extensions(shard) + next[shard].extension).pointee = parts[index]
      next[shard].extension += 1
    }
    unsafe (writer.connections(shard) + slot).pointee = record
    return ConnectionID(shard: shard, epoch: Self.epoch, slot: slot, generation: generation)
  }

  /// Changes the record in a slot.
  func edit(_ slot: Int, shard: Int = 0, _ change: (inout dpdkfwd_ct_record) -> Void) {
    unsafe change(&(writer.connections(shard) + slot).pointee)
  }

  private static func ports(_ tuple: [String: String]) -> (UInt16, UInt16) {
    if let type = tuple["type"] { return (UInt16(tuple["id"]!)!, UInt16(type)! << 8 | UInt16(tuple["code"]!)!) }
    func key(_ name: String) -> UInt16? { tuple[name].flatMap { UInt16($0.dropFirst(2), radix: 16) } }
    return (
      key("srckey") ?? UInt16(tuple["sport"] ?? "0")!, key("dstkey") ?? UInt16(tuple["dport"] ?? "0")!
    )
  }

  private static func part(
    _ kind: UInt8, _ tuple: [String: String], _ owner: UInt32
  ) -> dpdkfwd_ct_extension_record {
    var part = dpdkfwd_ct_extension_record()
    part.owner = owner
    part.kind = kind
    let (source, destination) = (bytes(tuple["src"]!), bytes(tuple["dst"]!))
    unsafe withUnsafeMutableBytes(of: &part.source) { unsafe $0.copyBytes(from: source) }
    unsafe withUnsafeMutableBytes(of: &part.destination) { unsafe $0.copyBytes(from: destination) }
    return part
  }

  private static func ipv4(_ text: String) -> UInt32 {
    unsafe bytes(text).withUnsafeBytes { unsafe $0.loadUnaligned(as: UInt32.self) }
  }

  /// In network byte order.
  static func bytes(_ text: String) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: text.contains(":") ? 16 : 4)
    precondition(unsafe inet_pton(text.contains(":") ? AF_INET6 : AF_INET, text, &bytes) == 1, text)
    return bytes
  }

  private static let tcp = [
    "NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",
    "SYN_SENT2",
  ]
  private static let sctp = [
    "NONE", "CLOSED", "COOKIE_WAIT", "COOKIE_ECHOED", "ESTABLISHED", "SHUTDOWN_SENT", "SHUTDOWN_RECD",
    "SHUTDOWN_ACK_SENT", "HEARTBEAT_SENT",
  ]
}
