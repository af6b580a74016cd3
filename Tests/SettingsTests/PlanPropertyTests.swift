import Steering
import Testing

@testable import Settings

/// xorshift64*: the same maps in every run.
private struct Seeded: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 0x2545_F491_4F6C_DD1D
  }
}

@Suite struct `Any plan` {
  /// What a worker owns, no other worker touches: receive queues, transmit queues.
  private func check(_ plan: Plan) {
    let receive = plan.workers.flatMap(\.receive)
    let transmit = plan.workers.flatMap(\.transmit)
    #expect(Set(receive).count == receive.count)
    #expect(Set(transmit).count == transmit.count)
    for port in plan.ports {
      #expect(receive.filter { $0.port == port.id }.map(\.queue).sorted() == Array(0..<port.rxQueues))
      #expect(transmit.filter { $0.port == port.id }.allSatisfy { (0..<port.txQueues).contains($0.queue) })
      let pool = plan.pools[port.poolIndex]
      #expect(pool.socket == port.socket)
      #expect(pool.need.total <= pool.mbufs)
      #expect(pool.cache <= 512 && pool.cache * 3 / 2 <= pool.mbufs)
    }
    for worker in plan.workers {
      #expect(Set(worker.transmit.map(\.port)).count == worker.transmit.count)
      guard plan.settings.steer == .port || plan.workers.count == 1 else { continue }
      let egress = Set(worker.receive.map { queue in plan.ports.first { $0.id == queue.port }!.pair })
      #expect(Set(worker.transmit.map(\.port)) == egress)
    }
    for port in plan.ports where plan.settings.steer != .port && plan.workers.count + plan.idleLcores.count > 1 {
      // Who owns a flow sends both ways, and nobody else does.
      #expect(!port.owners.isEmpty)
      #expect(plan.ports.first { $0.id == port.pair }?.owners == port.owners)
      #expect(
        port.owners
          == plan.workers.indices.filter { plan.workers[$0].transmit.contains { $0.port == port.id } })
    }
    for worker in plan.workers.indices {
      // What may be handed to a worker is what it owns.
      for giver in plan.sources(of: worker) {
        #expect(giver != worker)
        #expect(plan.handedOver(from: giver, to: worker).allSatisfy { $0.owners.contains(worker) })
      }
    }
    #expect(Set(plan.idleLcores).isDisjoint(with: plan.workers.map(\.lcore)))
  }

  /// The fewest transmit queues of a port.
  private func tx(of ports: [PortFacts]) -> Int { ports.map(\.maxTxQueues).min() ?? 0 }

  @Test(arguments: 1...200) func `gives each queue to one worker, dealt out or mapped`(seed: Int) throws {
    var random = Seeded(state: UInt64(seed) &* 0x9E37_79B9_7F4A_7C15)
    let sockets = Int.random(in: 1...3, using: &random)
    let ports = (0..<2 * Int.random(in: 1...4, using: &random)).map { id in
      Host.port(
        id, socket: Int.random(in: -1..<sockets, using: &random), rx: Int.random(in: 1...8, using: &random),
        tx: seed.isMultiple(of: 3) ? Int.random(in: 1...4, using: &random) : 16)
    }
    let steer = ["address-pair", "five-tuple", "port"][tx(of: ports) < 12 ? seed % 2 : seed % 3]
    let lcores = (0..<Int.random(in: 1...12, using: &random)).map {
      LcoreFacts(id: $0 * 2, socket: Int.random(in: 0..<sockets, using: &random), isMain: $0 == 0)
    }
    check(try Host.plan(["steer": steer], ports: ports, lcores: lcores))

    let pollers = lcores.count == 1 ? lcores : Array(lcores.dropFirst())
    let map = ports.flatMap { port in
      (0..<Int.random(in: 1...port.maxRxQueues, using: &random)).map { queue in
        QueueAssignment(port: port.id, queue: queue, lcore: pollers.randomElement(using: &random)!.id)
      }
    }.shuffled(using: &random)
    let mapped = try Host.plan(
      ["queue-map": map.map(\.description).joined(separator: ","), "steer": steer], ports: ports, lcores: lcores)
    check(mapped)
    for worker in mapped.workers {
      let wanted = map.filter { $0.lcore == worker.lcore }.map { PortQueue(port: $0.port, queue: $0.queue) }
      #expect(Set(worker.receive) == Set(wanted))
    }
  }
}
