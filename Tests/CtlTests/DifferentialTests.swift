import Testing

@testable import dpdkfwd_ctl

/// The same command lines through conntrack(8) and through ours, both on an empty table.
@Suite(.enabled(if: Reference.isThere, "needs conntrack 1.4.7 and network namespaces"))
struct DifferentialTests {
  /// A difference that is meant.
  private struct Difference {
    /// Of command lines.
    let parts: [String]
    /// What ours says.
    let message: String
    let reason: String

    init(_ parts: [String], _ message: String, _ reason: String) {
      (self.parts, self.message, self.reason) = (parts, message, reason)
    }
  }

  private static let differences = [
    Difference(["-U", "-w 1"], "0 flow entries have been updated.", "D.2 calls it a quirk that -U refuses zones"),
    Difference(["-U", "-zone 1"], "0 flow entries have been updated.", "as above"),
    Difference(["-G", "-w 1"], "Operation failed: such conntrack doesn't exist", "as above"),
    Difference(["-G", "-zone 1"], "Operation failed: such conntrack doesn't exist", "as above"),
    Difference(["-L", "-i 1"], "0 flow entries have been shown.", "numbers are of use wherever one looks (C19)"),
    Difference(["-G -i 1"], "Operation failed: such conntrack doesn't exist", "a number says it all"),
    Difference(["expect"], "Operation failed: expectations are not supported yet", "they come with helpers"),
    Difference(["sctp", "-vtag"], "0 flow entries have been shown.", "tags can be looked for"),
    Difference(["sctp", "-vtag"], "0 flow entries have been deleted.", "as above"),
    Difference(["-E", "sctp", "-vtag"], "", "as above"),
    Difference(
      ["-U", "sctp", "--orig-vtag"], "You need to supply the `--reply-vtag' option for this command",
      "tags are changed together"),
    Difference(
      ["-U", "sctp", "--reply-vtag"], "You need to supply the `--orig-vtag' option for this command", "as above"),
    Difference(
      ["-I", "-p dccp", "OPEN"], "Operation failed: states of DCCP are not supported yet", "DCCP is not tracked"),
    Difference(
      ["-p 99 -t 10 -n"], "Operation failed: address translation is not supported yet", "there is none to be done"),
    Difference(
      ["-p 99 -t 10 -g"], "Operation failed: address translation is not supported yet", "as above"),
    Difference(["-p 99 -t 10 -r"], "Operation failed: invalid parameters", "an answer to elsewhere is translation"),
    Difference(["-p 99 -t 10 -q"], "Operation failed: invalid parameters", "as above"),
    Difference(["-p 99 -t 10 -s"], "Operation failed: invalid parameters", "as above"),
    Difference(["-p 99 -t 10 -d"], "Operation failed: invalid parameters", "as above"),
    Difference(
      ["-G", "--reply-"], "Operation failed: such conntrack doesn't exist", "Linux fails without a reason here"),
    Difference(
      ["-I -r", "-p icmp"], "1 flow entries have been created.", "a query follows from its answer's addresses"),
  ]

  @Test func `exit status and message are conntrack's`() async throws {
    let lines = CommandLines.all
    var unused = Set(Self.differences.indices)
    for (line, theirs) in zip(lines, try Reference.tell(lines)) {
      let ours = await Self.ours(line)
      // What killed it was no decision.
      guard theirs.status != Reference.crashed, !Self.agree(ours, theirs) else { continue }
      let difference = Self.differences.firstIndex {
        $0.message == ours.message && $0.parts.allSatisfy(line.contains)
      }
      if let difference {
        unused.remove(difference)
      } else {
        Issue.record(
          "conntrack \(line): \(ours.status) \(ours.message), and not \(theirs.status) \(theirs.message)")
      }
    }
    for place in unused { Issue.record("nothing differs that way: \(Self.differences[place])") }
  }

  /// Events are waited for without end: that they are is all there is to compare.
  private static func ours(_ line: String) async -> Told {
    let told = await FakeForwarder().run(line)
    guard told.status == 0, line.hasPrefix("-E") else { return told }
    return Told(status: Reference.waited, out: "", error: "")
  }

  private static func agree(_ ours: Told, _ theirs: Told) -> Bool {
    ours.status == theirs.status && (ours.message == theirs.message || ours.status == Reference.waited)
  }
}
