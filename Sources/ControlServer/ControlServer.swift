// ControlServer: the forwarder's ear. Two Unix sockets in a folder of the file prefix, one for those who change things
// and one for those who only look; a connection is a stream of lines (ControlProtocol), answered in order by a service
// that knows what the methods mean. Whoever connects is taken for hostile: all that a client can make grow or last has a
// bound (`ControlLimits`), and what exceeds one is answered, counted and ended, never trapped on.
//
// One thread does it all: an event loop, made with the server so that it keeps the affinity that the process had then.
// The service's calls run on that loop as well (`LoopExecutor`); no other thread is made while the server runs, and no
// worker is ever waited for here.
//
//   ControlServer    starts and stops
//   SocketFolder     the files: one owner at a time, made so that nobody is let in too early
//   Reception        who is let in, and how many
//   Connection       one client: framing, order, pace, deadlines

public import ControlProtocol
public import Logging
internal import NIOCore
internal import NIOPosix
internal import Synchronization

public final class ControlServer: Sendable {
  private let paths: ControlPaths
  private let options: ControlOptions
  private let log: Logger
  let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  private let counter = Counter()
  private let stage = Mutex(Stage.made)

  private enum Stage {
    case made
    case serving(SocketFolder, NIOLoopBound<Reception>)
    case stopped
  }

  /// Makes the thread, and nothing that anybody could see.
  public init(_ paths: ControlPaths, options: ControlOptions = ControlOptions(), log: Logger) {
    self.paths = paths
    self.options = options
    self.log = log
  }

  deinit { stop() }

  /// What happened so far.
  public var counts: ControlCounts { counter.counts }

  /// Makes the sockets, in place of those that a dead forwarder left, and serves them. Once only, not on the loop.
  ///
  /// Fails with `.living` when another process serves this prefix.
  public func start(serving service: any ControlService) throws(ControlServerError) {
    do {
      try stage.withLock { stage throws(ControlServerError) in
        guard case .made = stage else { throw .started }
        let folder = try SocketFolder(paths, options)
        let loop = group.next()
        counter.tell { service.counted($0) }
        let link = open(folder, service, loop)
        stage = .serving(folder, link)
        try listen(folder, on: loop, link)
      }
    } catch {
      stop()
      throw error
    }
    log.info("control sockets: \(paths.readWrite) and \(paths.readOnly)")
  }

  private func open(
    _ folder: SocketFolder, _ service: any ControlService, _ loop: any EventLoop
  ) -> NIOLoopBound<Reception> {
    let (limits, counter, log) = (options.limits, counter, log)
    let made = loop.submit {
      NIOLoopBound(Reception(loop, limits, service, counter, log), eventLoop: loop)
    }
    do {
      return try made.wait()
    } catch {
      preconditionFailure("the loop runs until the server is stopped: \(error)")
    }
  }

  private func listen(
    _ folder: SocketFolder, on loop: any EventLoop, _ link: NIOLoopBound<Reception>
  ) throws(ControlServerError) {
    for (path, socket, isReadOnly) in [
      (paths.readWrite, SocketFolder.Socket.readWrite, false), (paths.readOnly, .readOnly, true),
    ] {
      let listener = ServerBootstrap(group: loop)
        .childChannelOption(.autoRead, value: false)
        .childChannelOption(.maxMessagesPerRead, value: 1)
        .childChannelOption(.allowRemoteHalfClosure, value: true)
        .childChannelInitializer { link.value.receive($0, isReadOnly: isReadOnly) }
        .withBoundSocket(try folder.bind(socket))
        .map { link.value.listeners.append($0) }
      do {
        try listener.wait()
      } catch {
        throw .system("listen", path, "\(error)")
      }
    }
    try folder.handOver()
  }

  /// Closes all connections, removes the sockets and ends the thread.
  ///
  /// Requests being answered are cancelled and waited for, `options.farewell` at most. May be called again, and without
  /// a start; not on the loop.
  public func stop() {
    stage.withLock { stage in
      if case .serving(let folder, let link) = stage {
        let farewell = TimeAmount(options.farewell)
        let ended = group.next().flatSubmit { link.value.end(within: farewell) }
        try? ended.wait()
        for failure in folder.remove() { log.warning("control socket: \(failure)") }
      }
      if case .stopped = stage { return }
      stage = .stopped
      // A Dispatch thread hears of the end and is the first that is not ours; serving is over.
      try? group.syncShutdownGracefully()
    }
  }
}
