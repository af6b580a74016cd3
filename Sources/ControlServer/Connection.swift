internal import ControlProtocol
internal import JSONText
internal import NIOCore

/// One client: takes a line after the other, has its requests answered in order, and keeps it within its limits.
///
/// Lives on the loop, where the service's calls run too. It reads only while it waits for a line, so a client that is
/// ahead of its answers, or too fast, fills its own socket and nothing here. All that goes on is driven by `proceed`;
/// whatever happens notes it and calls that.
final class Connection: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  let client: Client
  let limits: ControlLimits
  let service: any ControlService
  private let counter: Counter
  private let left: (ControlClosing) -> Void
  private var context: ChannelHandlerContext?
  private var executor: LoopExecutor?

  // What comes in.
  private var lines: LineBuffer
  private var bucket: TokenBucket?
  private var isReading = false
  private var inputEnded = false

  // What is under way.
  private var work: Work?
  var answering: Answering?
  /// A request that took too long and has not ended yet.
  private var abandoned: Task<Void, Never>?
  private var lastRequest: UInt64 = 0
  private var isProceeding = false

  // What goes out.
  private var unread = 0  // bytes

  // How it ends.
  private var isEnding = false
  private var isClosed = false
  private var hasLeft = false
  private var closing: ControlClosing?

  var deadlines = Deadlines()
  var timer: (at: NIODeadline, scheduled: Scheduled<Void>)?

  /// A line, and the answers to it so far.
  private struct Work {
    let items: ArraySlice<ControlMessage.Item>
    let isBatch: Bool
    var next = 0
    var answers: [String] = []
    var size = 0  // bytes of `answers`
  }

  /// A request that the service has.
  struct Answering {
    let number: UInt64
    let request: ControlRequest
    let task: Task<Void, Never>
    let deadline: NIODeadline
  }

  /// - Parameter left: called once, when the client has gone and nothing is done for it any more.
  init(
    _ client: Client, _ limits: ControlLimits, _ service: any ControlService, _ counter: Counter,
    left: @escaping (ControlClosing) -> Void
  ) {
    self.client = client
    self.limits = limits
    self.service = service
    self.counter = counter
    self.left = left
    lines = LineBuffer(limit: limits.requestBytes)
  }

  func schedule(at deadline: NIODeadline) -> (at: NIODeadline, scheduled: Scheduled<Void>)? {
    context.map { context in
      let scheduled = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { [self] in lookAtClock() }
      return (deadline, scheduled)
    }
  }

  var now: NIODeadline { context?.eventLoop.now ?? .now() }

  // MARK: Events

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    executor = LoopExecutor(context.eventLoop)
    bucket = TokenBucket(perSecond: limits.requestsPerSecond, burst: limits.burst, now: context.eventLoop.now)
    if context.channel.isActive { proceed() }
  }

  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func channelActive(context: ChannelHandlerContext) { proceed() }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let bytes = unwrapInboundIn(data).readableBytesView
    counter.count { $0.bytesIn += UInt64(bytes.count) }
    guard !isEnding else { return }
    lines.append(bytes)
    proceed()
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    isReading = false
    proceed()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard case ChannelEvent.inputClosed = event else { return }
    inputEnded = true
    proceed()
  }

  func channelInactive(context: ChannelHandlerContext) {
    isClosed = true
    lines = LineBuffer(limit: 0)
    work = nil
    deadlines = Deadlines()
    timer?.scheduled.cancel()
    timer = nil
    answering?.task.cancel()
    abandoned?.cancel()
    leaveIfDone()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  /// The service has answered, perhaps long after it was waited for.
  private func answered(_ number: UInt64, _ outcome: Result<JSON, ControlError>) {
    if let request = answering, request.number == number {
      answering = nil
      respond(to: request.request, outcome)
      proceed()
    } else {
      abandoned = nil
    }
    leaveIfDone()
  }

  private func leaveIfDone() {
    // A write that fails closes the channel in the midst of an answer, and both ask.
    guard isClosed, !hasLeft, answering == nil, abandoned == nil else { return }
    hasLeft = true
    service.ended(client)
    left(closing ?? .client)
  }

  // MARK: The way of a line

  /// Does what can be done now.
  func proceed() {
    // A write that ends at once calls back in the midst of it; the loop below goes on by itself.
    guard !isProceeding, context != nil else { return }
    isProceeding = true
    while !isEnding, !isClosed {
      guard work == nil ? takeLine() : finishWork() else { break }
    }
    isProceeding = false
    watch()
  }

  /// Begins with the next line; false when it has to wait for one, or for leave to take it.
  private func takeLine() -> Bool {
    guard unread <= limits.unreadBytes else { return false }
    if let ready = bucket?.ready, ready > now {
      if deadlines.resume == nil { counter.count { $0.pauses += 1 } }
      deadlines.resume = ready
      return false
    }
    deadlines.resume = nil
    switch lines.next() {
    case .line(let line):
      deadlines.request = nil
      deadlines.idle = nil
      let message = ControlMessage(line: line.span, depth: limits.depth, most: limits.batch)
      bucket?.take(max(1, message.items.count) + line.count / 4096, at: now)
      if case .batch = message {
        work = Work(items: message.items[...], isBatch: true)
      } else {
        work = Work(items: message.items[...], isBatch: false)
      }
      return true
    case .tooLong:
      end(.tooLarge, ControlError(.tooLarge, "a line of more than \(limits.requestBytes) bytes"))
    case .none where inputEnded:
      end(.client, lines.hasPart ? ControlError(.parseError, "the input ended within a line") : nil)
    case .none: waitForInput()
    }
    return false
  }

  private func waitForInput() {
    if lines.hasPart {
      deadlines.request = deadlines.request ?? now + TimeAmount(limits.requestTime)
      deadlines.idle = nil
    } else {
      deadlines.idle = deadlines.idle ?? now + TimeAmount(limits.idleTime)
    }
    if !isReading {
      isReading = true
      context?.read()
    }
  }

  /// Goes on with the line under way; false while the service has a request of it.
  private func finishWork() -> Bool {
    while answering == nil, let work, work.next < work.items.count {
      self.work?.next += 1
      switch work.items[work.next] {
      case .fault(let error, let id): add(error, to: id)
      case .request(let request): begin(request)
      }
    }
    guard answering == nil, let work else { return false }
    self.work = nil
    if !work.answers.isEmpty {
      write(work.isBatch ? "[" + work.answers.joined(separator: ", ") + "]" : work.answers[0])
    }
    return true
  }

  private func begin(_ request: ControlRequest) {
    counter.count { $0.requests += 1 }
    if let error = refusal(of: request) { return respond(to: request, .failure(error)) }
    guard let context, let executor else { return }
    lastRequest += 1
    let (number, service, client) = (lastRequest, service, client)
    let link = NIOLoopBound(self, eventLoop: context.eventLoop)
    // Not at once, but when the loop comes to it: clients take turns.
    let task = Task(executorPreference: executor) {
      let outcome: Result<JSON, ControlError>
      do throws(ControlError) {
        outcome = .success(try await service.answer(request.method, request.parameters, client))
      } catch {
        outcome = .failure(error)
      }
      link.value.answered(number, outcome)
    }
    answering = Answering(
      number: number, request: request, task: task, deadline: now + TimeAmount(limits.answerTime))
  }

  private func refusal(of request: ControlRequest) -> ControlError? {
    switch service.access(of: request.method) {
    case nil: ControlError(.methodNotFound, "there is no method '\(request.method.prefix(64))'")
    case .write where client.isReadOnly:
      ControlError(.forbidden, "'\(request.method.prefix(64))' changes the forwarder; this socket is read-only")
    case .read, .write:
      if abandoned != nil {
        ControlError(.busy, "a request of this connection that took too long has not ended yet")
      } else if let work, work.size > limits.answerBytes {
        ControlError(.tooLarge, "the batch's answers are too long together; this was not done")
      } else {
        nil
      }
    }
  }

  // MARK: Answers

  private func respond(to request: ControlRequest, _ outcome: Result<JSON, ControlError>) {
    switch outcome {
    case .failure(let error): add(error, to: request.id)
    case .success(let result):
      guard let id = request.id, work != nil else { return }
      let line = ControlAnswer(result, to: id).json.line
      let size = line.utf8.count
      if size > limits.answerBytes {
        add(ControlError(.tooLarge, "an answer of \(size) bytes, and \(limits.answerBytes) are the most"), to: id)
      } else {
        add(line)
      }
    }
  }

  /// Nothing is told of a notification, which has no id.
  private func add(_ error: ControlError, to id: RequestID?) {
    counter.count(error.code)
    if let id { add(ControlAnswer(error, to: id).json.line) }
  }

  private func add(_ answer: String) {
    work?.answers.append(answer)
    work?.size += answer.utf8.count
  }

  private func write(_ line: String) {
    guard let context else { return }
    var buffer = context.channel.allocator.buffer(capacity: line.utf8.count + 1)
    buffer.writeString(line)
    buffer.writeInteger(UInt8(ascii: "\n"))
    let size = buffer.readableBytes
    unread += size
    deadlines.unread = deadlines.unread ?? now + TimeAmount(limits.unreadTime)
    context.writeAndFlush(wrapOutboundOut(buffer)).assumeIsolated().whenSuccess { [self] in
      counter.count { $0.bytesOut += UInt64(size) }
      unread -= size
      deadlines.unread = unread > 0 ? now + TimeAmount(limits.unreadTime) : nil
      if isEnding { closeIfRead() } else { proceed() }
    }
  }

  // MARK: The end

  /// Says why, where there is something to say, and closes when the client has taken what it was sent.
  func end(_ reason: ControlClosing, _ error: ControlError? = nil) {
    guard !isEnding else { return }
    isEnding = true
    closing = closing ?? reason
    lines = LineBuffer(limit: 0)
    deadlines.request = nil
    deadlines.idle = nil
    if let error {
      counter.count(error.code)
      write(ControlAnswer(error, to: .null).json.line)
    }
    closeIfRead()
  }

  private func closeIfRead() {
    if unread == 0 { context?.close(promise: nil) }
  }

  /// Closes without a word.
  func abort(_ reason: ControlClosing) {
    isEnding = true
    closing = closing ?? reason
    context?.close(promise: nil)
  }

  func stop() { abort(.stopped) }

  /// Answers the request that took too long, and lets the service end it.
  func abandon(_ late: Answering) {
    late.task.cancel()
    abandoned = late.task
    answering = nil
    respond(to: late.request, .failure(ControlError(.timeout, "no answer within \(limits.answerTime)")))
    proceed()
  }
}
