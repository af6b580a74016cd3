import ArgumentParser
import Foundation
import TestSupport

/// Many flows of small packets, all good: load for benchmarks.
struct Flows: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Packets of many flows, for benchmarks.",
    discussion: """
      Clients are in 198.18.0.0/16 or 2001:2::/64 (RFC 2544, RFC 5180). What the packets of a flow say is its story:
      oneway: UDP from the client; TCP: a handshake, then data from the client.
      replies: both sides in turn. TCP is met in the middle, and a segment fits the second time as it did the first.
      conversations: TCP from handshake to close, with data both ways: ten segments.
      refused: a SYN, and the RST that answers it.
      All but oneway TCP can be played over and over. The same seed gives the same file, byte for byte.
      """)

  enum Family: Int, ExpressibleByArgument, CaseIterable { case ipv4 = 4, ipv6 = 6 }
  enum Sort: String, ExpressibleByArgument, CaseIterable { case udp, tcp }
  enum Order: String, ExpressibleByArgument, CaseIterable { case inorder, random }
  enum Story: String, ExpressibleByArgument, CaseIterable { case oneway, replies, conversations, refused }

  @Option(help: "How many flows.") var count = 1000
  @Option(help: "How many packets in all; by default every flow's story once.") var packets: Int?
  @Option(help: "4 or 6.") var family = Family.ipv4
  @Option(name: .customLong("protocol"), help: "udp or tcp.") var sort = Sort.udp
  @Option(help: "oneway, replies, conversations or refused.") var story = Story.oneway
  @Option(help: "inorder: flow after flow, and over again; random: any flow next, each as often.") var order = Order
    .inorder
  @Option(help: "Bytes of a frame without FCS; more where the headers need more.") var size = 60
  @Flag(help: "Instead of one size: 60, 590 and 1514 bytes, seven, four and one in twelve by chance.") var imix = false
  @Option(help: "Where chance starts.") var seed: UInt64 = 1
  @Argument(help: "The capture to write (classic pcap).") var output: String

  private var round: Int { count * story.length }

  func validate() throws {
    guard (1...4_000_000).contains(count) else { throw ValidationError("--count is 1 to 4000000 flows") }
    guard packets ?? 1 > 0 else { throw ValidationError("--packets must be at least 1") }
    guard story == .oneway || (packets ?? round).isMultiple(of: round) else {
      throw ValidationError("--packets must be a multiple of \(round), so that every story ends")
    }
    guard (14...65535).contains(size) else { throw ValidationError("--size is 14 to 65535 bytes") }
    guard sort == .tcp || story == .oneway || story == .replies else {
      throw ValidationError("--story \(story.rawValue) is for --protocol tcp")
    }
    guard !imix || sort == .udp || story != .replies else {
      throw ValidationError("--imix and --story replies: TCP acknowledges one size")
    }
  }

  func run() throws {
    var chance = SeededGenerator(seed: seed)
    var flows = Self.distinct(count, &chance)
    var turns = (0..<(packets ?? round)).map { $0 % count }
    if order == .random { turns.shuffle(using: &chance) }
    var capture = Capture()
    for (number, turn) in turns.enumerated() {
      let bytes = flows[turn].next(family, sort, story, size: imix ? Self.imixSize(&chance) : size)
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

extension Flows.Story {
  /// Packets until it begins again; `oneway` has no end.
  var length: Int {
    switch self {
    case .oneway: 1
    case .replies: 2
    case .conversations: Self.conversation.count
    case .refused: 2
    }
  }

  /// What TCP says with the flow's packet of that number.
  fileprivate func step(_ number: Int) -> Step {
    switch self {
    case .oneway: number < 3 ? Self.conversation[number] : Step(.ack, hasData: true)
    case .replies: Step(isReply: number % 2 == 1, .ack, hasData: true)
    case .conversations: Self.conversation[number % length]
    case .refused: number % 2 == 0 ? Step(.syn) : Step(isReply: true, [.rst, .ack])
    }
  }

  private static let exchange = [Step(.ack, hasData: true), Step(isReply: true, .ack, hasData: true)]
  private static let conversation =
    [Step(.syn), Step(isReply: true, [.syn, .ack]), Step(.ack)] + exchange + exchange
    + [Step([.fin, .ack]), Step(isReply: true, [.fin, .ack]), Step(.ack)]
}

/// A segment without its numbers.
private struct Step {
  let isReply: Bool
  let flags: TCPFlags
  let hasData: Bool

  init(isReply: Bool = false, _ flags: TCPFlags, hasData: Bool = false) {
    (self.isReply, self.flags, self.hasData) = (isReply, flags, hasData)
  }
}

/// One client and the one server.
private struct Flow {
  let host: UInt16
  let port: UInt16
  private var sent = 0
  /// The next sequence number of either side.
  private var client: UInt32 = 0
  private var server: UInt32 = 0

  init(host: UInt16, port: UInt16) { (self.host, self.port) = (host, port) }

  /// The flow's next packet.
  mutating func next(_ family: Flows.Family, _ sort: Flows.Sort, _ story: Flows.Story, size: Int) -> [UInt8] {
    defer { sent += 1 }
    let (high, low) = (UInt8(host >> 8), UInt8(host & 0xff))
    let base: Datagram =
      family == .ipv4
      ? .ipv4(from: Address(bytes: [198, 18, high, low]), to: Self.server4)
      : .ipv6(
        from: Address(bytes: [0x20, 1, 0, 2] + [UInt8](repeating: 0, count: 10) + [high, low]), to: Self.server6)
    let headers = 14 + (family == .ipv4 ? 20 : 40) + (sort == .udp ? 8 : 20)
    let payload = [UInt8](repeating: 0, count: max(0, size - headers))
    let step = story.step(sent)
    let datagram =
      sort == .tcp
      ? segment(base, story, step, step.hasData ? payload : []) : base.udp(from: port, to: 53, payload: payload)
    return step.isReply
      ? datagram.reversed.frame(from: .two, to: .one, padTo: size).bytes : datagram.frame(padTo: size).bytes
  }

  /// As the client would send it; the server's is turned round afterwards.
  private mutating func segment(_ base: Datagram, _ story: Flows.Story, _ step: Step, _ payload: [UInt8]) -> Datagram {
    if sent % story.length == 0, story != .oneway { (client, server) = (0, 0) }
    let (own, other) = step.isReply ? (server, client) : (client, server)
    let length = UInt32(payload.count)
    // With `replies` both have always had what the other repeats.
    let acknowledged = other &+ (story == .replies ? length : 0)
    let advance = story == .replies ? 0 : length &+ (step.flags.isDisjoint(with: [.syn, .fin]) ? 0 : 1)
    if step.isReply { server = own &+ advance } else { client = own &+ advance }
    return base.tcp(
      from: port, to: 80, flags: step.flags, seq: own, ack: step.flags.contains(.ack) ? acknowledged : 0,
      payload: payload)
  }

  private static let server4: Address = "198.19.0.1"
  private static let server6: Address = "2001:2::ffff:1"
}
