/// What became of a fragment. Raw values index counters and are written to the segment: append only.
public enum FragmentEvent: UInt8, CaseIterable, BitwiseCopyable, Sendable {
  /// Put into the table. Each of these ends as one of those below that the table can discard, or as completed.
  case accepted
  /// Sent on with its whole datagram.
  case completed
  /// Its datagram was not whole in time.
  case expired
  /// Not the last of its datagram, and smaller than allowed.
  case tooSmall
  /// Of a datagram of which two fragments cover the same bytes, other than by being the same (RFC 5722 §4).
  case overlapped
  /// Held when the forwarder stopped, or its family was switched off.
  case purged
  /// Its like is held already: the first one stays.
  case duplicate
  /// Of a datagram that was discarded before.
  case straggler
  /// Of a datagram in more fragments than allowed.
  case tooMany
  /// The datagram would be longer than 65,535 bytes.
  case oversize
  /// Not the last one, and its length is no multiple of 8.
  case misaligned
  /// Of a datagram that a fragment without data came for.
  case empty
  /// Of a datagram with two ends, or with data behind its end.
  case endConflict
  /// The first fragment, without all headers up to the transport's (RFC 7112 §5).
  case headerChain
  /// Headers in front of the data that cannot be.
  case badHeader
  /// Of a datagram of which some fragments can carry congestion marks and others cannot (RFC 3168 §5.3).
  case ecn
  /// The table is full of newer ones.
  case noRoom
  /// Its source has its share of the table, and none of its other datagrams was found to make room.
  case sourceShare
  /// Its datagram was the oldest when room was needed.
  case evicted
  /// A datagram of one fragment (RFC 6946): never in the table.
  case atomic
  /// The frame ends before the fragment does.
  case truncated
  /// Of a whole datagram whose transport protocol nothing is known of.
  case unknownProtocol
  /// Its datagram was to be cut anew, and there was no buffer for that.
  case noBuffer
  /// Its datagram was whole and did not go on.
  case refused
  /// Its datagram was whole and went to the worker that owns its flow.
  case handedOff

  /// How many counters a table by raw value has.
  public static let slots = 25

  /// The word by which counters and metrics know it.
  public var name: String {
    switch self {
    case .accepted: "accepted"
    case .completed: "completed"
    case .expired: "expired"
    case .tooSmall: "too_small"
    case .overlapped: "overlapped"
    case .purged: "purged"
    case .duplicate: "duplicate"
    case .straggler: "straggler"
    case .tooMany: "too_many"
    case .oversize: "oversize"
    case .misaligned: "misaligned"
    case .empty: "empty"
    case .endConflict: "end_conflict"
    case .headerChain: "header_chain"
    case .badHeader: "bad_header"
    case .ecn: "ecn"
    case .noRoom: "no_room"
    case .sourceShare: "source_share"
    case .evicted: "evicted"
    case .atomic: "atomic"
    case .truncated: "truncated"
    case .unknownProtocol: "unknown_protocol"
    case .noBuffer: "no_buffer"
    case .refused: "refused"
    case .handedOff: "handed_off"
    }
  }
}

/// What became of a datagram that came in fragments. Raw values index counters: append only.
public enum DatagramEvent: UInt8, CaseIterable, BitwiseCopyable, Sendable {
  /// The first of its fragments came.
  case started
  /// Sent on whole.
  case completed
  case expired
  case overlapped
  /// Contradicted itself in another way.
  case discarded
  case evicted
  case purged
  /// Completed, and sent in other pieces than it came in.
  case cut
  /// Whole, and not sent on.
  case refused
  /// Whole, and given to the worker that owns its flow, where it starts once more.
  case handedOff

  public static let slots = 10

  /// What becomes of a datagram that the table ends.
  init(_ event: FragmentEvent) {
    self =
      switch event {
      case .expired: .expired
      case .overlapped: .overlapped
      case .evicted: .evicted
      case .purged: .purged
      default: .discarded
      }
  }

  public var name: String {
    switch self {
    case .started: "started"
    case .completed: "completed"
    case .expired: "expired"
    case .overlapped: "overlapped"
    case .discarded: "discarded"
    case .evicted: "evicted"
    case .purged: "purged"
    case .cut: "cut"
    case .refused: "refused"
    case .handedOff: "handed_off"
    }
  }
}
