import Primitives
import TestSupport
import Testing
import Wire

@testable import Steering

/// Asks one worker's table for the owners of frames.
final class Judge {
  private let table: OwnerTable

  init(
    workers: Int = 4, me: Int = 0, by: SteerBy = .addressPair,
    hash: Ownership.Hash = .keyed(HashSecret(seed: 7)), period: Int = 128
  ) {
    table = OwnerTable(Ownership(by: by, hash: hash, owners: [Array(0..<workers)], period: period), me: me)
  }

  func owner(_ frame: Frame) -> Int {
    frame.withSpan { bytes in
      var summary = Summary()
      Summary.read(bytes, frameLength: bytes.byteCount, into: &summary)
      return Int(table.owner(of: summary, in: bytes, group: 0))
    }
  }
}

@Suite struct `The owner of a packet` {
  static var hashes: [Ownership.Hash] {
    var chance = SeededGenerator(seed: 3)
    return [.keyed(HashSecret(seed: 7)), .toeplitz(SymmetricKey(using: &chance))]
  }

  /// Whole conversations of either family: a packet there and one back.
  static func flows(_ count: Int) -> [Datagram] {
    (0..<count).map { i in
      let port = UInt16(1024 + i)
      if i % 2 == 0 {
        return Datagram.ipv4(from: "10.\(i / 250 % 250).\(i % 250).1", to: "192.0.\(i % 7).2")
          .tcp(from: port, to: 443, flags: .ack)
      }
      return Datagram.ipv6(from: "2001:db8:\(i)::1", to: "2001:db8::\(i % 7 + 1)").udp(from: port, to: 53)
    }
  }

  @Test(arguments: hashes.indices) func `is the same both ways, tagged or not, and the same to every worker`(hash: Int)
  {
    let judges = (0..<4).map { Judge(me: $0, hash: Self.hashes[hash]) }
    for flow in Self.flows(200) {
      let owners = judges.flatMap { judge in
        [flow.frame(), flow.reversed.frame(), flow.frame(vlan: [7]), flow.reversed.frame(vlan: [8, 9])].map(judge.owner)
      }
      #expect(Set(owners).count == 1)
    }
  }

