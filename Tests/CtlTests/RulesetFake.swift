import ControlClient
import ControlProtocol
import Inspection
import JSONText
import Segment
import Synchronization

@testable import dpdkfwd_ctl

/// A forwarder that remembers what it was asked, and answers what it was told to.
final class RulesetFake: Forwarder, Caller {
  private struct State {
    var calls: [(method: String, parameters: JSON)] = []
    var answers: [Result<JSON, ControlClientError>] = []
    var isReadOnly: [Bool] = []
    var isThere = true
  }
  private let state = Mutex(State())

  init(_ answers: Result<JSON, ControlClientError>..., isThere: Bool = true) {
    state.withLock {
      $0.answers = answers
      $0.isThere = isThere
    }
  }

  var calls: [(method: String, parameters: JSON)] { state.withLock { $0.calls } }
  var methods: [String] { calls.map(\.method) }
  var isReadOnly: [Bool] { state.withLock { $0.isReadOnly } }

  func tables() throws(SegmentError) -> any ConnectionTables { throw .invalid("none") }
  func events(
    from start: EventReader.Positions, mask: EventMask, filter: ConnectionFilter
  ) throws(SegmentError) -> any EventSource { throw .invalid("none") }

  func connect(readOnly: Bool) async throws(ControlClientError) -> any Caller {
    let isThere = state.withLock { state in
      state.isReadOnly.append(readOnly)
      return state.isThere
    }
    if !isThere { throw .notRunning(path: "/run/x/control", prefix: "x") }
    return self
  }

  func call(_ method: String, _ parameters: JSON) async throws(ControlClientError) -> JSON {
    let answer = state.withLock { state -> Result<JSON, ControlClientError> in
      state.calls.append((method, parameters))
      return state.answers.isEmpty
        ? .success(.object([("text", .text("")), ("next", .null)])) : state.answers.removeFirst()
    }
    return try answer.get()
  }

  func close() async {}

  private final class Written: Sendable { let text = Mutex((out: "", error: "")) }

  /// What `ruleset` does with these words, parted at spaces.
  func run(_ line: String) async -> Told { await run(line.split(separator: " ").map(String.init)) }

  func run(_ words: [String]) async -> Told {
    let written = Written()
    let console = Console(
      out: { text in written.text.withLock { $0.out += text } },
      error: { text in written.text.withLock { $0.error += text } })
    let status = await RulesetTool(forwarder: self, console: console).run(words)
    return written.text.withLock { Told(status: status, out: $0.out, error: $0.error) }
  }
}
