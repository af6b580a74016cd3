internal import CSegment
public import JSONText
internal import Primitives
public import Segment

extension Connection {
  /// Reads what `ConnectionJSON` writes; `read` also says what was given.
  public init(json: JSON) throws(MemberError) { self = try Self.read(json).connection }

  /// Reads what `ConnectionJSON` writes. Needed are `l4` and a tuple: the other one is then its answer's. Without a
  /// tuple's `zone` the one of the connection holds; what else is missing is as in a connection that has just begun.
  ///
  /// - Returns: `given`: the attributes that were there. A part of what a tracker remembers is all of it or nothing.
  public static func read(
    _ json: JSON
  ) throws(MemberError) -> (connection: Connection, given: ConnectionChange.Attributes) {
    let members = try Members(json, known: known)
    var connection = Connection()
    guard let number = try members.protocol("l4") else { throw members.error("l4", "is missing") }
    connection.protocol = number
    connection.id = ConnectionID(rawValue: try members.number("id") ?? 0)
    try connection.readTuples(members)
    var given = try connection.readAttributes(members)
    connection.deadline = try members.number("deadline_ms") ?? 0
    given.formUnion(try connection.readProtocol(members))
    try connection.readCache(members)
    return (connection, given)
  }

  static let known: Set<String> = [
    "id", "lcore", "l3", "l4", "orig", "reply", "zone", "status", "timeout", "timeout_ms", "deadline_ms", "mark",
    "labels", "count_orig", "count_reply", "start", "tcp", "sctp", "udp", "cached",
  ]

  // MARK: Tuples

  private mutating func readTuples(_ members: Members) throws(MemberError) {
    var family = try members.isIPv6("l3")
    let zone: UInt16? = try members.number("zone")
    let names = Self.names(of: self.protocol)
    var tuples: [Tuple?] = []
    for name in ["orig", "reply"] {
      guard let side = try members.object(name, known: names.all.union(["src", "dst", "proto", "zone"])) else {
        tuples.append(nil)
        continue
      }
      tuples.append(try readTuple(side, names, zone: zone, family: &family))
    }
    guard let first = tuples[0] ?? tuples[1], let family else { throw members.error("orig", "is missing") }
    isIPv6 = family
    let turned = first.turned(isICMP: isICMP, isIPv6: isIPv6)
    (original, reply) = (tuples[0] ?? turned, tuples[1] ?? turned)
  }

  private func readTuple(
    _ members: Members, _ names: PortNames, zone: UInt16?, family: inout Bool?
  ) throws(MemberError) -> Tuple {
    var tuple = Tuple()
    for (name, member) in [("src", \Tuple.source), ("dst", \Tuple.destination)] {
      guard let found = try members.address(name) else { throw members.error(name, "is missing") }
      guard family ?? found.isIPv6 == found.isIPv6 else {
        throw members.error(name, "is of another IP version than the rest")
      }
      family = found.isIPv6
      tuple[keyPath: member] = found.address
    }
    if let number: UInt8 = try members.number("proto"), number != self.protocol {
      throw members.error("proto", "\(number) is not the connection's protocol, \(self.protocol)")
    }
    switch names {
    case .ports, .keys:
      let keyed = members.has("srckey") || members.has("dstkey")
      tuple.sourcePort = try members.needed(keyed ? "srckey" : "sport")
      tuple.destinationPort = try members.needed(keyed ? "dstkey" : "dport")
    case .query:
      let type: UInt8 = try members.needed("type")
      let code: UInt8 = try members.number("code") ?? 0
      tuple.sourcePort = try members.needed("id")
      tuple.destinationPort = UInt16(type) << 8 | UInt16(code)
    case .ignored: break
    case .none: break
    }
    let own: UInt16? = try members.number("zone")
    if let zone, let own, own != zone { throw members.error("zone", "\(own) is not the connection's zone, \(zone)") }
    tuple.zone = own ?? zone ?? 0
    return tuple
  }

  /// What a protocol has beside addresses.
  enum PortNames {
    case ports, keys, query
    /// They may be given and mean nothing, as for Linux.
    case ignored
    case none

