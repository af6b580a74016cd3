// Inspection: what readers of a segment share. Connections and fragments are read out of the workers' arenas, fields
// bound by name once, at a pace that does not slow the workers; events are followed in their rings, and what was lost
// of them is made good from the tables. All is rendered here, as text of the tools that people know and as JSON, which
// is read back as well. It asks the forwarder nothing, and owns nothing but its place in what it reads.
internal import Primitives
internal import Segment

/// Binds a kind's fields by name.
struct FieldBinder {
  private let kind: Kind
  private var missing: [String] = []

  init(_ kind: Kind) { self.kind = kind }

  /// The field of that name; another one where the kind has none, of which `end` tells.
  mutating func callAsFunction(_ name: String) -> Field {
    if let field = kind.field(named: name) { return field }
    missing.append(name)
    return kind.fields[0]
  }

  /// Fails when the kind had not all that was asked for.
  func end() throws(SegmentError) {
    guard missing.isEmpty else { throw .fields(kind: kind.name, missing: missing) }
  }
}

extension ArenaReader {
  /// The kind of this name, if it is one.
  static func arena(_ name: String, of reader: SegmentReader) throws(SegmentError) -> Kind {
    let kind = try reader.kind(name)
    guard kind.isArena else { throw .fields(kind: name, missing: ["generation"]) }
    return kind
  }
}

extension Record {
  /// An address of either family, out of a field of 16 bytes; IPv4 has the first four.
  func address(_ field: Field, isIPv6: Bool) -> IPv6Address {
    let address = address(field)
    return isIPv6 ? address : IPv6Address(ipv4: address.ipv4)
  }

  func number16(_ field: Field) -> UInt16 { UInt16(truncatingIfNeeded: number(field)) }
  func number8(_ field: Field) -> UInt8 { UInt8(truncatingIfNeeded: number(field)) }
  func number32(_ field: Field) -> UInt32 { UInt32(truncatingIfNeeded: number(field)) }
}
