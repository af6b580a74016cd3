import CSegment
import Foundation
import Inspection
import Primitives
import Segment

/// What happens to connections, put into the rings of a segment by hand.
final class Told {
  let tracked: Tracked
  private let reader: SegmentReader
  private let workers: [ConnectionReader]
  private var rings: [RingWriter<dpdkfwd_ct_event_record>]
  private var dying = 0

  var writer: SegmentWriter { tracked.writer }

  /// - Parameter entries: of each ring.
  init(_ fixture: Fixture, entries: Int = 64, datagrams: Int = 0) throws {
    let tracked = try Tracked(fixture, datagrams: datagrams, events: entries)
    self.tracked = tracked
    reader = try SegmentReader(SegmentPaths(root: fixture.root, prefix: "t"))
    workers = try ConnectionReader.all(reader)
    rings = (0..<2).map { tracked.writer.connectionEvents($0) }
  }

  /// Tells of the connection in a slot, as it stands.
  func tell(
    _ kind: ConnectionEvent.Kind, _ slot: Int, shard: Int = 0, at: UInt64 = 1_000_000_007_000_001_000,
    changes: ConnectionEvent.Changes = [], client: UInt32 = 0
  ) {
    unsafe rings[shard].append { entry in
      let number = unsafe entry.pointee.sequence
      unsafe fill(&entry.pointee, kind, slot, shard, at, changes, client)
      unsafe entry.pointee.sequence = number
    }
  }

  /// Puts the connection in a slot into the dying list.
  func keep(_ slot: Int, sequence: UInt64) {
    let place = unsafe writer.dyingConnections(0) + dying
    unsafe fill(&place.pointee.event, .destroy, slot, 0, 1_000_000_007_000_000_000, [], 0)
    unsafe place.pointee.event.sequence = sequence
    unsafe place.pointee.generation = 1
    dying += 1
  }

  func discard(_ source: String, reason: UInt8) {
    var ring = writer.fragmentListEvents(0)
    unsafe ring.append { entry in
      unsafe entry.pointee.at = 1_000_000_008_000_000_000
      unsafe Self.store(IPv6Address(ipv4: IPv4Address(source)!), in: &entry.pointee.source)
      unsafe entry.pointee.identification = 77
      unsafe entry.pointee.fragments = 2
      unsafe entry.pointee.bytes = 3000
      unsafe entry.pointee.protocol = 17
      unsafe entry.pointee.reason = reason
    }
  }

  private func fill(
    _ record: inout dpdkfwd_ct_event_record, _ kind: ConnectionEvent.Kind, _ slot: Int, _ shard: Int, _ at: UInt64,
    _ changes: ConnectionEvent.Changes, _ client: UInt32
  ) {
    guard let connection = workers[shard].connection(at: slot, now: reader.lastBreath) else {
      preconditionFailure("there is no connection in slot \(slot)")
    }
    record.at = at
    record.kind = kind.rawValue
    record.changes = changes.rawValue
    record.client = client
    record.originator = client == 0 ? 0 : 3
    record.image.id = connection.id.rawValue
    record.image.timeout = connection.remaining
    record.image.record = unsafe (writer.connections(shard) + slot).pointee
    record.image.reply_source_port = connection.reply.sourcePort
    record.image.reply_destination_port = connection.reply.destinationPort
    record.image.reply_zone = connection.reply.zone
    Self.store(connection.original.source, in: &record.image.source)
    Self.store(connection.original.destination, in: &record.image.destination)
    Self.store(connection.reply.source, in: &record.image.reply_source)
    Self.store(connection.reply.destination, in: &record.image.reply_destination)
  }

  private static func store<Bytes: BitwiseCopyable>(_ address: IPv6Address, in bytes: inout Bytes) {
    unsafe withUnsafeMutableBytes(of: &bytes) { bytes in
      unsafe bytes.storeBytes(of: address.high.bigEndian, as: UInt64.self)
      unsafe bytes.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
  }
}

/// `dpdkfwd-stat` while it runs, line by line.
final class Session {
  private let process = Process()
  private let out = Pipe()
  private let error = Pipe()
  private var rest = Data()

  init(_ fixture: Fixture, _ words: String...) throws {
    process.executableURL = URL(fileURLWithPath: Fixture.binary)
    process.arguments = ["--root", fixture.root, "-f", "t"] + words
    process.standardOutput = out
    process.standardError = error
    // Threads of tests hold signals back, and what they start would do so too.
    var (none, before) = (sigset_t(), sigset_t())
    unsafe sigemptyset(&none)
    unsafe pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
    try process.run()
  }

  deinit { kill(process.processIdentifier, SIGKILL) }

  /// The next line of what it prints; `nil` at the end.
  func line() -> String? {
    while true {
      if let end = rest.firstIndex(of: 10) {
        defer { rest = Data(rest[(end + 1)...]) }
        return String(decoding: rest[..<end], as: UTF8.self)
      }
      let more = out.fileHandleForReading.availableData
      guard !more.isEmpty else { return nil }
      rest.append(more)
    }
  }

  func signal(_ number: Int32) { kill(process.processIdentifier, number) }

  /// Waits for its end: the rest of what it printed, what it said on standard error, and its status.
  func end() -> (lines: [String], error: String, status: Int32) {
    var lines: [String] = []
    while let line = line() { lines.append(line) }
    let words = error.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (lines, String(decoding: words, as: UTF8.self), process.terminationStatus)
  }
}