    var all: Set<String> {
      switch self {
      case .ports, .ignored: ["sport", "dport"]
      case .keys: ["sport", "dport", "srckey", "dstkey"]
      case .query: ["id", "type", "code"]
      case .none: []
      }
    }
  }

  static func names(of protocol: UInt8) -> PortNames {
    switch `protocol` {
    case Number.tcp, Number.udp, Number.udplite, Number.sctp: .ports
    case Number.gre: .keys
    case Number.icmp, Number.icmpv6: .query
    case Number.dccp: .ignored
    default: .none
    }
  }

  // MARK: Attributes

  private mutating func readAttributes(_ members: Members) throws(MemberError) -> ConnectionChange.Attributes {
    var given: ConnectionChange.Attributes = []
    if let bits: UInt16 = try members.bits("status", ConnectionWords.status) {
      status = bits
      given.insert(.status)
    }
    if let milliseconds = try members.timeout() {
      remaining = milliseconds
      given.insert(.timeout)
    }
    if let number: UInt32 = try members.number("mark") {
      mark = number
      given.insert(.mark)
    }
    if let value = members.value("labels") {
      labels =
        if let text = value.asText {
          try Labels(hex: text, members)
        } else {
          try members.labels("labels") ?? Labels()
        }
      given.insert(.labels)
    }
    if members.has("count_orig") || members.has("count_reply") {
      counts = (try Self.count("count_orig", members), try Self.count("count_reply", members))
      given.insert(.counts)
    }
    if let seconds: UInt32 = try members.number("start") {
      start = seconds
      given.insert(.start)
    }
    return given
  }

  static func count(_ name: String, _ members: Members) throws(MemberError) -> Count {
    guard let count = try members.object(name, known: ["packets", "bytes"]) else { return Count() }
    return Count(packets: try count.needed("packets"), bytes: try count.needed("bytes"))
  }

  private mutating func readCache(_ members: Members) throws(MemberError) {
    guard let value = members.value("cached"), !value.isNull,
      let part = try members.object("cached", known: ["generation", "egress_orig", "egress_reply"])
    else {
      cached = (0, 255, 255)
      return
    }
    func port(_ name: String) throws(MemberError) -> UInt8 {
      part.value(name)?.isNull ?? true ? 255 : try part.needed(name)
    }
    cached = (try part.needed("generation"), try port("egress_orig"), try port("egress_reply"))
  }

  // MARK: What trackers remember

  mutating func readProtocol(_ members: Members) throws(MemberError) -> ConnectionChange.Attributes {
    let all: [(name: String, protocols: [UInt8], known: Set<String>)] = [
      ("tcp", [Number.tcp], DetailNames.tcp), ("sctp", [Number.sctp], DetailNames.sctp),
      ("udp", [Number.udp, Number.udplite], ["stream_in_ms"]),
    ]
    var given: ConnectionChange.Attributes = []
    for (name, protocols, known) in all {
      guard let part = try members.object(name, known: known) else { continue }
      guard protocols.contains(self.protocol) else {
        throw members.error(name, "the connection's protocol is \(self.protocol)")
      }
      if let number = try part.state("state", of: self.protocol) {
        state = number
        given.insert(.state)
      }
      switch name {
      case "tcp": given.formUnion(try readTCP(part))
      case "sctp": given.formUnion(try readSCTP(part))
      default:
        streamDelay = try part.needed("stream_in_ms")
        given.insert(.windows)
      }
    }
    return given
  }

