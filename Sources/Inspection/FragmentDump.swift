internal import Primitives
public import Segment

/// The datagrams of which fragments are held, of all workers, as `ipf-get-status -m` lists them. A list that changes
/// while it is copied is copied again, a few times; nothing is held up for it, and nothing is formatted meanwhile
/// (F23).
public struct FragmentDump {
  public private(set) var lists: [FragmentList] = []

  /// - Parameters:
  ///   - zone: only of this zone; `nil`: of all.
  ///   - inFull: whether to find out what is missing, and which connections they belong to.
  public init(_ heading: Heading, zone: UInt16?, inFull: Bool) throws(SegmentError) {
    let workers = try FragmentReader.all(heading.reader)
    let frozen = heading.isLive ? nil : heading.reader.lastBreath
    var clock = PacedClock(frozen: frozen)
    for worker in workers {
      for slot in 0..<worker.slots {
        guard let list = worker.list(at: slot, now: clock.look(), gaps: inFull) else { continue }
        if inFull { _ = clock.look(at: Int(list.fragments)) }
        if zone == nil || list.zone == zone { lists.append(list) }
      }
    }
    if inFull { findFlows(heading.reader, frozen: frozen) }
  }

  /// What a datagram and a direction of its connection have in common.
  private struct Way: Hashable {
    let `protocol`: UInt8
    let source, destination: IPv6Address
    let sourcePort, destinationPort, zone: UInt16

    init(_ tuple: Connection.Tuple, _ protocol: UInt8) {
      self.protocol = `protocol`
      (source, destination) = (tuple.source, tuple.destination)
      (sourcePort, destinationPort, zone) = (tuple.sourcePort, tuple.destinationPort, tuple.zone)
    }

    /// `nil` while its ports are not known.
    init?(_ list: FragmentList) {
      guard let ports = list.ports else { return nil }
      self.protocol = list.protocol
      (source, destination) = (list.source, list.destination)
      (sourcePort, destinationPort, zone) = (ports.source, ports.destination, list.zone)
    }
  }

  /// Goes through the connections once, whatever the number of datagrams. Where there are none that can be read, none
  /// is found.
  private mutating func findFlows(_ reader: SegmentReader, frozen: UInt64?) {
    let wanted = Set(lists.compactMap { Way($0) })
    guard !wanted.isEmpty, var walk = try? Walk(reader, frozen: frozen) else {
      return
    }
    var found: [Way: ConnectionID] = [:]
    while let connection = walk.next() {
      for tuple in [connection.original, connection.reply] {
        let way = Way(tuple, connection.protocol)
        if wanted.contains(way) { found[way] = connection.id }
      }
    }
    for place in lists.indices { lists[place].flow = Way(lists[place]).flatMap { found[$0] } }
  }
}
