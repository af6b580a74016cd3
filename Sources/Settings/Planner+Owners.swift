internal import Steering

// Who owns the flows of a pair of ports: workers that can send on both.

extension Planner {
  /// The lcores that own the flows of each port, the same for the two of a pair; nothing when every worker owns what it
  /// receives.
  ///
  /// All lcores of the pair's sockets (or all there are) own flows, as far as both ports have transmit queues: first
  /// those that receive by the pair, then those that own for the fewest pairs.
  mutating func owners(
    _ paired: [PortFacts], _ pairing: [Int: Int], _ pollers: [LcoreFacts], _ mapped: [QueueAssignment]?,
    _ socket: (PortFacts) -> Int
  ) -> [Int: [Int]] {
    guard settings.steer != .port, pollers.count > 1 else { return [:] }
    var owners: [Int: [Int]] = [:]
    var load: [Int: Int] = [:]  // pairs of each lcore
    for port in paired {
      guard let peer = paired.first(where: { $0.id == pairing[port.id] }), port.id < peer.id else { continue }
      let receivers = Set((mapped ?? []).filter { [port.id, peer.id].contains($0.port) }.map(\.lcore))
      let local = pollers.filter { [socket(port), socket(peer)].contains($0.socket) || receivers.contains($0.id) }
      let candidates = (local.isEmpty ? pollers : local).map(\.id)
      let rank = { (lcore: Int) in (receivers.contains(lcore) ? 0 : 1, load[lcore, default: 0], lcore) }
      let most = max(1, min(transmitQueues(of: port, mapped), transmitQueues(of: peer, mapped)))
      let chosen = candidates.sorted { rank($0) < rank($1) }.prefix(most).sorted()
      if chosen.count < candidates.count {
        notes.append(
          "\(title(port)) and \(title(peer)): \(chosen.count) of \(candidates.count) lcores own their flows, for want of "
            + "transmit queues")
      }
      for lcore in chosen { load[lcore, default: 0] += 1 }
      owners[port.id] = chosen
      owners[peer.id] = chosen
    }
    return owners
  }

  /// How many transmit queues a port can have.
  private func transmitQueues(of port: PortFacts, _ mapped: [QueueAssignment]?) -> Int {
    var queues = min(port.maxTxQueues, settings.txq ?? .max)
    if Self.wantsEqualQueues(port) {
      queues = min(queues, mapped?.count { $0.port == port.id } ?? settings.rxq ?? port.maxRxQueues)
    }
    return queues
  }

  /// How packets find their owners; `nil` when nobody has a packet to hand over.
  func steering(_ ports: [Plan.Port], _ facts: [PortFacts], _ workers: [Plan.Worker]) -> Plan.Steering? {
    let isShared = ports.contains { port in
      workers.indices.contains { index in
        workers[index].receive.contains { $0.port == port.id } && !port.owners.isEmpty && port.owners != [index]
      }
    }
    guard isShared else { return nil }
    let tables = ports.filter { $0.rxQueues > 1 }.map { port in
      facts.first { $0.id == port.id }.map(\.spreadTable) ?? 0
    }
    let byPorts =
      settings.steer == .addressPair && !tables.isEmpty && tables.allSatisfy { $0 > 0 && $0 & ($0 - 1) == 0 }
    return Plan.Steering(
      by: settings.steer, byPorts: byPorts, period: byPorts ? tables.min()! : OwnerTable.fewestBuckets)
  }
}
