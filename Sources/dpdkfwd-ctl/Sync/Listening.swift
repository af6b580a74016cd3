internal import ControlClient
internal import JSONText
internal import NIOCore
internal import Primitives
internal import Segment
internal import Sync

/// `sync listen`: takes what a sender tells, and gives it to a forwarder.
struct Listening {
  let forwarder: LocalForwarder
  let on: Endpoint
  let from: Endpoint?
  let settings: SyncSettings
  let adopts: Bool
  let windows: OperationQueue.Windows
  let port: String?
  let isOnce: Bool
  let console: Console

  /// Changes that wait before datagrams do.
  private static let mostWaiting = 20_000
  /// Requests between two looks at the network.
  private static let requestsPerTurn = 1
  /// With `--once`, the sender is answered for so long after all is done, nanoseconds.
  private static let lingering: UInt64 = 500_000_000

  /// Whether all that was wanted is done: `--once` may have been interrupted.
  func run() async throws -> Bool {
    SyncSignals.await()
    let peer = try from?.resolve()
    let control = try await forwarder.connect(readOnly: false)
    var receiver = SyncReceiver(session: .random(in: 1...UInt64.max), settings: settings)
    if adopts { try adoptTables(into: &receiver) }
    let socket: DatagramSocket
    do {
      socket = try await DatagramSocket.bind(to: try on.resolve())
    } catch {
      await control.close()
      throw error
    }
    do {
      let isDone = try await follow(&receiver, control, socket, peer)
      await socket.close()
      await control.close()
      return isDone
    } catch {
      await socket.close()
      await control.close()
      throw error
    }
  }

  private func adoptTables(into receiver: inout SyncReceiver) throws {
    var connections: [Connection] = []
    try forwarder.tables().each(.conntrack, ConnectionFilter()) {
      connections.append($0)
      return true
    }
    receiver.adopt(connections)
  }

  private func follow(
    _ receiver: inout SyncReceiver, _ control: any Caller, _ socket: DatagramSocket, _ peer: SocketAddress?
  ) async throws -> Bool {
    var waiting = OperationQueue(windows: windows, port: port)
    var sender: SocketAddress?
    var strangers = 0
    let began = Clock.monotonic()
    var doneAt: UInt64?
    while !SyncSignals.hasEnded {
      let now = Instant(nanoseconds: Clock.monotonic())
      if waiting.count < Self.mostWaiting {
        for arrival in socket.take() {
          guard peer?.takes(arrival.from) ?? true else {
            strangers += 1
            continue
          }
          let heard = receiver.figures.heard
          waiting.add(receiver.receive(arrival.bytes, at: now), at: now)
          if receiver.figures.heard != heard { sender = arrival.from }
        }
      }
      waiting.add(receiver.turn(at: now), at: now)
      if let sender, socket.isWritable { socket.send(receiver.frames(at: now), to: sender) }
      let isBusy = !waiting.isEmpty
      for _ in 0..<Self.requestsPerTurn where !waiting.isEmpty { try await waiting.apply(by: control) }
      if SyncSignals.takeQuestion() { report(receiver, waiting, strangers, socket, since: began) }
      if isOnce, receiver.figures.walksEnded > 0, receiver.isSettled, waiting.isEmpty {
        doneAt = doneAt ?? now.nanoseconds
        if now.nanoseconds - (doneAt ?? 0) > Self.lingering { break }
      }
      if !isBusy { try await Task.sleep(for: .milliseconds(5)) }
    }
    report(receiver, waiting, strangers, socket, since: began)
    return doneAt != nil || !isOnce
  }

  private func report(
    _ receiver: SyncReceiver, _ waiting: OperationQueue, _ strangers: Int, _ socket: DatagramSocket,
    since began: UInt64
  ) {
    let seconds = (Clock.monotonic() - began) / 1_000_000_000
    console.error(
      "sync listen, \(seconds) s\n" + SyncText.lines(receiver.figures, count: receiver.count)
        + SyncText.lines(waiting.figures) + SyncText.lines([("strangers", UInt64(strangers))])
        + SyncText.lines(socket) + (waiting.complaint.map { "the forwarder says: \($0)\n" } ?? ""))
  }
}
