import ArgumentParser
import Foundation
import TestSupport

/// Datagrams in fragments, all of them whole: load for benchmarks.
struct Fragments: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "UDP datagrams in fragments, for benchmarks.",
    discussion: """
      As many datagrams as --window says are in the making at once: first a fragment of each of them, then another of \
      each. Clients are those of `flows`. Can be played over and over; the same seed gives the same file, byte for byte.
      """)

  enum Order: String, ExpressibleByArgument, CaseIterable { case inorder, reversed, shuffled }

  @Option(help: "How many datagrams, each of a flow of its own.") var count = 4096
  @Option(help: "4 or 6.") var family = Flows.Family.ipv4
  @Option(help: "Fragments of each.") var pieces = 2
  @Option(help: "Bytes of payload in each, a multiple of 8.") var payload = 64
  @Option(help: "inorder, reversed or shuffled.") var order = Order.inorder
  @Option(help: "Datagrams in the making at once.") var window = 64
  @Option(help: "Where chance starts.") var seed: UInt64 = 1
  @Argument(help: "The capture to write (classic pcap).") var output: String

  func validate() throws {
    guard (1...65_536).contains(count) else { throw ValidationError("--count is 1 to 65536 datagrams") }
    guard (2...8190).contains(pieces) else { throw ValidationError("--pieces is 2 to 8190") }
    guard payload >= 8, payload.isMultiple(of: 8), pieces * payload <= 65_000 else {
      throw ValidationError("--payload is a multiple of 8, and --pieces of it are 65000 bytes at most")
    }
    guard window > 0 else { throw ValidationError("--window is at least 1") }
  }

  func run() throws {
    var chance = SeededGenerator(seed: seed)
    var capture = Capture()
    for first in stride(from: 0, to: count, by: window) {
      let datagrams = (first..<min(first + window, count)).map { frames(of: $0, &chance) }
      for place in 0..<pieces {
        for frames in datagrams {
          capture.packets.append(.init(time: UInt64(capture.packets.count) * 1000, bytes: frames[place].bytes))
        }
      }
    }
    try capture.write(to: URL(filePath: output))
    print("\(capture.packets.count) fragments of \(count) datagrams.")
  }

  private func frames(of number: Int, _ chance: inout SeededGenerator) -> [Frame] {
    let content = (0..<pieces * payload - 8).map { UInt8(truncatingIfNeeded: $0 &+ number) }
    let (port, low) = (UInt16(1024 + number % 60_000), UInt16(truncatingIfNeeded: number &* 40_503))
    let datagram =
      family == .ipv4
      ? Datagram.ipv4(
        from: "198.18.\(low >> 8).\(low & 0xFF)", to: "198.19.0.1", id: UInt16(truncatingIfNeeded: number))
      : Datagram.ipv6(from: "2001:2::\(String(low, radix: 16))", to: "2001:2:0:1::1")
    let pieces = datagram.udp(from: port, to: 53, payload: content).fragments(size: payload, id: UInt32(number))
      .map { $0.frame(padTo: 60) }
    switch order {
    case .inorder: return pieces
    case .reversed: return pieces.reversed()
    case .shuffled: return pieces.shuffled(using: &chance)
    }
  }
}
