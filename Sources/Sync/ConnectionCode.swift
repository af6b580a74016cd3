internal import CSegment
internal import Primitives
internal import Segment

/// Connections as blocks of attributes. An attribute may be longer than it is known to be: a later version appended
/// something.
enum ConnectionCode {
  /// Bit 15: must be understood, or the connection would not be what its sender has.
  enum Attribute {
    static let identity: UInt16 = 1 | Block.mustBeUnderstood
    static let original: UInt16 = 2 | Block.mustBeUnderstood
    static let reply: UInt16 = 3 | Block.mustBeUnderstood
    static let state: UInt16 = 4 | Block.mustBeUnderstood
    static let mark: UInt16 = 5
    static let labels: UInt16 = 6
    static let counts: UInt16 = 7
    static let tcp: UInt16 = 8
    static let sctp: UInt16 = 9
    static let udp: UInt16 = 10
  }

  private enum Flags {
    /// It is told in the course of a walk.
    static let walk: UInt8 = 1
    static let ipv6: UInt8 = 2
  }

  /// Bits of the status that mean something to another forwarder.
  private static let sharedStatus: UInt16 =
    ~(Connection.Status.dying | Connection.Status.offloaded | Connection.Status.offloadedToHardware)
  private static let unknownAge = UInt32.max

  // MARK: Writing

  static func append(_ connection: Connection, walk: Bool, now: UInt32, to bytes: inout [UInt8]) {
    let isIPv6 = connection.isIPv6
    let flags = (walk ? Flags.walk : 0) | (isIPv6 ? Flags.ipv6 : 0)
    appendIdentity(connection.id, connection.protocol, flags: flags, to: &bytes)
    append(connection.original, as: Attribute.original, isIPv6: isIPv6, to: &bytes)
    let turned = connection.original.turned(isICMP: connection.isICMP, isIPv6: isIPv6)
    if connection.reply != turned { append(connection.reply, as: Attribute.reply, isIPv6: isIPv6, to: &bytes) }
    bytes.appendBlock(Attribute.state) {
      $0.append(connection.status & sharedStatus)
      $0.append(connection.state)
      $0.append(UInt8(0))
      $0.append(connection.remaining)
      $0.append(connection.start == 0 ? unknownAge : now - min(now, connection.start))
    }
    if connection.mark != 0 { bytes.appendBlock(Attribute.mark) { $0.append(connection.mark) } }
    if !connection.labels.isEmpty {
      bytes.appendBlock(Attribute.labels) {
        $0.append(connection.labels.high)
        $0.append(connection.labels.low)
      }
    }
    let (original, reply) = connection.counts
    if original != Connection.Count() || reply != Connection.Count() {
      bytes.appendBlock(Attribute.counts) {
        for number in [original.packets, original.bytes, reply.packets, reply.bytes] { $0.append(number) }
      }
    }
    appendDetails(of: connection, to: &bytes)
  }

  static func append(_ id: ConnectionID, _ flow: SyncFlow, to bytes: inout [UInt8]) {
    appendIdentity(id, flow.protocol, flags: flow.isIPv6 ? Flags.ipv6 : 0, to: &bytes)
    append(flow.original, as: Attribute.original, isIPv6: flow.isIPv6, to: &bytes)
  }

  private static func appendIdentity(_ id: ConnectionID, _ protocol: UInt8, flags: UInt8, to bytes: inout [UInt8]) {
    bytes.appendBlock(Attribute.identity) {
      $0.append(id.rawValue)
      $0.append(`protocol`)
      $0.append(flags)
    }
  }

  private static func append(
    _ tuple: Connection.Tuple, as type: UInt16, isIPv6: Bool, to bytes: inout [UInt8]
  ) {
    bytes.appendBlock(type) {
      for address in [tuple.source, tuple.destination] {
        if isIPv6 {
          $0.append(address.high)
          $0.append(address.low)
        } else {
          $0.append(address.ipv4.bits)
        }
      }
      $0.append(tuple.sourcePort)
      $0.append(tuple.destinationPort)
      $0.append(tuple.zone)
      $0.append(UInt16(0))
    }
  }

