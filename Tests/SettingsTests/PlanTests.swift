import Primitives
import Testing

@testable import Settings

/// Builds plans for hosts that do not exist.
enum Host {
  static func port(
    _ id: Int, driver: String = "net_null", socket: Int = 0, rx: Int = 16, tx: Int = 16
  ) -> PortFacts {
    PortFacts(
      id: id, device: "\(driver)\(id)", driver: driver, socket: socket, maxRxQueues: rx, maxTxQueues: tx)
  }

  static func ports(_ count: Int) -> [PortFacts] { (0..<count).map { port($0) } }

  /// Main is the first.
  static func lcores(_ count: Int) -> [LcoreFacts] { (0..<count).map { LcoreFacts(id: $0, isMain: $0 == 0) } }

  static func plan(
    _ options: [String: String] = [:], ports: [PortFacts] = ports(2), lcores: [LcoreFacts] = lcores(2)
  ) throws -> Plan {
    let settings = try Settings().overridden(by: options.map { ($0.key, $0.value) })
    return try Plan.make(settings: settings, ports: ports, lcores: lcores)
  }

  static func problems(
    _ options: [String: String] = [:], ports: [PortFacts] = ports(2), lcores: [LcoreFacts] = lcores(2)
  ) throws -> [String] {
    do {
      _ = try plan(options, ports: ports, lcores: lcores)
      return []
    } catch let error as PlanError {
      return error.problems
    }
  }
}

@Suite struct `Ports in a plan` {
  @Test func `neighbours are paired`() throws {
    let plan = try Host.plan(ports: [Host.port(5), Host.port(1), Host.port(0), Host.port(7)])
    #expect(plan.ports.map(\.id) == [0, 1, 5, 7])
    #expect(plan.ports.map(\.pair) == [1, 0, 7, 5])
    #expect(plan.ports.map(\.name) == ["port0", "port1", "port5", "port7"])
  }

  @Test func `given pairs leave the other ports alone`() throws {
    let plan = try Host.plan(["pairs": "2:0", "port-names": "0=in,1=spare,2=out"], ports: Host.ports(3))
    #expect(plan.ports.map(\.id) == [0, 2])
    #expect(plan.ports.map(\.pair) == [2, 0])
    #expect(plan.ports.map(\.name) == ["in", "out"])
    #expect(plan.unusedPorts == [1])
  }

  @Test func `a port that does not exist or has no neighbour is refused`() throws {
    #expect(
      try Host.problems(ports: []) == [
        "there is no port: give EAL devices, such as --vdev net_null0 --vdev net_null1, or bind a NIC"
      ])
    #expect(
      try Host.problems(ports: Host.ports(3)) == [
        "port 2 (net_null2) has no neighbour to be paired with: add a port, or say --pairs"
      ])
    #expect(
      try Host.problems(["pairs": "0:4", "port-names": "3=x"]) == [
        "pair 0:4: there is no port 4 (there are 0, 1)", "port-names: there is no port 3 (there are 0, 1)",
      ])
  }

  @Test func `a given name that another port has by default is refused`() throws {
    #expect(try Host.problems(["port-names": "0=port1"]) == ["ports 0 and 1 are both called port1"])
  }

  @Test func `an MTU or a checksum that a port cannot do is refused`() throws {
    var small = Host.port(1)
    small.maxMTU = 1500
    #expect(
      try Host.problems(["mtu": "9000", "rx-checksum": "hardware"], ports: [Host.port(0), small]) == [
        "port 0 (net_null0) cannot verify checksums: say --rx-checksum software, or off",
        "port 1 (net_null1) has an MTU of at most 1500: 9000 is too large",
        "port 1 (net_null1) cannot verify checksums: say --rx-checksum software, or off",
      ])
    #expect(try Host.plan(["mtu": "1500"], ports: [Host.port(0), small]).ports.map(\.mtu) == [1500, 1500])
    #expect(try Host.plan().ports.map(\.mtu) == [nil, nil])
  }

  @Test func `frames larger than a buffer are announced as chains`() throws {
    let note = "frames of more than 2048 bytes arrive as chains of mbufs; --mbuf-size decides"
    #expect(try Host.plan(["mtu": "9000"]).notes == [note])
    #expect(try Host.plan(["mtu": "9000", "mbuf-size": "9142"]).notes.isEmpty)
  }

  @Test(arguments: [
    (DescriptorLimits(), 1000, 1000), (DescriptorLimits(min: 0, max: 0, align: 0), 1000, 1000),
    (DescriptorLimits(min: 64, max: 4096, align: 32), 1000, 1024),
    (DescriptorLimits(min: 64, max: 4096, align: 32), 8, 64),
    (DescriptorLimits(min: 64, max: 4096, align: 32), 5000, 4096),
    (DescriptorLimits(min: 64, max: 1000, align: 64), 999, 1000),
  ])
  func `descriptors are aligned and brought between the limits`(limits: DescriptorLimits, wanted: Int, got: Int) {
    #expect(limits.nearest(to: wanted) == got)
  }

  @Test func `a changed number of descriptors is noted`() throws {
    var port = Host.port(0)
    port.rxDescriptors = DescriptorLimits(min: 1, max: 512, align: 1)
    let plan = try Host.plan(ports: [port, Host.port(1)])
    #expect(plan.ports[0].rxDescriptors == 512)
    #expect(plan.ports[0].txDescriptors == 1024)
    #expect(plan.notes == ["port 0 (net_null0) takes 512 receive descriptors instead of 1024"])
  }
}

