internal import CSegment

/// A schema laid out: where every descriptor, text and record of a segment lies.
struct SchemaWriter {
  let schema: Schema
  let header: dpdkfwd_segment_header
  /// From the end of the header to the end of the schema.
  let bytes: [UInt8]

  /// Shards begin at multiples of this, so that neither a cache line nor the pair a prefetcher takes has two writers.
  static let shardAlignment = 128

  /// Fails with `.invalid` for a schema that no reader would accept.
  init(_ schema: Schema) throws(SegmentError) {
    var schema = schema
    var header = dpdkfwd_segment_header()
    var texts = Texts()
    let headerSize = MemoryLayout<dpdkfwd_segment_header>.size
    let counts = (
      kinds: schema.kinds.count, fields: schema.kinds.reduce(0) { $0 + $1.fields.count },
      enumerations: schema.enumerations.count, values: schema.enumerations.reduce(0) { $0 + $1.values.count }
    )
    header.magic = SEGMENT_MAGIC
    header.major = SEGMENT_MAJOR
    header.minor = SEGMENT_MINOR
    header.header_size = UInt32(headerSize)
    header.kind_size = UInt32(MemoryLayout<dpdkfwd_segment_kind>.size)
    header.field_size = UInt32(MemoryLayout<dpdkfwd_segment_field>.size)
    header.enumeration_size = UInt32(MemoryLayout<dpdkfwd_segment_enumeration>.size)
    header.value_size = UInt32(MemoryLayout<dpdkfwd_segment_value>.size)
    header.kind_count = UInt32(counts.kinds)
    header.field_count = UInt32(counts.fields)
    header.enumeration_count = UInt32(counts.enumerations)
    header.value_count = UInt32(counts.values)
    header.kinds = UInt64(headerSize)
    header.fields = header.kinds + UInt64(counts.kinds) * UInt64(header.kind_size)
    header.enumerations = header.fields + UInt64(counts.fields) * UInt64(header.field_size)
    header.values = header.enumerations + UInt64(counts.enumerations) * UInt64(header.enumeration_size)
    header.strings = header.values + UInt64(counts.values) * UInt64(header.value_size)

    var fields: [UInt8] = []
    var firstFields: [UInt32] = []
    for kind in schema.kinds {
      firstFields.append(UInt32(fields.count / Int(header.field_size)))
      for field in kind.fields { fields.append(bytesOf: Self.descriptor(field, &texts)) }
    }
    var enumerations: [UInt8] = []
    var values: [UInt8] = []
    for enumeration in schema.enumerations {
      enumerations.append(
        bytesOf: dpdkfwd_segment_enumeration(
          name: texts.offset(of: enumeration.name), id: enumeration.id, reserved: 0,
          first_value: UInt32(values.count / Int(header.value_size)), value_count: UInt32(enumeration.values.count)))
      for (value, name) in enumeration.values {
        values.append(bytesOf: dpdkfwd_segment_value(value: value, name: texts.offset(of: name), reserved: 0))
      }
    }
    let kindTexts = schema.kinds.map {
      (texts.offset(of: $0.name), texts.offset(of: $0.help), texts.offset(of: $0.since))
    }

    header.string_bytes = UInt64(texts.bytes.count)
    header.schema_end = (header.strings + header.string_bytes).roundedUp(to: 8)
    var end = Int(header.schema_end)
    var kinds: [UInt8] = []
    for index in schema.kinds.indices {
      schema.kinds[index].place(at: &end)
      let kind = schema.kinds[index]
      let (name, help, since) = kindTexts[index]
      var descriptor = dpdkfwd_segment_kind()
      descriptor.name = name
      descriptor.help = help
      descriptor.since = since
      descriptor.id = kind.id.rawValue
      descriptor.guard = kind.guardedBy?.rawValue ?? 0
      descriptor.offset = UInt64(kind.offset)
      descriptor.shard_stride = UInt64(kind.shardStride)
      descriptor.shards = UInt32(kind.shards)
      descriptor.records = UInt32(kind.records)
      descriptor.record_stride = UInt32(kind.stride)
      descriptor.first_field = firstFields[index]
      descriptor.field_count = UInt32(kind.fields.count)
      kinds.append(bytesOf: descriptor)
    }
    header.total_size = UInt64(end)
    var all = kinds + fields + enumerations + values + texts.bytes
    all.append(contentsOf: repeatElement(0, count: Int(header.schema_end) - headerSize - all.count))

    self.schema = schema
    self.header = header
    bytes = all
    if let fault = schema.fault(within: Int(header.schema_end)..<end) {
      throw .invalid("the schema is unusable: \(fault)")
    }
  }

  private static func descriptor(_ field: Field, _ texts: inout Texts) -> dpdkfwd_segment_field {
    var descriptor = dpdkfwd_segment_field()
    descriptor.name = texts.offset(of: field.name)
    descriptor.help = texts.offset(of: field.help)
    descriptor.since = texts.offset(of: field.since)
    descriptor.unit = texts.offset(of: field.unit)
    descriptor.metric = texts.offset(of: field.metric)
    descriptor.offset = UInt32(field.offset)
    descriptor.count = UInt32(field.count)
    descriptor.id = field.id
    descriptor.enumeration = field.enumeration
    descriptor.labels = field.labels
    descriptor.type = field.type.rawValue
    descriptor.nature = field.nature.rawValue
    return descriptor
  }
}

/// Texts one after the other, each ended by a zero and kept once; the empty one is at 0.
private struct Texts {
  private(set) var bytes: [UInt8] = [0]
  private var offsets: [String: UInt32] = ["": 0]

  mutating func offset(of text: String) -> UInt32 {
    if let offset = offsets[text] { return offset }
    let offset = UInt32(bytes.count)
    bytes.append(contentsOf: text.utf8.filter { $0 != 0 })
    bytes.append(0)
    offsets[text] = offset
    return offset
  }
}

extension Kind {
  /// Takes the next place in the file and moves `end` behind it.
  fileprivate mutating func place(at end: inout Int) {
    offset = end.roundedUp(to: SchemaWriter.shardAlignment)
    shardStride = (records * stride).roundedUp(to: SchemaWriter.shardAlignment)
    end = offset + shards * shardStride
  }
}

extension [UInt8] {
  fileprivate mutating func append<Value: BitwiseCopyable>(bytesOf value: Value) {
    unsafe Swift.withUnsafeBytes(of: value) { unsafe append(contentsOf: $0) }
  }
}
