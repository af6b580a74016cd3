public import JSONText
internal import Primitives
public import Segment

extension ConnectionFilter {
  /// Reads a filter as docs/control.md has it. An address says which IP version is meant, and ports are those
  /// of a protocol, which must be given.
  public init(json: JSON) throws(MemberError) {
    self.init()
    let members = try Members(json, known: Self.known)
    try readWho(members)
    try readWhat(members)
    try readZones(members)
    try readTags(members)
  }

  private static let known: Set<String> = [
    "id", "l3", "l4", "orig", "reply", "mark", "status", "unset", "state", "labels", "zone", "orig_zone", "reply_zone",
    "vtag_orig", "vtag_reply",
  ]

  private mutating func readWho(_ members: Members) throws(MemberError) {
    if let number: UInt64 = try members.number("id") {
      id = ConnectionID(rawValue: number)
      conditions.insert(.id)
    }
    if let number = try members.protocol("l4") {
      self.protocol = number
      conditions.insert(.protocol)
    }
    var family = try members.isIPv6("l3")
    original = try ends("orig", members, family: &family)
    reply = try ends("reply", members, family: &family)
    if let family {
      isIPv6 = family
      conditions.insert(.family)
    }
  }

  private func ends(_ name: String, _ members: Members, family: inout Bool?) throws(MemberError) -> Ends {
    var ends = Ends()
    guard
      let side = try members.object(
        name, known: ["src", "dst", "sport", "dport", "srckey", "dstkey", "id", "type", "code"])
    else { return ends }
    for (name, address, bits) in [
      ("src", \Ends.tuple.source, \Ends.sourceBits), ("dst", \Ends.tuple.destination, \Ends.destinationBits),
    ] {
      guard let found = try side.address(name, mayBePrefix: true) else { continue }
      guard family ?? found.isIPv6 == found.isIPv6 else {
        throw side.error(name, "is of another IP version than the rest")
      }
      family = found.isIPv6
      ends[keyPath: address] = found.address
      ends[keyPath: bits] = found.bits
    }
    let names = conditions.contains(.protocol) ? Connection.names(of: self.protocol) : .none
    for name in ["sport", "dport", "srckey", "dstkey", "id", "type", "code"]
    where side.has(name) && !names.all.contains(name) {
      throw side.error(
        name, conditions.contains(.protocol) ? "protocol \(self.protocol) has none" : "needs l4, the protocol")
    }
    // Who ignores ports ignores them here too.
    if case .ignored = names { return ends }
    if let port: UInt16 = try side.first(of: ["sport", "srckey", "id"]) {
      ends.tuple.sourcePort = port
      ends.hasSourcePort = true
    }
    if let port: UInt16 = try side.first(of: ["dport", "dstkey"]) {
      ends.tuple.destinationPort = port
      ends.hasDestinationPort = true
    }
    let (type, code): (UInt8?, UInt8?) = (try side.number("type"), try side.number("code"))
    if type != nil || code != nil {
      ends.tuple.destinationPort = UInt16(type ?? 0) << 8 | UInt16(code ?? 0)
      ends.destinationPortMask = (type == nil ? 0 : 0xff00) | (code == nil ? 0 : 0xff)
      ends.hasDestinationPort = true
    }
    return ends
  }

  private mutating func readWhat(_ members: Members) throws(MemberError) {
    if let (value, mask) = try members.masked("mark") {
      (mark, markMask) = (value, mask)
      conditions.insert(.mark)
    }
    let set: UInt16? = try members.bits("status", ConnectionWords.status)
    let unset: UInt16? = try members.bits("unset", ConnectionWords.status)
    if set != nil || unset != nil {
      guard (set ?? 0) & (unset ?? 0) == 0 else { throw members.error("unset", "has words that status has too") }
      (status, statusMask) = (set ?? 0, (set ?? 0) | (unset ?? 0))
      conditions.insert(.status)
    }
    if members.has("state") {
      guard conditions.contains(.protocol) else { throw members.error("state", "needs l4, the protocol") }
      state = try members.state("state", of: self.protocol) ?? 0
      conditions.insert(.state)
    }
    if let bits = try members.labels("labels") {
      labels = bits
      conditions.insert(.labels)
    }
  }

