import Foundation
import Ruleset
import TestSupport
import Testing

/// The issue's "must show": what real nft accepts is accepted, and means the same when it is listed, or is refused as
/// not supported yet; what it refuses is refused at the same line.
@Suite(.enabled(if: RealNft.isThere, "nft in a network namespace of its own is not available"))
struct DifferentialTests {
  @Test(arguments: Theme.allCases) func `nft and we agree on every text`(_ theme: Theme) throws {
    try agree(theme.texts)
  }

  /// `DPDKFWD_RULES_TEXTS` asks for more texts than the few that fit into a test run.
  @Test func `nft and we agree on generated texts`() throws {
    let count = ProcessInfo.processInfo.environment["DPDKFWD_RULES_TEXTS"].flatMap(Int.init) ?? 150
    var generator = RuleGenerator(seed: count == 150 ? 2026 : SeededGenerator.forThisRun().seed)
    try agree((0..<count).map { _ in generator.ruleset() })
  }
}

/// Reads a text alone.
func read(_ text: String, ports: [String]? = ["lo"]) throws(RulesetFaults) -> Ruleset {
  try RulesetReader(ports: ports).run(RulesetSource(name: "rules", text: text), on: Ruleset()).ruleset
}

private func agree(_ texts: [String]) throws {
  let answers = try RealNft.judge(texts)
  var listed: [(text: String, answer: RealNft.Answer, listing: String)] = []
  for (text, answer) in zip(texts, answers) {
    do throws(RulesetFaults) {
      let ruleset = try read(text)
      guard answer.isAccepted else {
        Issue.record("nft refuses what we accept:\n\(text)\n\(answer.faults)")
        continue
      }
      listed.append((text, answer, ruleset.listing()))
    } catch {
      if answer.isAccepted {
        let isUnsupported = error.faults.allSatisfy { $0.message.hasSuffix("is not supported yet") }
        if !isUnsupported { Issue.record("nft accepts what we refuse:\n\(text)\n\(error)") }
      } else if let line = answer.line, line != error.faults.first?.place.line {
        Issue.record("another line is at fault:\n\(text)\nnft: \(answer.faults)\nwe: \(error)")
      }
    }
  }
  let again = try RealNft.judge(listed.map(\.listing))
  for (sample, answer) in zip(listed, again) {
    guard answer.isAccepted else {
      Issue.record("nft refuses our listing:\n\(sample.text)\n\(sample.listing)\n\(answer.faults)")
      continue
    }
    let (theirs, ours) = (RealNft.plain(sample.answer.listing), RealNft.plain(answer.listing))
    if theirs != ours {
      Issue.record(
        """
        our listing means something else:
        \(sample.text)
        nft:
        \(theirs)
        ours, listed by nft:
        \(ours)
        ours:
        \(sample.listing)
        """
      )
    }
  }
}
