internal import ControlServer
internal import JSONText
internal import Synchronization

/// Whoever goes through many records for a client does so in turns, one of all clients at a time, with a rest after each
/// in which the thread serves everybody else. So they look at a million slots a second together, as one reader of the
/// segment does, however many ask.
///
/// The two sockets have their turns alternately, and on each the one who has waited longest: an administrator waits for
/// one reader at most.
final class Turns: Sendable {
  /// Slots, or records, that are looked at in a turn.
  static let slots = 1024
  /// Connections or events that are told of in a turn: each costs as much as many slots.
  static let told = 64
  /// After a turn, in nanoseconds.
  static let rest: UInt64 = 1_000_000

  private struct State {
    /// Somebody has the turn, or rests after it.
    var isTaken = false
    /// By socket: whether it is the read-only one.
    var waiting: [Bool: [CheckedContinuation<Void, Never>]] = [false: [], true: []]
    /// The socket of the last turn.
    var last = false
  }

  private let pacing: Pacing
  private let state = Mutex(State())

  init(_ pacing: Pacing) { self.pacing = pacing }

  /// Does its part when it is the client's turn, unless nobody waits for it any more, and then rests.
  func take<Value>(_ client: Client, _ part: () throws(Fault) -> Value) async throws(Fault) -> Value {
    await wait(isReadOnly: client.isReadOnly)
    defer { passOn() }
    if Task.isCancelled { throw Fault(DeskError.cancelled) }
    let value = try part()
    await pacing.rest(Self.rest)
    return value
  }

  private func wait(isReadOnly: Bool) async {
    await withCheckedContinuation { continuation in
      let isNext = state.withLock { state in
        guard state.isTaken else {
          (state.isTaken, state.last) = (true, isReadOnly)
          return true
        }
        state.waiting[isReadOnly, default: []].append(continuation)
        return false
      }
      if isNext { continuation.resume() }
    }
  }

  private func passOn() {
    let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
      for isReadOnly in [!state.last, state.last] where state.waiting[isReadOnly]?.isEmpty == false {
        state.last = isReadOnly
        return state.waiting[isReadOnly]?.removeFirst()
      }
      state.isTaken = false
      return nil
    }
    next?.resume()
  }
}

extension Methods {
  /// Tells of many, a part in each turn.
  func told<Element>(
    _ elements: [Element], to client: Client, _ tell: (Element) -> JSON
  ) async throws(Fault) -> [JSON] {
    var told: [JSON] = []
    var rest = elements[...]
    while !rest.isEmpty {
      let part = rest.prefix(Turns.told)
      told += try await turns.take(client) { part.map(tell) }
      rest = rest.dropFirst(part.count)
    }
    return told
  }
}
