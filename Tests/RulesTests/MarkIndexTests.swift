import Rules
import Ruleset
import TestSupport
import Testing

/// Rules that ask for marks are filed under them, unless a rule may set a mark between the lookup and the chain's end. The
/// bench asks the interpreter, too.
@Suite struct MarkIndexTests {
  /// Twenty rules of a kind, one of which lets the packet pass; what else is in the chain, and in one beside it.
  private func bench(_ field: String, first: String = "", last: String = "", other: String = "") throws -> RuleBench {
    let rules = (0..<20).map { "\(field) \($0) \($0 % 3 == 0 ? "accept" : "drop")" }
    let text = """
      table inet x {
        chain more { \(other) }
        chain y { type filter hook forward priority 0; policy drop; \(first); \(rules.joined(separator: "; ")); \(last) }
      }
      """
    let read = try RulesetReader(ports: RulesetGenerator.ports).run(
      RulesetSource(name: "test", text: text), on: Ruleset())
    return try RuleBench(read.ruleset)
  }

  private func verdicts(_ bench: RuleBench) -> [RuleDecision] {
    (0..<22 as Range<UInt32>).map { mark in
      var packet = bench.packet(.ipv4(from: "10.0.0.1", to: "10.0.0.2").udp(from: 7, to: 53))
      packet.mark = mark
      packet.connection.isKnown = true
      packet.connection.state = 2
      packet.connection.mark = mark
      return bench.judge(&packet)
    }
  }

  private static let expected: [RuleDecision] =
    (0..<20).map { $0 % 3 == 0 ? .accept : .drop } + [.policy, .policy]

  @Test(arguments: ["meta mark", "ct mark"]) func `each mark finds its rule`(field: String) throws {
    #expect(try verdicts(bench(field)) == Self.expected)
  }

  /// Whoever has the mark 0 is given another, at once or by a chain that is jumped to.
  @Test(arguments: ["meta mark", "ct mark"], [false, true])
  func `a mark that is set in between is the one that counts`(field: String, byJump: Bool) throws {
    let set = "\(field) 0 \(field) set 1"
    let bench = try bench(field, first: byJump ? "jump more" : set, other: byJump ? set : "")
    #expect(verdicts(bench) == [.drop] + Self.expected.dropFirst())
    let late = try self.bench("\(field) != 21 \(field)", last: byJump ? "jump more" : set, other: byJump ? set : "")
    #expect(verdicts(late) == Self.expected)
  }
}
