public import JSONText
public import Primitives
internal import Segment

/// The fragments of a datagram were given up.
public struct FragmentListEvent: Equatable, Sendable {
  /// Of its ring's entries.
  public var sequence: UInt64
  public var shard: Int
  /// Nanoseconds since 1970.
  public var at: UInt64
  public var isIPv6: Bool
  /// IPv4: the first four bytes.
  public var source: IPv6Address
  public var destination: IPv6Address
  public var identification: UInt32
  public var zone: UInt16
  public var `protocol`: UInt8
  /// Why, as the events of fragments are called.
  public var reason: String
  /// That were held, and the bytes of their frames.
  public var fragments: UInt32
  public var bytes: UInt32

  public init(
    sequence: UInt64, shard: Int, at: UInt64, isIPv6: Bool, source: IPv6Address, destination: IPv6Address,
    identification: UInt32, zone: UInt16, protocol: UInt8, reason: String, fragments: UInt32, bytes: UInt32
  ) {
    self.sequence = sequence
    self.shard = shard
    self.at = at
    self.isIPv6 = isIPv6
    self.source = source
    self.destination = destination
    self.identification = identification
    self.zone = zone
    self.protocol = `protocol`
    self.reason = reason
    self.fragments = fragments
    self.bytes = bytes
  }

  /// As Open vSwitch's dump has a list of fragments, and why behind it.
  var text: String {
    "(src=\(Inspection.text(of: source, isIPv6: isIPv6)),dst=\(Inspection.text(of: destination, isIPv6: isIPv6)),"
      + "recirc_id=0,ip_id=\(identification),dl_type=0x\(isIPv6 ? "86dd" : "800"),zone=\(zone),nw_proto=\(`protocol`),"
      + "num_fragments=\(fragments),bytes=\(bytes),reason=\(reason))"
  }
}

extension FragmentListEvent {
  /// The names of the line, and where the event stands.
  public var json: JSON {
    .object([
      ("event", .text("fragments")), ("at_ns", .unsigned(at)), ("shard", .unsigned(UInt64(shard))),
      ("sequence", .unsigned(sequence)), ("src", .text(Inspection.text(of: source, isIPv6: isIPv6))),
      ("dst", .text(Inspection.text(of: destination, isIPv6: isIPv6))), ("ip_id", .unsigned(UInt64(identification))),
      ("zone", .unsigned(UInt64(zone))), ("nw_proto", .unsigned(UInt64(`protocol`))),
      ("num_fragments", .unsigned(UInt64(fragments))), ("bytes", .unsigned(UInt64(bytes))), ("reason", .text(reason)),
    ])
  }

  /// Reads what `json` writes.
  public init(json: JSON) throws(MemberError) {
    let members = try Members(
      json,
      known: [
        "event", "at_ns", "shard", "sequence", "src", "dst", "ip_id", "zone", "nw_proto", "num_fragments", "bytes",
        "reason",
      ])
    guard let source = try members.address("src") else { throw members.error("src", "is missing") }
    guard let destination = try members.address("dst") else { throw members.error("dst", "is missing") }
    guard source.isIPv6 == destination.isIPv6 else { throw members.error("dst", "is of another IP version than src") }
    (self.source, self.destination, isIPv6) = (source.address, destination.address, source.isIPv6)
    sequence = try members.needed("sequence")
    shard = try members.needed("shard")
    at = try members.needed("at_ns")
    identification = try members.needed("ip_id")
    zone = try members.needed("zone")
    `protocol` = try members.needed("nw_proto")
    reason = try members.text("reason") ?? "?"
    fragments = try members.needed("num_fragments")
    bytes = try members.needed("bytes")
  }
}