  private mutating func readZones(_ members: Members) throws(MemberError) {
    for (name, condition, zone) in [
      ("zone", Conditions.zone, \ConnectionFilter.zone), ("orig_zone", .originalZone, \.originalZone),
      ("reply_zone", .replyZone, \.replyZone),
    ] {
      guard let number: UInt16 = try members.number(name) else { continue }
      self[keyPath: zone] = number
      conditions.insert(condition)
    }
  }

  private mutating func readTags(_ members: Members) throws(MemberError) {
    for (name, condition, tag) in [
      ("vtag_orig", Conditions.originalTag, \ConnectionFilter.tags.original),
      ("vtag_reply", .replyTag, \.tags.reply),
    ] {
      guard let number: UInt32 = try members.number(name) else { continue }
      guard conditions.contains(.protocol), self.protocol == Connection.Number.sctp else {
        throw members.error(name, "needs l4 to be sctp")
      }
      self[keyPath: tag] = number
      conditions.insert(condition)
    }
  }

  // MARK: Writing

  /// What `init(json:)` reads.
  public var json: JSON {
    var members: [(String, JSON)] = []
    func add(_ condition: Conditions, _ name: String, _ value: @autoclosure () -> JSON) {
      if conditions.contains(condition) { members.append((name, value())) }
    }
    add(.id, "id", .unsigned(id.rawValue))
    add(.family, "l3", .text(isIPv6 ? "ipv6" : "ipv4"))
    add(.protocol, "l4", .text(ConnectionWords.protocols.name(of: UInt64(self.protocol)) ?? "\(self.protocol)"))
    for (name, ends) in [("orig", original), ("reply", reply)] where !ends.isEmpty {
      members.append((name, .object(self.members(of: ends))))
    }
    add(.mark, "mark", markMask == .max ? .unsigned(UInt64(mark)) : .text("\(mark)/\(markMask)"))
    add(.status, "status", .array(ConnectionWords.status.names(ofBits: UInt64(status)).map { .text($0) }))
    if conditions.contains(.status), statusMask != status {
      let unset = ConnectionWords.status.names(ofBits: UInt64(statusMask & ~status))
      members.append(("unset", .array(unset.map { .text($0) })))
    }
    add(.state, "state", .text(ConnectionWords.state(state, of: self.protocol) ?? "\(state)"))
    add(.labels, "labels", .array(labels.bits.map { .unsigned(UInt64($0)) }))
    add(.zone, "zone", .unsigned(UInt64(zone)))
    add(.originalZone, "orig_zone", .unsigned(UInt64(originalZone)))
    add(.replyZone, "reply_zone", .unsigned(UInt64(replyZone)))
    add(.originalTag, "vtag_orig", .unsigned(UInt64(tags.original)))
    add(.replyTag, "vtag_reply", .unsigned(UInt64(tags.reply)))
    return .object(members)
  }

  private func members(of ends: Ends) -> [(String, JSON)] {
    var members: [(String, JSON)] = []
    for (name, address, bits) in [
      ("src", ends.tuple.source, ends.sourceBits), ("dst", ends.tuple.destination, ends.destinationBits),
    ] where bits > 0 {
      let prefix = bits == (isIPv6 ? 128 : 32) ? "" : "/\(bits)"
      members.append((name, .text(text(of: address, isIPv6: isIPv6) + prefix)))
    }
    let isQuery = Connection.names(of: self.protocol).all.contains("id")
    let isKeyed = self.protocol == Connection.Number.gre
    func add(_ name: String, _ number: UInt16) { members.append((name, .unsigned(UInt64(number)))) }
    if ends.hasSourcePort { add(isQuery ? "id" : isKeyed ? "srckey" : "sport", ends.tuple.sourcePort) }
    guard ends.hasDestinationPort else { return members }
    if isQuery {
      if ends.destinationPortMask & 0xff00 != 0 { add("type", ends.tuple.destinationPort >> 8) }
      if ends.destinationPortMask & 0xff != 0 { add("code", ends.tuple.destinationPort & 0xff) }
    } else {
      add(isKeyed ? "dstkey" : "dport", ends.tuple.destinationPort)
    }
    return members
  }
}

extension Members {
  /// The number in the first of these members that is there.
  fileprivate func first<Number: FixedWidthInteger>(of names: [String]) throws(MemberError) -> Number? {
    for name in names { if let number: Number = try number(name) { return number } }
    return nil
  }
}
