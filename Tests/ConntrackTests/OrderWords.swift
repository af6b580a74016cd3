import CSegment
import Conntrack
import Primitives
import Segment
import TestSupport

// Orders and events as tests speak of them.

extension Connection {
  /// What an opener would make, unless told otherwise; the reply is its mirror.
  static func of(
    _ proto: UInt8, _ source: Address, _ destination: Address, _ sourcePort: UInt16 = 0,
    _ destinationPort: UInt16 = 0, zone: UInt16 = 0, replyZone: UInt16? = nil, seconds: UInt32 = 100
  ) -> Connection {
    var connection = Connection()
    connection.isIPv6 = source.isIPv6
    connection.protocol = proto
    connection.original = Tuple(
      source: source.either, destination: destination.either, sourcePort: sourcePort,
      destinationPort: destinationPort, zone: zone)
    connection.reply = connection.original.turned(isICMP: connection.isICMP, isIPv6: connection.isIPv6)
    connection.reply.zone = replyZone ?? zone
    connection.remaining = seconds * 1000
    connection.status = Status.confirmed
    return connection
  }

  /// Everything that can be told, for who makes the same connection elsewhere.
  var whole: ConnectionChange {
    change([.status, .timeout, .state, .windows, .mark, .labels, .counts, .start])
  }

  func change(_ attributes: ConnectionChange.Attributes = []) -> ConnectionChange {
    var change = ConnectionChange()
    change.values = self
    change.attributes = attributes
    return change
  }

  func with(_ change: (inout Connection) -> Void) -> Connection {
    var other = self
    change(&other)
    return other
  }

  /// What two trackers must agree on, a second of the timeout apart.
  func difference(from other: Connection) -> String? {
    if (isIPv6, `protocol`) != (other.isIPv6, other.protocol) { return "family or protocol" }
    if original != other.original || reply != other.reply { return "tuples" }
    if status != other.status { return "status \(status) and \(other.status)" }
    if state != other.state { return "state \(state) and \(other.state)" }
    if mark != other.mark || labels != other.labels { return "mark or labels" }
    if start != other.start { return "start" }
    if counts != other.counts { return "counts" }
    if other.remaining < remaining || other.remaining > remaining + 1000 {
      return "\(remaining) ms left, and \(other.remaining)"
    }
    if `protocol` == Number.udp || `protocol` == Number.udplite { return nil }
    return details.bytes == other.details.bytes ? nil : "details"
  }
}

extension ConnectionChange {
  func with(_ change: (inout ConnectionChange) -> Void) -> ConnectionChange {
    var other = self
    change(&other)
    return other
  }
}

extension dpdkfwd_ct_tcp {
  var bytes: [UInt8] {
    var copy = self
    return unsafe withUnsafeBytes(of: &copy) { unsafe Array($0) }
  }
}

extension Address {
  /// As it stands where either family may.
  var either: IPv6Address {
    let words = (bytes + [UInt8](repeating: 0, count: 16 - bytes.count))
    let word = { (from: Int) in words[from..<from + 8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
    return IPv6Address(high: word(0), low: word(8))
  }
}

extension ConnectionEvent {
  /// `update reply+state`, `destroy by timeout`, `new by request 77`.
  var words: String {
    let names: [(Changes, String)] = [
      (.reply, "reply"), (.assured, "assured"), (.state, "state"), (.timeout, "timeout"), (.mark, "mark"),
      (.labels, "labels"), (.status, "status"), (.counts, "counts"),
    ]
    let said = names.filter { changes.contains($0.0) }.map(\.1).joined(separator: "+")
    let who = originator == .packet ? "" : " by \(originator)" + (client == 0 ? "" : " \(client)")
    return "\(kind)" + (said.isEmpty ? "" : " \(said)") + who
  }
}
