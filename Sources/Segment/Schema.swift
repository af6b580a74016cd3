// Segment: counters and tables in shared memory that describe themselves. The forwarder makes one file at start
// (`SegmentWriter`), owns it by a lock and stores into it with plain moves; any number of readers (`SegmentReader`) map
// it read-only, bind fields by name and never follow a pointer. It outlives the process, and the run before it is kept.
//
// A new table needs a schema and nothing else: `dpdkfwd-stat` shows, dumps and exports what the schema describes.

/// What a segment holds: its tables and the names of their values.
public struct Schema: Sendable, Equatable {
  public var kinds: [Kind]
  public var enumerations: [Enumeration]

  public init(kinds: [Kind], enumerations: [Enumeration] = []) {
    self.kinds = kinds
    self.enumerations = enumerations
  }

  public func kind(named name: String) -> Kind? { kinds.first { $0.name == name } }
  public func enumeration(named name: String) -> Enumeration? { enumerations.first { $0.name == name } }
  public func enumeration(_ id: UInt16) -> Enumeration? { id == 0 ? nil : enumerations.first { $0.id == id } }
  /// What an element of an array is called.
  public func label(of element: Int, in field: Field) -> String {
    enumeration(field.labels)?.name(of: UInt64(element)) ?? "\(element)"
  }
}

/// The number of a kind, never given to another one.
public struct KindID: RawRepresentable, Hashable, Sendable {
  public var rawValue: UInt16
  public init(rawValue: UInt16) { self.rawValue = rawValue }
}

/// A table: `shards` (one per lcore, or one) times `records` of the same fields.
public struct Kind: Sendable, Equatable {
  public var id: KindID
  public var name: String
  public var help: String
  /// The program version that brought it.
  public var since: String
  public var shards: Int
  /// In each shard.
  public var records: Int
  /// Bytes from one record to the next.
  public var stride: Int
  /// The kind whose `sequence` field in the same shard is odd while these records change together.
  public var guardedBy: KindID?
  public var fields: [Field]
  /// Bytes from the start of the file to shard 0; set when a segment is laid out.
  public internal(set) var offset = 0
  /// Bytes from one shard to the next; set when a segment is laid out.
  public internal(set) var shardStride = 0

  public init(
    _ id: KindID, _ name: String, since: String, shards: Int = 1, records: Int = 1, stride: Int,
    guardedBy: KindID? = nil, help: String, fields: [Field]
  ) {
    self.id = id
    self.name = name
    self.help = help
    self.since = since
    self.shards = shards
    self.records = records
    self.stride = stride
    self.guardedBy = guardedBy
    self.fields = fields
  }

  /// The field of this name, unless it was removed.
  public func field(named name: String) -> Field? { fields.first { $0.name == name && $0.nature != .removed } }
  /// Whether its shards are rings of numbered entries.
  public var isRing: Bool { field(of: .entry) != nil }
  /// Whether its shards are arenas: large, with records that come and go by the thousand. Told by a generation of 32
  /// bits; read record by record, with `ArenaReader`.
  public var isArena: Bool { field(of: .generation)?.type == .u32 }
  /// The fields a person or a program wants to see.
  public var shownFields: [Field] { fields.filter { ![.removed, .generation, .sequence].contains($0.nature) } }
  public var keys: [Field] { fields.filter { $0.nature == .key } }
  func field(of nature: Nature) -> Field? { fields.first { $0.nature == nature } }
}

/// One field of a record.
public struct Field: Sendable, Equatable {
  /// Never given to another field of the kind: a removed field leaves its description, with nature `removed`.
  public var id: UInt16
  public var name: String
  public var type: FieldType
  /// Bytes from the start of the record.
  public var offset: Int
  /// Elements; 1 when it is no array.
  public var count: Int
  public var nature: Nature
  /// "packets", "bytes", "cycles", "nanoseconds", ...; empty when it has none.
  public var unit: String
  /// The OpenMetrics family without `dpdkfwd_`, or the label a key becomes; empty when it is not exported.
  public var metric: String
  /// The enumeration that names its values, or 0.
  public var enumeration: UInt16
  /// The enumeration that names its elements, or 0.
  public var labels: UInt16
  public var since: String
  public var help: String

  /// Bytes, over all elements.
  public var size: Int { type.size * count }
  public var isNumber: Bool { nature == .counter || nature == .gauge }
}

/// How the bytes of one element are read. Numbers are in the host's byte order, addresses in the network's.
public enum FieldType: UInt8, Sendable, CaseIterable {
  case u8 = 1, u16, u32, u64, i32, i64, f64, bool, char, mac, ipv4, ipv6

  /// Bytes of one element.
  public var size: Int {
    switch self {
    case .u8, .bool, .char: 1
    case .u16: 2
    case .u32, .i32, .ipv4: 4
    case .u64, .i64, .f64: 8
    case .mac: 6
    case .ipv6: 16
    }
  }

  /// Whether it is a number without a fraction or a sign.
  public var isWhole: Bool { [.u8, .u16, .u32, .u64, .bool].contains(self) }

  /// Bytes an element's offset is a multiple of, so that one load reads it.
  var alignment: Int { self == .mac || self == .ipv6 ? 1 : size }
}

/// What a field is for.
public enum Nature: UInt8, Sendable, CaseIterable {
  /// Only grows.
  case counter = 1
  /// Goes up and down.
  case gauge
  /// Describes the record.
  case label
  /// Tells the record from its neighbours.
  case key
  /// Zero while the record is unused, another value for each of its lives.
  case generation
  /// Odd while the shard is being committed.
  case sequence
  /// Was a field once: its id stays taken.
  case removed
  /// Numbers the entries of a ring from 1, which write over the oldest; its highest bit is set while the entry is
  /// written, and zero means that none was.
  case entry
}

/// Names for numbers.
public struct Enumeration: Sendable, Equatable {
  /// From 1.
  public var id: UInt16
  public var name: String
  public var values: [(value: UInt64, name: String)]

  public init(_ id: UInt16, _ name: String, values: [(value: UInt64, name: String)]) {
    self.id = id
    self.name = name
    self.values = values
  }

  /// The names of 0, 1, 2, ...
  public init(_ id: UInt16, _ name: String, _ names: [String]) {
    self.init(id, name, values: names.enumerated().map { (UInt64($0.offset), $0.element) })
  }

  /// The names of bits 0, 1, 2, ..., each by its value: 1, 2, 4, ...
  public init(_ id: UInt16, _ name: String, bits: [String]) {
    self.init(id, name, values: bits.enumerated().map { (1 << UInt64($0.offset), $0.element) })
  }

  /// The names of the bits that are set, lowest first; bits without a name are left out.
  public func names(ofBits bits: UInt64) -> [String] { values.filter { bits & $0.value != 0 }.map(\.name) }

  public func name(of value: UInt64) -> String? {
    if value < values.count, values[Int(value)].value == value { return values[Int(value)].name }
    return values.first { $0.value == value }?.name
  }

  public static func == (a: Enumeration, b: Enumeration) -> Bool {
    a.id == b.id && a.name == b.name && a.values.elementsEqual(b.values, by: ==)
  }
}
