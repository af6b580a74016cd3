internal import ControlProtocol
internal import NIOCore

/// What a connection waits for, and until when; `nil` while it does not.
struct Deadlines {
  /// The rest of a line.
  var request: NIODeadline?
  /// A line at all.
  var idle: NIODeadline?
  /// The client, to take an answer.
  var unread: NIODeadline?
  /// Leave to take the next line.
  var resume: NIODeadline?
}

extension Connection {
  /// Sees to it that the next deadline is met. A timer that is set earlier is left alone: it looks again when it fires.
  func watch() {
    let all = [deadlines.request, deadlines.idle, deadlines.unread, deadlines.resume, answering?.deadline]
    guard let next = all.compactMap(\.self).min(), timer.map({ $0.at > next }) ?? true else { return }
    timer?.scheduled.cancel()
    timer = schedule(at: next)
  }

  /// The timer has fired: whatever is due is due.
  func lookAtClock() {
    timer = nil
    let now = now
    func isDue(_ deadline: NIODeadline?) -> Bool { deadline.map { $0 <= now } ?? false }
    if isDue(deadlines.unread) { return abort(.unread) }
    if let answering, isDue(answering.deadline) { abandon(answering) }
    if isDue(deadlines.request) {
      end(.slowRequest, ControlError(.timeout, "a request must come whole within \(limits.requestTime)"))
    } else if isDue(deadlines.idle) {
      deadlines.idle = nil
      if !service.lasts(client) { end(.idle, ControlError(.timeout, "nothing asked for \(limits.idleTime)")) }
    }
    proceed()
  }
}
