internal import Steering

/// Makes a `Plan` step by step, each step from what the ones before it found, and collects every problem on the way.
struct Planner {
  let settings: Settings
  let ports: [PortFacts]  // by number
  let lcores: [LcoreFacts]  // by number
  var problems: [String] = []
  var notes: [String] = []

  init(settings: Settings, ports: [PortFacts], lcores: [LcoreFacts]) {
    self.settings = settings
    self.ports = ports.sorted { $0.id < $1.id }
    self.lcores = lcores.sorted { $0.id < $1.id }
  }

  /// The plan; `nil`, or to be ignored, when there are problems.
  mutating func plan() -> Plan? {
    let pairing = pairPorts()
    let paired = ports.filter { pairing[$0.id] != nil }
    let names = namePorts()
    let main = lcores.first(where: \.isMain)
    let pollers = lcores.count == 1 ? lcores : lcores.filter { !$0.isMain }
    guard let main, !pollers.isEmpty else {
      problems.append("EAL has no main lcore")
      return nil
    }
    // A port without a NUMA node of its own is served from main's.
    let socket = { (port: PortFacts) in port.socket < 0 ? main.socket : port.socket }

    checkLimits(of: paired)
    checkTracking()
    checkRules()
    let mapped = settings.queueMap.map { checked($0, paired, pollers) }
    let owners = owners(paired, pairing, pollers, mapped, socket)
    let assignments = mapped ?? dealt(paired, pollers, owners, socket)
    let receivers = Dictionary(grouping: assignments, by: \.port).mapValues { Set($0.map(\.lcore)).sorted() }
    // Who owns the flows of a pair sends on both its ports; otherwise who receives by one sends on the other.
    let senders = Dictionary(
      uniqueKeysWithValues: paired.map { ($0.id, owners[$0.id] ?? receivers[pairing[$0.id]!] ?? []) })
    let workers = makeWorkers(pollers, assignments, senders)
    let sockets = Set(paired.map(socket)).sorted()
    var planned: [Plan.Port] = []
    for facts in paired {
      let rxQueues = assignments.count { $0.port == facts.id }
      planned.append(
        Plan.Port(
          id: facts.id, name: names[facts.id]!, device: facts.device, driver: facts.driver, pair: pairing[facts.id]!,
          socket: socket(facts), rxQueues: rxQueues,
          txQueues: transmitQueues(of: facts, senders: senders[facts.id]!.count, rxQueues: rxQueues),
          rxDescriptors: descriptors("receive", settings.rxd, facts.rxDescriptors, facts),
          txDescriptors: descriptors("transmit", settings.txd, facts.txDescriptors, facts),
          mtu: settings.mtu, poolIndex: sockets.firstIndex(of: socket(facts))!,
          owners: workers.indices.filter { owners[facts.id]?.contains(workers[$0].lcore) ?? false }))
    }
    let steering = steering(planned, paired, workers)
    checkFragments(workers)
    guard problems.isEmpty else { return nil }
    let fragments = fragments(sockets, planned, workers, main)
    checkShare(fragments)
    return Plan(
      settings: settings, ports: planned, workers: workers, steering: steering,
      pools: sockets.compactMap { pool(socket: $0, planned, workers, main, fragments) }, fragments: fragments,
      supervisorPolls: lcores.count == 1,
      idleLcores: pollers.map(\.id).filter { id in !workers.contains { $0.lcore == id } },
      unusedPorts: ports.map(\.id).filter { pairing[$0] == nil }, notes: notes)
  }
}

// MARK: Ports

