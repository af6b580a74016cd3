import Pipeline
import TestSupport

/// The frames that arrive in a simulation, each with what is known of it without asking the code under test.
final class Traffic: Sendable {
  /// One frame of the library.
  struct Template: BitwiseCopyable, Sendable {
    /// Where its bytes are among all.
    var start: Int
    var length: Int
    /// What is wrong with its IP header, by the tests' own reading.
    var fault: DropReason?
    var soundness: Soundness = .unknown
    var marks: PacketMarks = []
    /// The same frame with its checksum filled in, for one whose sender left that open.
    var finished: Int32 = -1
    var tags: UInt8 = 0
    /// Bytes up to the end of the TCP or UDP header, for an unfinished frame.
    var headers: UInt16 = 0
    /// The conversation by its address pair, the same both ways; -1 when the frame is faulty, has no addresses, or may
    /// quote others (ICMP).
    var pair: Int32 = -1
    /// The same by protocol and ports too, for what is sound; of a fragment that of its datagram.
    var conversation: Int32 = -1
    /// What part of which datagram it is, if it is a fragment.
    var piece = Piece()
    /// Equal for both directions of a conversation.
    var flow: UInt8 = 0
    /// The end of the wire it comes from, 0 or 1.
    var side: UInt8 = 0
  }

  /// What is known of a packet above its IP header.
  enum Soundness: UInt8, BitwiseCopyable, Sendable { case unknown, sound, invalid }

  /// Longer frames stay out.
  static let longest = 9_216

  static let generated = Traffic(captures: [])
  /// With the beginning of every capture of the corpus, where the shared folder is there.
  static let withCaptures = Traffic(captures: Shared.manifest)

  let templates: [Template]
  let bytes: [UInt8]
  let captures: Int
  /// Conversations by address pair, and by five-tuple.
  let pairs: Int
  let conversations: Int
  /// What the fragments of a datagram have in common, by number.
  let keys: [[UInt8]: Int32]

  init(captures: [CaptureFacts]) {
    var shelf = Shelf()
    for packet in DemoTraffic(seed: 1).packets {
      let soundness: Soundness = packet.fate == .crosses ? .sound : packet.fate == .invalid ? .invalid : .unknown
      shelf.add(packet.frame, soundness)
    }
    shelf.addSizes()
    shelf.addConversations()
    shelf.addUnfinished()
    shelf.addFragments()
    for capture in captures {
      guard let packets = try? Capture(contentsOf: capture.url).packets.prefix(100) else { continue }
      for packet in packets { shelf.add(Frame(packet.bytes), .unknown) }
    }
    templates = shelf.templates
    pairs = shelf.pairs.count
    conversations = shelf.conversations.count
    keys = shelf.keys
    bytes = shelf.bytes
    self.captures = captures.count
  }

  /// The fault of a frame, as a reason to drop it.
  static func fault(of frame: Frame) -> DropReason? { frame.headerFault.flatMap { reasons[$0] } }

  private static let reasons = Dictionary(uniqueKeysWithValues: DropReason.allCases.map { ($0.name, $0) })
}

/// A library in the making.
struct Shelf {
  var templates: [Traffic.Template] = []
  var bytes: [UInt8] = []
  /// Two addresses, the lower one first; the same with ports.
  var pairs: [[UInt8]: Int32] = [:]
  var conversations: [[UInt8]: Int32] = [:]
  var keys: [[UInt8]: Int32] = [:]

  private mutating func pair(_ frame: Frame) -> Int32 {
    guard Traffic.fault(of: frame) == nil, let addresses = frame.addressPair else { return -1 }
    return Self.number(addresses, &pairs)
  }

  private static func number(_ name: [UInt8], _ numbers: inout [[UInt8]: Int32]) -> Int32 {
    let number = numbers[name, default: Int32(numbers.count)]
    numbers[name] = number
    return number
  }

  /// - Parameter whole: the datagram that the frame is a fragment of; `nil`: the frame itself.
  private mutating func conversation(_ frame: Frame, _ whole: Frame?, _ soundness: Traffic.Soundness) -> Int32 {
    guard whole != nil || soundness == .sound && frame.fragment == nil else { return -1 }
    guard let ends = (whole ?? frame).endPair else { return -1 }
    return Self.number(ends, &conversations)
  }

  private mutating func piece(_ frame: Frame) -> Piece {
    guard Traffic.fault(of: frame) == nil, let reading = frame.fragmentOfAnyPort else { return Piece() }
    return Piece(reading, key: Self.number(reading.key, &keys))
  }

  mutating func add(
    _ frame: Frame, _ soundness: Traffic.Soundness, marks: PacketMarks = [], finished: Int = -1, headers: Int = 0,
    of whole: Frame? = nil
  ) {
    guard (1...Traffic.longest).contains(frame.count) else { return }
    templates.append(
      Traffic.Template(
        start: bytes.count, length: frame.count, fault: Traffic.fault(of: frame), soundness: soundness, marks: marks,
        finished: Int32(finished), tags: UInt8(truncatingIfNeeded: frame.tags.count), headers: UInt16(headers),
        pair: pair(frame), conversation: conversation(frame, whole, soundness), piece: piece(frame), flow: frame.flow,
        side: frame.side))
    bytes += frame.bytes
  }