  private mutating func readTCP(_ part: Members) throws(MemberError) -> ConnectionChange.Attributes {
    var given: ConnectionChange.Attributes = []
    if DetailNames.handshake.contains(where: part.has) {
      func scale(_ name: String) throws(MemberError) -> UInt8 {
        guard let scale = try part.number(name, UInt8.self, in: 0...15) else { throw part.error(name, "is missing") }
        return scale
      }
      func flags(_ name: String) throws(MemberError) -> UInt8 {
        guard let bits: UInt8 = try part.bits(name, ConnectionWords.tcpFlags) else {
          throw part.error(name, "is missing")
        }
        return bits
      }
      details.scales = try scale("wscale_orig") | scale("wscale_reply") << 4
      details.flags_original = try flags("flags_orig")
      details.flags_reply = try flags("flags_reply")
      given.insert(.details)
    }
    if DetailNames.windows.contains(where: part.has) {
      func side(_ name: String) throws(MemberError) -> dpdkfwd_ct_tcp_side {
        dpdkfwd_ct_tcp_side(
          end: try part.needed("end_\(name)"), max_end: try part.needed("max_end_\(name)"),
          max_window: try part.needed("max_window_\(name)"), max_ack: try part.needed("max_ack_\(name)"))
      }
      details.original = try side("orig")
      details.reply = try side("reply")
      details.last_sequence = try part.needed("last_seq")
      details.last_acknowledgement = try part.needed("last_ack")
      details.last_end = try part.needed("last_end")
      details.last_window = try part.needed("last_window")
      details.last_segment = try part.needed("last_segment")
      details.last_flags = try part.needed("last_flags")
      details.retransmissions = try part.needed("retransmissions")
      given.insert(.windows)
    }
    return given
  }

  private mutating func readSCTP(_ part: Members) throws(MemberError) -> ConnectionChange.Attributes {
    var given: ConnectionChange.Attributes = []
    if part.has("vtag_orig") || part.has("vtag_reply") {
      tags = (try part.needed("vtag_orig"), try part.needed("vtag_reply"))
      given.insert(.details)
    }
    if DetailNames.association.contains(where: part.has) {
      association = Association(
        initOriginal: try part.needed("init_orig"), initReply: try part.needed("init_reply"),
        flags: try part.needed("flags"), lastDirection: try part.needed("last_direction"))
      given.insert(.windows)
    }
    return given
  }
}

/// The members of what trackers remember.
enum DetailNames {
  static let handshake = ["wscale_orig", "wscale_reply", "flags_orig", "flags_reply"]
  static let windows =
    ["end", "max_end", "max_window", "max_ack"].flatMap { ["\($0)_orig", "\($0)_reply"] }
    + ["last_seq", "last_ack", "last_end", "last_window", "last_segment", "last_flags", "retransmissions"]
  static let association = ["init_orig", "init_reply", "flags", "last_direction"]
  static let tcp = Set(["state"] + handshake + windows)
  static let sctp = Set(["state", "vtag_orig", "vtag_reply"] + association)
}

extension Connection {
  /// What SCTP's tracker remembers beside the tags, where TCP's has other things (`dpdkfwd_ct_sctp`).
  struct Association: Equatable {
    var initOriginal: UInt32
    var initReply: UInt32
    var flags: UInt8
    var lastDirection: UInt8
  }

  var association: Association {
    get {
      Association(
        initOriginal: details.last_sequence, initReply: details.last_acknowledgement, flags: details.flags_original,
        lastDirection: details.flags_reply)
    }
    set {
      details.last_sequence = newValue.initOriginal
      details.last_acknowledgement = newValue.initReply
      details.flags_original = newValue.flags
      details.flags_reply = newValue.lastDirection
    }
  }
}

extension Members {
  /// Milliseconds, of `timeout_ms` or else of `timeout`, which has seconds.
  func timeout() throws(MemberError) -> UInt32? {
    let seconds = try number("timeout", UInt32.self, in: 0...UInt32.max / 1000)
    return try number("timeout_ms") ?? seconds.map { $0 * 1000 }
  }
}

extension Connection.Labels {
  /// 32 hexadecimal digits: sixteen bytes, bit 0 in the first one.
  init(hex text: String, _ members: Members) throws(MemberError) {
    let digits = text.utf8.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
    guard digits.count == 32, text.utf8.count == 32 else {
      throw members.error("labels", "'\(text)' has not 32 hexadecimal digits")
    }
    let bytes = (0..<16).map { UInt64(digits[2 * $0] << 4 | digits[2 * $0 + 1]) }
    func word(_ bytes: ArraySlice<UInt64>) -> UInt64 { bytes.reversed().reduce(0) { $0 << 8 | $1 } }
    self.init(low: word(bytes[..<8]), high: word(bytes[8...]))
  }
}