@Suite struct `Queues and lcores in a plan` {
  @Test func `main supervises, and polls when it is alone`() throws {
    let alone = try Host.plan(lcores: Host.lcores(1))
    #expect(alone.supervisorPolls)
    #expect(alone.workers.map(\.lcore) == [0])
    let two = try Host.plan(lcores: Host.lcores(2))
    #expect(!two.supervisorPolls)
    #expect(two.workers.map(\.lcore) == [1])
    #expect(try Host.problems(lcores: []) == ["EAL has no main lcore"])
  }

  @Test func `queues are dealt out, each worker with a transmit queue of its own`() throws {
    let plan = try Host.plan(lcores: Host.lcores(3))
    #expect(plan.workers.map(\.receive.description) == ["[0/0, 1/0]", "[0/1, 1/1]"])
    #expect(plan.workers.map(\.transmit.description) == ["[0/0, 1/0]", "[0/1, 1/1]"])
    #expect(plan.ports.map(\.rxQueues) == [2, 2])
    #expect(plan.ports.map(\.txQueues) == [2, 2])
  }

  @Test func `ports with one queue are spread over the workers`() throws {
    let ports = (0..<4).map { Host.port($0, rx: 1, tx: 1) }
    let plan = try Host.plan(ports: ports, lcores: Host.lcores(4))
    // One transmit queue makes one owner, who had better receive both ways.
    #expect(plan.workers.map(\.receive.description) == ["[0/0, 1/0]", "[2/0, 3/0]"])
    #expect(plan.workers.map(\.transmit.description) == ["[0/0, 1/0]", "[2/0, 3/0]"])
    #expect(plan.steering == nil && plan.idleLcores == [3])
    #expect(
      plan.notes == [
        "port 0 (net_null0) and port 1 (net_null1): 1 of 3 lcores own their flows, for want of transmit queues",
        "port 2 (net_null2) and port 3 (net_null3): 1 of 3 lcores own their flows, for want of transmit queues",
      ])
    let byPort = try Host.plan(["steer": "port"], ports: ports, lcores: Host.lcores(4))
    #expect(byPort.workers.map(\.receive.description) == ["[0/0, 3/0]", "[1/0]", "[2/0]"])
    #expect(byPort.workers.map(\.transmit.description) == ["[1/0, 2/0]", "[0/0]", "[3/0]"])
  }

  @Test func `with steering all lcores own flows that the transmit queues allow, with or without a queue to poll`()
    throws
  {
    let ports = [Host.port(0, rx: 1, tx: 3), Host.port(1, rx: 1, tx: 8)]
    let plan = try Host.plan(ports: ports, lcores: Host.lcores(5))
    #expect(plan.workers.map(\.receive.description) == ["[0/0]", "[1/0]", "[]"])
    #expect(plan.workers.map(\.transmit.description) == ["[0/0, 1/0]", "[0/1, 1/1]", "[0/2, 1/2]"])
    #expect(plan.ports.map(\.owners) == [[0, 1, 2], [0, 1, 2]])
    #expect(plan.idleLcores == [4])
    #expect(plan.workers.indices.map(plan.sources) == [[1, 2], [0, 2], [0, 1]])
    #expect(
      plan.notes == [
        "port 0 (net_null0) and port 1 (net_null1): 3 of 4 lcores own their flows, for want of transmit queues"
      ])
    // Who receives without a transmit queue hands everything over.
    let mapped = try Host.plan(
      ["queue-map": "(0,0,1),(1,0,2)", "txq": "1"], ports: ports, lcores: Host.lcores(3))
    #expect(mapped.workers.map(\.transmit.description) == ["[0/0, 1/0]", "[]"])
    #expect(mapped.ports.map(\.owners) == [[0], [0]])
    #expect(mapped.workers.indices.map(mapped.sources) == [[1], []])
  }

  @Test func `ports are told to spread by address pair when all that have several queues can`() throws {
    func ports(_ tables: Int...) -> [PortFacts] {
      tables.enumerated().map { id, table in
        var port = Host.port(id)
        port.spreadTable = table
        return port
      }
    }
    let lcores = Host.lcores(3)
    let spread = try #require(try Host.plan(ports: ports(512, 64), lcores: lcores).steering)
    #expect(spread.byPorts && spread.period == 64)
    for (tables, options) in [
      (ports(128, 0), [:]), (ports(128, 96), [:]), (ports(128, 128), ["steer": "five-tuple"]),
      (ports(128, 128), ["rxq": "1"]),
    ] as [([PortFacts], [String: String])] {
      let steering = try #require(try Host.plan(options, ports: tables, lcores: lcores).steering)
      #expect(!steering.byPorts && steering.period == 128)
    }
  }

  @Test func `workers beyond the queues are idle`() throws {
    let plan = try Host.plan(
      ["steer": "port"], ports: [Host.port(0, rx: 1), Host.port(1, rx: 1)], lcores: Host.lcores(5))
    #expect(plan.workers.map(\.lcore) == [1, 2])
    #expect(plan.idleLcores == [3, 4])
  }

  @Test func `queues go to lcores of the port's socket where there are any`() throws {
    let ports = [Host.port(0, socket: 1), Host.port(1, socket: 2)]
    let lcores = [LcoreFacts(id: 0, isMain: true), LcoreFacts(id: 1), LcoreFacts(id: 2, socket: 1)]
    let plan = try Host.plan(ports: ports, lcores: lcores)
    // Socket 2 has no lcore; the pair is owned where one of its ports is.
    #expect(plan.workers.map(\.receive.description) == ["[0/0, 1/0]"])
    let byPort = try Host.plan(["steer": "port"], ports: ports, lcores: lcores)
    #expect(byPort.workers.map(\.receive.description) == ["[1/0]", "[0/0, 1/1]"])
    #expect(plan.pools.map(\.socket) == [1, 2])
    #expect(plan.ports.map(\.poolIndex) == [0, 1])
  }

  @Test func `a port without a socket is served from main's`() throws {
    let lcores = [LcoreFacts(id: 0, socket: 1, isMain: true), LcoreFacts(id: 1), LcoreFacts(id: 2, socket: 1)]
    let plan = try Host.plan(ports: [Host.port(0, socket: -1), Host.port(1, socket: -1)], lcores: lcores)
    #expect(plan.ports.map(\.socket) == [1, 1])
    #expect(plan.workers.map(\.lcore) == [2])
    #expect(plan.idleLcores == [1])
  }

  @Test func `given numbers of queues are forced on every port`() throws {
    let plan = try Host.plan(["rxq": "3", "txq": "4"], lcores: Host.lcores(3))
    #expect(plan.ports.map(\.rxQueues) == [3, 3])
    #expect(plan.ports.map(\.txQueues) == [4, 4])
    #expect(plan.workers.map(\.receive.description) == ["[0/0, 0/2, 1/1]", "[0/1, 1/0, 1/2]"])
    #expect(
      try Host.problems(["rxq": "3", "txq": "4"], ports: [Host.port(0, rx: 1, tx: 1), Host.port(1)]) == [
        "port 0 (net_null0) has 1 receive queue: 3 are asked for",
        "port 0 (net_null0) has 1 transmit queue: 4 are asked for",
      ])
    #expect(
      try Host.problems(["txq": "1", "steer": "port"], lcores: Host.lcores(3)) == [
        "port 0 (net_null0): 2 lcores send on it, each on a queue of its own, and --txq is 1",
        "port 1 (net_null1): 2 lcores send on it, each on a queue of its own, and --txq is 1",
      ])
  }

  @Test func `a given map is followed`() throws {
    let map = "(0,0,1),(0,1,2),(1,0,2)"
    let shared = try Host.plan(["queue-map": map], lcores: Host.lcores(4))
    #expect(shared.workers.map(\.receive.description) == ["[0/0]", "[0/1, 1/0]", "[]"])
    let plan = try Host.plan(["queue-map": map, "steer": "port"], lcores: Host.lcores(4))
    #expect(plan.workers.map(\.receive.description) == ["[0/0]", "[0/1, 1/0]"])
    #expect(plan.workers.map(\.transmit.description) == ["[1/0]", "[0/0, 1/1]"])
    #expect(plan.ports.map(\.rxQueues) == [2, 1])
    #expect(plan.ports.map(\.txQueues) == [1, 2])
    #expect(plan.idleLcores == [3])
  }

  @Test func `all faults of a map are reported together`() throws {
    #expect(
      try Host.problems(["queue-map": "(0,1,1),(0,2,9),(2,0,1),(0,99,0)"]) == [
        "queue-map (0,2,9): there is no lcore 9 (there is 1)",
        "queue-map (2,0,1): there is no paired port 2 (there are 0, 1)",
        "queue-map (0,99,0): port 0 (net_null0) has 16 receive queues",
        "queue-map (0,99,0): lcore 0 is main, which polls only when it is alone",
        "queue-map: queue 0 of port 0 (net_null0) has no lcore",
        "queue-map: queue 0 of port 1 (net_null1) has no lcore",
      ])
    #expect(
      try Host.problems(["queue-map": "(0,0,1),(0,1,1),(1,0,1)", "rxq": "1"]) == [
        "queue-map: queue 1 of port 0 (net_null0) is beyond --rxq 1"
      ])
    #expect(try Host.plan(["queue-map": "(0,0,0),(1,0,0)"], lcores: Host.lcores(1)).workers.map(\.lcore) == [0])
  }

  @Test func `too few transmit queues are explained`() throws {
    let ports = [Host.port(0, driver: "net_pcap", rx: 2, tx: 2), Host.port(1, driver: "net_pcap", rx: 2, tx: 1)]
    #expect(
      try Host.problems(["steer": "port"], ports: ports, lcores: Host.lcores(3)) == [
        "port 1 (net_pcap1) has 1 transmit queue: 2 lcores send on it, each on a queue of its own; "
          + "give it a tx_pcap= (or tx_iface=) for each, or use fewer lcores"
      ])
  }

  @Test func `a capture that nobody would read is noted`() throws {
    let ports = [Host.port(0, driver: "net_pcap", rx: 2, tx: 2), Host.port(1, driver: "net_pcap", rx: 1, tx: 2)]
    #expect(
      try Host.plan(ports: ports).notes == ["port 0 (net_pcap0) reads 1 of its 2 sources; --rxq reads more"])
  }

  @Test(arguments: ["net_tap", "net_ring"])
  func `some drivers get as many transmit as receive queues`(driver: String) throws {
    let ports = [Host.port(0, driver: driver), Host.port(1, rx: 1)]
    let plan = try Host.plan(ports: ports, lcores: Host.lcores(3))
    #expect(plan.ports.map(\.rxQueues) == [2, 1])
    #expect(plan.ports.map(\.txQueues) == [2, 2])
    #expect(
      try Host.problems(
        ["queue-map": "(0,0,1),(1,0,1),(1,1,2)", "steer": "port"], ports: [ports[0], Host.port(1)],
        lcores: Host.lcores(3))
        == [
          "port 0 (\(driver)0) must have as many receive as transmit queues: it needs 2 and has 1; say --rxq 2"
        ])
    // With steering, fewer queues are fewer owners.
    let mapped = try Host.plan(
      ["queue-map": "(0,0,1),(1,0,1),(1,1,2)"], ports: [ports[0], Host.port(1)], lcores: Host.lcores(3))
    #expect(mapped.ports.map(\.txQueues) == [1, 1])
    #expect(mapped.ports.map(\.owners) == [[0], [0]])
  }
}

