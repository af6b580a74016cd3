import ArgumentParser
import Foundation
import TestSupport

/// Many flows of small packets, all good: load for benchmarks.
struct Flows: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Packets of many flows, for benchmarks.",
    discussion: """
      Clients are in 198.18.0.0/16 or 2001:2::/64 (RFC 2544, RFC 5180). UDP goes one way; a TCP flow begins with its \
      handshake and then sends data. The same seed gives the same file, byte for byte.
      """)

  enum Family: Int, ExpressibleByArgument, CaseIterable { case ipv4 = 4, ipv6 = 6 }
  enum Sort: String, ExpressibleByArgument, CaseIterable { case udp, tcp }
  enum Order: String, ExpressibleByArgument, CaseIterable { case inorder, random }

  @Option(help: "How many flows.") var count = 1000
  @Option(help: "How many packets in all; by default one for each flow.") var packets: Int?
  @Option(help: "4 or 6.") var family = Family.ipv4
  @Option(name: .customLong("protocol"), help: "udp or tcp.") var sort = Sort.udp
  @Option(help: "inorder: flow after flow, and over again; random: any flow next.") var order = Order.inorder
  @Option(help: "Bytes of a frame without FCS; more where the headers need more.") var size = 60
  @Flag(help: "Instead of one size: 60, 590 and 1514 bytes, seven, four and one in twelve by chance.") var imix = false
  @Option(help: "Where chance starts.") var seed: UInt64 = 1
  @Argument(help: "The capture to write (classic pcap).") var output: String

  func validate() throws {
    guard (1...4_000_000).contains(count) else { throw ValidationError("--count is 1 to 4000000 flows") }
    guard packets ?? 1 > 0 else { throw ValidationError("--packets must be at least 1") }
    guard (14...65535).contains(size) else { throw ValidationError("--size is 14 to 65535 bytes") }
  }

  func run() throws {
    var chance = SeededGenerator(seed: seed)
    var flows = Self.distinct(count, &chance)
    var capture = Capture()
    for number in 0..<(packets ?? count) {
      let index = order == .inorder ? number % count : Int.random(in: 0..<count, using: &chance)
      let bytes = flows[index].next(family, sort, size: imix ? Self.imixSize(&chance) : size)
      capture.packets.append(.init(time: UInt64(number) * 1000, bytes: bytes))
    }
    try capture.write(to: URL(filePath: output))
    print("\(capture.packets.count) packets of \(count) flows.")
  }

  /// The simple Internet mix: IP packets of 340 bytes on average, most of them small.
  private static func imixSize(_ chance: inout SeededGenerator) -> Int {
    switch Int.random(in: 0..<12, using: &chance) {
    case 0..<7: 60
    case 7..<11: 590
    default: 1514
    }
  }

  /// Flows with a client address and port of their own.
  private static func distinct(_ count: Int, _ chance: inout SeededGenerator) -> [Flow] {
    var taken: Set<UInt32> = []
    var flows: [Flow] = []
    while flows.count < count {
      let key = UInt32.random(in: 0...UInt32.max, using: &chance)
      if taken.insert(key).inserted { flows.append(Flow(host: UInt16(key >> 16), port: UInt16(key & 0xffff))) }
    }
    return flows
  }
}

/// One client talking to the one server.
private struct Flow {
  let host: UInt16
  let port: UInt16
  var sent = 0

  /// The flow's next packet.
  mutating func next(_ family: Flows.Family, _ sort: Flows.Sort, size: Int) -> [UInt8] {
    defer { sent += 1 }
    let (high, low) = (UInt8(host >> 8), UInt8(host & 0xff))
    let base: Datagram =
      family == .ipv4
      ? .ipv4(from: Address(bytes: [198, 18, high, low]), to: Self.server4)
      : .ipv6(
        from: Address(bytes: [0x20, 1, 0, 2] + [UInt8](repeating: 0, count: 10) + [high, low]), to: Self.server6)
    let headers = 14 + (family == .ipv4 ? 20 : 40) + (sort == .udp ? 8 : 20)
    let payload = [UInt8](repeating: 0, count: max(0, size - headers))
    switch (sort, sent) {
    case (.udp, _): return base.udp(from: port, to: 53, payload: payload).frame().bytes
    case (.tcp, 0): return base.tcp(from: port, to: 80, flags: .syn).frame(padTo: size).bytes
    case (.tcp, 1):
      let answer = base.tcp(from: port, to: 80, flags: [.syn, .ack], ack: 1).reversed
      return answer.frame(from: .two, to: .one, padTo: size).bytes
    case (.tcp, 2): return base.tcp(from: port, to: 80, flags: .ack, seq: 1, ack: 1).frame(padTo: size).bytes
    case (.tcp, _):
      let seq = 1 &+ UInt32(truncatingIfNeeded: (sent - 3) * payload.count)
      return base.tcp(from: port, to: 80, flags: .ack, seq: seq, ack: 1, payload: payload).frame().bytes
    }
  }

  private static let server4: Address = "198.19.0.1"
  private static let server6: Address = "2001:2::ffff:1"
}
