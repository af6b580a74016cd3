import Primitives
import Steering

extension Plan: CustomStringConvertible {
  /// What `--dry-run` prints and the log says at start.
  public var description: String {
    let sections = [
      ("ports", ports.map(line) + unusedPorts.map { "port \($0) has no pair and is left alone" }),
      ("lcores", workers.map(line) + idleLcores.map { "lcore \($0) is idle: it has no queue" } + supervisor + owners),
      ("memory", pools.flatMap(lines)),
      ("fragments", fragmentLines),
      ("tracking", trackingLines),
      ("rules", ruleLines),
      ("control", controlLines),
      ("policies", policies),
      ("notes", notes),
    ]
    return sections.filter { !$0.1.isEmpty }.map { title, lines in
      ([title] + lines.map { "  " + $0 }).joined(separator: "\n")
    }.joined(separator: "\n")
  }

  private func line(_ port: Port) -> String {
    let pair = ports.first { $0.id == port.pair }?.name ?? "\(port.pair)"
    let mtu = port.mtu.map { "MTU \($0)" } ?? "MTU as it is"
    return "\(port.id) \(port.name): \(port.device) (\(port.driver)), socket \(port.socket), pair \(pair), "
      + "rx \(port.rxQueues) x \(port.rxDescriptors), tx \(port.txQueues) x \(port.txDescriptors), \(mtu)"
  }

  private func line(_ worker: Worker) -> String {
    "lcore \(worker.lcore): socket \(worker.socket), receives \(list(worker.receive)), sends \(list(worker.transmit)) "
      + "(port/queue)"
  }

  private func list(_ queues: [PortQueue]) -> String {
    queues.isEmpty ? "nothing" : queues.map(\.description).joined(separator: " ")
  }

  private var owners: [String] {
    guard let steering else {
      return workers.count > 1 ? ["each lcore owns the flows that it receives"] : []
    }
    let what = steering.by == .addressPair ? "address pair" : "five-tuple"
    let how = steering.byPorts ? "as the ports spread them (Toeplitz, random key)" : "in software (keyed)"
    return [
      "flows are owned by \(what), hashed \(how); rings of \(handoffRing) from lcore to lcore"
    ]
      + ports.filter { $0.id < $0.pair }.map { port in
        "  \(port.name) and its pair: lcores " + port.owners.map { "\(workers[$0].lcore)" }.joined(separator: " ")
      }
  }

  private var supervisor: [String] {
    [supervisorPolls ? "main is alone: it polls and supervises" : "main supervises"]
  }

  private func lines(_ pool: Pool) -> [String] {
    [
      "socket \(pool.socket): \(pool.mbufs) mbufs of \(pool.mbufSize) bytes (\(Settings.headroom) headroom), "
        + "about \(pool.bytes >> 20) MiB, cache \(pool.cache)",
      "  \(pool.need); \(pool.mbufs - pool.need.total) to spare",
    ]
  }

  private var policies: [String] {
    return [
      (settings.rules.fail == .open
        ? "without rules every packet with a sound IP header crosses its pair"
        : "without rules no packet crosses") + "; unknown protocols cross untouched",
      "invalid transport headers\(tracking == nil ? "" : ", packets that fit no connection"): "
        + (settings.invalid == .forward ? "counted and forwarded" : "dropped"),
      "transport checksums: "
        + (settings.effectiveRxChecksum == .off ? "not verified" : "verified in \(settings.effectiveRxChecksum)"),
      "promiscuous \(word(settings.promiscuous)), link propagation \(word(settings.linkPropagation)), "
        + "idle sleep \(settings.idleSleep)",
      "bursts of \(settings.burst), then \(settings.txRetries) more attempts on a full transmit queue, then a drop",
      "ends " + ends.joined(separator: ", or "),
      "segment in \(settings.segmentHugetlbfs ?? "/dev/shm"), mode 0\(String(settings.segmentMode, radix: 8)), "
        + "group \(settings.segmentGroup ?? "of the process")",
    ]
  }

  private var ends: [String] {
    let limits = [
      settings.idleExit.map { "after \($0.seconds) s without packets" },
      settings.duration.map { "after \($0.seconds) s" },
    ].compactMap(\.self)
    return limits + ["on SIGINT or SIGTERM"]
  }

  private func word(_ on: Bool) -> String { on ? "on" : "off" }
}

extension PoolNeed: CustomStringConvertible {
  public var description: String {
    "\(receiveRings) in receive rings + \(transmitRings) in transmit rings + \(caches) in caches + "
      + (handoffRings > 0 ? "\(handoffRings) in handoff rings + " : "")
      + (fragments > 0 ? "\(fragments) held as fragments + " : "") + "\(bursts) in bursts "
      + "+ \(egressBuffers) in egress buffers = \(total) needed"
  }
}
