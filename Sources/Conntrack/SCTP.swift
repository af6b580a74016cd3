public import CSegment
public import Wire

/// SCTP as netfilter tracks it (Linux 6.18): one state, and the verification tag that each direction must carry.
///
/// Chunks are taken one after the other, and each may move the association: when a later chunk of the packet is refused,
/// what earlier ones did stays done.
public enum SCTPTracker {
  /// The packet that opens an association, or a path of one.
  ///
  /// - Parameter isAsymmetric: the tag that a direction carries is learnt from it when the other was not seen to set it.
  public static func begin(
    _ frame: RawSpan, _ summary: Summary, _ sctp: inout dpdkfwd_ct_sctp, _ state: inout UInt8,
    isAsymmetric: Bool = false
  ) -> Judgement {
    sctp = dpdkfwd_ct_sctp()
    state = SCTPState.none.rawValue
    guard let packet = header(frame, summary), let kinds = ChunkSet(packet.chunks) else { return .invalid(.sctpChunk) }
    guard kinds.isDisjoint(with: [.abort, .shutdownComplete, .cookieAck]) else { return .invalid(.sctpNoInit) }  // §8.4
    var chunks = packet.chunks
    while let chunk = chunks.next() {
      let type = SCTPChunkType(rawValue: chunk.type)
      guard SCTPState.none.after(type, .original) != SCTPState.none else { return .invalid(.sctpNoInit) }
      switch type {
      case .initiation:
        guard packet.verificationTag == 0 else { return .invalid(.sctpTag) }
        guard let offered = chunk.initiateTag else { return .invalid(.sctpChunk) }
        sctp.tag_reply = offered
        sctp.init_original = 1
      case .heartbeat: sctp.tag_original = packet.verificationTag
      case .shutdownAck: sctp.tag_reply = packet.verificationTag  // what answers it reflects the tag: §8.4
      default: break
      }
    }
    return step(packet, kinds, .original, &sctp, &state, isNew: true, isAsymmetric)
  }

  /// Another packet of the association.
  public static func follow(
    _ frame: RawSpan, _ summary: Summary, _ direction: Direction, _ sctp: inout dpdkfwd_ct_sctp, _ state: inout UInt8,
    isAsymmetric: Bool = false
  ) -> Judgement {
    guard let packet = header(frame, summary), let kinds = ChunkSet(packet.chunks) else { return .invalid(.sctpChunk) }
    return step(packet, kinds, direction, &sctp, &state, isNew: false, isAsymmetric)
  }

  @_lifetime(copy frame)
  private static func header(_ frame: RawSpan, _ summary: Summary) -> SCTPView? {
    let end = min(Int(summary.datagramEnd), frame.byteCount)
    return SCTPView(frame.extracting(min(Int(summary.transportOffset), end)..<end))
  }

  private static func step(
    _ packet: borrowing SCTPView, _ kinds: ChunkSet, _ direction: Direction, _ sctp: inout dpdkfwd_ct_sctp,
    _ state: inout UInt8, isNew: Bool, _ isAsymmetric: Bool
  ) -> Judgement {
    let tag = packet.verificationTag
    if isAsymmetric, sctp.tag(direction) == 0 { sctp.setTag(direction, tag) }
    guard !kinds.isDisjoint(with: .withTagRules) || tag == sctp.tag(direction) else { return .invalid(.sctpTag) }

    var association = SCTPState(rawValue: state) ?? .none
    var isPassed = false
    var assures = false
    var chunks = packet.chunks
    while let chunk = chunks.next() {
      let type = SCTPChunkType(rawValue: chunk.type)
      switch judge(chunk, type, tag, direction, kinds, &sctp) {
      case .fits: break
      case .refused: return .invalid(.sctpTag)
      case .undecided:
        guard !isPassed else { return .invalid(.sctpTag) }
        isPassed = true
        continue
      }
      guard let next = association.after(type, direction) else { return .invalid(.sctpTransition) }
      if type == .initiation || type == .initiationAck {
        guard let offered = chunk.initiateTag else { return .invalid(.sctpChunk) }
        guard sctp.note(offered, isAnswer: type == .initiationAck, direction) else { return .invalid(.sctpTag) }
        // An INIT sent again does not keep a dead association alive.
        if type == .initiation, !isNew, association == .closed, next == .closed { isPassed = true }
      }
      if next == .established, association != .established { assures = true }
      association = next
      state = next.rawValue
    }
    guard !isPassed else { return .pass }
    return .accept(association.timeout, assures: assures)
  }

  private enum TagJudgement { case fits, refused, undecided }

