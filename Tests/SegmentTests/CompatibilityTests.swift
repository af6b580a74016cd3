import CSegment
import Testing

@testable import Segment

/// D32: old readers and new segments, new readers and old segments, agree on the fields they share.
@Suite struct CompatibilityTests {
  let scratch = Scratch()

  private func field(_ id: UInt16, _ name: String, at offset: Int, _ nature: Nature = .counter) -> Field {
    Field(
      id: id, name: name, type: .u64, offset: offset, count: 1, nature: nature, unit: "packets", metric: "",
      enumeration: 0, labels: 0, since: "0.1", help: "")
  }

  private func schema(_ fields: [Field], stride: Int) -> Schema {
    Schema(kinds: [
      Kind(KindID(rawValue: 900), "things", since: "0.1", records: 2, stride: stride, help: "", fields: fields)
    ])
  }

  private func store(_ value: UInt64, in writer: SegmentWriter, at offset: Int) {
    unsafe writer.record(kind: KindID(rawValue: 900), index: 1).storeBytes(
      of: value, toByteOffset: offset, as: UInt64.self)
  }

  /// A removed field leaves a tombstone: its id stays taken, its bytes may carry another field.
  @Test func `fields moved, added and removed leave the others readable`() throws {
    let old = schema([field(1, "seen", at: 0), field(2, "lost", at: 8), field(3, "kept", at: 16)], stride: 24)
    let new = schema(
      [
        field(4, "added", at: 0), field(3, "kept", at: 8), field(2, "lost", at: 16, .removed), field(1, "seen", at: 16),
      ],
      stride: 64)
    for (schema, seen, kept) in [(old, 0, 16), (new, 16, 8)] {
      let writer = try scratch.writer("t", schema)
      store(11, in: writer, at: seen)
      store(33, in: writer, at: kept)
      let reader = try scratch.reader()
      let record = reader.records(of: try reader.kind("things", having: ["seen", "kept"]))[1]
      #expect(record["seen"] == .unsigned(11))
      #expect(record["kept"] == .unsigned(33))
    }
    let reader = try scratch.reader()
    #expect(throws: SegmentError.fields(kind: "things", missing: ["lost"])) {
      try reader.kind("things", having: ["lost"])
    }
    #expect(reader.schema.kinds[0].fields.contains { $0.id == 2 && $0.nature == .removed })
  }

  @Test func `an id cannot be given twice, not even to replace a removed field`() {
    let reused = schema([field(2, "lost", at: 0, .removed), field(2, "found", at: 0)], stride: 8)
    #expect(throws: SegmentError.self) { try SchemaWriter(reused) }
  }

  /// What a later minor version may do: longer header and descriptors, a type and a nature nobody here knows.
  @Test func `a later minor version is read as far as it is known`() throws {
    let writer = try scratch.writer("t", schema([field(1, "seen", at: 0), field(2, "novel", at: 8)], stride: 16))
    store(5, in: writer, at: 0)
    let path = scratch.write(laterMinor(of: Scratch.read(writer.paths.segment)), as: "later")
    let reader = try SegmentReader(path: path)
    #expect(reader.info.layout == "1.3")
    let kind = try reader.kind("things", having: ["seen"])
    #expect(kind.field(named: "novel") == nil)
    #expect(reader.records(of: kind)[1]["seen"] == .unsigned(5))
  }

  /// Rebuilds a segment of one kind and two fields with 64 more bytes of header, 16 more in every descriptor, and a
  /// second field of type 99.
  private func laterMinor(of old: [UInt8]) -> [UInt8] {
    var header = unsafe old.withUnsafeBytes { unsafe $0.loadUnaligned(as: dpdkfwd_segment_header.self) }
    var kind = unsafe old.withUnsafeBytes {
      unsafe $0.loadUnaligned(fromByteOffset: Int(header.kinds), as: dpdkfwd_segment_kind.self)
    }
    let texts = old[Int(header.strings)..<Int(header.strings + header.string_bytes)]
    var fields = Array(old[Int(header.fields)..<Int(header.fields) + 2 * 48])
    fields[48 + 34] = 99
    let records = Array(old[Int(kind.offset)..<Int(kind.offset) + 32])

    header.minor = 3
    header.header_size = 576
    header.kind_size = 80
    header.field_size = 64
    header.kinds = 576
    header.fields = 576 + 80
    header.enumerations = header.fields + 128
    header.values = header.enumerations
    header.strings = header.values
    header.schema_end = (header.strings + header.string_bytes).roundedUp(to: 8)
    kind.offset = header.schema_end.roundedUp(to: 128)
    header.total_size = kind.offset + 128
    var later = [UInt8](repeating: 0xee, count: Int(header.total_size))
    func put(_ bytes: some Collection<UInt8>, at offset: UInt64) {
      later.replaceSubrange(Int(offset)..<Int(offset) + bytes.count, with: bytes)
    }
    unsafe withUnsafeBytes(of: kind) { unsafe put($0, at: header.kinds) }
    put(fields[..<48], at: header.fields)
    put(fields[48...], at: header.fields + 64)
    put(texts, at: header.strings)
    put(records, at: kind.offset)
    header.checksum = SegmentChecksum.of(header, schema: later[512..<Int(header.schema_end)])
    unsafe withUnsafeBytes(of: header) { unsafe put($0, at: 0) }
    return later
  }

  /// D19: a kind that no program knows is read by its schema alone.
  @Test func `an unknown kind is readable`() throws {
    var larger = Schema.small
    larger.kinds.append(schema([field(1, "seen", at: 0)], stride: 8).kinds[0])
    let writer = try scratch.writer("t", larger)
    store(3, in: writer, at: 0)
    let reader = try scratch.reader()
    #expect(reader.records(of: try reader.kind("things"))[1]["seen"] == .unsigned(3))
  }
}