  @Test func `is the same both ways by five-tuple, for every protocol`() {
    let judge = Judge(by: .fiveTuple)
    for i in 0..<100 as Range<UInt16> {
      let (four, six) = (
        Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.2"), Datagram.ipv6(from: "2001:db8::1", to: "2001:db8::2")
      )
      let pairs: [(Datagram, Datagram)] = [
        (four.udp(from: i, to: 53), four.udp(from: i, to: 53).reversed),
        (six.tcp(from: i, to: 80, flags: .syn), six.tcp(from: i, to: 80, flags: .syn).reversed),
        // Between equal addresses only the ports tell the directions apart.
        (
          Datagram.ipv6(from: "::1", to: "::1").udp(from: i, to: 700),
          Datagram.ipv6(from: "::1", to: "::1").udp(from: 700, to: i)
        ),
        (four.icmp(type: 8, code: 0, id: i, seq: 1), four.reversed.icmp(type: 0, code: 0, id: i, seq: 1)),
        (six.icmpv6(type: 128, code: 0, id: i, seq: 1), six.reversed.icmpv6(type: 129, code: 0, id: i, seq: 1)),
        (four.raw(protocol: UInt8(i + 100)), four.reversed.raw(protocol: UInt8(i + 100))),
      ]
      for pair in pairs { #expect(judge.owner(pair.0.frame()) == judge.owner(pair.1.frame())) }
    }
  }

  @Test func `hangs on ports by five-tuple only`() {
    let datagrams = (0..<64).map { Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.2").udp(from: 1000 + $0, to: 53) }
    #expect(Set(datagrams.map { Judge().owner($0.frame()) }).count == 1)
    #expect(Set(datagrams.map { Judge(by: .fiveTuple).owner($0.frame()) }).count == 4)
  }

  /// C19: all fragments of a datagram meet at one worker, by address pair that of their flow.
  @Test(arguments: [SteerBy.addressPair, .fiveTuple])
  func `is one for all fragments of a datagram`(by: SteerBy) {
    let judge = Judge(by: by)
    for i in 0..<60 {
      let payload = [UInt8](repeating: 1, count: 200)
      let datagram =
        i % 2 == 0
        ? Datagram.ipv4(from: "10.0.0.\(i)", to: "10.1.0.1").udp(from: UInt16(i), to: 53, payload: payload)
        : Datagram.ipv6(from: "2001:db8::\(i)", to: "2001:db8::1").udp(from: UInt16(i), to: 53, payload: payload)
      let owners = Set(datagram.fragments(size: 64).map { judge.owner($0.frame()) })
      #expect(owners.count == 1)
      if by == .addressPair { #expect(owners == [judge.owner(datagram.frame())]) }
    }
  }

  /// A router on the way reports: its own address says nothing, what it quotes says all.
  @Test(arguments: [SteerBy.addressPair, .fiveTuple])
  func `of an ICMP error is that of the packet it quotes`(by: SteerBy) {
    let judge = Judge(by: by)
    for flow in Self.flows(200) {
      let isIPv6 = flow.frame().isIPv6
      let quoted = Array(flow.frame().bytes.dropFirst(14))
      let types: [UInt8] = isIPv6 ? [1, 2, 3, 4] : [3, 4, 5, 11, 12]
      for type in types {
        let error =
          isIPv6
          ? Datagram.ipv6(from: "2001:db8:ffff::\(type)", to: "2001:db8::9").icmpv6(
            type: type, code: 0, id: 0, seq: 0, payload: quoted)
          : Datagram.ipv4(from: "203.0.113.\(type)", to: "10.9.9.9").icmp(
            type: type, code: 0, id: 0, seq: 0, payload: quoted)
        #expect(judge.owner(error.frame()) == judge.owner(flow.frame()))
        #expect(judge.owner(error.frame(vlan: [3])) == judge.owner(flow.frame()))
      }
    }
  }

  @Test func `of an error that quotes nothing readable is that of its own addresses`() {
    let judge = Judge()
    let host = Datagram.ipv4(from: "203.0.113.1", to: "10.0.0.1")
    for payload in [[], [0x45], [UInt8](repeating: 0, count: 28)] {
      let error = host.icmp(type: 3, code: 1, id: 0, seq: 0, payload: payload)
      #expect(judge.owner(error.frame()) == judge.owner(host.udp(from: 1, to: 2).frame()))
    }
  }

  @Test func `of what has no addresses is whoever received it`() {
    for me in 0..<4 {
      let judge = Judge(me: me)
      for frame in [Frame.etherType(0x88cc, [1]), .llc([0, 0, 0]), Frame([1, 2, 3])] {
        #expect(judge.owner(frame) == me)
      }
    }
    // Or, when that one owns nothing, the first who does.
    #expect(Judge(workers: 2, me: 3).owner(.llc([0, 0, 0])) == 0)
  }

  @Test(arguments: 1...7) func `is spread over all owners evenly`(workers: Int) {
    let judge = Judge(workers: workers)
    let shares = Dictionary(grouping: Self.flows(7000).map { judge.owner($0.frame()) }) { $0 }.mapValues(\.count)
    #expect(shares.count == workers)
    for share in shares.values { #expect(abs(share * workers - 7000) < 1400) }
  }

  @Test func `hangs on the secret`() {
    let frames = Self.flows(400).map { $0.frame() }
    let (a, b) = (Judge(hash: .keyed(HashSecret(seed: 1))), Judge(hash: .keyed(HashSecret(seed: 2))))
    let same = frames.count { a.owner($0) == b.owner($0) }
    #expect((50...150).contains(same))
  }

  /// A NIC with a smaller or larger table than ours sends a packet to the owner that we compute.
  @Test(arguments: [(64, 64), (128, 128), (512, 512), (64, 512), (128, 512)])
  func `is what a NIC's table says`(smallest: Int, entries: Int) {
    var chance = SeededGenerator(seed: 5)
    let key = SymmetricKey(using: &chance)
    for workers in [2, 3, 5] {
      let ownership = Ownership(by: .addressPair, hash: .toeplitz(key), owners: [Array(0..<workers)], period: smallest)
      let judge = Judge(workers: workers, hash: .toeplitz(key), period: smallest)
      let table = (0..<entries).map { ownership.owner(ofBucket: $0, group: 0) }
      for flow in Self.flows(100) {
        let bytes = flow.frame().bytes
        let addresses = flow.frame().isIPv6 ? bytes[22..<54] : bytes[26..<34]
        let hash = Toeplitz.hash(Array(addresses), key: key.bytes)
        #expect(judge.owner(flow.frame()) == table[Int(hash) % entries])
      }
    }
  }
}
