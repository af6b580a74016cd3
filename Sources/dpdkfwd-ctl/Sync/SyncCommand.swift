internal import ArgumentParser
internal import Primitives
internal import Segment
internal import Sync

struct SyncSubcommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sync", abstract: "Keep another forwarder's connections equal to this one's.",
    discussion: """
      `sync send` beside the forwarder that has the connections, `sync listen` beside the one that is to have them too. \
      Datagrams are neither signed nor secret: use loopback, a link of its own, or a tunnel.
      """,
    subcommands: [SendSubcommand.self, ListenSubcommand.self])
}

/// What both directions take.
struct SyncOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Megabits a second that may be sent.", valueName: "number"))
  var rate: Double = 100

  @Flag(help: "End when all connections have been told once, and have arrived.")
  var once = false

  func validate() throws {
    guard rate >= 0.01, rate <= 100_000 else { throw ValidationError("--rate: expected 0.01 to 100000") }
  }

  func settings(now: UInt64 = Clock.monotonic(), wall: UInt64 = Clock.wall()) -> SyncSettings {
    var settings = SyncSettings()
    settings.rate = UInt64(rate * 125_000)
    settings.clockZero = UInt32(truncatingIfNeeded: (wall - min(wall, now)) / 1_000_000_000)
    return settings
  }
}

struct SendSubcommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "send", abstract: "Tell a listener of this forwarder's connections.",
    discussion: "SIGUSR1 prints statistics, SIGINT and SIGTERM end it.")

  @OptionGroup var options: Options

  @Option(help: ArgumentHelp("The listener.", valueName: "host:port"))
  var to: Endpoint

  @Option(help: ArgumentHelp("Address and port to send from.", valueName: "host:port"))
  var from: Endpoint?

  @OptionGroup var sync: SyncOptions

  @Option(help: ArgumentHelp("Bytes of a datagram, at most.", valueName: "number"))
  var frameSize = 1400

  @Option(help: ArgumentHelp("Tell all connections so often, asked or not.", valueName: "seconds"))
  var walkEvery: Double?

  @Option(help: ArgumentHelp("Slots of the tables looked at in a second.", valueName: "number"))
  var pace = 1_000_000

  func validate() throws {
    guard (SyncFrame.smallest...SyncFrame.largest).contains(frameSize) else {
      throw ValidationError("--frame-size: expected \(SyncFrame.smallest) to \(SyncFrame.largest)")
    }
    guard walkEvery.map({ $0 >= 1 && $0 <= 86_400 }) ?? true else {
      throw ValidationError("--walk-every: expected 1 to 86400")
    }
    guard pace > 0 else { throw ValidationError("--pace: expected at least 1") }
  }

  func run() async throws {
    var settings = sync.settings()
    settings.frameSize = frameSize
    settings.walkInterval = walkEvery.map { .nanoseconds(UInt64($0 * 1e9)) }
    let isDone = try await Sending(
      forwarder: options.localForwarder, to: to, from: from, settings: settings, pace: pace, isOnce: sync.once,
      console: .standard
    ).run()
    if !isDone { throw ExitCode.failure }
  }
}

struct ListenSubcommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "listen", abstract: "Give this forwarder the connections that a sender tells of.",
    discussion: "SIGUSR1 prints statistics, SIGINT and SIGTERM end it.")

  @OptionGroup var options: Options

  @Option(help: ArgumentHelp("Address and port to listen on.", valueName: "host:port"))
  var on: Endpoint

  @Option(help: ArgumentHelp("Listen to this sender alone; port 0: to any port of it.", valueName: "host:port"))
  var from: Endpoint?

  @OptionGroup var sync: SyncOptions

  @Flag(help: "Take the connections that are there for the sender's: what it does not have goes.")
  var adopt = false

  @Option(
    help: ArgumentHelp(
      "TCP windows: as they were told, or to be learnt from the next packets where data flows.",
      valueName: "exact|learn"))
  var windows = OperationQueue.Windows.learn

  @Option(
    help: ArgumentHelp(
      "The port by which packets of the connections come, where pairs of ports have different owners.",
      valueName: "name"))
  var port: String?

  func run() async throws {
    let isDone = try await Listening(
      forwarder: options.localForwarder, on: on, from: from, settings: sync.settings(), adopts: adopt, windows: windows,
      port: port, isOnce: sync.once, console: .standard
    ).run()
    if !isDone { throw ExitCode.failure }
  }
}

extension OperationQueue.Windows: ExpressibleByArgument {}
