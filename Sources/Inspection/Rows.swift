public import Segment

/// A record, or several with the same keys added up.
public struct Row {
  public private(set) var records: [Record]

  public init(records: [Record]) { self.records = records }

  public static func alone(_ record: Record) -> Row { Row(records: [record]) }
  public var isAlone: Bool { records.count == 1 }

  /// Merges records whose `keys` agree, in the order they first come.
  public static func grouped(_ records: [Record], by keys: [Field]) -> [Row] {
    var rows: [Row] = []
    var places: [[String]: Int] = [:]
    for record in records {
      let key = keys.map { record.value(of: $0).description }
      if let place = places[key] {
        rows[place].records.append(record)
      } else {
        places[key] = rows.count
        rows.append(Row(records: [record]))
      }
    }
    return rows
  }

  /// Counters and gauges are added up; what describes the records is taken from the first.
  public func value(of field: Field) -> Value {
    guard field.isNumber, field.enumeration == 0, records.count > 1 else { return records[0].value(of: field) }
    let sums = (0..<field.count).map { Value.unsigned(sum(field, element: $0)) }
    return sums.count == 1 ? sums[0] : .list(sums)
  }

  public func sum(_ field: Field, element: Int = 0) -> UInt64 {
    records.reduce(0) { $0 &+ $1.number(field, element: element) }
  }

  /// By name; 0 when the segment has no such field.
  public func sum(_ name: String) -> UInt64 {
    guard let field = records[0].kind.field(named: name) else { return 0 }
    return sum(field)
  }
}

extension Field {
  /// Has a meaning when added up over records.
  public var isSummable: Bool { isNumber && enumeration == 0 && !unit.isEmpty && type != .f64 }
}
