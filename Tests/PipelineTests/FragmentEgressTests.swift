import Pipeline
import Primitives
import Reassembly
import TestSupport
import Testing

@Suite struct `Fragments on their way out` {
  // MARK: Whole or not at all

  @Test func `a queue that takes some of a datagram gets the rest, whatever comes`() {
    let line = FragmentBench(attempts: 2)
    let pieces = Datagram.sample(200).frames(size: 40)
    line.bench.ports.room[Bench.b] = [2] + Array(repeating: 0, count: 20)
    line.play(pieces)
    #expect(line.out == Array(pieces[..<2]))
    // What comes behind it is dropped once the queue was full too often; the datagram's rest is not.
    let others = (0..<40).map { Datagram.sample(9, source: "10.0.1.\($0)").frame() }
    for other in others.prefix(10) { line.play([other]) }
    #expect(line.bench.dropped(.txFull) > 0 && line.balances)
    line.bench.ports.room[Bench.b] = []
    line.play([others[20]])
    #expect(Array(line.out.prefix(pieces.count)) == pieces)
    #expect(line.out.last == others[20] && line.balances)
  }

  @Test func `a queue that takes nothing gets none of a datagram`() {
    let line = FragmentBench(attempts: 2)
    line.bench.ports.room[Bench.b] = Array(repeating: 0, count: 10)
    for id in 0..<10 { line.play(Datagram.sample(200, id: UInt16(id)).frames(size: 40)) }
    let dropped = line.bench.dropped(.txFull)
    #expect(dropped > 0 && dropped.isMultiple(of: 6) && line.out.isEmpty && line.balances)
  }

  @Test func `a datagram in more fragments than the queue holds does not leave`() {
    let line = FragmentBench(mostTogether: 5)
    line.play(Datagram.sample(200).frames(size: 40))
    #expect(line.bench.dropped(.txFull) == 6 && line.out.isEmpty && line.balances)
    line.play(Datagram.sample(190).frames(size: 40))
    #expect(line.out.count == 5)
  }

  /// Thirty-two datagrams complete in one burst, of more fragments than may wait at once.
  @Test func `many datagrams leave one after the other`() {
    let line = FragmentBench(mostTogether: 32) { $0.sourceShare = 100 }
    let datagrams = (0..<32).map { Datagram.sample(400, id: UInt16($0)).frames(size: 40) }
    for datagram in datagrams {
      for part in stride(from: 0, to: datagram.count - 1, by: 32) {
        line.play(Array(datagram[part..<min(part + 32, datagram.count - 1)]))
      }
    }
    line.play(datagrams.map { $0.last! })
    #expect(line.out == datagrams.flatMap { $0 } && line.balances)
  }

  // MARK: Cut anew

  private static func payload(_ datagram: Datagram) -> [UInt8] {
    Array(datagram.bytes.dropFirst(datagram.source.isIPv6 ? 40 : 20))
  }

  /// frag4-28. Every piece fits, and the receiver gets the same datagram.
  @Test(arguments: [68, 100, 576, 900, 1400], [false, true])
  func `fragments too large for the egress are cut anew`(mtu: UInt16, ipv6: Bool) throws {
    let line = FragmentBench(toB: Egress(port: Bench.b, mtu: mtu))
    let datagram = ipv6 ? Datagram.sample6(2500) : .sample(2500)
    let pieces = datagram.frames(size: 1448)
    line.play(pieces.reversed())
    let whole = try #require(Defragmented.all(in: line.out))
    #expect(whole.count == 1 && whole[0].payload == Self.payload(datagram))
    #expect(whole[0].identification == (ipv6 ? 0x5eed : 0x77))
    let sizes = line.out.compactMap { FragmentPiece($0)?.packetLength }
    #expect(sizes.allSatisfy { $0 <= Int(mtu) } && sizes.dropLast().allSatisfy { $0 > Int(mtu) - 8 })
    #expect(line.out.allSatisfy { $0.headerFault == nil && $0.bytes.prefix(12) == pieces[0].bytes.prefix(12) })
    #expect(line.bench.worker.cutFrom.packets == 2 && line.bench.worker.cutInto.packets == UInt64(line.out.count))
    #expect(line.count(.cut, ipv6: ipv6) == 1 && line.count(DatagramEvent.completed, ipv6: ipv6) == 1)
    #expect(line.balances && line.bench.ports.alive.isEmpty)
  }

  /// The original boundaries stay while they fit (the third settled difference).
  @Test func `fragments that fit leave as they came`() {
    let line = FragmentBench(toB: Egress(port: Bench.b, mtu: 900))
    let pieces = Datagram.sample(2500).frames(size: 880)
    line.play(pieces)
    #expect(line.out == pieces && line.bench.worker.cutFrom.packets == 0)
  }

  @Test func `who says that it must not be cut is not`() {
    let line = FragmentBench(toB: Egress(port: Bench.b, mtu: 900))
    let pieces = Datagram.sample(2500).fragments(size: 1400).map { piece in
      var piece = piece
      if case .ipv4(var header) = piece.network {
        header.dontFragment = true
        piece.network = .ipv4(header)
      }
      return piece.frame()
    }
    line.play(pieces)
    #expect(line.bench.dropped(.mtuExceeded) == 2 && line.out.isEmpty && line.balances)
    let fits = FragmentBench(toB: Egress(port: Bench.b, mtu: 1500))
    fits.play(pieces)
    #expect(fits.out == pieces)
  }

  /// RFC 791 §3.1: record route is of the first fragment, the security option of all.
  @Test func `options go with the fragments that they belong to`() throws {
    let line = FragmentBench(toB: Egress(port: Bench.b, mtu: 600))
    let recordRoute: [UInt8] = [7, 7, 4, 0, 0, 0, 0]
    let security: [UInt8] = [0x82, 4, 1, 2]
    var datagram = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.1", id: 5, options: recordRoute + security + [1])
    datagram = datagram.udp(from: 1, to: 2, payload: [UInt8](repeating: 1, count: 1500))
    line.play(datagram.frames(size: 1200))
    let out = line.out.compactMap { FragmentPiece($0) }
    #expect(out.count == 3)
    #expect(out[0].options == recordRoute + security + [1])
    #expect(out[1].options == [UInt8](repeating: 1, count: 7) + security + [1])
    #expect(out[2].options == out[1].options)
    let whole = try #require(Defragmented.all(in: line.out))
    #expect(whole[0].payload.count == 1508)
  }

  @Test func `tags and extension headers are repeated`() throws {
    let line = FragmentBench(toB: Egress(port: Bench.b, mtu: 600))
    let datagram = Datagram.sample6(1500, headers: [.hopByHop, .routing])
    line.play(datagram.frames(size: 1200, vlan: [10, 20]))
    let whole = try #require(Defragmented.all(in: line.out))
    #expect(whole[0].frames.count == line.out.count && line.out.allSatisfy { $0.tags == [10, 20] })
    #expect(whole[0].payload.count == 1508)
  }

  @Test func `where buffers are wanting the datagram is dropped as a whole`() {
    let line = FragmentBench(toB: Egress(port: Bench.b, mtu: 600))
    line.bench.ports.spare = 3
    line.play(Datagram.sample(2500).frames(size: 1400))
    #expect(line.bench.dropped(.fragNoBuffer) == 2 && line.out.isEmpty && line.balances)
    #expect(line.count(.noBuffer) == 2 && line.bench.ports.alive.isEmpty)
  }
}
