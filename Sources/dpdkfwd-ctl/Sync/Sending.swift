internal import ControlClient
internal import Inspection
internal import JSONText
internal import NIOCore
internal import Primitives
internal import Segment
internal import Sync
internal import Synchronization

/// `sync send`: follows the events of a forwarder, and tells a listener.
struct Sending {
  let forwarder: LocalForwarder
  let to: Endpoint
  let from: Endpoint?
  let settings: SyncSettings
  let pace: Int
  let isOnce: Bool
  let console: Console

  /// Between two acknowledgements of events, nanoseconds. They also tell when the forwarder goes.
  private static let acknowledgePause: UInt64 = 100_000_000
  private static let mask: EventMask = [.new, .update, .destroy, .refresh]

  /// Whether all that was wanted is done: `--once` may have been interrupted.
  func run() async throws -> Bool {
    SyncSignals.await()
    let target = try to.resolve()
    let reader = try forwarder.segment()
    let control = try await forwarder.connect(readOnly: true)
    let socket = try await DatagramSocket.bind(to: try from?.resolve() ?? Self.anyAddress(like: target))
    do {
      let isDone = try await follow(reader, control, socket, target)
      await socket.close()
      await control.close()
      return isDone
    } catch {
      await socket.close()
      await control.close()
      throw error
    }
  }

  private static func anyAddress(like target: SocketAddress) throws -> SocketAddress {
    try SocketAddress(ipAddress: target.protocol == .inet6 ? "::" : "0.0.0.0", port: 0)
  }

  private func follow(
    _ reader: SegmentReader, _ control: any Caller, _ socket: DatagramSocket, _ target: SocketAddress
  ) async throws -> Bool {
    let subscription = try await EventSubscription(control)
    var events = try EventReader(reader, from: .at(subscription.positions), mask: Self.mask)
    var tables = try TableWalk(reader, pace: pace)
    var sender = SyncSender(session: .random(in: 1...UInt64.max), settings: settings)
    let began = Clock.monotonic()
    var acknowledgedAt = began
    var isDone = false
    while !SyncSignals.hasEnded, !isDone {
      let now = Instant(nanoseconds: Clock.monotonic())
      for arrival in socket.take() where target.takes(arrival.from) { sender.receive(arrival.bytes, at: now) }
      var isBusy = read(&events, into: &sender, at: now)
      if let walk = sender.walk, sender.walkRoom > 0 {
        let (connections, isLast) = tables.next(of: walk, atMost: sender.walkRoom, at: now)
        sender.tell(connections, of: walk, isLast: isLast, at: now)
        isBusy = isBusy || !connections.isEmpty
      }
      // What can not leave waits where the newer takes the place of the older.
      if socket.isWritable { socket.send(sender.frames(at: now), to: target) }
      if now.nanoseconds - acknowledgedAt >= Self.acknowledgePause {
        try subscription.acknowledge(events.positions, control)
        acknowledgedAt = now.nanoseconds
      }
      if SyncSignals.takeQuestion() { report(sender, socket, since: began) }
      isDone = isOnce && sender.figures.walksEnded > 0 && sender.isSettled
      try await Task.sleep(for: .milliseconds(isBusy ? 1 : 5))
    }
    report(sender, socket, since: began)
    return isDone || !isOnce
  }

  /// Whether there were events.
  private func read(_ events: inout EventReader, into sender: inout SyncSender, at now: Instant) -> Bool {
    let batch = events.read()
    let wall = Clock.wall()
    for loss in batch.losses where loss.ring == .connections { sender.noteLoss(shard: loss.shard) }
    for case .connection(let event) in batch.events {
      let age = min(wall - min(wall, event.at), now.nanoseconds)
      sender.take(event, at: Instant(nanoseconds: now.nanoseconds - age))
    }
    return !batch.isEmpty
  }

  private func report(_ sender: SyncSender, _ socket: DatagramSocket, since began: UInt64) {
    let seconds = (Clock.monotonic() - began) / 1_000_000_000
    console.error("sync send, \(seconds) s\n" + SyncText.lines(sender.figures) + SyncText.lines(socket))
  }
}

/// What a session has asked the forwarder to be told of.
private final class EventSubscription: Sendable {
  private enum State {
    case idle, asking
    case failed(ControlClientError)
  }

  private let number: JSON
  /// Where reading begins.
  let positions: EventReader.Positions
  private let state = Mutex(State.idle)

  /// Ends of connections are kept until they are acknowledged.
  init(_ control: any Caller) async throws {
    let kinds = ["new", "update", "destroy", "refresh"].map { JSON.text($0) }
    let wish = JSON.object([("kinds", .array(kinds)), ("keeps", .truth(true))])
    let answer = try await control.call("events.subscribe", wish)
    guard let number = answer["subscription"], let rings = answer["rings"]?.asArray else {
      throw ControlClientError.garbled("events.subscribe: \(answer.line)")
    }
    self.number = number
    positions = EventReader.Positions(connections: rings.map { $0["events"]?.asUInt64 ?? 1 })
  }

  /// What is before these positions is known. Does not wait for the answer, and asks nothing while there is none yet;
  /// fails when the forwarder went after the last time.
  func acknowledge(_ positions: EventReader.Positions, _ control: any Caller) throws {
    let isFree = try state.withLock { state in
      if case .failed(let error) = state { throw error }
      guard case .idle = state else { return false }
      state = .asking
      return true
    }
    guard isFree else { return }
    let events = positions.connections.map { JSON.unsigned($0 - 1) }
    let parameters = JSON.object([("subscription", number), ("events", .array(events))])
    Task {
      do throws(ControlClientError) {
        _ = try await control.call("events.acknowledge", parameters)
        state.withLock { $0 = .idle }
      } catch {
        state.withLock { $0 = .failed(error) }
      }
    }
  }
}
