import Ruleset
import TestSupport
import Testing

/// No text brings the reader down, whatever happened to it on the way.
struct DamageTests {
  private static let texts = Theme.allCases.flatMap { $0.texts.prefix(40) }

  private func survives(_ text: String) {
    guard let ruleset = try? read(text) else { return }
    var options = ListOptions()
    #expect(throws: Never.self, "\(text)") { try read(ruleset.listing(options)) }
    options.json = true
    _ = ruleset.listing(options)
  }

  @Test func `every beginning of a text is read or refused`() {
    for text in Self.texts where text.utf8.count < 400 {
      for length in 0..<text.utf8.count { survives(String(decoding: text.utf8.prefix(length), as: UTF8.self)) }
    }
  }

  @Test func `a text with words changed at random is read or refused`() {
    var generator = SeededGenerator.forThisRun()
    let words = Self.texts.joined(separator: " ").split(separator: " ")
    for _ in 0..<4000 {
      var parts = (Self.texts.randomElement(using: &generator) ?? "").split(
        separator: " ", omittingEmptySubsequences: false)
      for _ in 0...Int.random(in: 0...3, using: &generator) {
        guard let at = parts.indices.randomElement(using: &generator), let word = words.randomElement(using: &generator)
        else { continue }
        switch Int.random(in: 0...2, using: &generator) {
        case 0: parts[at] = word
        case 1: parts.insert(word, at: at)
        default: parts.remove(at: at)
        }
      }
      survives(parts.joined(separator: " "))
    }
  }

  @Test func `a text with bytes changed at random is read or refused`() {
    var generator = SeededGenerator.forThisRun()
    for _ in 0..<4000 {
      var bytes = Array((Self.texts.randomElement(using: &generator) ?? "").utf8)
      for _ in 0...Int.random(in: 0...4, using: &generator) {
        guard let at = bytes.indices.randomElement(using: &generator) else { continue }
        bytes[at] = UInt8.random(in: 0...255, using: &generator)
      }
      survives(String(decoding: bytes, as: UTF8.self))
    }
  }
}
