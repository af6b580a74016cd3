import TestSupport
import Testing
import Wire

/// Frames cut short, and frames of which only a part is at hand. `Frame.withSpan` lends memory that ends with the
/// bytes, so the address sanitizer sees what reads beyond them.
struct PrefixTests {
  @Test func `every prefix of every good packet is read without a byte beyond`() {
    for (name, frame) in samples {
      for length in 0...frame.count {
        let summary = summary(of: frame.prefix(length))
        #expect(!summary.flags.contains(.needsMore), "\(name), \(length) bytes")
        #expect(summary.datagramEnd <= length && summary.transportOffset <= length, "\(name), \(length) bytes")
        if summary.fault == .none, summary.flags.isDisjoint(with: [.ipv6, .ipv4]) {
          #expect(summary.transportOffset == 0 && summary.datagramEnd == length, "\(name), \(length) bytes")
        }
      }
    }
  }

  @Test func `a part of a frame gives the summary of the whole or asks for more`() {
    for (name, frame) in samples {
      let whole = summary(of: frame)
      var hasAsked = true
      for given in 0...frame.count {
        let part = summary(of: frame, given: given)
        let asks = part.flags.contains(.needsMore)
        #expect(asks || part == whole, "\(name), \(given) of \(frame.count) bytes")
        #expect(!asks || part.flags == .needsMore, "\(name), \(given) of \(frame.count) bytes")
        #expect(hasAsked || !asks, "\(name): \(given) bytes are more than those that were enough")
        hasAsked = asks
      }
      #expect(!hasAsked, "\(name): the whole frame is enough")
    }
  }

  @Test func `a header is asked for, its data are not`() {
    let frame = v4.tcp(from: 1, to: 2, flags: [.ack], payload: text(1000)).frame()
    #expect(summary(of: frame, given: 53).flags == .needsMore)
    #expect(summary(of: frame, given: 54).kind == .ipv4TCP)
  }

  @Test func `every accessor of every view holds on every prefix`() {
    for (_, frame) in samples {
      for length in 0...frame.count { frame.prefix(length).withSpan { readEverything($0) } }
    }
  }

  @Test func `every accessor of every view holds on noise`() {
    var chance = SeededGenerator.forThisRun()
    for _ in 0..<20_000 {
      var bytes = chance.bytes(.random(in: 0...120, using: &chance))
      // A quarter each starts as an IPv4, an IPv6 or a TCP header, so that the noise gets past the first check.
      if !bytes.isEmpty { bytes[0] = [bytes[0], 0x46, 0x60, 0x45].randomElement(using: &chance)! }
      Frame(bytes).withSpan { readEverything($0) }
    }
  }
}