  private static func appendDetails(of connection: Connection, to bytes: inout [UInt8]) {
    let details = connection.details
    switch connection.protocol {
    case Connection.Number.tcp: bytes.appendBlock(Attribute.tcp) { append(details, to: &$0) }
    case Connection.Number.sctp:
      bytes.appendBlock(Attribute.sctp) {
        $0.append(details.original.end)
        $0.append(details.reply.end)
        // Its INITs, flags and last direction lie where TCP has these.
        $0.append(details.last_sequence)
        $0.append(details.last_acknowledgement)
        $0.append(details.flags_original)
        $0.append(details.flags_reply)
      }
    case Connection.Number.udp, Connection.Number.udplite:
      // When answers make it a stream: from now on, not by the worker's clock.
      bytes.appendBlock(Attribute.udp) {
        $0.append(details.original.end &- (connection.deadline &- connection.remaining))
      }
    default: break
    }
  }

  private static func append(_ tcp: dpdkfwd_ct_tcp, to bytes: inout [UInt8]) {
    for side in [tcp.original, tcp.reply] {
      for number in [side.end, side.max_end, side.max_window, side.max_ack] { bytes.append(number) }
    }
    for number in [tcp.last_sequence, tcp.last_acknowledgement, tcp.last_end] { bytes.append(number) }
    bytes.append(tcp.last_window)
    bytes += [
      tcp.flags_original, tcp.flags_reply, tcp.scales, tcp.last_segment, tcp.last_flags, tcp.retransmissions,
    ]
  }

  // MARK: Reading

  /// What the attributes of a message say so far.
  private struct Draft {
    var connection = Connection()
    var flags: UInt8 = 0
    /// Those that were there.
    var seen: Set<UInt16> = []
    /// In place of when it began.
    var age = ConnectionCode.unknownAge
  }

  static func up(_ content: ByteReader, now: UInt32) -> SyncMessage? {
    var draft = Draft()
    if let fault = read(content, into: &draft) { return fault.message }
    guard draft.seen.contains(Attribute.identity), draft.seen.contains(Attribute.original),
      draft.seen.contains(Attribute.state), Connection.isState(draft.connection.state, of: draft.connection.protocol)
    else { return nil }
    var connection = draft.connection
    if !draft.seen.contains(Attribute.reply) {
      connection.reply = connection.original.turned(isICMP: connection.isICMP, isIPv6: connection.isIPv6)
    }
    connection.start = draft.age == unknownAge ? 0 : now - min(now, draft.age)
    // The clock of the worker stands at zero.
    connection.deadline = connection.remaining
    return .up(connection, walk: draft.flags & Flags.walk != 0)
  }

  static func down(_ content: ByteReader) -> SyncMessage? {
    var draft = Draft()
    if let fault = read(content, into: &draft) { return fault.message }
    guard draft.seen.contains(Attribute.identity), draft.seen.contains(Attribute.original) else { return nil }
    return .down(id: draft.connection.id, SyncFlow(draft.connection))
  }

  private enum Fault {
    case unreadable
    case notUnderstood(UInt16)

    var message: SyncMessage? {
      switch self {
      case .unreadable: nil
      case .notUnderstood(let type): .notUnderstood(type)
      }
    }
  }

  private static func read(_ content: ByteReader, into draft: inout Draft) -> Fault? {
    var content = content
    while content.left > 0 {
      guard var block = content.block() else { return .unreadable }
      guard let isWhole = read(&block, into: &draft) else {
        if block.type & Block.mustBeUnderstood != 0 { return .notUnderstood(block.type) }
        continue
      }
      // The identity comes first: it says how to read the others.
      guard isWhole, block.type == Attribute.identity || draft.seen.contains(Attribute.identity),
        draft.seen.insert(block.type).inserted
      else { return .unreadable }
    }
    return nil
  }

