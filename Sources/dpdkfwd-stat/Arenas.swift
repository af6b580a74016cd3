internal import Segment

// What readers of arenas have in common: fields that are bound by name once, and then read of thousands of records.

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
  func address(_ field: Field, isIPv6: Bool) -> String {
    isIPv6 ? value(of: field).description : bytes(of: field).prefix(4).map { String($0) }.joined(separator: ".")
  }
}
