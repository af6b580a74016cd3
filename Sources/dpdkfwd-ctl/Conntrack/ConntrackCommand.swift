internal import Inspection
internal import Segment

enum ConntrackAction: CaseIterable {
  case list, create, update, delete, get, flush, event, version, help, count, statistics, add
}

enum ConntrackTable: String, CaseIterable {
  case conntrack, expect, dying, unconfirmed
}

/// A command line of conntrack(8), understood.
struct ConntrackCommand {
  var action = ConntrackAction.help
  var table = ConntrackTable.conntrack
  var values = ConntrackValues()
  var output: Set<ConnectionOutput.Word> = []
  /// How output calls labels.
  var labelNames = LabelMap()
  /// Counters begin anew once they are shown.
  var zero = false
  var events: EventMask = [.new, .update, .destroy]
  /// `-b` was given.
  var hasBufferSize = false
  /// Ends of connections wait until they have been shown.
  var isReliable = false
  /// Events that were lost are made good from the tables.
  var repairs = true
  /// Name or number of the port by which packets of new connections come: where pairs of ports have different owners,
  /// it says which worker is to have them.
  var port: String?
  /// How much events say.
  var style = EventStyle.conntrack
}

/// What was said of connections: what those have that are looked for, or what one is to have.
struct ConntrackValues {
  /// A direction's tuple as far as it was given.
  struct Ends {
    var source: ConntrackAddress?
    var destination: ConntrackAddress?
    var sourceMask: ConntrackAddress?
    var destinationMask: ConntrackAddress?
    /// GRE: the key of that side.
    var sourcePort: UInt16?
    var destinationPort: UInt16?
    var zone: UInt16?

    var hasAddress: Bool { source != nil || destination != nil }
    var hasPort: Bool { sourcePort != nil || destinationPort != nil }
  }

  var isIPv6: Bool?
  var `protocol`: UInt8?
  var original = Ends()
  var reply = Ends()
  /// Of both directions.
  var zone: UInt16?
  var icmp: (type: UInt8?, code: UInt8?, id: UInt16?) = (nil, nil, nil)
  /// Of TCP or SCTP.
  var state: UInt8?
  /// DCCP's state or role, which are not tracked.
  var hasUntrackedState = false
  var tags: (original: UInt32?, reply: UInt32?) = (nil, nil)
  /// Seconds.
  var timeout: UInt32?
  var status: UInt16?
  var mark: (value: UInt32, mask: UInt32)?
  var labels: Connection.Labels?
  var labelsAdd: Connection.Labels?
  /// All of them, if no name was given.
  var labelsDelete: Connection.Labels?
  var id: ConnectionID?
  var translation = TranslationFilter()
}

/// `-n`, `-g` and `-j`: connections whose addresses are translated, to a certain address if one is given.
struct TranslationFilter {
  enum Condition {
    case any
    case address(ConntrackAddress)
  }

  var source: Condition?
  var destination: Condition?
  /// Either of them.
  var either: Condition?

  var isEmpty: Bool { source == nil && destination == nil && either == nil }

  func takes(_ connection: Connection) -> Bool {
    func isTranslated(_ own: Connection.Tuple, _ other: Connection.Tuple, _ condition: Condition) -> Bool {
      guard own.source != other.destination || own.sourcePort != other.destinationPort && !connection.isICMP else {
        return false
      }
      guard case .address(let address) = condition else { return true }
      return address.bits == other.destination && address.isIPv6 == connection.isIPv6
    }
    // The source is what answers go to; the destination is the same seen from the other side.
    let (original, reply) = (connection.original, connection.reply)
    func isSource(_ condition: Condition) -> Bool { isTranslated(original, reply, condition) }
    func isDestination(_ condition: Condition) -> Bool {
      isTranslated(original.swapped, reply.swapped, condition)
    }
    return source.map(isSource) ?? true && destination.map(isDestination) ?? true
      && either.map { isSource($0) || isDestination($0) } ?? true
  }
}

extension Connection.Tuple {
  fileprivate var swapped: Connection.Tuple {
    Connection.Tuple(
      source: destination, destination: source, sourcePort: destinationPort, destinationPort: sourcePort, zone: zone)
  }
}