extension Planner {
  /// The pair of each port, in both directions.
  private mutating func pairPorts() -> [Int: Int] {
    var pairing: [Int: Int] = [:]
    if ports.isEmpty {
      problems.append("there is no port: give EAL devices, such as --vdev net_null0 --vdev net_null1, or bind a NIC")
    }
    guard let given = settings.pairs else {
      for index in stride(from: 0, to: ports.count - 1, by: 2) {
        pairing[ports[index].id] = ports[index + 1].id
        pairing[ports[index + 1].id] = ports[index].id
      }
      if let last = ports.last, pairing[last.id] == nil {
        problems.append("\(title(last)) has no neighbour to be paired with: add a port, or say --pairs")
      }
      return pairing
    }
    for pair in given {
      for port in [pair.a, pair.b] where !ports.contains(where: { $0.id == port }) {
        problems.append("pair \(pair): there is no port \(port)\(range(of: ports.map(\.id)))")
      }
      pairing[pair.a] = pair.b
      pairing[pair.b] = pair.a
    }
    return pairing
  }

  private mutating func namePorts() -> [Int: String] {
    for port in settings.portNames.keys.sorted() where !ports.contains(where: { $0.id == port }) {
      problems.append("port-names: there is no port \(port)\(range(of: ports.map(\.id)))")
    }
    var names: [Int: String] = [:]
    for port in ports {
      let name = settings.portNames[port.id] ?? "port\(port.id)"
      if let other = names.first(where: { $0.value == name })?.key {
        problems.append("ports \(other) and \(port.id) are both called \(name)")
      }
      names[port.id] = name
    }
    return names
  }

  private mutating func checkLimits(of paired: [PortFacts]) {
    for port in paired {
      if let mtu = settings.mtu, mtu > port.maxMTU {
        problems.append("\(title(port)) has an MTU of at most \(port.maxMTU): \(mtu) is too large")
      }
      if settings.rxChecksum == .hardware, !port.verifiesChecksums {
        problems.append("\(title(port)) cannot verify checksums: say --rx-checksum software, or off")
      }
    }
    let room = settings.mbufSize - Settings.headroom
    if let mtu = settings.mtu, mtu + 14 > room {
      notes.append("frames of more than \(room) bytes arrive as chains of mbufs; --mbuf-size decides")
    }
  }

  /// What connection tracking says of ports that are there or not.
  private mutating func checkTracking() {
    func isThere(_ port: Int) -> Bool { ports.contains { $0.id == port } }
    for port in settings.newDropPorts.sorted() where !isThere(port) {
      problems.append("new-drop-ports: there is no port \(port)\(range(of: ports.map(\.id)))")
    }
    for zone in settings.tracking.zones {
      for port in zone.ports where !isThere(port) {
        problems.append("zone \(zone.id): there is no port \(port)\(range(of: ports.map(\.id)))")
      }
    }
    let tracks = settings.tracking.isEnabled
    if !tracks, settings.new == .drop || !settings.newDropPorts.isEmpty {
      problems.append("packets that open a connection cannot be dropped without connection tracking")
    }
    if tracks, settings.rxChecksum == .off, settings.trackingChecksum {
      notes.append("checksums above IP are verified in software, since --conntrack-checksum is on")
    }
  }

  private mutating func descriptors(
    _ direction: String, _ wanted: Int, _ limits: DescriptorLimits, _ port: PortFacts
  ) -> Int {
    let count = limits.nearest(to: wanted)
    if count != wanted { notes.append("\(title(port)) takes \(count) \(direction) descriptors instead of \(wanted)") }
    return count
  }
}

// MARK: Queues

