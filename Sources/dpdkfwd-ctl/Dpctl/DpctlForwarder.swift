internal import ControlClient
internal import Inspection
internal import Segment

/// What `dpctl` needs of a forwarder.
protocol DpctlForwarder: Sendable {
  func tables() throws(SegmentError) -> any ConnectionTables
  func connect(readOnly: Bool) async throws(ControlClientError) -> any Caller
  /// The text of `ipf-get-status`.
  func fragmentStatus(zone: UInt16?, more: Int) throws(SegmentError) -> String
  func tracking() throws(SegmentError) -> TrackingNow
}

/// What holds for tracking as a whole.
struct TrackingNow: Equatable {
  /// Of all workers together; 0: none but the room.
  var connectionsLimit: UInt64
  /// Connections that the tables have room for.
  var room: UInt64
  var checksSequences: Bool
  /// Milliseconds.
  var sweepInterval: UInt64
}

extension LocalForwarder: DpctlForwarder {
  /// Of a forwarder that lives: what another one left behind is shown by dpdkfwd-stat.
  private func living() throws(SegmentError) -> Heading {
    let heading = try Heading(try SegmentReader(SegmentPaths(root: segments, prefix: prefix)))
    guard heading.isLive else {
      throw .invalid("the forwarder has ended; dpdkfwd-stat shows what it left behind")
    }
    return heading
  }

  func fragmentStatus(zone: UInt16?, more: Int) throws(SegmentError) -> String {
    try FragmentStatus(try living(), zone: zone, more: more, json: false).text
  }

  func tracking() throws(SegmentError) -> TrackingNow {
    let reader = try living().reader
    let kind = try reader.kind("tracking", having: ["connections_limit", "sweep_interval", "tcp_seq_chk"])
    let shards = reader.records(of: try reader.kind("ct_shards", having: ["entries_limit"]))
    guard let record = reader.records(of: kind).first else { throw .fields(kind: "tracking", missing: []) }
    return TrackingNow(
      connectionsLimit: record.number("connections_limit") ?? 0,
      room: shards.reduce(0) { $0 + ($1.number("entries_limit") ?? 0) },
      checksSequences: record.number("tcp_seq_chk") == 1, sweepInterval: record.number("sweep_interval") ?? 0)
  }
}