@Suite struct `Memory in a plan` {
  @Test func `the need is the sum of all places where buffers can be`() throws {
    let plan = try Host.plan(["rxd": "512", "txd": "256"], lcores: Host.lcores(3))
    let need = try #require(plan.pools.first).need
    #expect(need.receiveRings == 2 * 2 * 512)
    #expect(need.transmitRings == 2 * 2 * 256)
    #expect(need.caches == 3 * 256 * 3 / 2)  // two workers and main
    #expect(need.bursts == 2 * 32)
    #expect(need.egressBuffers == 2 * 2 * (2 * 32 + 128))
    #expect(need.fragments == 4096)
    #expect(need.handoffRings == 2 * 1024)
    #expect(need.total == 2048 + 1024 + 1152 + 64 + 768 + 2048 + 4096)
    #expect(try Host.plan(["handoff-ring": "64"], lcores: Host.lcores(3)).pools[0].need.handoffRings == 2 * 64)
    #expect(try Host.plan(["steer": "port"], lcores: Host.lcores(3)).pools[0].need.handoffRings == 0)
    #expect(
      [1, 2, 5, 6, 9, 10, 40, 99].map { Plan.handoffRing(Settings(), workers: $0) } == [
        1024, 1024, 512, 512, 256, 256, 64, 64,
      ])
  }

  @Test func `buffers that wait at another socket's port count for the pool they came from`() throws {
    let lcores = [LcoreFacts(id: 0, isMain: true), LcoreFacts(id: 1), LcoreFacts(id: 2, socket: 1)]
    var far = Host.port(1, socket: 1)
    far.txDescriptors = DescriptorLimits(max: 64)
    let plan = try Host.plan(["steer": "port"], ports: [Host.port(0), far], lcores: lcores)
    #expect(plan.pools.map(\.need.transmitRings) == [64, 1024])
    #expect(plan.pools.map(\.need.caches) == [768, 768])
    // Where both own the pair's flows, both hold buffers of both pools.
    let shared = try Host.plan(ports: [Host.port(0), far], lcores: lcores)
    #expect(shared.pools.map(\.need.transmitRings) == [2 * 64, 2 * 1024])
    #expect(shared.pools.map(\.need.caches) == [1152, 1152])
    #expect(shared.pools.map(\.need.handoffRings) == [2 * 1024, 2 * 1024])
  }

  @Test func `the default pool starts within 512 MiB`() throws {
    let small = try Host.plan().pools[0]
    #expect(small.mbufs == 12287)
    #expect(small.cache == 256)
    #expect(small.bytes < 32 << 20)
    // Eight ports with eight queues of each kind, and the largest buffers for two ports.
    #expect(try Host.plan(ports: Host.ports(8), lcores: Host.lcores(9)).pools[0].bytes < 480 << 20)
    #expect(try Host.plan(["mbuf-size": "65535"]).pools[0].bytes < 480 << 20)
    #expect(try Host.plan(["mbuf-size": "20480"]).pools[0].bytes < 256 << 20)
  }

  @Test func `a small pool gets a smaller cache and a pool below the need is refused with the sum`() throws {
    let tight = ["rxd": "64", "txd": "64", "frag-v4": "off", "frag-v6": "off"]
    let need = 128 + 128 + 32 + 128  // rings, burst, egress
    let pool = try Host.plan(tight.merging(["mbufs": "\(need + 2 * 96)"]) { $1 }).pools[0]
    #expect(pool.cache == 64)
    #expect(pool.mbufs == need + 192)
    #expect(
      try Host.problems(tight.merging(["mbufs": "\(need + 95)"]) { $1 }) == [
        "--mbufs 511 is too small for the pool of socket 0: 128 in receive rings + 128 in transmit rings + "
          + "96 in caches + 32 in bursts + 128 in egress buffers = 512 needed"
      ])
  }
}

