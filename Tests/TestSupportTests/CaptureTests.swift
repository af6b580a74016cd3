import Foundation
import TestSupport
import Testing

struct CaptureTests {
  private let frames = [Frame.arp(who: "10.0.0.2", tell: "10.0.0.1"), Frame.etherType(EtherType.lldp, [1, 2, 3])]

  @Test func `what is written is read back`() throws {
    var capture = Capture(frames: frames)
    capture.packets[1].time = 1_700_000_000_123_456_000
    capture.packets[1].wireLength = 9000
    #expect(try Capture(file: capture.file) == capture)
  }

  @Test func `big-endian nanoseconds are read`() throws {
    var file: [UInt8] = []
    for number: UInt32 in [0xa1b2_3c4d, 0x2_0004, 0, 0, 65535, 1, 7, 9, 2, 60] { file.append(number) }
    let capture = try Capture(file: file + [0xca, 0xfe])
    #expect(capture.packets == [.init(time: 7_000_000_009, bytes: [0xca, 0xfe], wireLength: 60)])
  }

  @Test func `a file that ends inside a packet is refused`() {
    let file = Capture(frames: frames).file
    #expect(throws: Capture.Fault.cut(atPacket: 1)) { try Capture(file: file.dropLast()) }
    #expect(throws: Capture.Fault.notACapture) { try Capture(file: Array("hello, I am no capture".utf8)) }
  }

  @Test(.enabled(if: Shared.isThere, "the corpus of real captures is not beside the package"))
  func `every capture of the corpus reads, as long as its manifest says`() throws {
    #expect(!Shared.manifest.isEmpty)
    for known in Shared.manifest {
      let capture = try Capture(contentsOf: known.url)
      #expect(capture.packets.count == known.facts.packets, "\(known)")
      #expect(capture.packets.count { $0.bytes.count < $0.wireLength } == known.facts.snappedPackets, "\(known)")
      #expect(capture.packets.map(\.bytes.count).max() == known.facts.maxFrame, "\(known)")
    }
  }

  /// The DSL says what real hosts sent: same words, same bytes.
  @Test(.enabled(if: Shared.isThere, "the corpus of real captures is not beside the package"))
  func `a real packet told in our words has its own bytes`() throws {
    var told = 0
    for known in Shared.manifest where known.facts.l4Checksums.keys.allSatisfy({ $0.hasSuffix("_ok") }) {
      for frame in try Capture(contentsOf: known.url).frames {
        guard let datagram = retold(frame) else { continue }
        let ip = frame.networkOffset
        #expect(datagram.bytes == Array(frame.bytes[ip...].prefix(datagram.bytes.count)), "\(known)")
        told += 1
      }
    }
    #expect(told > 1000)
  }

  /// A plain frame as words, `nil` if it has more to it than the words below.
  private func retold(_ frame: Frame) -> Datagram? {
    guard frame.count >= 34 else { return nil }
    let ip = Array(frame.bytes.dropFirst(14))
    switch (frame.bytes.word(at: 12), ip[0]) {
    case (EtherType.ipv4, 0x45):
      let length = Int(ip.word(at: 2))
      guard length <= ip.count, ip.word(at: 6) & 0xbfff == 0, internetChecksum(ip.prefix(20)) == 0 else { return nil }
      var datagram = Datagram.ipv4(
        from: Address(bytes: Array(ip[12..<16])), to: Address(bytes: Array(ip[16..<20])), ttl: ip[8],
        id: ip.word(at: 4), dontFragment: ip[6] & 0x40 != 0)
      datagram.trafficClass = ip[1]
      return retold(Array(ip[20..<max(20, length)]), protocol: ip[9], datagram)
    case (EtherType.ipv6, 0x60) where ip.count >= 40 && ip[1] | ip[2] | ip[3] == 0:
      let length = 40 + Int(ip.word(at: 4))
      guard length <= ip.count else { return nil }
      let datagram = Datagram.ipv6(
        from: Address(bytes: Array(ip[8..<24])), to: Address(bytes: Array(ip[24..<40])), hopLimit: ip[7])
      return retold(Array(ip[40..<length]), protocol: ip[6], datagram)
    default: return nil
    }
  }

  private func retold(_ l4: [UInt8], protocol number: UInt8, _ datagram: Datagram) -> Datagram? {
    switch number {
    case 17 where l4.count >= 8 && l4.word(at: 4) == l4.count && l4.word(at: 6) != 0:
      return datagram.udp(from: l4.word(at: 0), to: l4.word(at: 2), payload: Array(l4[8...]))
    case 6 where l4.count >= 20 && l4[12] & 15 == 0 && l4.word(at: 18) == 0:
      let header = Int(l4[12] >> 4) * 4
      guard header >= 20, header <= l4.count else { return nil }
      return datagram.tcp(
        from: l4.word(at: 0), to: l4.word(at: 2), flags: TCPFlags(rawValue: l4[13]), seq: long(l4, 4),
        ack: long(l4, 8), window: l4.word(at: 14), options: Array(l4[20..<header]), payload: Array(l4[header...]))
    case 1 where l4.count >= 8, 58 where l4.count >= 8:
      let words = (l4[0], l4[1], l4.word(at: 4), l4.word(at: 6), Array(l4[8...]))
      return number == 1
        ? datagram.icmp(type: words.0, code: words.1, id: words.2, seq: words.3, payload: words.4)
        : datagram.icmpv6(type: words.0, code: words.1, id: words.2, seq: words.3, payload: words.4)
    default: return nil
    }
  }

  private func long(_ bytes: [UInt8], _ at: Int) -> UInt32 {
    UInt32(bytes.word(at: at)) << 16 | UInt32(bytes.word(at: at + 2))
  }
}

struct ChanceTests {
  @Test func `a seed gives the numbers that its algorithm's authors give`() {
    var generator = SeededGenerator(seed: 1_234_567)  // check values of SplitMix64's reference
    #expect(generator.next() == 6_457_827_717_110_365_317)
    #expect(generator.next() == 3_203_168_211_198_807_973)
  }

  @Test func `three things have six orders`() {
    let orders = permutations(of: [1, 2, 3])
    #expect(orders.count == 6)
    #expect(Set(orders).count == 6)
    #expect(orders.allSatisfy { $0.sorted() == [1, 2, 3] })
  }
}