extension Planner {
  /// The user's map, every queue of every paired port checked to have its lcore.
  private mutating func checked(
    _ map: [QueueAssignment], _ paired: [PortFacts], _ pollers: [LcoreFacts]
  ) -> [QueueAssignment] {
    for entry in map {
      let port = paired.first { $0.id == entry.port }
      if port == nil {
        problems.append("queue-map \(entry): there is no paired port \(entry.port)\(range(of: paired.map(\.id)))")
      } else if let port, entry.queue >= port.maxRxQueues {
        problems.append("queue-map \(entry): \(title(port)) has \(count(port.maxRxQueues, "receive queue"))")
      }
      guard !pollers.contains(where: { $0.id == entry.lcore }) else { continue }
      if lcores.contains(where: { $0.id == entry.lcore }) {
        problems.append("queue-map \(entry): lcore \(entry.lcore) is main, which polls only when it is alone")
      } else {
        problems.append("queue-map \(entry): there is no lcore \(entry.lcore)\(range(of: pollers.map(\.id)))")
      }
    }
    for port in paired {
      let named = Set(map.filter { $0.port == port.id && $0.queue < port.maxRxQueues }.map(\.queue))
      let queues = settings.rxq ?? max(1, (named.max() ?? 0) + 1)
      checkReceiveQueues(queues, of: port)
      for queue in 0..<min(queues, port.maxRxQueues) where !named.contains(queue) {
        problems.append("queue-map: queue \(queue) of \(title(port)) has no lcore")
      }
      if let beyond = named.max(), beyond >= queues {
        problems.append("queue-map: queue \(beyond) of \(title(port)) is beyond --rxq \(queues)")
      }
    }
    return map
  }

  /// Queues dealt out one by one, to those who own the port's flows or else to the workers of its socket, if there is
  /// one: each to the worker with the fewest queues of that port, then to one of its socket, and then to the one with
  /// the fewest queues.
  private mutating func dealt(
    _ paired: [PortFacts], _ pollers: [LcoreFacts], _ owners: [Int: [Int]], _ socket: (PortFacts) -> Int
  ) -> [QueueAssignment] {
    var dealt: [QueueAssignment] = []
    var load: [Int: Int] = [:]  // queues of each lcore
    for port in paired {
      let local = pollers.filter { $0.socket == socket(port) }.map(\.id)
      let candidates = owners[port.id] ?? (local.isEmpty ? pollers.map(\.id) : local)
      let queues = settings.rxq ?? max(1, min(port.maxRxQueues, candidates.count))
      checkReceiveQueues(queues, of: port)
      if queues < port.maxRxQueues, port.driver == "net_pcap" {
        notes.append("\(title(port)) reads \(queues) of its \(port.maxRxQueues) sources; --rxq reads more")
      }
      var share: [Int: Int] = [:]  // this port's queues of each lcore
      for queue in 0..<queues {
        let rank = { (lcore: Int) in
          (share[lcore, default: 0], local.contains(lcore) ? 0 : 1, load[lcore, default: 0])
        }
        let lcore = candidates.min { rank($0) < rank($1) }!
        share[lcore, default: 0] += 1
        load[lcore, default: 0] += 1
        dealt.append(QueueAssignment(port: port.id, queue: queue, lcore: lcore))
      }
    }
    return dealt
  }

  private mutating func checkReceiveQueues(_ queues: Int, of port: PortFacts) {
    guard queues > port.maxRxQueues else { return }
    problems.append("\(title(port)) has \(count(port.maxRxQueues, "receive queue")): \(queues) are asked for")
  }

  /// One queue for each worker that sends on the port, so that none is shared.
  private mutating func transmitQueues(of port: PortFacts, senders: Int, rxQueues: Int) -> Int {
    var queues = max(settings.txq ?? 0, senders)
    if let txq = settings.txq, txq < senders {
      problems.append("\(title(port)): \(senders) lcores send on it, each on a queue of its own, and --txq is \(txq)")
    }
    if Self.wantsEqualQueues(port), queues != rxQueues {
      if queues > rxQueues {
        problems.append(
          "\(title(port)) must have as many receive as transmit queues: it needs \(queues) and has \(rxQueues); "
            + "say --rxq \(queues)")
      }
      queues = max(queues, rxQueues)
    }
    if queues > port.maxTxQueues {
      let why =
        queues == senders ? "\(senders) lcores send on it, each on a queue of its own" : "\(queues) are asked for"
      let remedy =
        port.driver == "net_pcap" ? "; give it a tx_pcap= (or tx_iface=) for each, or use fewer lcores" : ""
      problems.append("\(title(port)) has \(count(port.maxTxQueues, "transmit queue")): \(why)\(remedy)")
    }
    return queues
  }

