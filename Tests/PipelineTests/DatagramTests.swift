import Pipeline
import Primitives
import Reassembly
import TestSupport
import Testing
import Wire

/// Datagrams in fragments between two ports: what the simulator found.
struct DatagramTests {
  private static let secret = HashSecret(seed: 4)

  private func bench(mtu: UInt16? = nil, longest: UInt32 = .max, chained: UInt32 = .max) -> Bench {
    Bench(
      fragments: Reassembly(settings: FragmentSettings(fragments: 64), secret: Self.secret),
      toB: Egress(port: Bench.b, mtu: mtu, longest: longest, longestChained: chained))
  }

  private func pieces(id: UInt16 = 7, size: Int = 512, count: Int = 3) -> [Frame] {
    Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.2", id: id)
      .udp(from: 1, to: 2, payload: Array(repeating: 0xa5, count: size * count - 8)).fragments(size: size).map {
        $0.frame()
      }
  }

  @Test func `a packet that is dropped stands for no datagram of the burst before`() {
    let bench = bench()
    let pieces = pieces(count: 2)
    bench.send(pieces)
    #expect(bench.out == pieces)
    // Faulty ones, in the place of the fragment that completed the datagram.
    bench.send(Array(repeating: pieces[0].damaged(.ipv4Checksum), count: 2))
    #expect(bench.dropped(.ipv4BadChecksum) == 2)
    #expect(bench.worker.held == 0)
    #expect(bench.balances)
  }

  @Test func `a datagram that cannot be cut for want of buffers leaves the packets beside it alone`() {
    let bench = bench(mtu: 300)
    bench.ports.spare = 1
    let small = Datagram.ipv4(from: "10.0.0.3", to: "10.0.0.4").udp(from: 1, to: 2, payload: [1]).frame()
    bench.send([small.damaged(.ipv4Checksum), small] + pieces() + [small])
    #expect(bench.out == [small, small])
    #expect(bench.dropped(.fragNoBuffer) == 3)
    #expect(bench.dropped(.ipv4BadChecksum) == 1)
    #expect(bench.ports.alive.isEmpty)
  }

  @Test func `each fragment fits the port, or none leaves`() {
    let pieces = pieces(count: 2)
    let (first, last) = (pieces[0], pieces[1])
    #expect(first.count == 546)
    for (longest, chained, leaves) in [(546, 546, true), (400, .max, false), (546, 400, false)]
      as [(UInt32, UInt32, Bool)]
    {
      let bench = bench(longest: longest, chained: chained)
      bench.ports.arrive([first], on: Bench.a)
      bench.ports.arrive([last], on: Bench.a, contiguous: 60)
      bench.send([])
      #expect(bench.out == (leaves ? pieces : []))
      #expect(bench.dropped(.txOversize) == (leaves ? 0 : 2))
      #expect(bench.balances)
    }
  }

  @Test func `what is cut anew fits the port too, not just the MTU`() throws {
    let bench = bench(mtu: 400, longest: 300)
    bench.send(pieces(count: 2))
    #expect(bench.out.map(\.count).max() == 14 + 20 + 264)
    let parts = try bench.out.map { frame in
      let reading = try #require(frame.fragment)
      return (offset: reading.offset, more: reading.more, payload: Array(frame.bytes[reading.payload]))
    }
    #expect(putTogether(parts)?.count == 1_024)
  }

  /// The links of a bundle are one wire. Wires that must not meet have zones of their own.
  @Test func `fragments of two ports make a datagram, which leaves where its last fragment came`() {
    let bench = bench()
    let pieces = pieces(count: 2)
    bench.ports.arrive([pieces[0]], on: Bench.a)
    bench.send([])
    #expect(bench.worker.held == 1)
    bench.ports.arrive([pieces[1]], on: Bench.b)
    bench.send([])
    #expect(bench.out.isEmpty && bench.worker.held == 0)
    #expect(bench.worker.transmitQueue(1).packets == 2)
  }

  @Test func `fragments of two networks make no datagram, however deep their tags`() {
    let bench = bench()
    let datagram = Datagram.ipv4(from: "10.0.0.1", to: "10.0.0.2", id: 7)
      .udp(from: 1, to: 2, payload: Array(repeating: 0xa5, count: 1_016))
    let three = datagram.fragments(size: 512).map { $0.frame(vlan: [1, 2, 3]) }
    let four = datagram.fragments(size: 512).map { $0.frame(vlan: [1, 2, 3, 4]) }
    bench.send([three[0], four[1]])
    #expect(bench.worker.held == 2)
    bench.send([three[1]])
    #expect(bench.out == three)
  }

  @Test func `a TCP header that goes on in a later fragment is refused, however the first one lies in memory`() {
    let first = Datagram.ipv6(from: "2001:db8::1", to: "2001:db8::2")
      .tcp(from: 1, to: 2, flags: .ack, options: Array(repeating: 1, count: 40), payload: [])
      .fragments(size: 24)[0].frame()
    for contiguous in [nil, 14 + 40 + 8, 14 + 40 + 8 + 12] as [Int?] {
      let bench = bench()
      bench.send([first], contiguous: contiguous)
      #expect(bench.dropped(.fragHeaderChain) == 1)
    }
  }

  // MARK: Several workers

  @Test func `an ICMP error in fragments goes to the owner of the flow that it quotes`() {
    for client in 1...8 {
      let crew = Crew(4, fragments: 64)
      let flow = Datagram.ipv4(from: "10.0.0.\(client)", to: "192.0.2.1").udp(from: 1_000, to: 53, payload: [1])
      crew.ports.arrive([flow.frame()], on: Bench.a, queue: 0)
      crew.work()
      let sent = crew.members.map { $0.worker.transmitQueue(0).packets }
      let quote = flow.bytes + Array(repeating: 0, count: 100)
      let error = Datagram.ipv4(from: "198.51.100.\(client)", to: "10.0.0.\(client)", id: 9)
        .icmp(type: 3, code: 1, id: 0, seq: 0, payload: quote)
      crew.ports.arrive(error.fragments(size: 64).map { $0.frame() }, on: Bench.b, queue: 1)
      crew.work()
      #expect(crew.members.map { $0.worker.transmitQueue(1).packets } == sent.map { $0 * 3 })
      #expect(crew.balances)
    }
  }

  @Test func `an atomic fragment is counted once, by whoever received it`() {
    let crew = Crew(2, fragments: 64)
    for host in 1...8 {
      let frame = Datagram.ipv6(from: "2001:db8::\(host)", to: "2001:db8::ff", headers: [.fragment(id: 7)])
        .udp(from: 1, to: 2, payload: [1]).frame()
      crew.ports.arrive([frame], on: Bench.a)
    }
    crew.work()
    #expect(crew.sum { $0.handedOff.packets } > 0)
    #expect(crew.sum { $0.journey.fragments.count(of: FragmentEvent.atomic, 1) } == 8)
  }
}
