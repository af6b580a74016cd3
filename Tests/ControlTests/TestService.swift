import ControlProtocol
import ControlServer
import Glibc
import JSONText
import Synchronization

/// A service of simple methods, and what it was asked.
final class TestService: ControlService {
  struct State {
    /// What was begun, in order: number of the client, method, parameters.
    var calls: [String] = []
    /// Who holds the requests that wait, and whether they heed being cancelled.
    var waiting: [(client: Client, resume: CheckedContinuation<Bool, Never>, heeds: Bool)] = []
    var ended: [Client] = []
    var lasting: Set<Client> = []
    var threads: Set<pthread_t> = []
    var counts: ControlCounts?
  }

  let state = Mutex(State())

  var calls: [String] { state.withLock { $0.calls } }
  var ended: [Client] { state.withLock { $0.ended } }
  var waiting: Int { state.withLock { $0.waiting.count } }

  func access(of method: String) -> Access? {
    switch method {
    case "echo", "wait", "sulk", "fail", "big", "who", "subscribe", "turns": .read
    case "set": .write
    default: nil
    }
  }

  func answer(_ method: String, _ parameters: JSON, _ client: Client) async throws(ControlError) -> JSON {
    state.withLock {
      $0.calls.append("\(method) \(parameters.line)")
      $0.threads.insert(pthread_self())
    }
    switch method {
    case "wait", "sulk":
      let isDone = await hold(client, heeds: method == "wait")
      state.withLock { _ = $0.threads.insert(pthread_self()) }
      guard isDone else { throw ControlError(.internalError, "cancelled") }
      return .text("waited")
    case "fail": throw ControlError(.noRoom, "the table is full", data: .object([("most", .unsigned(5))]))
    case "big": return .text(String(repeating: "x", count: parameters["size"]?.asWhole() ?? 0))
    case "who":
      return .object([("uid", .unsigned(UInt64(client.uid))), ("readOnly", .truth(client.isReadOnly))])
    case "subscribe":
      state.withLock { _ = $0.lasting.insert(client) }
      return .truth(true)
    default: return parameters
    }
  }

  private func hold(_ client: Client, heeds: Bool) async -> Bool {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        state.withLock { $0.waiting.append((client, continuation, heeds)) }
        // It may have been cancelled before it began.
        if heeds, Task.isCancelled { release(client, done: false) }
      }
    } onCancel: {
      if heeds { release(client, done: false) }
    }
  }

  /// Ends the requests that wait: of one client, or of all.
  func release(_ client: Client? = nil, done: Bool = true) {
    let resumed = state.withLock { state in
      let chosen = state.waiting.filter { client == nil || $0.client == client }
      state.waiting.removeAll { client == nil || $0.client == client }
      return chosen
    }
    for waiter in resumed { waiter.resume.resume(returning: done) }
  }

  func lasts(_ client: Client) -> Bool { state.withLock { $0.lasting.contains(client) } }

  func counted(_ counts: ControlCounts) { state.withLock { $0.counts = counts } }

  func ended(_ client: Client) { state.withLock { $0.ended.append(client) } }
}
