internal import NIOCore
internal import NIOPosix
internal import Sync
internal import Synchronization

/// A UDP socket: what comes in waits to be taken, a bounded number of datagrams.
final class DatagramSocket: Sendable {
  typealias Arrival = (from: SocketAddress, bytes: [UInt8])

  private static let mostWaiting = 8192
  /// Bytes that the kernel holds for us, if it is allowed to.
  private static let kernelBytes = 4 << 20

  private let group: MultiThreadedEventLoopGroup
  private let channel: any Channel
  private let inbox: Inbox

  private init(_ group: MultiThreadedEventLoopGroup, _ channel: any Channel, _ inbox: Inbox) {
    (self.group, self.channel, self.inbox) = (group, channel, inbox)
  }

  static func bind(to address: SocketAddress) async throws -> DatagramSocket {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let inbox = Inbox()
    do {
      let channel = try await DatagramBootstrap(group: group)
        .channelOption(.socketOption(.so_rcvbuf), value: kernelBytes)
        .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: SyncFrame.largest + 1))
        .channelInitializer { channel in channel.pipeline.addHandler(inbox) }
        .bind(to: address).get()
      return DatagramSocket(group, channel, inbox)
    } catch {
      try? await group.shutdownGracefully()
      throw error
    }
  }

  /// What came in since the last time, and how many datagrams there was no room for, ever.
  func take() -> [Arrival] { inbox.take() }
  var dropped: Int { inbox.dropped }

  /// More can be sent without its piling up here.
  var isWritable: Bool { channel.isWritable }

  func send(_ datagrams: [[UInt8]], to address: SocketAddress) {
    guard !datagrams.isEmpty else { return }
    for datagram in datagrams {
      let data = channel.allocator.buffer(bytes: datagram)
      channel.write(AddressedEnvelope(remoteAddress: address, data: data), promise: nil)
    }
    channel.flush()
  }

  func close() async {
    try? await channel.close()
    try? await group.shutdownGracefully()
  }

  private final class Inbox: ChannelInboundHandler, Sendable {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let state = Mutex((waiting: [Arrival](), dropped: 0))

    var dropped: Int { state.withLock { $0.dropped } }

    func take() -> [Arrival] {
      state.withLock { state in
        defer { state.waiting = [] }
        return state.waiting
      }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let envelope = unwrapInboundIn(data)
      state.withLock { state in
        guard state.waiting.count < DatagramSocket.mostWaiting else {
          state.dropped += 1
          return
        }
        state.waiting.append((envelope.remoteAddress, Array(envelope.data.readableBytesView)))
      }
    }

    /// A datagram that nobody took comes back as an error, which says nothing about the next.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
  }
}
