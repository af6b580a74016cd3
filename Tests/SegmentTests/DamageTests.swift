import CSegment
import Testing

@testable import Segment

/// A reader trusts no byte: whatever happened to a file, it is refused with its place, or what is read is in bounds.
@Suite struct DamageTests {
  let scratch = Scratch()
  let good: [UInt8]

  init() throws {
    _ = try scratch.writer()
    good = Scratch.read("\(scratch.root)/t/segment")
  }

  private func schemaEnd() throws -> Int {
    try SchemaReader.schemaEnd(good, length: good.count, path: "good")
  }

  /// Reads the description; a success reads every record, which traps if anything is out of bounds.
  private func verdict(_ bytes: [UInt8], length: Int) -> SegmentError? {
    do throws(SegmentError) {
      _ = try SchemaReader.read(bytes, length: length, path: "damaged")
      return nil
    } catch {
      return error
    }
  }

  @Test func `no damaged byte of the description goes unnoticed`() throws {
    let end = try schemaEnd()
    let description = Array(good[..<end])
    #expect(verdict(description, length: good.count) == nil)
    for at in 0..<end where !(448..<512).contains(at) {
      var damaged = description
      damaged[at] ^= 0x41
      guard verdict(damaged, length: good.count) == nil else { continue }
      Issue.record("byte \(at) was damaged and nobody noticed")
    }
  }

  /// A writer gone wrong could compute a right checksum over nonsense.
  @Test func `nonsense with a right checksum is refused or harmless`() throws {
    let seed: UInt64 = 20_261_121
    var random = Seeded(state: seed)
    let end = try schemaEnd()
    var accepted = 0
    for round in 0..<1_500 {
      var damaged = good
      for _ in 0..<(1 + round % 4) {
        // Half of the damage goes into numbers at their edges, where arithmetic would overflow.
        let at = round % 3 == 0 ? Int.random(in: 0..<512, using: &random) : Int.random(in: 0..<end, using: &random)
        let byte =
          [0, 1, 0x7f, 0x80, 0xff, UInt8.random(in: 0...255, using: &random)].randomElement(using: &random) ?? 0
        let length = [1, 1, 2, 4, 8].randomElement(using: &random) ?? 1
        for index in at..<min(at + length, end) { damaged[index] = byte }
      }
      fixChecksum(&damaged)
      let path = scratch.write(damaged, as: "nonsense")
      do throws(SegmentError) {
        let reader = try SegmentReader(path: path)
        accepted += 1
        for kind in reader.schema.kinds where kind.shards < 1_000 && kind.records < 1_000 {
          for record in reader.records(of: kind) { for field in kind.fields { _ = record.value(of: field) } }
        }
      } catch {
        continue
      }
    }
    // Help texts, reserved bytes and the like may be anything.
    #expect(accepted > 0 && accepted < 1_500, "seed \(seed)")
  }

  private func fixChecksum(_ bytes: inout [UInt8]) {
    var header = unsafe bytes.withUnsafeBytes { unsafe $0.loadUnaligned(as: dpdkfwd_segment_header.self) }
    guard header.schema_end >= 512, header.schema_end <= bytes.count else { return }
    header.checksum = SegmentChecksum.of(header, schema: bytes[512..<Int(header.schema_end)])
    unsafe withUnsafeBytes(of: header) { unsafe bytes.replaceSubrange(0..<512, with: $0) }
  }

  @Test func `a file cut anywhere is damaged, and where it was cut is said`() throws {
    let end = try schemaEnd()
    for length in Array(stride(from: 0, to: end, by: 7)) + [end - 1, end, good.count - 1] {
      let path = scratch.write(Array(good[..<length]), as: "cut")
      do throws(SegmentError) {
        _ = try SegmentReader(path: path)
        Issue.record("\(length) of \(good.count) bytes were accepted")
      } catch {
        guard case .damaged(path, at: length, _) = error else {
          Issue.record("\(length) bytes: \(error)")
          continue
        }
      }
    }
    #expect(throws: Never.self) { try SegmentReader(path: scratch.write(good, as: "cut")) }
  }

  @Test func `another major version is named, not guessed at`() throws {
    var newer = good
    newer[8] = 2
    #expect(throws: SegmentError.version(path: "newer", found: "2.2", readable: "1.x")) {
      try SchemaReader.read(newer, length: newer.count, path: "newer")
    }
  }

  @Test func `a folder, a device and a missing file are not segments`() throws {
    #expect(throws: SegmentError.self) { try SegmentReader(path: scratch.root) }
    #expect(throws: SegmentError.self) { try SegmentReader(path: "/dev/null") }
    #expect(throws: SegmentError.missing(path: "/nowhere/segment")) { try SegmentReader(path: "/nowhere/segment") }
  }
}
