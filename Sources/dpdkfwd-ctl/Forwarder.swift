internal import ControlClient
internal import ControlProtocol
internal import Inspection
internal import JSONText
internal import Segment

/// One who carries requests to a forwarder and answers back.
protocol Caller: Sendable {
  func call(_ method: String, _ parameters: JSON) async throws(ControlClientError) -> JSON
  func close() async
}

extension ControlClient: Caller {}

/// A forwarder as the commands see it: what it keeps in shared memory, and what it answers.
protocol Forwarder: Sendable {
  /// Asks it nothing. Fails where there is no segment, or none of a forwarder that lives.
  func tables() throws(SegmentError) -> any ConnectionTables
  /// Follows what happens to connections; reading does not see to it that events are written.
  func events(
    from start: EventReader.Positions, mask: EventMask, filter: ConnectionFilter
  ) throws(SegmentError) -> any EventSource
  /// Opens a control socket: the one by which nothing can be changed, or the other.
  func connect(readOnly: Bool) async throws(ControlClientError) -> any Caller
}

/// What a forwarder keeps of connections.
protocol ConnectionTables {
  /// Hands over those that the filter takes, in the order of their numbers.
  ///
  /// - Parameter body: false: enough.
  func each(
    _ table: ConntrackTable, _ filter: ConnectionFilter, _ body: (Connection) -> Bool
  ) throws(SegmentError)
  func count() throws(SegmentError) -> UInt64
  /// Of each worker, as `conntrack -S` prints it.
  func statistics() throws(SegmentError) -> [String]
  /// As their number says, by which JSON names them.
  func lcores() throws(SegmentError) -> [Int: UInt64]
}

/// What a forwarder writes of what happens to connections.
protocol EventSource {
  /// What came since the last reading.
  mutating func read() -> EventReader.Batch
  /// Where reading goes on, by shard.
  var positions: EventReader.Positions { get }
  /// Takes the tables for what was to be known of their connections.
  mutating func learn() throws(SegmentError)
  /// Makes up the events that were lost of connections, from the tables.
  mutating func repair(_ losses: [EventReader.Loss]) throws(SegmentError) -> [ConnectionEvent]
  /// Ends that the dying lists had no room for while somebody waited for them.
  var endsLost: UInt64 { get }
  /// Whether there is more to come.
  var isLive: Bool { get }
}

/// A forwarder of this machine, by its file prefix.
struct LocalForwarder: Forwarder {
  var prefix: String
  /// Where the segments of all prefixes lie.
  var segments: String
  /// The same of the sockets.
  var sockets: String

  func segment() throws(SegmentError) -> SegmentReader {
    try SegmentReader(SegmentPaths(root: segments, prefix: prefix))
  }

  func tables() throws(SegmentError) -> any ConnectionTables { try SegmentTables(try segment()) }

  func events(
    from start: EventReader.Positions, mask: EventMask, filter: ConnectionFilter
  ) throws(SegmentError) -> any EventSource {
    try SegmentEvents(try segment(), from: start, mask: mask, filter: filter)
  }

  func connect(readOnly: Bool) async throws(ControlClientError) -> any Caller {
    let paths: ControlPaths
    do throws(ControlPathError) {
      paths = try ControlPaths(root: sockets, prefix: prefix)
    } catch {
      throw .failed(path: sockets, cause: "\(error)")
    }
    return try await ControlClient.connect(paths, readOnly: readOnly, timeLimit: Self.patience)
  }

  /// A little more than the forwarder gives itself for a request: who has not answered by then has stopped.
  private static let patience = Duration.seconds(65)
}
