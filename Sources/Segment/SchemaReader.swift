internal import CSegment

/// Reads the description of a segment, trusting nothing in it: every count, offset and text is checked, and the error
/// says where it went wrong.
struct SchemaReader {
  private let path: String
  /// The header and the schema, copied, so that nobody changes them after the check.
  private let bytes: [UInt8]
  private let header: dpdkfwd_segment_header

  /// - Parameters:
  ///   - bytes: the file up to `schemaEnd`.
  ///   - length: of the file.
  static func read(_ bytes: [UInt8], length: Int, path: String) throws(SegmentError) -> Schema {
    _ = try schemaEnd(bytes, length: length, path: path)
    let header = header(bytes)
    guard bytes.count >= Int(header.schema_end) else { throw .damaged(path: path, at: bytes.count, "it ends early") }
    let reader = SchemaReader(path: path, bytes: bytes, header: header)
    let known = MemoryLayout<dpdkfwd_segment_header>.size
    guard SegmentChecksum.of(header, schema: bytes[known..<Int(header.schema_end)]) == header.checksum else {
      throw reader.damaged(\.checksum, "its checksum does not fit its description")
    }
    let schema = try reader.schema()
    if let fault = schema.fault(within: Int(header.schema_end)..<length) {
      throw reader.damaged(\.kinds, fault, at: Int(header.kinds))
    }
    return schema
  }

  /// The header of a file that has at least its bytes; `schemaEnd` says whether it makes sense.
  ///
  /// Apart from `schemaEnd`, since the optimizer of Swift 6.3.1 lets the caller of a function with a typed throw and a
  /// result as large as this header see an error that was never thrown.
  static func header(_ bytes: [UInt8]) -> dpdkfwd_segment_header {
    unsafe bytes.withUnsafeBytes { unsafe $0.loadUnaligned(as: dpdkfwd_segment_header.self) }
  }

  /// Where the description ends, in bytes from the start of the file, once the header's own numbers make sense.
  static func schemaEnd(_ bytes: [UInt8], length: Int, path: String) throws(SegmentError) -> Int {
    let known = MemoryLayout<dpdkfwd_segment_header>.size
    guard bytes.count >= known else { throw .damaged(path: path, at: bytes.count, "it is too short for a header") }
    let header = header(bytes)
    let reader = SchemaReader(path: path, bytes: bytes, header: header)
    guard header.magic == SEGMENT_MAGIC else { throw reader.damaged(\.magic, "it is no segment") }
    guard header.major == SEGMENT_MAJOR else {
      throw .version(path: path, found: "\(header.major).\(header.minor)", readable: "\(SEGMENT_MAJOR).x")
    }
    guard header.total_size <= UInt64(length) else {
      throw .damaged(path: path, at: length, "it says it has \(header.total_size) bytes")
    }
    guard header.header_size >= known, header.header_size % 8 == 0, header.header_size <= header.schema_end else {
      throw reader.damaged(\.header_size, "a header of \(header.header_size) bytes")
    }
    guard header.schema_end <= min(header.total_size, largestSchema) else {
      throw reader.damaged(\.schema_end, "a description of \(header.schema_end) bytes")
    }
    return Int(header.schema_end)
  }

  /// Bytes; far above any schema, far below what would hurt a reader.
  private static let largestSchema: UInt64 = 64 << 20

  private func schema() throws(SegmentError) -> Schema {
    let values = try list(\.values, \.value_count, \.value_size, dpdkfwd_segment_value.self)
    let fields = try list(\.fields, \.field_count, \.field_size, dpdkfwd_segment_field.self)
    var schema = Schema(kinds: [])
    for (at, enumeration) in try list(
      \.enumerations, \.enumeration_count, \.enumeration_size, dpdkfwd_segment_enumeration.self)
    {
      var names: [(value: UInt64, name: String)] = []
      for (at, value) in try part(of: values, enumeration.first_value, enumeration.value_count, at: at) {
        names.append((value.value, try text(value.name, at: at)))
      }
      schema.enumerations.append(
        Enumeration(enumeration.id, try text(enumeration.name, at: at), values: names))
    }
    for (at, descriptor) in try list(\.kinds, \.kind_count, \.kind_size, dpdkfwd_segment_kind.self) {
      var kind = Kind(
        KindID(rawValue: descriptor.id), try text(descriptor.name, at: at), since: try text(descriptor.since, at: at),
        shards: Int(descriptor.shards), records: Int(descriptor.records), stride: Int(descriptor.record_stride),
        guardedBy: descriptor.guard == 0 ? nil : KindID(rawValue: descriptor.guard),
        help: try text(descriptor.help, at: at), fields: [])
      guard let offset = Int(exactly: descriptor.offset), let stride = Int(exactly: descriptor.shard_stride) else {
        throw .damaged(path: path, at: at, "kind \(kind.name) lies outside the segment")
      }
      kind.offset = offset
      kind.shardStride = stride
      for (at, field) in try part(of: fields, descriptor.first_field, descriptor.field_count, at: at) {
        if let field = try self.field(field, at: at) { kind.fields.append(field) }
      }
      schema.kinds.append(kind)
    }
    return schema
  }

