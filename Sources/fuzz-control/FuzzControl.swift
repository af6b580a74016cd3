// fuzz-control: libFuzzer plays the client of a control socket (`Scripts/fuzz SECONDS control` builds and runs it). The
// first byte says into what pieces the rest is cut, and what kind of client it is; the rest is what the client sends.
// Behind the connection is a service that does a little of everything. What must hold: every line that comes back is an
// answer, there are no more of them than requests, and whatever was begun has ended when the client has gone.

import ControlProtocol
import JSONText
import NIOCore
import NIOEmbedded
import Synchronization

@testable import ControlServer

@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
  guard size > 0 else { return 0 }
  let input = unsafe Array(UnsafeBufferPointer(start: data, count: size))
  Visit(input[0]).send(input.dropFirst())
  return 0
}

/// One client, from its first byte to its end.
private final class Visit {
  private let piece: Int
  private let leavesEarly: Bool
  private let service = Service()
  private let counter = Counter()
  private let channel = EmbeddedChannel()
  private let departures = Departures()
  private var text = ""
  private var answers = 0

  private final class Departures {
    var count = 0
  }

  init(_ kind: UInt8) {
    piece = 1 << Int(kind & 0x07) * 2
    leavesEarly = kind & 0x08 != 0
    var limits = ControlLimits()
    limits.requestBytes = 1024
    limits.depth = 8
    limits.batch = 16
    limits.answerBytes = 512
    limits.unreadBytes = 1024
    limits.burst = 8
    let client = Client(number: 1, pid: 1, uid: 1, gid: 1, isReadOnly: kind & 0x10 != 0)
    let connection = Connection(client, limits, service, counter) { [departures] _ in departures.count += 1 }
    do {
      if kind & 0x20 != 0 { try channel.pipeline.syncOperations.addHandler(Vanishing()) }
      try channel.pipeline.syncOperations.addHandler(connection)
      try channel.connect(to: SocketAddress(unixDomainSocketPath: "/fuzz")).wait()
    } catch {
      preconditionFailure("\(error)")
    }
  }

  func send(_ stream: ArraySlice<UInt8>) {
    var rest = stream
    while !rest.isEmpty, channel.isActive {
      _ = try? channel.writeInbound(ByteBuffer(bytes: rest.prefix(piece)))
      rest = rest.dropFirst(piece)
      turn()
      // Time passes, so that reading goes on; now and then a request takes too long.
      channel.embeddedEventLoop.advanceTime(by: rest.first == 0x7f ? .seconds(61) : .milliseconds(1))
    }
    if leavesEarly {
      channel.close(promise: nil)
    } else {
      channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    }
    for _ in 0..<64 {
      turn()
      channel.embeddedEventLoop.advanceTime(by: .milliseconds(100))
    }
    precondition(!channel.isActive, "it stays though its client has gone")
    precondition(departures.count == 1)
    precondition(service.isEmpty && service.departures.load(ordering: .relaxed) == 1)
    let counts = counter.counts
    let refused = counts.errors.values.reduce(0, +)
    precondition(answers <= counts.requests + refused)
    precondition(counts.bytesIn <= stream.count)
  }

  private func turn() {
    channel.embeddedEventLoop.run()
    service.release()
    channel.embeddedEventLoop.run()
    while let buffer = try? channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: buffer) }
    while let end = text.utf8.firstIndex(of: UInt8(ascii: "\n")) {
      check(String(text[..<end]))
      text = String(text[text.utf8.index(after: end)...])
    }
    precondition(text.isEmpty, "half a line")
  }

  private func check(_ line: String) {
    guard let json = try? JSON(parsing: line) else { preconditionFailure("no JSON: \(line)") }
    for element in json.asArray ?? [json] {
      guard let answer = ControlAnswer(element) else { preconditionFailure("no answer: \(line)") }
      precondition(answer.json == element)
      answers += 1
    }
    precondition(json.asArray?.isEmpty != true, "an empty batch")
  }
}

/// A client that takes two answers and is gone: the next write fails, and closes the channel in the midst of it.
private final class Vanishing: ChannelOutboundHandler {
  typealias OutboundIn = ByteBuffer

  private var taken = 0

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    taken += 1
    if taken <= 2 { return context.write(data, promise: promise) }
    context.close(promise: nil)
    promise?.fail(ChannelError.ioOnClosedChannel)
  }
}

/// Answers at once, later, at length, or not.
private final class Service: ControlService {
  private let waiting = Mutex<[CheckedContinuation<Void, Never>]>([])

  let departures = Atomic(0)

  var isEmpty: Bool { waiting.withLock { $0.isEmpty } }

  func access(of method: String) -> Access? {
    switch method {
    case "echo", "wait", "fail", "big": .read
    case "set": .write
    default: nil
    }
  }

  func answer(_ method: String, _ parameters: JSON, _ client: Client) async throws(ControlError) -> JSON {
    precondition(!client.isReadOnly || method != "set")
    switch method {
    case "wait": await withCheckedContinuation { continuation in waiting.withLock { $0.append(continuation) } }
    case "fail": throw ControlError(.notFound, "none", data: parameters)
    case "big": return .text(String(repeating: "x", count: 600))
    default: break
    }
    return parameters
  }

  func ended(_ client: Client) { departures.add(1, ordering: .relaxed) }

  func release() {
    let resumed = waiting.withLock { waiting in
      defer { waiting = [] }
      return waiting
    }
    for continuation in resumed { continuation.resume() }
  }
}