  /// net_tap refuses to be configured otherwise; what net_ring sends by a queue that nobody polls stays there.
  static func wantsEqualQueues(_ port: PortFacts) -> Bool { ["net_tap", "net_ring"].contains(port.driver) }

  private func makeWorkers(
    _ pollers: [LcoreFacts], _ assignments: [QueueAssignment], _ senders: [Int: [Int]]
  ) -> [Plan.Worker] {
    pollers.compactMap { lcore in
      let receive = assignments.filter { $0.lcore == lcore.id }
        .map { PortQueue(port: $0.port, queue: $0.queue) }.sorted { ($0.port, $0.queue) < ($1.port, $1.queue) }
      let transmit = senders.compactMap { port, lcores in
        lcores.firstIndex(of: lcore.id).map { PortQueue(port: port, queue: $0) }
      }
      guard !receive.isEmpty || !transmit.isEmpty else { return nil }
      return Plan.Worker(
        lcore: lcore.id, socket: lcore.socket, receive: receive, transmit: transmit.sorted { $0.port < $1.port })
    }
  }
}

// MARK: Memory

extension Planner {
  private mutating func pool(
    socket: Int, _ ports: [Plan.Port], _ workers: [Plan.Worker], _ main: LcoreFacts, _ fragments: Plan.Fragments?
  ) -> Plan.Pool? {
    var (need, users, keepers) = need(socket: socket, ports, workers, main)
    need.fragments = users * (fragments?.mbufs ?? 0)
    let (pool, needed) = Plan.Pool.sized(
      socket: socket, wanted: settings.mbufs, mbufSize: settings.mbufSize, lcores: keepers, need: need)
    if let wanted = settings.mbufs, pool == nil {
      problems.append("--mbufs \(wanted) is too small for the pool of socket \(socket): \(needed)")
    }
    return pool
  }

  /// What a pool must have besides caches and fragments, the workers that get packets of it, and the lcores that keep a
  /// cache of it.
  private func need(
    socket: Int, _ ports: [Plan.Port], _ workers: [Plan.Worker], _ main: LcoreFacts
  ) -> (need: PoolNeed, users: Int, keepers: Int) {
    let fed = ports.filter { $0.socket == socket }
    let fedIDs = Set(fed.map(\.id))
    var need = PoolNeed()
    for port in fed {
      need.receiveRings += port.rxQueues * port.rxDescriptors
      // Its packets wait in the rings of the port that sends them.
      for egress in ports where egress.id == port.pair { need.transmitRings += egress.txQueues * egress.txDescriptors }
    }
    // Main fills the receive rings when it starts the ports, and keeps a cache from then on.
    var keepers: Set<Int> = [main.id]
    var users = 0
    for (index, worker) in workers.enumerated() {
      let owned = fed.filter { $0.owners.contains(index) }.map(\.id)
      let from = Set(worker.receive.map(\.port) + owned).intersection(fedIDs)
      guard !from.isEmpty else { continue }
      users += 1
      for other in workers.indices where other != index {
        let given = ports.filter { port in
          fedIDs.contains(port.id) && port.owners.contains(other)
            && (worker.receive.contains { $0.port == port.id } || assembles && port.owners.contains(index))
        }
        need.handoffRings += given.isEmpty ? 0 : Plan.handoffRing(settings, workers: workers.count)
      }
      keepers.insert(worker.lcore)
      need.bursts += settings.burst
      for port in fed where from.contains(port.id) {
        let ring = ports.first { $0.id == port.pair }?.txDescriptors ?? 0
        need.egressBuffers += 2 * settings.burst + (settings.reassembly.isOn ? min(ring, together) : 0)
      }
    }
    return (need, users, keepers.count)
  }

