internal import JSONText
internal import Segment

/// The schema as text for people, as JSON, and as C.
struct SchemaText {
  let schema: Schema

  var text: String {
    schema.kinds.map { kind in
      var table = TextTable(
        head: ["ID", "FIELD", "TYPE", "OFFSET", "NATURE", "UNIT", "SINCE", "HELP"].map { ($0, .left) })
      table.head[0].alignment = .right
      table.head[3].alignment = .right
      table.rows = kind.fields.map { field in
        [
          "\(field.id)", field.name, typeName(field), "\(field.offset)", "\(field.nature)", field.unit, field.since,
          field.help,
        ]
      }
      let guarded = guardian(of: kind).map { ", committed with \($0)" } ?? ""
      return """
        \(kind.name) (kind \(kind.id.rawValue), since \(kind.since)): \(kind.help)
        \(kind.shards) x \(kind.records) records of \(kind.stride) bytes from byte \(kind.offset), shards \
        \(kind.shardStride) bytes apart\(guarded)

        """ + table.text
    }.joined(separator: "\n") + enumerations
  }

  private var enumerations: String {
    schema.enumerations.map { enumeration in
      "\n\(enumeration.name): " + enumeration.values.map { "\($0.value) \($0.name)" }.joined(separator: ", ") + "\n"
    }.joined()
  }

  private func guardian(of kind: Kind) -> String? {
    kind.guardedBy.flatMap { id in schema.kinds.first { $0.id == id }?.name }
  }

  private func typeName(_ field: Field) -> String {
    let element = schema.enumeration(field.enumeration).map { "\(field.type) \($0.name)" } ?? "\(field.type)"
    if field.count == 1 { return element }
    return element + "[\(schema.enumeration(field.labels)?.name ?? "\(field.count)")]"
  }

  var json: [(String, JSON)] {
    let kinds = schema.kinds.map { kind in
      JSON.object([
        ("id", .unsigned(UInt64(kind.id.rawValue))), ("name", .text(kind.name)), ("help", .text(kind.help)),
        ("since", .text(kind.since)), ("offset", number(kind.offset)), ("shards", number(kind.shards)),
        ("shard_stride", number(kind.shardStride)), ("records", number(kind.records)),
        ("record_stride", number(kind.stride)), ("committed_with", guardian(of: kind).map { .text($0) } ?? .null),
        ("fields", .array(kind.fields.map { json($0) })),
      ])
    }
    let enumerations = schema.enumerations.map { enumeration in
      (
        enumeration.name,
        JSON.array(
          enumeration.values.map { .object([("value", .unsigned($0.value)), ("name", .text($0.name))]) })
      )
    }
    return [("kinds", .array(kinds)), ("enumerations", .object(enumerations))]
  }

  private func json(_ field: Field) -> JSON {
    func name(_ enumeration: UInt16) -> JSON { schema.enumeration(enumeration).map { .text($0.name) } ?? .null }
    return .object([
      ("id", .unsigned(UInt64(field.id))), ("name", .text(field.name)), ("type", .text("\(field.type)")),
      ("count", number(field.count)), ("offset", number(field.offset)), ("unit", .text(field.unit)),
      ("nature", .text("\(field.nature)")), ("enumeration", name(field.enumeration)), ("labels", name(field.labels)),
      ("metric", .text(field.metric)), ("since", .text(field.since)), ("help", .text(field.help)),
    ])
  }

  private func number(_ number: Int) -> JSON { .unsigned(UInt64(number)) }

  // MARK: C

  var c: String {
    let enums = schema.enumerations.map { enumeration in
      "// \(enumeration.name): " + enumeration.values.map { "\($0.value) \($0.name)" }.joined(separator: ", ") + "\n"
    }
    return enums.joined() + schema.kinds.map { "\n" + c($0) }.joined()
  }

  private func c(_ kind: Kind) -> String {
    var lines = [
      "// \(kind.help)",
      "// record r of shard s: \(kind.offset) + s * \(kind.shardStride) + r * \(kind.stride); s < \(kind.shards), r < \(kind.records)",
      "struct \(kind.name) {",
    ]
    var end = 0
    for field in kind.fields.filter({ $0.nature != .removed }).sorted(by: { $0.offset < $1.offset }) {
      if field.offset > end { lines.append("  uint8_t unnamed_\(end)[\(field.offset - end)];") }
      let unit = field.unit.isEmpty ? "" : " (\(field.unit))"
      lines.append("  \(declaration(field));  // \(field.offset): \(field.help)\(unit)")
      end = field.offset + field.size
    }
    if end < kind.stride { lines.append("  uint8_t unnamed_\(end)[\(kind.stride - end)];") }
    return lines.joined(separator: "\n") + "\n};\n"
  }

  private func declaration(_ field: Field) -> String {
    let (type, inner) =
      switch field.type {
      case .u8: ("uint8_t", "")
      case .u16: ("uint16_t", "")
      case .u32: ("uint32_t", "")
      case .u64: ("uint64_t", "")
      case .i32: ("int32_t", "")
      case .i64: ("int64_t", "")
      case .f64: ("double", "")
      case .bool: ("uint8_t", "")
      case .char: ("char", "")
      case .mac: ("uint8_t", "[6]")
      case .ipv4: ("uint32_t", "")
      case .ipv6: ("uint8_t", "[16]")
      }
    return "\(type) \(field.name)" + (field.count == 1 ? "" : "[\(field.count)]") + inner
  }
}
