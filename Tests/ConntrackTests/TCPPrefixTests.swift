import CSegment
import Conntrack
import TestSupport
import Testing
import Wire

/// What stands in options is anyone's choice, and a frame may end where it likes.
struct TCPPrefixTests {
  @Test func `no prefix of a segment is read beyond its end`() {
    var chance = SeededGenerator.forThisRun()
    let bench = TCPBench()
    bench.handshake(options: [4, 2, 3, 3, 7, 0, 0, 0])
    for _ in 0..<300 {
      // Bytes of options that are likely to mean something.
      let options = (0..<(Int.random(in: 0...10, using: &chance) * 4)).map { _ in
        chance.oneIn(3)
          ? UInt8.random(in: 0...255, using: &chance) : [0, 1, 2, 3, 4, 5, 10, 18].randomElement(using: &chance)!
      }
      let flags = ["S", "SA", "A", "FA", "R"].map(tcpFlags).randomElement(using: &chance)!
      let header = Header(sequence: 1001, acknowledgement: 5001, flags: flags, window: 1, options: options, payload: 0)
      for cut in 0...(20 + options.count) {
        header.withFrame(cut: cut) { segment, frame in
          var (tcp, state) = (bench.line.tcp, bench.line.state)
          let policy = bench.line.policy
          for direction in Direction.allCases {
            _ = TCPTracker.followPlain(
              segment, frame, direction, tcp: &tcp, state: state, isAssured: true, policy: policy)
            _ = TCPTracker.follow(
              segment, frame, direction, tcp: &tcp, state: &state, hasReply: true, isAssured: true, policy: policy)
          }
          let begun = TCPTracker.begin(segment, frame, tcp: &tcp, state: &state, policy: policy)
          #expect(cut >= 20 || begun == .invalid(.tcpFlags), "a header cut short")
        }
      }
    }
  }

  @Test func `an option that the frame does not hold offers nothing`() {
    let header = Header(
      sequence: 1, acknowledgement: 0, flags: tcpFlags("S"), window: 1, options: [1, 3, 3, 7, 4, 2, 0, 0])
    let scales: [Int: UInt8] = [20: 0, 21: 0, 22: 0, 23: 0, 24: 7, 25: 7, 26: 7, 28: 7]
    for (cut, scale) in scales {
      header.withFrame(cut: cut) { segment, frame in
        let bench = TCPBench()
        _ = bench.line.send(segment, frame, .original)
        #expect(bench.line.tcp.scales == scale, "cut to \(cut) bytes")
        #expect(bench.line.tcp.flags_original == (cut >= 26 ? 3 : scale == 7 ? 1 : 0), "cut to \(cut) bytes")
      }
    }
  }
}
