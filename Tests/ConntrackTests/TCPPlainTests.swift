import CSegment
import Conntrack
import TestSupport
import Testing
import Wire

/// The short way and the long way through an established connection lead to the same place.
struct TCPPlainTests {
  #if DEBUG
    static let segments = 50_000
  #else
    static let segments = 2_000_000
  #endif

  /// Two sides whose numbers lie around those of the segment, wherever the circle of 2^32 is cut.
  @Test func `what the short way decides, the long way decides alike`() {
    var chance = SeededGenerator.forThisRun()
    let timeouts = TimeoutTable()
    var decided = 0
    for _ in 0..<Self.segments {
      var policy = TrackingPolicy(timeouts: timeouts.lent)
      policy.tcpLiberal = chance.oneIn(8)
      policy.isAsymmetric = chance.oneIn(8)
      policy.tcpMaxRetransmissions = chance.oneIn(8) ? 0 : 3
      let header = Header(&chance)
      let direction: Direction = chance.oneIn(2) ? .original : .reply
      let before = record(around: header, direction, &chance)
      var (short, long) = (before, before)
      var state = (chance.oneIn(16) ? TCPState.allCases.randomElement(using: &chance)! : .established).rawValue
      let isAssured = !chance.oneIn(16)
      let hasReply = isAssured || chance.oneIn(2)
      header.withFrame { segment, frame in
        let timeout = TCPTracker.followPlain(
          segment, frame, direction, tcp: &short, state: state, isAssured: isAssured, policy: policy)
        guard let timeout else { return #expect(short.isSame(as: before)) }
        decided += 1
        let judgement = TCPTracker.follow(
          segment, frame, direction, tcp: &long, state: &state, hasReply: hasReply, isAssured: isAssured,
          policy: policy)
        #expect(judgement == .accept(timeout), "\(segment) \(before)")
        #expect(short.isSame(as: long), "\(segment) \(before)")
        #expect(state == TCPState.established.rawValue)
      }
    }
    #expect(decided > Self.segments / 10, "the short way was not put to the test")
    _ = consume timeouts
  }

  @Test func `an open conversation takes the short way, with timestamps too`() {
    let timeouts = TimeoutTable()
    var line = TCPLine(timeouts.lent)
    line.open(options: [4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0])
    let stamps: [UInt8] = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]
    for options in [[], stamps] {
      let header = Header(
        sequence: 1001, acknowledgement: 5001, flags: 0x18, window: 8192, options: options, payload: 9)
      header.withFrame { segment, frame in
        var tcp = line.tcp
        let timeout = TCPTracker.followPlain(
          segment, frame, .original, tcp: &tcp, state: line.state, isAssured: line.isAssured, policy: line.policy)
        #expect(timeout == .tcpUnacknowledged)
      }
    }
    _ = consume timeouts
  }

  // MARK: Chance

  /// A record that this segment might meet: windows, numbers and flags near what would let it pass.
  private func record(
    around header: Header, _ direction: Direction, _ chance: inout SeededGenerator
  ) -> dpdkfwd_ct_tcp {
    let windows: [UInt32] = [0, 1, 100, 8192, 65535, 70000, 1 << 20, 1 << 30]
    func side(_ number: UInt32, _ other: UInt32) -> dpdkfwd_ct_tcp_side {
      let end = chance.near(number)
      return dpdkfwd_ct_tcp_side(
        end: end, max_end: chance.oneIn(2) ? chance.near(number) : end &+ windows.randomElement(using: &chance)!,
        max_window: windows.randomElement(using: &chance)!, max_ack: chance.near(other))
    }
    let sender = side(header.sequence, header.acknowledgement)
    let receiver = side(header.acknowledgement, header.sequence)
    var tcp = dpdkfwd_ct_tcp()
    (tcp.original, tcp.reply) = direction == .original ? (sender, receiver) : (receiver, sender)
    tcp.last_sequence = chance.oneIn(2) ? header.sequence : chance.near(header.sequence)
    tcp.last_acknowledgement = chance.oneIn(2) ? header.acknowledgement : chance.near(header.acknowledgement)
    tcp.last_end = chance.oneIn(2) ? header.end : chance.near(header.end)
    tcp.last_window = chance.oneIn(4) ? 0 : header.window
    tcp.flags_original = chance.oneIn(2) ? 0x20 : UInt8.random(in: 0...255, using: &chance)
    tcp.flags_reply = chance.oneIn(2) ? 0x20 : UInt8.random(in: 0...255, using: &chance)
    tcp.scales = chance.oneIn(2) ? 0 : UInt8.random(in: 0...14, using: &chance) * 17
    tcp.last_segment = UInt8.random(in: 0...255, using: &chance)
    tcp.last_flags = UInt8.random(in: 0...255, using: &chance)
    tcp.retransmissions = UInt8.random(in: 0...255, using: &chance)
    return tcp
  }
}

/// A TCP header that starts its frame, as bytes: what is to be odd about it is.
struct Header {
  var sequence: UInt32
  var acknowledgement: UInt32
  var flags: UInt8
  var window: UInt16
  var options: [UInt8] = []
  var payload: UInt32 = 0

  var end: UInt32 { sequence &+ payload &+ UInt32(flags & 1) &+ UInt32(flags >> 1 & 1) }

  /// As the tracker sees it, in a frame of these bytes and no more; `cut` keeps only so many of them.
  func withFrame(cut: Int = .max, _ body: (TCPSegment, RawSpan) -> Void) {
    precondition(options.count % 4 == 0)
    var bytes: [UInt8] = [0, 80, 0, 80]
    bytes.append(sequence)
    bytes.append(acknowledgement)
    bytes += [UInt8(5 + options.count / 4) << 4, flags]
    bytes.append(window)
    bytes += [0, 0, 0, 0] + options
    var summary = Summary()
    summary.datagramEnd = UInt32(bytes.count) + payload
    Frame(Array(bytes.prefix(cut))).withSpan { body(TCPSegment(frame: $0, summary: summary), $0) }
  }
}

extension Header {
  fileprivate init(_ chance: inout SeededGenerator) {
    sequence = chance.oneIn(4) ? 0 : UInt32.random(in: 0 ... .max, using: &chance)
    acknowledgement = chance.oneIn(8) ? 0 : UInt32.random(in: 0 ... .max, using: &chance)
    flags = chance.oneIn(8) ? UInt8.random(in: 0...255, using: &chance) : chance.oneIn(2) ? 0x10 : 0x18
    window = [0, 1, 100, 8192, 65535].randomElement(using: &chance)!
    payload = [0, 0, 1, 100, 1460, 65000].randomElement(using: &chance)!
    var block: [UInt8] = [1, 1, 5, 10]
    block.append(chance.near(acknowledgement))
    block.append(chance.near(acknowledgement))
    let stamps: [UInt8] = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]
    options = [[], [], [], stamps, stamps, block, stamps + block].randomElement(using: &chance)!
  }
}

extension SeededGenerator {
  mutating func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &self) == 0 }

  /// A number not far from `number`, at a distance where something changes more often than not.
  mutating func near(_ number: UInt32) -> UInt32 {
    let distances: [UInt32] = [
      0, 0, 0, 1, 2, 100, 1460, 8191, 8192, 8193, 65535, 65999, 66000, 66001, 70000, 1 << 20, 1 << 31,
    ]
    let distance = distances.randomElement(using: &self)!
    return oneIn(2) ? number &+ distance : number &- distance
  }
}
