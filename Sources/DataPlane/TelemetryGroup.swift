internal import Segment

/// A kind of records as a telemetry command tells it. It follows the schema and knows one field by name: the lcore that
/// shards belong to.
///
/// Without a parameter the command adds up over lcores. Parameters narrow it to an lcore and to a key: `1`, `1,rx/0`,
/// `eth0`. The answer is a dict of fields. Where there are several keys a field is a dict by key, and the words of a key
/// of several fields stand between slashes.
struct TelemetryGroup: Sendable {
  let name: String
  let kind: Kind
  private let schema: Schema
  private let lcore: Field?
  private let keys: [Field]
  /// The label that is called as one of the kind is: `port` of `ports`. It names a record as its key does.
  private let number: Field?

  /// What can be asked for: all kinds but arenas and rings. What is counted of an arena goes by the arena's name.
  static func all(of schema: Schema) -> [TelemetryGroup] {
    schema.kinds.filter { !$0.isArena && !$0.isRing }.map { TelemetryGroup($0, schema) }
  }

  private init(_ kind: Kind, _ schema: Schema) {
    let counted = kind.name.hasSuffix("_shards") ? String(kind.name.dropLast(7)) : kind.name
    name = schema.kind(named: counted)?.isArena == true ? counted : kind.name
    self.kind = kind
    self.schema = schema
    lcore = kind.field(named: "lcore")
    let isSingle = kind.shards * kind.records == 1 && !kind.fields.contains { $0.nature == .generation }
    keys = isSingle ? [] : kind.keys.filter { $0.name != "lcore" }
    number = keys.isEmpty ? nil : kind.fields.first { $0.name + "s" == kind.name && $0.nature == .label }
  }

  // MARK: Parameters

  /// What the command may be given, in words.
  var help: String {
    let key = keys.map(\.name).joined(separator: "/")
    let words = [lcore?.name, keys.isEmpty ? nil : number.map { "\($0.name) or \(key)" } ?? key].compactMap(\.self)
    return words.isEmpty
      ? "\(kind.help). Takes no parameters" : "\(kind.help). Parameters: \(words.joined(separator: ","))"
  }

  /// Those that narrow it first: lcores or, where there are none, keys.
  func parameters(_ records: [Record]) -> [String] {
    narrower(records, lcore: nil, path: nil)
  }

  /// - Parameters:
  ///   - lcore: as asked for.
  ///   - path: the first words of the key, as asked for.
  private func narrower(_ records: [Record], lcore asked: String?, path: String?) -> [String] {
    if let lcore, asked == nil { return records.map { word(lcore, $0) }.unique }
    guard !keys.isEmpty else { return [] }
    return records.map { record in
      let known = path.map { $0.split(separator: "/", omittingEmptySubsequences: false).count } ?? 0
      let words = keys.prefix(known + 1).map { word($0, record) }
      return [asked, words.joined(separator: "/")].compactMap(\.self).joined(separator: ",")
    }.unique
  }

  private func word(_ field: Field, _ record: Record) -> String {
    TelemetryValue.ascii(record.value(of: field).description)
  }
  private func key(_ record: Record) -> String { keys.map { word($0, record) }.joined(separator: "/") }

  /// - Returns: whether the path is all of the record's key, or only its first words; `nil` when it is neither.
  private func isWhole(_ path: String, _ record: Record) -> Bool? {
    let key = key(record)
    let names = [key, TelemetryValue.legalName(key)]
    if names.contains(path) || number.map({ word($0, record) }) == path { return true }
    return names.contains { $0.hasPrefix(path + "/") } ? false : nil
  }

  // MARK: Answers

