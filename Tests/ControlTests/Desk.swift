import ControlProtocol
import JSONText
import NIOCore
import NIOEmbedded

@testable import ControlServer

/// One connection without a socket, on a loop whose clock stands still until it is moved. Answers come to a client that
/// reads, unless it stops.
final class Desk {
  let service = TestService()
  let counter = Counter()
  let channel = EmbeddedChannel()
  let reader = Reader()
  private let end = End()
  private var text = ""

  init(_ limits: ControlLimits = ControlLimits(), isReadOnly: Bool = false) throws {
    let client = Client(number: 1, pid: 2, uid: 3, gid: 4, isReadOnly: isReadOnly)
    let connection = Connection(client, limits, service, counter) { [end] in end.closing = $0 }
    try channel.pipeline.syncOperations.addHandlers([reader, connection])
    try channel.connect(to: SocketAddress(unixDomainSocketPath: "/t")).wait()
  }

  deinit {
    service.release(done: false)
    channel.embeddedEventLoop.run()
    _ = try? channel.finish(acceptAlreadyClosed: true)
    channel.embeddedEventLoop.run()
  }

  private final class End {
    var closing: ControlClosing?
  }

  /// Why the connection has gone, when all is done that was done for it.
  var closing: ControlClosing? { end.closing }
  var isOpen: Bool { channel.isActive }
  var counts: ControlCounts { counter.counts }

  /// Sends bytes and returns the lines that came back, whole or not.
  @discardableResult
  func send(_ bytes: some Sequence<UInt8>) throws -> [String] {
    // As a socket that was closed meanwhile would have it.
    if channel.isActive { try channel.writeInbound(ByteBuffer(bytes: bytes)) }
    return try answers()
  }

  @discardableResult
  func send(_ text: String) throws -> [String] { try send(text.utf8) }

  /// Sends a line.
  @discardableResult
  func say(_ line: String) throws -> [String] { try send(line + "\n") }

  func advance(_ time: Duration) throws -> [String] {
    channel.embeddedEventLoop.advanceTime(by: TimeAmount(time))
    return try answers()
  }

  func endInput() throws -> [String] {
    channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    return try answers()
  }

  /// The lines since the last that were asked for.
  func answers() throws -> [String] {
    channel.embeddedEventLoop.run()
    while let buffer = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: buffer) }
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    text = lines.removeLast()
    return lines
  }
}

/// Stands for the client's side: counts how often more was asked for, and can stop to read.
final class Reader: ChannelOutboundHandler {
  typealias OutboundIn = ByteBuffer

  var isReading = true
  /// Whether it has gone: writing to it fails, and closes the channel at once.
  var isGone = false
  private(set) var asked = 0
  private(set) var held: [(NIOAny, EventLoopPromise<Void>?)] = []

  func read(context: ChannelHandlerContext) {
    asked += 1
    context.read()
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if isGone {
      context.close(promise: nil)
      promise?.fail(ChannelError.ioOnClosedChannel)
      return
    }
    if isReading { context.write(data, promise: promise) } else { held.append((data, promise)) }
  }

  var heldBytes: Int { held.reduce(0) { $0 + unwrapOutboundIn($1.0).readableBytes } }

  /// Reads the oldest of what it has not read.
  func readOne(_ channel: EmbeddedChannel) throws {
    let (data, promise) = held.removeFirst()
    let context = try channel.pipeline.syncOperations.context(handler: self)
    context.write(data, promise: promise)
    context.flush()
  }
}

func request(_ method: String, _ parameters: String = "{}", id: String = "1") -> String {
  #"{"jsonrpc": "2.0", "method": "\#(method)", "params": \#(parameters), "id": \#(id)}"#
}

func result(_ result: String, id: String = "1") -> String { #"{"jsonrpc": "2.0", "result": \#(result), "id": \#(id)}"# }

/// The code and id of an error answer.
func failure(_ line: String?) -> String? {
  guard let json = try? line.map({ try JSON(parsing: $0) }), let answer = ControlAnswer(json),
    case .error(let code, _, _) = answer.outcome
  else { return nil }
  return "\(code) \(answer.id.json.line)"
}
