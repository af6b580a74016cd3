internal import JSONText

/// What a client may take. Every bound holds for each connection by itself, but for the first.
public struct ControlLimits: Sendable {
  /// Of each socket, so that readers cannot keep an administrator out. One more is told `busy` and closed.
  public var connections = 32
  /// Of these one user's, and those that are kept for root and the forwarder's user, whom neither binds: a reader keeps
  /// out nobody else, and several together no administrator.
  public var connectionsOfUser = 8
  public var connectionsKept = 8

  /// Bytes of a request or batch, its newline not counted. A longer line is told `tooLarge`, and its connection closed.
  public var requestBytes = 1 << 20
  /// How deep arrays and objects of a request may be nested. A deeper one does not parse.
  public var depth = JSON.standardDepth
  /// Requests in a batch. A larger batch is told `tooLarge`, and none of it is done.
  public var batch = 1000
  /// Requests a second in the long run, where each begun 4 KiB of a line count as one. Beyond it reading pauses: the
  /// client waits, and nothing is lost.
  public var requestsPerSecond = 10_000
  /// Requests that may come at once after a while of quiet.
  public var burst = 1000
  /// From a request's first byte to its last. Then the client is told `timeout` and closed.
  public var requestTime = Duration.seconds(10)

  /// What an answer may take. Then the client is told `timeout`, and its next requests `busy` until the service has
  /// let go of this one.
  public var answerTime = Duration.seconds(60)
  /// Bytes of an answer. In place of a longer one `tooLarge` is told; the same is told, and nothing done, for those
  /// requests of a batch that come when the answers before them have reached this.
  public var answerBytes = 4 << 20
  /// Bytes of answers the client has not read. Beyond it no further line of it is taken up until it reads. What waits
  /// for it is never more than this and twice `answerBytes`.
  public var unreadBytes = 4 << 20
  /// How long answers may lie without one of them being taken whole. Then the client is closed.
  public var unreadTime = Duration.seconds(30)

  /// Between requests, for a client that does not last (`ControlService.lasts`). Then it is told `timeout` and closed.
  public var idleTime = Duration.seconds(300)

  public init() {}
}

/// How the sockets are made.
public struct ControlOptions: Sendable {
  /// Of the read-write socket, for root and the forwarder's user; whatever the mode, others are refused by their
  /// credentials.
  public var readWriteMode: UInt32 = 0o600
  /// Of the read-only socket: whoever may write to the file is served.
  public var readOnlyMode: UInt32 = 0o660
  /// Name or number of the group of the read-only socket.
  public var group: String?
  /// The user whom folder and sockets are given to: the one that the process becomes later, so that it can remove them.
  public var owner: UInt32?
  public var limits = ControlLimits()
  /// How long `stop` waits for requests that are being answered.
  public var farewell = Duration.seconds(2)

  public init() {}
}