  private var together: Int { max(128, settings.reassembly.perDatagram) }

  /// Workers that share flows hand whole datagrams on.
  private var assembles: Bool { settings.steer != .port && settings.reassembly.isOn }

  /// What each worker may hold of fragments: its part of what was asked for, or else of the usual, as far as a pool of
  /// given size has it to spare.
  private func fragments(
    _ sockets: [Int], _ ports: [Plan.Port], _ workers: [Plan.Worker], _ main: LcoreFacts
  ) -> Plan.Fragments? {
    let own = settings.reassembly
    guard own.isOn else { return nil }
    func share(_ total: Int) -> Int { max(ReassemblySettings.fewest, (total + workers.count - 1) / workers.count) }
    let affordable = ReassemblySettings.standardBytes / Plan.Pool.elementSize(mbufSize: settings.mbufSize)
    var fragments = share(own.wanted ?? min(ReassemblySettings.standard, affordable))
    if own.wanted == nil, own.mbufs == nil, let wanted = settings.mbufs {
      for socket in sockets {
        let (need, users, keepers) = need(socket: socket, ports, workers, main)
        // The largest caches that leave enough, as the pool will choose them.
        let left = [256, 128, 64, 32].map { (wanted - need.total - keepers * $0 * 3 / 2) / max(1, users) }
        let spare = left.first { $0 >= ReassemblySettings.fewest } ?? ReassemblySettings.fewest
        fragments = min(fragments, spare)
      }
    }
    let mbufs = own.mbufs.map(share) ?? fragments
    return Plan.Fragments(
      workers: workers.count, fragments: fragments, mbufs: mbufs,
      bytes: own.bytes.map { max(Self.longestDatagram, ($0 + workers.count - 1) / workers.count) }
        ?? mbufs * settings.mbufSize,
      datagrams: own.datagrams.map(share) ?? fragments, together: together)
  }

  private mutating func checkFragments(_ workers: [Plan.Worker]) {
    let own = settings.reassembly
    if own.low > own.high {
      problems.append("--frag-low-watermark \(own.low) is above --frag-high-watermark \(own.high)")
    }
    if own.isOn, settings.steer == .port, workers.count > 1 {
      notes.append(
        "fragments of one datagram that ports spread over several lcores never meet, since --steer is port")
    }
  }

  /// A worker may hold that much at least.
  private static let longestDatagram = 65_536

  /// A datagram with more fragments than its source may have is never whole, and one with more than a ring holds reaches
  /// no other worker.
  private mutating func checkShare(_ fragments: Plan.Fragments?) {
    guard let fragments else { return }
    let ring = Plan.handoffRing(settings, workers: fragments.workers)
    if settings.steer == .fiveTuple, fragments.workers > 1, ring <= settings.reassembly.perDatagram {
      notes.append(
        "datagrams of more than \(ring - 1) fragments are dropped where another lcore owns their flow; --handoff-ring "
          + "decides")
    }
    let share = max(1, min(fragments.fragments, fragments.mbufs) * settings.reassembly.sourceShare / 100)
    guard settings.reassembly.sourceShare < 100, share < settings.reassembly.perDatagram else { return }
    notes.append(
      "a datagram can have \(count(share, "fragment")), not \(settings.reassembly.perDatagram): more of one source no "
        + "worker may hold; --frag-max and --frag-source-share decide")
  }
}

// MARK: Words

extension Planner {
  func title(_ port: PortFacts) -> String { "port \(port.id) (\(port.device))" }

  private func count(_ number: Int, _ thing: String) -> String { "\(number) \(thing)\(number == 1 ? "" : "s")" }

  /// What there is instead, in brackets; nothing when there is nothing.
  private func range(of ids: [Int]) -> String {
    ids.isEmpty ? "" : " (there \(ids.count == 1 ? "is" : "are") \(ids.map(String.init).joined(separator: ", ")))"
  }
}