/// F27, F33, F44, X6: what waits for its datagram keeps buffers from the ports, so the pool is made, or the tables are, for both.
@Suite struct `Fragments in a plan` {
  @Test func `the pool has room for what may be held`() throws {
    let plan = try Host.plan(["frag-max": "3000", "frag-mbufs": "6000"], lcores: Host.lcores(4))
    let share = try #require(plan.fragments)
    #expect(share.fragments == 1000 && share.mbufs == 2000 && share.datagrams == 1000)
    #expect(plan.pools[0].need.fragments == 3 * 2000)
    #expect(plan.pools[0].mbufs >= plan.pools[0].need.total)
    #expect(try Host.problems(["frag-max": "9000", "mbufs": "8191"]).first?.contains("9000 held as fragments") == true)
  }

  @Test func `a pool of given size leaves what it has to spare`() throws {
    let plan = try Host.plan(["mbufs": "6000"])
    let share = try #require(plan.fragments)
    let need = plan.pools[0].need
    #expect(share.fragments == 6000 - (need.total - need.fragments) && share.fragments > 64)
    #expect(need.total == 6000 && plan.pools[0].cache == 256)
    #expect(try Host.plan(["mbufs": "100000"]).fragments?.fragments == 4096)
    // Buffers of 64 KiB are fewer.
    #expect(try Host.plan(["mbuf-size": "65535"]).fragments?.fragments == 255)
  }

