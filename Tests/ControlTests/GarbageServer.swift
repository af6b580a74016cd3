import NIOCore
import NIOPosix

/// Says the same to everybody.
final class GarbageServer: Sendable {
  private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

  init(_ path: String, _ text: String) throws {
    _ = try ServerBootstrap(group: group)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Speaker(text)) }
      }
      .bind(unixDomainSocketPath: path).wait()
  }

  func stop() { try? group.syncShutdownGracefully() }

  private final class Speaker: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let text: String

    init(_ text: String) { self.text = text }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    }
  }
}
