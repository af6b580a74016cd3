/// Describes the fields of a struct, best a C one: offsets come from the struct, so schema and layout cannot disagree.
public struct FieldsOf<Record> {
  private let metric: String?
  private let since: String

  /// - Parameters:
  ///   - metric: what the metrics of the kind begin with; `nil` when it exports none but those it names.
  ///   - since: the program version that brought the fields.
  public init(metric: String? = nil, since: String) {
    self.metric = metric
    self.since = since
  }

  /// - Parameters:
  ///   - labels: the enumeration that names the elements of an array.
  ///   - count: elements in use, when not all are.
  public func counter<Value>(
    _ id: UInt16, _ name: String, _ path: KeyPath<Record, Value>, _ unit: String, _ help: String,
    labels: UInt16 = 0, count: Int? = nil, metric: String? = nil
  ) -> Field {
    number(id, name, path, .counter, unit, help, labels: labels, count: count, metric: metric)
  }

  /// - Parameter labels: the enumeration that names the elements of an array.
  public func gauge<Value>(
    _ id: UInt16, _ name: String, _ path: KeyPath<Record, Value>, _ unit: String, _ help: String,
    enumeration: UInt16 = 0, labels: UInt16 = 0, metric: String? = nil
  ) -> Field {
    number(id, name, path, .gauge, unit, help, enumeration: enumeration, labels: labels, metric: metric)
  }

  /// - Parameter type: needed for text and addresses.
  public func label<Value>(
    _ id: UInt16, _ name: String, _ path: KeyPath<Record, Value>, _ help: String, unit: String = "",
    type: FieldType? = nil, enumeration: UInt16 = 0
  ) -> Field {
    field(id, name, path, .label, unit, help, type: type, enumeration: enumeration, metric: "")
  }

  /// - Parameter metric: the label it becomes in metrics.
  public func key<Value>(
    _ id: UInt16, _ name: String, _ path: KeyPath<Record, Value>, _ help: String,
    type: FieldType? = nil, enumeration: UInt16 = 0, metric: String
  ) -> Field {
    field(id, name, path, .key, "", help, type: type, enumeration: enumeration, metric: metric)
  }

  public func generation(_ id: UInt16, _ path: KeyPath<Record, UInt64>) -> Field {
    field(id, "generation", path, .generation, "", "Zero while the record is unused", metric: "")
  }

  /// The generation of an arena's records: see `Kind.isArena`.
  public func generation(
    _ id: UInt16, _ name: String, _ path: KeyPath<Record, UInt32>, _ help: String
  ) -> Field {
    field(id, name, path, .generation, "", help, metric: "")
  }

  public func sequence(_ id: UInt16, _ path: KeyPath<Record, UInt64>) -> Field {
    field(id, "sequence", path, .sequence, "", "Odd while the lcore commits its counters", metric: "")
  }

  /// - Parameter path: the head of the record.
  public func entry(_ id: UInt16, _ path: KeyPath<Record, UInt64>) -> Field {
    field(id, "sequence", path, .entry, "", "Number of the entry; from 2^63 on while it is written", metric: "")
  }

  private func number<Value>(
    _ id: UInt16, _ name: String, _ path: KeyPath<Record, Value>, _ nature: Nature, _ unit: String, _ help: String,
    enumeration: UInt16 = 0, labels: UInt16 = 0, count: Int? = nil, metric: String?
  ) -> Field {
    let exported = metric ?? self.metric.map { "\($0)_\(name)" } ?? ""
    return field(
      id, name, path, nature, unit, help, enumeration: enumeration, labels: labels, count: count, metric: exported)
  }

  private func field<Value>(
    _ id: UInt16, _ name: String, _ path: KeyPath<Record, Value>, _ nature: Nature, _ unit: String, _ help: String,
    type: FieldType? = nil, enumeration: UInt16 = 0, labels: UInt16 = 0, count: Int? = nil, metric: String
  ) -> Field {
    guard let offset = MemoryLayout<Record>.offset(of: path) else {
      preconditionFailure("\(name) is not stored in \(Record.self)")
    }
    let type = type ?? Self.type(of: Value.self)
    return Field(
      id: id, name: name, type: type, offset: offset, count: count ?? MemoryLayout<Value>.size / type.size,
      nature: nature, unit: unit, metric: metric, enumeration: enumeration, labels: labels, since: since, help: help)
  }

  /// The type a C member is read as; arrays of anything but 64-bit numbers say their type.
  private static func type(of value: Any.Type) -> FieldType {
    switch value {
    case is UInt8.Type: .u8
    case is UInt16.Type: .u16
    case is UInt32.Type: .u32
    case is Int32.Type: .i32
    case is Int64.Type: .i64
    case is Double.Type: .f64
    default: .u64
    }
  }
}
