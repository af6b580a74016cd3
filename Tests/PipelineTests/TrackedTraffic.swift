import Primitives
import TestSupport

/// Frames as a tracker meets them: TCP conversations with trouble, questions and answers, ICMP errors; some with TTL 1,
/// IPv4 options, VLAN tags, or only the first or a later part of a datagram.
struct TrackedTraffic {
  private var conversations: [Conversation]
  /// What was sent last: what errors quote.
  private var last: Datagram?
  /// In 100 frames.
  private let trouble: Int

  init(trouble: Int) {
    self.trouble = trouble
    conversations = (0..<6).map { (i: Int) -> Conversation in
      let client: Address = i % 3 == 2 ? "2001:db8::\(i)" : "10.0.0.\(i + 1)"
      let server: Address = i % 3 == 2 ? "2001:db8:1::80" : "192.0.2.80"
      return Conversation(client: client, server: server, clientPort: UInt16(4000 + i), trouble: trouble)
    }
  }

  mutating func next(_ chance: inout SeededGenerator) -> (frame: Frame, port: PortID) {
    var (datagram, isBack) = draw(&chance)
    last = datagram
    guard Int.random(in: 0..<100, using: &chance) < trouble else { return (datagram.frame(), port(isBack)) }
    var tags: [UInt16] = []
    switch Int.random(in: 0..<6, using: &chance) {
    case 0: datagram.hopLimit = UInt8.random(in: 0...1, using: &chance)
    case 1: datagram.edit { $0.options = [1, 1, 1, 1] }
    case 2: tags = [UInt16.random(in: 1...3, using: &chance)]
    case 3: datagram.edit { $0.moreFragments = true }
    case 4: datagram.edit { $0.offset = 8 }
    default: isBack.toggle()
    }
    return (datagram.frame(vlan: tags), port(isBack))
  }

  private func port(_ isBack: Bool) -> PortID { isBack ? Bench.b : Bench.a }

  private mutating func draw(_ chance: inout SeededGenerator) -> (Datagram, isBack: Bool) {
    let isBack = Bool.random(using: &chance)
    let (host, number) = (Int.random(in: 1...5, using: &chance), UInt16.random(in: 1...3, using: &chance))
    switch Int.random(in: 0..<20, using: &chance) {
    case 0..<12:
      let segment = conversations[Int.random(in: 0..<conversations.count, using: &chance)].next(&chance)
      return (segment.datagram, segment.isFromServer)
    case 12..<16:
      let question =
        host == 5
        ? Datagram.ipv6(from: "2001:db8::5", to: "2001:db8:1::53").udp(from: number, to: 53, payload: [1])
        : Datagram.ipv4(from: "10.0.0.\(host)", to: "192.0.2.53").udp(from: number, to: 53, payload: [1])
      return (isBack ? question.reversed : question, isBack)
    case 16, 17:
      let question = Datagram.ipv4(from: "10.0.0.\(host)", to: "192.0.2.1").icmp(id: number)
      return (isBack ? question.reversed : question, isBack)
    case 18:
      let packet = Datagram.ipv4(from: "10.0.0.\(host)", to: "192.0.2.1").gre(protocol: 0x0800, payload: [1])
      return (isBack ? packet.reversed : packet, isBack)
    default:
      guard let last, !last.source.isIPv6 else { return draw(&chance) }
      let error = Datagram.ipv4(from: "198.51.100.1", to: last.source).icmp(
        type: 11, id: 0, seq: 0, payload: Array(last.bytes.prefix(40)))
      return (error, isBack)
    }
  }
}

extension Datagram {
  fileprivate mutating func edit(_ change: (inout IPv4) -> Void) {
    guard case .ipv4(var header) = network else { return }
    change(&header)
    network = .ipv4(header)
  }
}
