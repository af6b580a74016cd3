// ControlClient: the other end of the control socket, for the programs that ask. A connection is opened, asked, and
// closed; calls may overlap, and the server answers them in their order. It owns its socket until `close`, and one
// thread until it is let go of.

public import ControlProtocol
public import JSONText
internal import NIOCore
internal import NIOPosix

public final class ControlClient: Sendable {
  private let group: MultiThreadedEventLoopGroup
  private let channel: any Channel
  private let conversation: NIOLoopBound<Conversation>
  private let timeLimit: Duration?

  private init(
    _ group: MultiThreadedEventLoopGroup, _ channel: any Channel, _ conversation: NIOLoopBound<Conversation>,
    _ timeLimit: Duration?
  ) {
    self.group = group
    self.channel = channel
    self.conversation = conversation
    self.timeLimit = timeLimit
  }

  /// Connects to the forwarder of a prefix.
  ///
  /// - Parameters:
  ///   - readOnly: whether by the socket on which nothing can be changed.
  ///   - timeLimit: of each call; the server has one of its own.
  ///   - answerBytes: the longest answer that is taken.
  public static func connect(
    _ paths: ControlPaths, readOnly: Bool = false, timeLimit: Duration? = nil, answerBytes: Int = 64 << 20
  ) async throws(ControlClientError) -> ControlClient {
    let path = readOnly ? paths.readOnly : paths.readWrite
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop = group.next()
    do {
      let (channel, conversation) = try await ClientBootstrap(group: loop)
        .connect(unixDomainSocketPath: path) { channel in
          channel.eventLoop.makeCompletedFuture {
            let conversation = Conversation(answerBytes: answerBytes)
            try channel.pipeline.syncOperations.addHandler(conversation)
            return (channel, NIOLoopBound(conversation, eventLoop: channel.eventLoop))
          }
        }
      return ControlClient(group, channel, conversation, timeLimit)
    } catch {
      try? await group.shutdownGracefully()
      throw .connecting(to: path, paths.prefix, error)
    }
  }

  /// Asks, and waits for the answer.
  public func call(
    _ method: String, _ parameters: JSON = .object([])
  ) async throws(ControlClientError) -> JSON {
    let (conversation, timeLimit) = (conversation, timeLimit.map { TimeAmount($0) })
    do {
      return try await channel.eventLoop.flatSubmit { [loop = channel.eventLoop] in
        let promise = loop.makePromise(of: JSON.self)
        conversation.value.ask(method, parameters, within: timeLimit, promise)
        return promise.futureResult
      }.get()
    } catch let error as ControlClientError {
      throw error
    } catch {
      throw .closed
    }
  }

  /// Closes the socket; calls that wait, and those to come, fail with `.closed`.
  public func close() async { try? await channel.close().get() }

  // Not before: a loop that has ended answers nobody.
  deinit { group.shutdownGracefully { _ in } }
}

/// What was asked and not yet answered. Lives on the client's loop.
private final class Conversation: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let answerBytes: Int
  private var lines: LineBuffer
  private var context: ChannelHandlerContext?
  private var waiting: [UInt64: EventLoopPromise<JSON>] = [:]
  private var lastID: UInt64 = 0
  /// Why nothing can be asked any more.
  private var end: ControlClientError?

  init(answerBytes: Int) {
    self.answerBytes = answerBytes
    lines = LineBuffer(limit: answerBytes)
  }

  func ask(_ method: String, _ parameters: JSON, within time: TimeAmount?, _ promise: EventLoopPromise<JSON>) {
    guard let context, end == nil else { return promise.fail(end ?? .closed) }
    lastID += 1
    let id = lastID
    waiting[id] = promise
    let limit = time.map { time in
      context.eventLoop.assumeIsolated().scheduleTask(in: time) { [self] in
        waiting.removeValue(forKey: id)?.fail(ControlClientError.timeout)
      }
    }
    if let limit { promise.futureResult.assumeIsolated().whenComplete { _ in limit.cancel() } }
    let line = ControlRequest(method, parameters, id: RequestID(.unsigned(id))).json.line + "\n"
    context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(string: line)), promise: nil)
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    lines.append(unwrapInboundIn(data).readableBytesView)
    while end == nil {
      switch lines.next() {
      case .line(let line): take(line)
      case .tooLong: finish(.answerTooLong(limit: answerBytes))
      case .none: return
      }
    }
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) { finish(.closed) }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  private func take(_ line: ArraySlice<UInt8>) {
    let json: JSON
    do throws(JSONError) {
      json = try JSON(parsing: line.span, depth: 512)
    } catch {
      return finish(.garbled("\(error)"))
    }
    guard let answer = ControlAnswer(json) else { return finish(.garbled("no answer in the sense of JSON-RPC 2.0")) }
    switch answer.outcome {
    case .result(let result): promise(of: answer.id)?.succeed(result)
    case .error(let code, let message, let data):
      let error = ControlClientError.answered(code: code, message: message, data: data)
      // One that belongs to no request is the reason why the server closes.
      if answer.id == .null { finish(error) } else { promise(of: answer.id)?.fail(error) }
    }
  }

  private func promise(of id: RequestID) -> EventLoopPromise<JSON>? {
    id.json.asUInt64.flatMap { waiting.removeValue(forKey: $0) }
  }

  private func finish(_ error: ControlClientError) {
    end = end ?? error
    let promises = waiting.values
    waiting = [:]
    for promise in promises { promise.fail(end ?? error) }
  }
}
