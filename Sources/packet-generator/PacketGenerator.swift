// packet-generator: captures made to order, and what became of them.
//
// A developer's tool, built on the same words as the tests. `demo` writes what Scripts/demo sends when it is given
// nothing better, `flows` and `fragments` write load for benchmarks, `inspect` says what is in a capture, `compare` which frames of one
// came out in another.
import ArgumentParser
import Foundation

@main
struct PacketGenerator: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "packet-generator",
    abstract: "Writes captures made to order, and compares what came out with what went in.",
    subcommands: [Demo.self, Flows.self, Fragments.self, Inspect.self, Compare.self])
}

/// "3 apples, 2 pears": counts in words, the largest first.
func listing(_ counts: [String: Int]) -> String {
  counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
}
