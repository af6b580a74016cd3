internal import CSegment

/// What is known of one side of a connection, from the segments that it sent: its part of `dpdkfwd_ct_tcp`.
struct TCPSide: BitwiseCopyable, Equatable {
  /// Just past what it has sent.
  var end: UInt32 = 0
  /// As far as the other side lets it send.
  var limit: UInt32 = 0
  /// Bytes, the largest window that it has announced; 0: no segment of it has been seen.
  var window: UInt32 = 0
  /// The highest number that it has acknowledged, if `flags` say so.
  var acknowledged: UInt32 = 0
  var scale: UInt8 = 0
  var flags: TCPSideFlags = []
}

/// netfilter's `IP_CT_TCP_FLAG_*`, as the record keeps them for a side and `conntrack -L` could print them.
struct TCPSideFlags: OptionSet, BitwiseCopyable {
  var rawValue: UInt8

  static var windowScale: TCPSideFlags { TCPSideFlags(rawValue: 1) }
  static var selectiveAcknowledgement: TCPSideFlags { TCPSideFlags(rawValue: 2) }
  /// This side sent the first FIN.
  static var closedFirst: TCPSideFlags { TCPSideFlags(rawValue: 4) }
  /// Its window is not held against it.
  static var liberal: TCPSideFlags { TCPSideFlags(rawValue: 8) }
  static var unacknowledged: TCPSideFlags { TCPSideFlags(rawValue: 0x10) }
  static var hasAcknowledged: TCPSideFlags { TCPSideFlags(rawValue: 0x20) }
  /// Of `last_flags` only: an ignored SYN may be answered by a challenge (RFC 5961 §4).
  static var expectsChallenge: TCPSideFlags { TCPSideFlags(rawValue: 0x40) }
  /// Of `last_flags` only.
  static var simultaneousOpen: TCPSideFlags { TCPSideFlags(rawValue: 0x80) }
}

extension dpdkfwd_ct_tcp {
  subscript(direction: Direction) -> TCPSide {
    get {
      let isOriginal = direction == .original
      let side = isOriginal ? original : reply
      return TCPSide(
        end: side.end, limit: side.max_end, window: side.max_window, acknowledged: side.max_ack,
        scale: isOriginal ? scales & 15 : scales >> 4,
        flags: TCPSideFlags(rawValue: isOriginal ? flags_original : flags_reply))
    }
    set {
      let side = dpdkfwd_ct_tcp_side(
        end: newValue.end, max_end: newValue.limit, max_window: newValue.window, max_ack: newValue.acknowledged)
      switch direction {
      case .original:
        original = side
        scales = scales & 0xf0 | newValue.scale
        flags_original = newValue.flags.rawValue
      case .reply:
        reply = side
        scales = scales & 15 | newValue.scale << 4
        flags_reply = newValue.flags.rawValue
      }
    }
  }

  /// What the last segment was that counted, or was ignored.
  var lastKind: TCPSegment.Kind {
    get { TCPSegment.Kind(rawValue: last_segment & 7) ?? .none }
    set { last_segment = last_segment & ~7 | newValue.rawValue }
  }
  var lastDirection: Direction {
    get { last_segment & 8 == 0 ? .original : .reply }
    set { last_segment = last_segment & ~8 | newValue.rawValue << 3 }
  }
  /// What an ignored SYN offers, should its answer show that it was in earnest.
  var offeredScale: UInt8 {
    get { last_segment >> 4 }
    set { last_segment = last_segment & 15 | newValue << 4 }
  }
  var lastFlags: TCPSideFlags {
    get { TCPSideFlags(rawValue: last_flags) }
    set { last_flags = newValue.rawValue }
  }
}