  @Test func `Open vSwitch's limits come together, and give way to what is said`() throws {
    let own = try Settings().overridden(by: [("frag-preset", "ovs"), ("frag-min-v6", "0")]).reassembly
    #expect(own.smallest(ipv6: false) == 1200 && own.smallest(ipv6: true) == 0)
    #expect(own.timeout(ipv6: false) == .seconds(15 as UInt64) && own.timeout(ipv6: true) == .seconds(15 as UInt64))
    #expect(try Host.plan(["frag-preset": "ovs"]).fragments?.fragments == 1000)
    let text = try Host.plan(["frag-preset": "ovs", "frag-v6": "off"]).description
    #expect(text.contains("\n  IPv4 15.0 s, of 1200 bytes at least but for the last; IPv6 off\n"))
  }

  @Test func `no worker holds less than two bursts, and without fragments none does`() throws {
    #expect(try Host.plan(["frag-max": "64"], lcores: Host.lcores(5)).fragments?.fragments == 64)
    let off = try Host.plan(["frag-v4": "off", "frag-v6": "off"])
    #expect(off.fragments == nil && off.pools[0].need.fragments == 0)
    #expect(off.description.contains("\nfragments\n  off: fragments cross like other packets"))
  }

  @Test func `watermarks that cross are refused, and fragments that cannot meet are named`() throws {
    #expect(
      try Host.problems(["frag-high-watermark": "50", "frag-low-watermark": "60"]) == [
        "--frag-low-watermark 60 is above --frag-high-watermark 50"
      ])
    let notes = try Host.plan(["steer": "port"], lcores: Host.lcores(3)).notes
    #expect(notes.contains { $0.contains("never meet") })
  }

  @Test func `a ring that holds no whole datagram is named, and no share of bytes is too small for one`() throws {
    let few = ["steer": "five-tuple", "handoff-ring": "64"]
    #expect(try Host.plan(few, lcores: Host.lcores(3)).notes.contains { $0.contains("more than 63 fragments") })
    #expect(try !Host.plan(["steer": "five-tuple"], lcores: Host.lcores(3)).notes.contains { $0.contains("fragments") })
    #expect(try Host.plan(["frag-bytes": "65536"], lcores: Host.lcores(4)).fragments?.bytes == 65_536)
  }

  @Test func `a share that holds no whole datagram is named`() throws {
    let few = try Host.plan(["frag-max": "64"]).notes
    #expect(few.contains { $0.hasPrefix("a datagram can have 32 fragments, not 64") })
    for enough in [["frag-max": "128"], ["frag-max": "64", "frag-source-share": "100"], [:]] {
      #expect(try !Host.plan(enough).notes.contains { $0.hasPrefix("a datagram can have") })
    }
  }

  /// The fragments of a datagram meet at the owner of their addresses, who hands it to the owner of its flow.
  @Test func `by five-tuple every owner has a ring to every other`() throws {
    let ports = [Host.port(0, rx: 1), Host.port(1, rx: 1)]
    let plan = try Host.plan(["steer": "five-tuple"], ports: ports, lcores: Host.lcores(4))
    for owner in plan.workers.indices { #expect(plan.sources(of: owner).count == 2) }
    let without = try Host.plan(
      ["steer": "five-tuple", "frag-v4": "off", "frag-v6": "off"], ports: ports, lcores: Host.lcores(4))
    #expect(plan.pools[0].need.handoffRings > without.pools[0].need.handoffRings)
  }
}

