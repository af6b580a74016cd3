internal import ControlProtocol
internal import Glibc
internal import JSONText
internal import Logging
internal import NIOCore
internal import Synchronization

/// Who is let in, and how many. Lives on the loop.
final class Reception {
  private let loop: any EventLoop
  private let limits: ControlLimits
  private let service: any ControlService
  private let counter: Counter
  private let log: Logger

  var listeners: [any Channel] = []
  private var connections: [UInt64: Connection] = [:]
  /// Refusals that were logged, so that nobody fills the log, and those that were not.
  private var logged: TokenBucket
  private var unlogged = 0
  /// Succeeds when the last connection has gone.
  private var farewell: EventLoopPromise<Void>?

  private static let lastClient = Atomic<UInt64>(0)

  init(
    _ loop: any EventLoop, _ limits: ControlLimits, _ service: any ControlService, _ counter: Counter, _ log: Logger
  ) {
    self.loop = loop
    self.limits = limits
    self.service = service
    self.counter = counter
    self.log = log
    logged = TokenBucket(perSecond: 1, burst: 10, now: loop.now)
  }

  /// Sets a new connection up: for service or for refusal.
  func receive(_ channel: any Channel, isReadOnly: Bool) -> EventLoopFuture<Void> {
    let link = NIOLoopBound(self, eventLoop: loop)
    return Credentials.peer(of: channel).flatMapThrowing { credentials in
      try link.value.admit(channel, credentials, isReadOnly: isReadOnly)
    }
  }

  private func admit(_ channel: any Channel, _ peer: Credentials, isReadOnly: Bool) throws {
    let client = Client(
      number: Self.lastClient.add(1, ordering: .relaxed).newValue, pid: peer.pid, uid: peer.uid, gid: peer.gid,
      isReadOnly: isReadOnly)
    if let error = refusal(of: client, peer) {
      counter.count(error.code)
      note("\(client) refused: \(error.message)")
      try channel.pipeline.syncOperations.addHandler(Refusal(error))
      return
    }
    counter.count {
      $0.accepted += 1
      $0.open += 1
    }
    log.debug("\(client) connected")
    let connection = Connection(client, limits, service, counter) { [self] in leave(client, $0) }
    connections[client.number] = connection
    do {
      try channel.pipeline.syncOperations.addHandler(connection)
    } catch {
      leave(client, .stopped)
      throw error
    }
  }

  private func refusal(of client: Client, _ peer: Credentials) -> ControlError? {
    if farewell != nil { return ControlError(.busy, "the forwarder is ending") }
    guard peer.areServed(isReadOnly: client.isReadOnly, self: geteuid()) else {
      counter.count { $0.strangers += 1 }
      return ControlError(.forbidden, "user \(client.uid) may not use this socket; try the read-only one")
    }
    let served = connections.values.map(\.client).filter { $0.isReadOnly == client.isReadOnly }.map(\.uid)
    if let reason = limits.refusal(of: client.uid, beside: served, self: geteuid()) {
      counter.count { $0.full += 1 }
      return ControlError(.busy, reason)
    }
    return nil
  }

  /// The connection has gone, and its last request is answered.
  private func leave(_ client: Client, _ closing: ControlClosing) {
    guard connections.removeValue(forKey: client.number) != nil else { return }
    counter.count {
      $0.open -= 1
      $0.closed[closing, default: 0] += 1
    }
    switch closing {
    case .client, .stopped, .idle: log.debug("\(client) gone: \(closing)")
    case .tooLarge, .slowRequest, .unread: note("\(client) closed: \(closing)")
    }
    if connections.isEmpty { farewell?.succeed() }
  }

  private func note(_ message: String) {
    guard logged.ready <= loop.now else {
      unlogged += 1
      return
    }
    logged.take(1, at: loop.now)
    log.notice("\(message)\(unlogged > 0 ? "; \(unlogged) more of the kind before" : "")")
    unlogged = 0
  }

  /// Closes everything. Succeeds when all is done, or that time is up.
  func end(within time: TimeAmount) -> EventLoopFuture<Void> {
    let farewell = loop.makePromise(of: Void.self)
    self.farewell = farewell
    for listener in listeners { listener.close(promise: nil) }
    for connection in connections.values { connection.stop() }
    if connections.isEmpty { farewell.succeed() }
    loop.scheduleTask(in: time) { farewell.succeed() }
    return farewell.futureResult
  }
}

extension Client: CustomStringConvertible {
  public var description: String {
    "control client \(number) (pid \(pid), uid \(uid), gid \(gid)\(isReadOnly ? ", read-only" : ""))"
  }
}

/// Who connected, as the kernel noted it: the three words of its `struct ucred` (unix(7)), which Swift does not see.
struct Credentials: Equatable, Sendable {
  var pid: Int32
  var uid: UInt32
  var gid: UInt32

  /// Whether a socket serves them. The read-write socket trusts root and the user whom the forwarder runs as, the
  /// read-only socket whomever its mode let in.
  func areServed(isReadOnly: Bool, self own: UInt32) -> Bool { isReadOnly || Self.areTrusted(uid, self: own) }

  static func areTrusted(_ uid: UInt32, self own: UInt32) -> Bool { uid == 0 || uid == own }

  static func peer(of channel: any Channel) -> EventLoopFuture<Credentials> {
    guard let socket = channel as? any SocketOptionProvider else {
      return channel.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
    }
    return socket.unsafeGetSocketOption(
      level: NIOBSDSocket.OptionLevel(rawValue: SOL_SOCKET), name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
  }
}

extension ControlLimits {
  /// Why a socket has no place for one more connection of a user; `nil`: it has one.
  ///
  /// - Parameters:
  ///   - served: whose connections it has.
  ///   - own: the user whom the forwarder runs as. Nobody keeps that one out, nor root.
  func refusal(of user: UInt32, beside served: [UInt32], self own: UInt32) -> String? {
    if served.count >= connections { return "\(connections) connections are served already" }
    if Credentials.areTrusted(user, self: own) { return nil }
    if served.count(where: { $0 == user }) >= connectionsOfUser {
      return "\(connectionsOfUser) connections of user \(user) are served already"
    }
    let others = served.count { !Credentials.areTrusted($0, self: own) }
    guard others >= connections - connectionsKept else { return nil }
    return "\(others) connections are served already, and \(connectionsKept) places kept for root"
  }
}

/// Says why, and closes.
private final class Refusal: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let error: ControlError

  init(_ error: ControlError) { self.error = error }

  func channelActive(context: ChannelHandlerContext) {
    let line = ControlAnswer(error, to: .null).json.line + "\n"
    context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(string: line)), promise: nil)
    context.close(promise: nil)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
