import JSONText
import TestSupport
import Testing

struct RoundTripTests {
  /// A document of up to so many levels, of everything that there is.
  private func document(_ levels: Int, _ generator: inout SeededGenerator) -> JSON {
    switch Int.random(in: 0..<(levels > 0 ? 10 : 7), using: &generator) {
    case 0: return .null
    case 1: return .truth(.random(using: &generator))
    case 2:
      return .unsigned(
        UInt64.random(in: 0...UInt64.max, using: &generator) >> Int.random(in: 0..<64, using: &generator))
    case 3:
      return .signed(Int64.random(in: Int64.min..<0, using: &generator) >> Int.random(in: 0..<63, using: &generator))
    case 4:
      let number = Double(bitPattern: generator.next())
      return .real(number.isFinite ? number : 0.1)
    case 5, 6: return .text(text(&generator))
    case 7, 8:
      // The space keeps names apart: a name comes once.
      let names = (0..<Int.random(in: 0..<12, using: &generator)).map { "\($0) " + text(&generator) }
      return .object(names.map { ($0, document(levels - 1, &generator)) })
    default: return .array((0..<Int.random(in: 0..<6, using: &generator)).map { _ in document(levels - 1, &generator) })
    }
  }

  private func text(_ generator: inout SeededGenerator) -> String {
    let ranges: [ClosedRange<UInt32>] = [
      0...0x1f, 0x20...0x7e, 0x7f...0x2ff, 0x2000...0x206f, 0x1f600...0x1f64f, 0x22...0x22, 0x5c...0x5c,
    ]
    var text = ""
    for _ in 0..<Int.random(in: 0..<8, using: &generator) {
      let range = ranges.randomElement(using: &generator) ?? 0x20...0x7e
      text.unicodeScalars.append(Unicode.Scalar(UInt32.random(in: range, using: &generator)) ?? "?")
    }
    return text
  }

  @Test func `what was written is read as it was, on one line and on many`() throws {
    var generator = SeededGenerator.forThisRun()
    for _ in 0..<2000 {
      let value = document(4, &generator)
      #expect(try JSON(parsing: value.line) == value)
      #expect(try JSON(parsing: value.description) == value)
      #expect(!value.line.utf8.contains(UInt8(ascii: "\n")), "a message is a line")
    }
  }

  @Test func `no part of a document is one`() throws {
    var generator = SeededGenerator.forThisRun()
    for _ in 0..<200 {
      let bytes = Array(JSON.array([document(3, &generator)]).line.utf8)
      let taken = bytes.indices.filter { end in
        let part = Array(bytes[..<end])
        do throws(JSONError) {
          _ = try JSON(parsing: part.span)
          return true
        } catch {
          // A character may be cut.
          return error.cause == .end ? error.position != end : error.cause != .utf8
        }
      }
      #expect(taken == [], "\(String(decoding: bytes, as: UTF8.self))")
    }
  }

  /// Nothing traps, and what is read after all is written and read the same.
  @Test func `damage is refused or makes another document`() throws {
    var generator = SeededGenerator.forThisRun()
    for _ in 0..<5000 {
      var bytes = Array(document(3, &generator).line.utf8)
      for _ in 0...Int.random(in: 0..<3, using: &generator) {
        let place = Int.random(in: bytes.indices, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
        case 1: bytes.insert(Array("{}[]\",:\\u0e-.".utf8).randomElement(using: &generator) ?? 0, at: place)
        default: if bytes.count > 1 { bytes.remove(at: place) }
        }
      }
      guard let value = try? JSON(parsing: bytes.span) else { continue }
      #expect(try JSON(parsing: value.line) == value)
    }
  }

  @Test func `what JSON has no word for is null`() {
    #expect(JSON.array([.real(.nan), .real(.infinity), .real(-.infinity)]).line == "[null, null, null]")
  }

  @Test func `whole numbers are equal whatever holds them, and no real number is`() {
    #expect(JSON.unsigned(5) == .signed(5))
    #expect(JSON.signed(5) == .unsigned(5))
    #expect(JSON.unsigned(.max) != .signed(-1))
    #expect(JSON.unsigned(5) != .real(5))
    #expect(JSON.object([("a", .null), ("b", .null)]) != .object([("b", .null), ("a", .null)]))
  }
}