  /// The exceptions from the rule that a packet carries its direction's tag (RFC 9260 §8.5.1), and a path whose peer
  /// has restarted: a heartbeat with another tag passes, and the answer to it sets the tags anew.
  private static func judge(
    _ chunk: borrowing SCTPChunks.Chunk, _ type: SCTPChunkType?, _ tag: UInt32, _ direction: Direction,
    _ kinds: ChunkSet, _ sctp: inout dpdkfwd_ct_sctp
  ) -> TagJudgement {
    switch type {
    case .initiation:
      return tag == 0 ? .fits : .refused
    case .abort, .shutdownComplete:
      let reflectsTag = chunk.flags & 1 != 0  // the T bit
      return tag == sctp.tag(reflectsTag ? direction.other : direction) ? .fits : .refused
    case .cookieEcho:
      return tag == sctp.tag(direction) ? .fits : .refused
    case .cookieAck:
      (sctp.init_original, sctp.init_reply) = (0, 0)
      return .fits
    case .heartbeat, .heartbeatAck:
      guard sctp.tag(direction) != 0 else {
        sctp.setTag(direction, tag)
        return .fits
      }
      guard tag != sctp.tag(direction) else {
        sctp.isHeartbeatUnanswered = false
        return .fits
      }
      guard kinds.isDisjoint(with: .data) else { return .refused }
      if type == .heartbeat {
        sctp.isHeartbeatUnanswered = true
        sctp.last_direction = direction.rawValue
        return .undecided
      }
      guard sctp.isHeartbeatUnanswered, sctp.last_direction != direction.rawValue else { return .refused }
      sctp.isHeartbeatUnanswered = false
      sctp.setTag(direction, tag)
      sctp.setTag(direction.other, 0)
      return .fits
    default:
      return .fits
    }
  }
}

extension dpdkfwd_ct_sctp {
  fileprivate func tag(_ direction: Direction) -> UInt32 { direction == .original ? tag_original : tag_reply }

  fileprivate mutating func setTag(_ direction: Direction, _ tag: UInt32) {
    if direction == .original { tag_original = tag } else { tag_reply = tag }
  }

  /// A heartbeat with another tag than the association's has passed.
  fileprivate var isHeartbeatUnanswered: Bool {
    get { flags & 1 != 0 }
    set { flags = newValue ? 1 : 0 }
  }

  /// Takes the tag that an INIT or INIT ACK offers, if it may: a late INIT ACK, or one of two that cross, may not
  /// change it (RFC 9260 §5.2.3).
  fileprivate mutating func note(_ offered: UInt32, isAnswer: Bool, _ direction: Direction) -> Bool {
    let isOriginal = direction == .original
    let hasInit = (isOriginal ? init_original : init_reply) != 0
    let hasOtherInit = (isOriginal ? init_reply : init_original) != 0
    if isAnswer {
      let known = tag(direction.other)
      if !hasOtherInit, known != 0, known != offered { return false }
      if hasInit, hasOtherInit, known != offered { return false }
    } else if offered != tag(direction.other) {  // the same INIT once more, or a late one, changes nothing
      let other: UInt32 = hasInit || !hasOtherInit ? 0 : 1
      (init_original, init_reply) = isOriginal ? (1, other) : (other, 1)
    }
    setTag(direction.other, offered)
    return true
  }
}

/// Which chunks a packet holds.
private struct ChunkSet: OptionSet {
  var rawValue: UInt32

  static let data = ChunkSet(rawValue: 1 << 0)
  static let initiation = ChunkSet(.initiation)
  static let initiationAck = ChunkSet(.initiationAck)
  static let abort = ChunkSet(.abort)
  static let cookieEcho = ChunkSet(.cookieEcho)
  static let cookieAck = ChunkSet(.cookieAck)
  static let shutdownComplete = ChunkSet(.shutdownComplete)
  /// With one of these in it, a packet's tag is judged chunk by chunk.
  static let withTagRules: ChunkSet = [
    .initiation, .shutdownComplete, .cookieEcho, .abort, ChunkSet(.shutdownAck), ChunkSet(.heartbeat),
    ChunkSet(.heartbeatAck),
  ]
  /// Nothing may stand beside these (RFC 9260 §6.10).
  private static let alone: ChunkSet = [.initiation, .initiationAck, .shutdownComplete]
  private static let first: ChunkSet = [.cookieEcho, .cookieAck]

  init(rawValue: UInt32) { self.rawValue = rawValue }
  private init(_ type: SCTPChunkType) { rawValue = 1 << UInt32(type.rawValue) }

  /// `nil` when the packet holds no chunk, a chunk without length, or one that stands beside others but may not.
  init?(_ chunks: consuming SCTPChunks) {
    rawValue = 0
    var chunks = chunks
    var count = 0
    while let chunk = chunks.next() {
      guard chunk.length > 0 else { return nil }
      let one = ChunkSet(rawValue: chunk.type < 32 ? 1 << UInt32(chunk.type) : 0)
      formUnion(one)
      guard count == 0 || (isDisjoint(with: Self.alone) && one.isDisjoint(with: Self.first)) else { return nil }
      count += 1
    }
    guard count > 0 else { return nil }
  }
}
