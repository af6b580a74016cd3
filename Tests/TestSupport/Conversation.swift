/// A TCP conversation between two hosts, segment by segment, without end: when one is over the next begins on the same
/// ports. Mostly it goes as it should; segments are lost, repeated and far off as often as `trouble` says.
public struct Conversation: Sendable {
  public let client: Address
  public let server: Address
  public let clientPort: UInt16
  public let serverPort: UInt16
  /// In 100 segments.
  public var trouble: Int

  private enum Phase { case closed, synSent, synReceived, open, clientClosed, bothClosed }
  private var phase = Phase.closed
  /// What each side sends next: client, server.
  private var numbers: [UInt32] = [0, 0]
  private var sent: [Segment] = []

  public struct Segment: Hashable, Sendable {
    public var datagram: Datagram
    public var isFromServer: Bool
  }

  public init(
    client: Address, server: Address, clientPort: UInt16 = 4000, serverPort: UInt16 = 80, trouble: Int = 10
  ) {
    (self.client, self.server, self.clientPort, self.serverPort) = (client, server, clientPort, serverPort)
    self.trouble = trouble
  }

  /// The next segment.
  public mutating func next(_ chance: inout SeededGenerator) -> Segment {
    var segment = regular(&chance)
    remember(segment, &chance)
    guard Int.random(in: 0..<100, using: &chance) < trouble else { return segment }
    switch Int.random(in: 0..<6, using: &chance) {
    case 0:  // lost
      segment = regular(&chance)
      remember(segment, &chance)
    case 1, 2: segment = sent.randomElement(using: &chance)!
    case 3: segment.edit { $0.seq &+= UInt32.random(in: 1 << 20...1 << 31, using: &chance) }
    case 4: segment.edit { $0.ack &+= UInt32.random(in: 1...1 << 31, using: &chance) }
    default:
      segment.edit {
        $0.flags = [[.syn], [.syn, .ack], [.rst], [.rst, .ack], [.fin, .ack], [], [.syn, .fin]].randomElement(
          using: &chance)!
      }
    }
    return segment
  }

  private mutating func remember(_ segment: Segment, _ chance: inout SeededGenerator) {
    if sent.count == 6 { sent.remove(at: Int.random(in: 0..<6, using: &chance)) }
    sent.append(segment)
  }

  private mutating func regular(_ chance: inout SeededGenerator) -> Segment {
    switch phase {
    case .closed:
      numbers = [chance.number(), chance.number()]
      phase = .synSent
      return segment(0, .syn, advance: 1, options: Self.offers.randomElement(using: &chance)!)
    case .synSent:
      phase = .synReceived
      return segment(1, [.syn, .ack], advance: 1, options: Self.offers.randomElement(using: &chance)!)
    case .synReceived:
      phase = .open
      return segment(0, .ack)
    case .open: return talk(&chance)
    case .clientClosed:
      phase = .bothClosed
      return segment(1, [.fin, .ack], advance: 1)
    case .bothClosed:
      phase = .closed
      return segment(0, .ack)
    }
  }

  private static let offers: [[UInt8]] = [[], [2, 4, 5, 180], [2, 4, 5, 180, 4, 2, 1, 3, 3, 7]]

  private mutating func talk(_ chance: inout SeededGenerator) -> Segment {
    let side = Int.random(in: 0...1, using: &chance)
    switch Int.random(in: 0..<40, using: &chance) {
    case 0:
      phase = .clientClosed
      return segment(0, [.fin, .ack], advance: 1)
    case 1:
      phase = .closed
      return segment(side, [.rst, .ack])
    case 2..<16: return segment(side, .ack)
    default:
      let payload = [UInt8](repeating: 0x61, count: Int.random(in: 1...700, using: &chance))
      return segment(side, [.psh, .ack], advance: UInt32(payload.count), payload: payload)
    }
  }

  private mutating func segment(
    _ side: Int, _ flags: TCPFlags, advance: UInt32 = 0, options: [UInt8] = [], payload: [UInt8] = []
  ) -> Segment {
    let (from, to) = side == 0 ? (client, server) : (server, client)
    let ip = from.isIPv6 ? Datagram.ipv6(from: from, to: to) : .ipv4(from: from, to: to)
    let ports = side == 0 ? (clientPort, serverPort) : (serverPort, clientPort)
    let datagram = ip.tcp(
      from: ports.0, to: ports.1, flags: flags, seq: numbers[side], ack: flags.contains(.ack) ? numbers[1 - side] : 0,
      options: options, payload: payload)
    numbers[side] &+= advance
    return Segment(datagram: datagram, isFromServer: side == 1)
  }
}

extension Conversation.Segment {
  mutating func edit(_ change: (inout Transport.TCP) -> Void) {
    guard case .tcp(var segment) = datagram.transport else { return }
    change(&segment)
    datagram.transport = .tcp(segment)
  }
}

extension SeededGenerator {
  fileprivate mutating func number() -> UInt32 { UInt32(truncatingIfNeeded: next()) }
}