  /// Every length around the limits that ports have, plain and tagged.
  mutating func addSizes() {
    let base = Datagram.ipv4(from: "10.9.0.1", to: "10.9.0.2")
    for room in [64, 128, 576, 1_280, 1_500, 2_000, 4_000, 9_000] {
      for payload in (room - 32)...(room - 26) {
        for vlan: [UInt16] in [[], [7], [8, 9]] {
          let datagram = base.udp(from: 9, to: UInt16(payload), payload: Array(repeating: 0x5a, count: payload))
          add(datagram.frame(vlan: vlan), .sound)
        }
      }
    }
  }

  /// TCP as its ends speak, with some trouble of their own.
  mutating func addConversations() {
    var chance = SeededGenerator(seed: 3)
    for number in 1...6 {
      let (client, server): (Address, Address) =
        number % 3 == 0 ? ("2001:db8:7::\(number)", "2001:db8:7::80") : ("10.7.0.\(number)", "10.7.1.80")
      var conversation = Conversation(client: client, server: server, clientPort: UInt16(4000 + number), trouble: 5)
      for _ in 0..<120 {
        let segment = conversation.next(&chance)
        let (from, to) = segment.isFromServer ? (MAC.two, MAC.one) : (MAC.one, MAC.two)
        add(segment.datagram.frame(from: from, to: to), .sound)
      }
    }
  }

  /// Frames whose sender left the checksum, or the cut into segments, to its port: the field holds the sum of the
  /// pseudo header alone.
  mutating func addUnfinished() {
    for number in 0..<32 {
      let payload = (0..<(40 * number)).map { UInt8(truncatingIfNeeded: $0 * number) }
      let base =
        number % 2 == 0
        ? Datagram.ipv4(from: "10.8.0.1", to: "10.8.0.2") : .ipv6(from: "2001:db8:8::1", to: "2001:db8:8::2")
      let isTCP = number % 4 < 2
      let frame =
        (isTCP
        ? base.tcp(from: 80, to: 81, flags: .ack, payload: payload) : base.udp(from: 80, to: 81, payload: payload))
        .frame(vlan: number % 8 == 7 ? [5] : [])
      let end = frame.transportOffset
      let headers = end + (isTCP ? 20 : 8)
      var open = frame
      open.bytes.setWord(
        ~internetChecksum(frame.pseudoHeader(protocol: isTCP ? 6 : 17, length: frame.count - end)),
        at: end + (isTCP ? 16 : 6))
      add(frame, .sound)
      add(open, .sound, marks: .checksumPartial, finished: templates.count - 1, headers: headers)
      if isTCP {
        add(open, .sound, marks: [.checksumPartial, .segmented], finished: templates.count - 2, headers: headers)
      }
    }
  }
}

extension Frame {
  /// What TCP and UDP sum up besides themselves (RFC 9293 §3.1, RFC 8200 §8.1).
  fileprivate func pseudoHeader(protocol number: UInt8, length: Int) -> [UInt8] {
    let addresses =
      isIPv6 ? bytes[(networkOffset + 8)..<(networkOffset + 40)] : bytes[(networkOffset + 12)..<(networkOffset + 20)]
    return Array(addresses) + [0, number, UInt8(length >> 8), UInt8(length & 255)]
  }

  /// A hash of the address pair (of the Ethernet addresses, where there is no IP) that both directions share.
  fileprivate var flow: UInt8 {
    guard count >= networkOffset + 20 else { return bytes.prefix(12).reduce(0, ^) }
    let ip = networkOffset
    switch bytes.word(at: ip - 2) {
    case EtherType.ipv4: return bytes[(ip + 12)..<(ip + 20)].reduce(0, ^)
    case EtherType.ipv6 where count >= ip + 40: return bytes[(ip + 8)..<(ip + 40)].reduce(0, ^)
    default: return bytes.prefix(12).reduce(0, ^)
    }
  }

  /// The two addresses of a packet that is no ICMP, the lower one first; ports are left out, whoever has a flow.
  fileprivate var addressPair: [UInt8]? {
    let ip = networkOffset
    guard count >= ip + 20, tags.count <= 8, isIPv6 || bytes.word(at: ip - 2) == EtherType.ipv4 else { return nil }
    let size = isIPv6 ? 16 : 4
    let first = ip + (isIPv6 ? 8 : 12)
    let transport = fragment?.next ?? bytes[ip + (isIPv6 ? 6 : 9)]
    guard count >= first + 2 * size, [6, 17].contains(transport) else { return nil }
    let (a, b) = (Array(bytes[first..<(first + size)]), Array(bytes[(first + size)..<(first + 2 * size)]))
    return a.lexicographicallyPrecedes(b) ? a + b : b + a
  }

  /// Addresses, ports and protocol of a whole TCP or UDP packet without extension headers, the lower end first.
  fileprivate var endPair: [UInt8]? {
    guard fragment == nil, addressPair != nil else { return nil }
    let (first, size) = (networkOffset + (isIPv6 ? 8 : 12), isIPv6 ? 16 : 4)
    let ports = transportOffset
    guard count >= ports + 8 else { return nil }
    let a = Array(bytes[first..<(first + size)] + bytes[ports..<(ports + 2)])
    let b = Array(bytes[(first + size)..<(first + 2 * size)] + bytes[(ports + 2)..<(ports + 4)])
    return [bytes[networkOffset + (isIPv6 ? 6 : 9)]] + (a.lexicographicallyPrecedes(b) ? a + b : b + a)
  }

  /// By the sender's Ethernet address.
  fileprivate var side: UInt8 { count >= 12 ? bytes[11] & 1 : 0 }
}