@Suite struct `The text of a plan` {
  @Test func `it names ports, queues, lcores, memory and policies`() throws {
    let plan = try Host.plan(
      ["port-names": "0=in,1=out", "idle-exit": "0.5", "invalid": "drop", "rx-checksum": "software"],
      ports: [Host.port(0), Host.port(1, rx: 1)], lcores: Host.lcores(4))
    #expect(
      plan.description == """
        ports
          0 in: net_null0 (net_null), socket 0, pair out, rx 3 x 1024, tx 3 x 1024, MTU as it is
          1 out: net_null1 (net_null), socket 0, pair in, rx 1 x 1024, tx 3 x 1024, MTU as it is
        lcores
          lcore 1: socket 0, receives 0/0 1/0, sends 0/0 1/0 (port/queue)
          lcore 2: socket 0, receives 0/1, sends 0/1 1/1 (port/queue)
          lcore 3: socket 0, receives 0/2, sends 0/2 1/2 (port/queue)
          main supervises
          flows are owned by address pair, hashed in software (keyed); rings of 1024 from lcore to lcore
            in and its pair: lcores 1 2 3
        memory
          socket 0: 29695 mbufs of 2176 bytes (128 headroom), about 68 MiB, cache 256
            4096 in receive rings + 6144 in transmit rings + 1536 in caches + 6144 in handoff rings + 4098 held \
        as fragments + 96 in bursts + 1152 in egress buffers = 23266 needed; 6429 to spare
        fragments
          IPv4 30.0 s, of any size; IPv6 60.0 s, of any size
          1366 fragments in 1366 mbufs, 2972416 bytes, of 1366 datagrams a worker, 712 KiB of tables; with 3 workers 4098 \
        mbufs in all
          at most 64 a datagram, 50 % of one source; the oldest make room from 90 % on down to 75 %
        tracking
          131072 connections and 131072 extensions a worker: 128 bytes a connection and 16 in the index, 64 an \
        extension; 24.0 MiB of segment and 2.0 MiB of index, with 3 workers 78.0 MiB in all
          outcomes are remembered once a connection is assured
          10 % for assured connections only, a sweep in 5.0 s, no further limit
          new connections: accepted
          packets with a wrong transport checksum: invalid
        rules
          none at start
          fail open: without rules packets pass
          flows leave a flow table after 30 s (TCP) and 30 s (UDP) without packets
        control
          control sockets in /run/dpdkfwd: control for root and the forwarder's user, control-ro for group of the process
          events are written while somebody has subscribed: 65536 events and 16384 ends kept, 20 MiB a worker
        policies
          without rules every packet with a sound IP header crosses its pair; unknown protocols cross untouched
          invalid transport headers, packets that fit no connection: dropped
          transport checksums: verified in software
          promiscuous on, link propagation on, idle sleep ramp
          bursts of 32, then 8 more attempts on a full transmit queue, then a drop
          ends after 0.5 s without packets, or on SIGINT or SIGTERM
          segment in /dev/shm, mode 0640, group of the process
        """)
  }

  @Test func `it says what holds without rules, and which are loaded`() throws {
    let text = try Host.plan([
      "rules": "/etc/dpdkfwd/rules.nft", "rules-fail": "closed", "flowtable-tcp-timeout": "60",
      "flowtable-udp-timeout": "10",
    ]).description
    for line in [
      "loaded from /etc/dpdkfwd/rules.nft, and again on SIGHUP", "fail closed: without rules packets are dropped",
      "flows leave a flow table after 60 s (TCP) and 10 s (UDP) without packets",
      "without rules no packet crosses; unknown protocols cross untouched",
    ] { #expect(text.contains("\n  \(line)"), "\(line)") }
    #expect(
      try Host.plan(["auto-flowtable": "on"]).description.contains("; without rules established flows are offloaded"))
    for words in [["rules-fail": "closed"], ["conntrack": "off"]] {
      let error = #expect(throws: PlanError.self) {
        try Host.plan(words.merging(["auto-flowtable": "on"]) { first, _ in first })
      }
      #expect(error?.problems.first?.hasPrefix("auto-flowtable") == true)
    }
  }

  @Test func `it says what connection tracking was told`() throws {
    let text = try Host.plan([
      "zone": "7:ports=0,limit=1000,asymmetric;8:vlan=100+200,direction=original;9", "new-drop-ports": "1",
      "conntrack-checksum": "on", "cache-after": "confirmed", "connections-total": "5000", "source-limit": "10",
      "connections": "1000", "extensions": "500",
    ]).description
    for line in [
      "1000 connections and 500 extensions a worker: 128 bytes a connection and 32 in the index, 64 an extension; "
        + "0.2 MiB of segment and 0.1 MiB of index, with 1 worker 0.2 MiB in all",
      "outcomes are remembered from the first packet on",
      "10 % for assured connections only, a sweep in 5.0 s, at most 5000 in all, 10 an address",
      "new connections: accepted, but dropped from port 1", "packets with a wrong transport checksum: invalid",
      "zone 7: port 0, at most 1000 connections, asymmetric", "zone 8: VLAN 100+200, in the original direction",
      "zone 9: no packets of its own", "transport checksums: verified in software",
      "checksums above IP are verified in software, since --conntrack-checksum is on",
    ] { #expect(text.contains("\n  \(line)"), "\(line)") }
    #expect(
      try Host.plan(["conntrack": "off"]).description.contains("\n  off: packets cross without regard to connections\n")
    )
  }

  @Test func `tracking is held against the ports, and new connections against tracking`() throws {
    #expect(
      try Host.problems(["zone": "7:ports=0+4", "new-drop-ports": "3"]) == [
        "new-drop-ports: there is no port 3 (there are 0, 1)", "zone 7: there is no port 4 (there are 0, 1)",
      ])
    #expect(
      try Host.problems(["conntrack": "off", "new": "drop"]) == [
        "packets that open a connection cannot be dropped without connection tracking"
      ])
  }

  @Test func `it names what is left out and what was changed`() throws {
    let plan = try Host.plan(
      ["pairs": "0:1", "rxd": "9000", "mtu": "4000", "steer": "port"],
      ports: [Host.port(0, rx: 1), Host.port(1, rx: 1), Host.port(2)].map { port in
        var port = port
        port.rxDescriptors.max = 4096
        return port
      }, lcores: Host.lcores(4))
    let text = plan.description
    #expect(text.contains("\n  port 2 has no pair and is left alone\n"))
    #expect(text.contains("\n  lcore 3 is idle: it has no queue\n"))
    #expect(text.contains("\n  each lcore owns the flows that it receives\n"))
    #expect(text.contains("\n  port 0 (net_null0) takes 4096 receive descriptors instead of 9000\n"))
    #expect(text.contains(", MTU 4000\n"))
  }
}