  /// `nil` for a field of a type or nature that a later minor version brought: the rest stays readable.
  private func field(_ descriptor: dpdkfwd_segment_field, at: Int) throws(SegmentError) -> Field? {
    guard let type = FieldType(rawValue: descriptor.type), let nature = Nature(rawValue: descriptor.nature) else {
      if header.minor > SEGMENT_MINOR { return nil }
      throw .damaged(path: path, at: at, "a field of type \(descriptor.type) and nature \(descriptor.nature)")
    }
    return Field(
      id: descriptor.id, name: try text(descriptor.name, at: at), type: type, offset: Int(descriptor.offset),
      count: Int(descriptor.count), nature: nature, unit: try text(descriptor.unit, at: at),
      metric: try text(descriptor.metric, at: at), enumeration: descriptor.enumeration, labels: descriptor.labels,
      since: try text(descriptor.since, at: at), help: try text(descriptor.help, at: at))
  }

  // MARK: Descriptors and texts

  private typealias Located<Descriptor> = (at: Int, descriptor: Descriptor)

  /// Descriptors, each with its place in the file. A later minor version may have made them longer.
  private func list<Descriptor: BitwiseCopyable>(
    _ start: KeyPath<dpdkfwd_segment_header, UInt64>, _ count: KeyPath<dpdkfwd_segment_header, UInt32>,
    _ size: KeyPath<dpdkfwd_segment_header, UInt32>, _: Descriptor.Type
  ) throws(SegmentError) -> [Located<Descriptor>] {
    let (first, number, stride) = (header[keyPath: start], Int(header[keyPath: count]), Int(header[keyPath: size]))
    guard stride >= MemoryLayout<Descriptor>.size, stride % 8 == 0 else {
      throw damaged(size, "descriptors of \(stride) bytes")
    }
    guard first >= header.header_size, first % 8 == 0, first <= header.schema_end,
      number <= (Int(header.schema_end) - Int(first)) / stride
    else { throw damaged(start, "\(number) descriptors from byte \(first)") }
    return (0..<number).map { index in
      let at = Int(first) + index * stride
      return (at, unsafe bytes.withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: at, as: Descriptor.self) })
    }
  }

  private func part<Descriptor>(
    of list: [Located<Descriptor>], _ first: UInt32, _ count: UInt32, at: Int
  ) throws(SegmentError) -> ArraySlice<Located<Descriptor>> {
    guard UInt64(first) + UInt64(count) <= UInt64(list.count) else {
      throw .damaged(path: path, at: at, "\(count) entries from number \(first) of \(list.count)")
    }
    return list[Int(first)..<Int(first) + Int(count)]
  }

  private func text(_ offset: UInt32, at: Int) throws(SegmentError) -> String {
    guard header.strings >= header.header_size, header.strings <= header.schema_end,
      header.string_bytes <= header.schema_end - header.strings
    else { throw damaged(\.strings, "texts from byte \(header.strings)") }
    let texts = bytes[Int(header.strings)..<Int(header.strings) + Int(header.string_bytes)]
    guard Int(offset) < texts.count, let end = texts.dropFirst(Int(offset)).firstIndex(of: 0),
      let text = String(validating: texts[(texts.startIndex + Int(offset))..<end], as: UTF8.self),
      !text.unicodeScalars.contains(where: \.isControl)
    else { throw .damaged(path: path, at: at, "it names no text") }
    return text
  }

  private func damaged(
    _ member: PartialKeyPath<dpdkfwd_segment_header>, _ what: String, at: Int? = nil
  ) -> SegmentError {
    .damaged(path: path, at: at ?? MemoryLayout<dpdkfwd_segment_header>.offset(of: member) ?? 0, what)
  }
}

extension Unicode.Scalar {
  /// Would do something to a terminal instead of being seen.
  var isControl: Bool { properties.generalCategory == .control }
}