  /// Whether an attribute is as long as it must be; `nil`: it is unknown.
  private static func read(_ block: inout Block, into draft: inout Draft) -> Bool? {
    switch block.type {
    case Attribute.identity: readIdentity(&block.content, into: &draft)
    case Attribute.original: block.content.take(&draft.connection.original, isIPv6: draft.connection.isIPv6)
    case Attribute.reply: block.content.take(&draft.connection.reply, isIPv6: draft.connection.isIPv6)
    case Attribute.state: readState(&block.content, into: &draft)
    case Attribute.mark: block.content.take(&draft.connection.mark)
    case Attribute.labels:
      block.content.take(&draft.connection.labels.high) && block.content.take(&draft.connection.labels.low)
    case Attribute.counts:
      block.content.take(&draft.connection.counts.original.packets)
        && block.content.take(&draft.connection.counts.original.bytes)
        && block.content.take(&draft.connection.counts.reply.packets)
        && block.content.take(&draft.connection.counts.reply.bytes)
    case Attribute.tcp:
      draft.connection.protocol == Connection.Number.tcp && readTCP(&block.content, into: &draft.connection.details)
    case Attribute.sctp:
      draft.connection.protocol == Connection.Number.sctp && readSCTP(&block.content, into: &draft.connection.details)
    case Attribute.udp:
      [Connection.Number.udp, Connection.Number.udplite].contains(draft.connection.protocol)
        && block.content.take(&draft.connection.details.original.end)
    default: nil
    }
  }

  private static func readIdentity(_ content: inout ByteReader, into draft: inout Draft) -> Bool {
    guard content.take(&draft.connection.id.rawValue), content.take(&draft.connection.protocol),
      content.take(&draft.flags)
    else { return false }
    draft.connection.isIPv6 = draft.flags & Flags.ipv6 != 0
    return true
  }

  private static func readState(_ content: inout ByteReader, into draft: inout Draft) -> Bool {
    var reserved: UInt8 = 0
    return content.take(&draft.connection.status) && content.take(&draft.connection.state) && content.take(&reserved)
      && content.take(&draft.connection.remaining) && content.take(&draft.age)
  }

  private static func readTCP(_ content: inout ByteReader, into tcp: inout dpdkfwd_ct_tcp) -> Bool {
    readSide(&content, into: &tcp.original) && readSide(&content, into: &tcp.reply)
      && content.take(&tcp.last_sequence) && content.take(&tcp.last_acknowledgement) && content.take(&tcp.last_end)
      && content.take(&tcp.last_window) && content.take(&tcp.flags_original) && content.take(&tcp.flags_reply)
      && content.take(&tcp.scales) && content.take(&tcp.last_segment) && content.take(&tcp.last_flags)
      && content.take(&tcp.retransmissions)
  }

  private static func readSide(_ content: inout ByteReader, into side: inout dpdkfwd_ct_tcp_side) -> Bool {
    content.take(&side.end) && content.take(&side.max_end) && content.take(&side.max_window)
      && content.take(&side.max_ack)
  }

  private static func readSCTP(_ content: inout ByteReader, into sctp: inout dpdkfwd_ct_tcp) -> Bool {
    content.take(&sctp.original.end) && content.take(&sctp.reply.end) && content.take(&sctp.last_sequence)
      && content.take(&sctp.last_acknowledgement) && content.take(&sctp.flags_original)
      && content.take(&sctp.flags_reply)
  }
}

extension ByteReader {
  /// Whether there were bytes enough.
  fileprivate mutating func take<Number: FixedWidthInteger & UnsignedInteger>(_ number: inout Number) -> Bool {
    guard let read = self.number(Number.self) else { return false }
    number = read
    return true
  }

  fileprivate mutating func take(_ tuple: inout Connection.Tuple, isIPv6: Bool) -> Bool {
    take(&tuple.source, isIPv6: isIPv6) && take(&tuple.destination, isIPv6: isIPv6) && take(&tuple.sourcePort)
      && take(&tuple.destinationPort) && take(&tuple.zone)
  }

  /// IPv4: four bytes.
  private mutating func take(_ address: inout IPv6Address, isIPv6: Bool) -> Bool {
    guard isIPv6 else {
      guard let bits = number(UInt32.self) else { return false }
      address = IPv6Address(ipv4: IPv4Address(bits: bits))
      return true
    }
    guard let high = number(UInt64.self), let low = number(UInt64.self) else { return false }
    address = IPv6Address(high: high, low: low)
    return true
  }
}
