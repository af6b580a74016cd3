// oracle: plays small captures through the real forwarder and says where it differs from what Linux did with them.
//
// Scripts/oracle builds everything and calls it. What is compared, and how a case is played, is in OracleSupport, which
// the tests use too.
import ArgumentParser
import Foundation
import OracleSupport

@main
struct Oracle: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "oracle",
    abstract: "Plays cases through dpdkfwd and compares them with what the kernel did.",
    discussion: """
      A case is NAME.json in a folder `cases`, with its capture beside it and the kernel's result in \
      `golden/kernel/NAME.json` beside that folder. Compared are the verdict of each packet and the connections at the \
      end. Exit status: 0 when all that was played agrees, or differs as accepted; 1 on any other difference; 2 when \
      something is wrong with the words or the files given.
      """)

  @Argument(help: ArgumentHelp("Cases, or their golden results.", valueName: "path.json"))
  var paths: [String]

  @Option(help: ArgumentHelp("Accepted differences, one `case field reason` a line.", valueName: "file"))
  var allow: String?

  static func main() async {
    do {
      var command = try parse()
      try await command.run()
    } catch let error as InputError {
      complain("oracle: \(error)")
      Foundation.exit(2)
    } catch {
      guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
      complain(fullMessage(for: error))
      Foundation.exit(2)
    }
  }

  mutating func run() async throws {
    let accepted = try AcceptedDifferences(contentsOf: allow.map { URL(filePath: $0) } ?? AcceptedDifferences.file)
    let cases = try paths.map { try OracleCase(contentsOf: URL(filePath: $0)) }
    // Settings first: a switch we do not know is a matter of the input, not of the forwarder.
    for one in cases where Replay.needs(one) == nil { _ = try one.settings() }
    var tally = Tally()
    for one in cases {
      guard Replay.needs(one) == nil else {
        tally.passOver(one)
        continue
      }
      let outcome = try await ForwarderRun.play(one)
      tally.take(one, outcome, accepted)
    }
    tally.sumUp()
    if tally.differ > 0 { throw ExitCode(1) }
  }

  private static func complain(_ text: String) { FileHandle.standardError.write(Data("\(text)\n".utf8)) }
}

/// What has been found so far; says it as it goes.
private struct Tally {
  private var agree = 0
  private var asAccepted = 0
  private(set) var differ = 0
  private var notPlayed = 0

  mutating func passOver(_ one: OracleCase) {
    notPlayed += 1
    print("not played  \(one): it needs \(Replay.needs(one) ?? "nothing")")
  }

  mutating func take(_ one: OracleCase, _ outcome: ForwarderRun.Outcome, _ accepted: AcceptedDifferences) {
    switch outcome {
    case .failed(let why):
      differ += 1
      print("FAILED      \(one)\n  \(why)")
    case .ended(let observed):
      let found = one.differences(from: observed)
      let open = found.filter { accepted.reason(for: $0) == nil }
      if !open.isEmpty {
        differ += 1
        print("DIFFERENT   \(one): \(one.title)")
      } else if found.isEmpty {
        agree += 1
        print("agrees      \(one): \(one.frames.count) packets, \(one.golden.finalTable.count) connections at the end")
      } else {
        asAccepted += 1
        print("as accepted \(one)")
      }
      for difference in found {
        print("  \(difference)")
        if let reason = accepted.reason(for: difference) { print("    accepted: \(reason)") }
      }
    }
  }

  func sumUp() {
    print(
      "\(agree + asAccepted + differ + notPlayed) cases: \(agree) agree, \(asAccepted) differ as accepted, "
        + "\(differ) differ, \(notPlayed) not played")
  }
}