  /// - Returns: `nil` when the parameter names nothing. What DPDK cannot carry is replaced by the number of records
  ///   (`too_many`) and the parameters that split them.
  func answer(_ parameter: String?, _ records: [Record]) -> TelemetryValue? {
    var words = parameter?.split(separator: ",", omittingEmptySubsequences: false).map(String.init)[...] ?? []
    let asked = lcore == nil ? nil : words.popFirst()
    let path = keys.isEmpty ? nil : words.popFirst()
    guard words.isEmpty else { return nil }
    var chosen = records
    if let asked, let lcore { chosen = chosen.filter { word(lcore, $0) == asked } }
    if let path { chosen = chosen.filter { isWhole(path, $0) != nil } }
    guard !chosen.isEmpty || parameter == nil else { return nil }

    let isOne = keys.isEmpty || path.map { path in chosen.allSatisfy { isWhole(path, $0) == true } } ?? false
    let rows = chosen.grouped(by: key)
    let answer = isOne && rows.count <= 1 ? fields(rows.first?.records ?? []) : table(rows)
    guard !answer.fits else { return answer }
    return .tooMany(rows.count, insteadOf: narrower(chosen, lcore: asked, path: path).filter { $0 != parameter })
  }

  private func fields(_ records: [Record]) -> TelemetryValue {
    .named(kind.shownFields.compactMap { field in value(of: field, records).map { (field.name, $0) } })
  }

  private func table(_ rows: [(key: String, records: [Record])]) -> TelemetryValue {
    .named(
      kind.fields.filter(\.isNumber).map { field in
        let members = rows.compactMap { row in value(of: field, row.records).map { (row.key, $0) } }
        return (field.name, .named(members))
      })
  }

  /// Counters and gauges are added up, but for those that nobody exports: like labels they are told where all records
  /// agree, and left to the lcores where they do not.
  private func value(of field: Field, _ records: [Record]) -> TelemetryValue? {
    guard let first = records.first else { return nil }
    let isSum = field.nature == .counter || field.nature == .gauge && !field.metric.isEmpty
    if isSum, field.enumeration == 0, field.type.isWhole {
      let sums = (0..<field.count).map { element in
        TelemetryValue.unsigned(records.reduce(0) { $0 &+ $1.number(field, element: element) })
      }
      return sums.count == 1 ? sums[0] : labelled(sums, field)
    }
    let value = first.value(of: field)
    guard records.allSatisfy({ $0.value(of: field) == value }) else { return nil }
    guard case .list(let elements) = value else { return TelemetryValue(value) }
    return labelled(elements.map { TelemetryValue($0) }, field)
  }

  private func labelled(_ elements: [TelemetryValue], _ field: Field) -> TelemetryValue {
    .named(elements.enumerated().map { (schema.label(of: $0, in: field), $1) })
  }
}

extension TelemetryValue {
  init(_ value: Value) {
    self =
      switch value {
      case .unsigned(let number): .unsigned(number)
      case .signed(let number): Int32(exactly: number).map { .signed($0) } ?? .text("\(number)")
      case .truth(let truth): .unsigned(truth ? 1 : 0)
      case .real, .text, .list: .text(of: value.description)
      }
  }

  /// - Parameter parameters: left out when even they are too many.
  static func tooMany(_ count: Int, insteadOf parameters: [String]) -> TelemetryValue {
    let count = (name: "too_many", value: TelemetryValue.unsigned(UInt64(count)))
    let answer = named([count, ("parameters", .texts(parameters))])
    return answer.fits ? answer : named([count])
  }
}

extension [String] {
  /// Each once, in the order they first come.
  fileprivate var unique: [String] {
    var seen: Set<String> = []
    return filter { seen.insert($0).inserted }
  }
}

extension [Record] {
  fileprivate func grouped(by key: (Record) -> String) -> [(key: String, records: [Record])] {
    var rows: [(key: String, records: [Record])] = []
    var places: [String: Int] = [:]
    for record in self {
      let key = key(record)
      if let place = places[key] {
        rows[place].records.append(record)
      } else {
        places[key] = rows.count
        rows.append((key, [record]))
      }
    }
    return rows
  }
}
