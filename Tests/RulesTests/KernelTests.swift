import Foundation
import Primitives
import Rules
import Ruleset
import TestSupport
import Testing
import Wire

/// Issue 7: seeded random rulesets and packets against the Linux kernel, by what its rules counted. Needs root, nft and
/// network namespaces, and skips without.
@Suite struct KernelTests {
  /// Each of the packets crosses a router that has the rules; `DPDKFWD_KERNEL_ROUNDS` asks for more rulesets.
  @Test(.enabled(if: Kernel.isThere, "no root, nft, python3 or network namespaces"))
  func `rules count what the kernel's count`() throws {
    let rounds = ProcessInfo.processInfo.environment["DPDKFWD_KERNEL_ROUNDS"].flatMap(Int.init) ?? 4
    var chance = SeededGenerator.forThisRun()
    var telling = 0
    for _ in 0..<rounds {
      let seed = chance.next()
      var generator = KernelGenerator(chance: SeededGenerator(seed: seed))
      let text = try Kernel.accepted(generator.text())
      let frames = generator.frames(600)
      let counted = try Kernel.counted(text, frames)
      let ours = try Router(text).counted(frames)
      let isSame = counted == ours
      #expect(isSame, "seed \(seed)\n\(difference(text, kernel: counted, ours: ours))\n\(text)")
      if !isSame { return }
      telling += ours.count { $0 > 0 }
    }
    // Rules that nothing comes to would show nothing.
    #expect(telling > 10 * rounds)
  }

  /// Each counter that differs, with its rule: a listing has the order of the text.
  private func difference(_ text: String, kernel: [Int], ours: [Int]) -> String {
    guard kernel.count == ours.count else { return "kernel has \(kernel.count) counters, not \(ours.count)" }
    let rules = text.split(separator: "\n").flatMap { line in
      Array(repeating: line, count: line.split(separator: " ").count { $0 == "counter" })
    }
    return kernel.indices.filter { kernel[$0] != ours[$0] }.map { place in
      "kernel \(kernel[place]), ours \(ours[place]):\(place < rules.count ? rules[place] : "?")"
    }.joined(separator: "\n")
  }
}

/// A router in a namespace of its own: frames go in at `a1` or `b1` and are routed out at the other.
enum Kernel {
  static let isThere: Bool = {
    let answer = try? counted("table ip t {\n chain c {\n counter\n }\n}\n", [])
    return answer == [0]
  }()

  /// What each counter of the listing, in order, has counted: packets.
  static func counted(_ rules: String, _ frames: [KernelFrame]) throws -> [Int] {
    let folder = FileManager.default.temporaryDirectory.appending(path: "rules-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func write(_ text: String, _ name: String) throws { try Data(text.utf8).write(to: folder.appending(path: name)) }
    try write(rules, "rules.nft")
    try write(frames.map { "\($0.port) \(hex($0.frame.bytes))\n" }.joined(), "frames")
    try write(sender, "send.py")
    let script = """
      cd '\(folder.path)' || exit 1
      set -e
      for port in a b; do
        ip link add ${port}0 type veth peer name ${port}1
        ip link set ${port}1 address 02:00:00:00:00:02
        for side in 0 1; do
          echo 1 > /proc/sys/net/ipv6/conf/${port}$side/disable_ipv6
        done
        ip link set ${port}0 up arp off
        ip link set ${port}1 up
        echo 0 > /proc/sys/net/ipv6/conf/${port}1/disable_ipv6
        echo 0 > /proc/sys/net/ipv4/conf/${port}1/rp_filter
      done
      echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter
      echo 1 > /proc/sys/net/ipv4/ip_forward
      echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
      ip address add 10.0.0.254/24 dev a1
      ip address add 10.0.1.254/24 dev b1
      ip address add 2001:db8::fe/64 dev a1 nodad
      ip address add 2001:db8:1::fe/64 dev b1 nodad
      for x in 1 2 3 4 5 6 7 8; do
        ip neighbour add 10.0.0.$x lladdr 02:00:00:00:01:01 dev a1
        ip neighbour add 10.0.1.$x lladdr 02:00:00:00:01:01 dev b1
        ip neighbour add 2001:db8::$x lladdr 02:00:00:00:01:01 dev a1
        ip neighbour add 2001:db8:1::$x lladdr 02:00:00:00:01:01 dev b1
      done
      nft -f rules.nft
      python3 send.py < frames
      nft list ruleset > listing
      """
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["unshare", "-n", "-m", "sh", "-c", script]
    process.standardOutput = FileHandle.nullDevice
    let complaints = Pipe()
    process.standardError = complaints
    try process.run()
    let said = String(decoding: complaints.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0,
      let listing = FileManager.default.contents(atPath: folder.appending(path: "listing").path)
    else { throw Failure(description: said) }
    return String(decoding: listing, as: UTF8.self).matches(of: #/counter packets ([0-9]+)/#).map { Int($0.output.1)! }
  }

  /// The text without the rules, each on its line, that nft refuses.
  static func accepted(_ text: String) throws -> String {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    while true {
      let check = Process()
      check.executableURL = URL(filePath: "/usr/bin/env")
      check.arguments = ["unshare", "-n", "nft", "-c", "-f", "-"]
      let (input, complaints) = (Pipe(), Pipe())
      check.standardInput = input
      check.standardOutput = FileHandle.nullDevice
      check.standardError = complaints
      try check.run()
      input.fileHandleForWriting.write(Data(lines.joined(separator: "\n").utf8))
      try input.fileHandleForWriting.close()
      let said = String(decoding: complaints.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      check.waitUntilExit()
      if check.terminationStatus == 0 { return lines.joined(separator: "\n") }
      let refused = Set(said.matches(of: #/stdin:([0-9]+):[0-9]/#).compactMap { Int($0.output.1) })
      guard !refused.isEmpty else { throw Failure(description: said) }
      for line in refused.sorted().reversed() { lines.remove(at: line - 1) }
    }
  }

  struct Failure: Error, CustomStringConvertible { var description: String }

  private static func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// On one CPU, so that no frame overtakes another, and until the kernel has done what it put off.
  private static let sender = """
    import os, socket, sys, time
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    ports = {}
    for name in ('a0', 'b0'):
        ports[name] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        ports[name].bind((name, 0))
    for line in sys.stdin:
        port, frame = line.split()
        ports[port].send(bytes.fromhex(frame))
    while any(int(line.split()[11], 16) for line in open('/proc/net/softnet_stat')): time.sleep(0.01)

    """
}

extension ConnectionFacts {
  fileprivate var isTracked: Bool { isKnown && state & (1 | 64) == 0 }
}

struct KernelFrame {
  /// Where it is sent from: `a0` or `b0`.
  var port: String
  var frame: Frame
  /// One for each flow, and whether it goes against the flow's first packet.
  var flow: Int
  var isReply: Bool
}

/// Our side of the router: the hooks in their order, around a table of flows that knows just enough.
private final class Router {
  private static let ports = ["a1", "b1"]
  private let ruleset: Ruleset
  private let states = RuleStates(workers: 1, secret: HashSecret(seed: 1))
  private let program: RuleProgram
  private let engine: EngineBox
  private let packets = Packets()
  private var flows: [Int: Flow] = [:]
  private let now = Instant(nanoseconds: 1_000_000_000_000)

  private struct Flow {
    var facts: ConnectionFacts
  }

  init(_ text: String) throws {
    ruleset = try RulesetReader(ports: Router.ports).run(RulesetSource(name: "rules", text: text), on: Ruleset())
      .ruleset
    program = try RuleProgram(ruleset, ports: Router.ports, states: states, at: now)
    engine = EngineBox(states.engine(worker: 0))
    engine.engine.adopt(program.view)
  }

  /// What each counter has counted, in the order of a listing.
  func counted(_ frames: [KernelFrame]) -> [Int] {
    for frame in frames { cross(frame) }
    return ruleset.tables.flatMap { table in
      table.counters.map { Int(states.counter($0.counter.state).packets) }
        + table.chains.flatMap(\.rules).flatMap(\.statements).compactMap { statement in
          guard case .counter(let counter) = statement else { return nil }
          return Int(states.counter(counter.state).packets)
        }
    }
  }

  private func cross(_ frame: KernelFrame) {
    let ingress: UInt16 = frame.port == "a0" ? 0 : 1
    var packet = packets.packet(frame.frame, ingress: ingress)
    guard passes(.ingress, &packet), passes(.raw, &packet) else { return }
    track(frame, &packet)
    let isNew = packet.connection.state == 8 && flows[frame.flow] == nil
    guard passes(.prerouting, &packet) else { return keep(frame, packet, isNew) }
    packet.egress = 1 - ingress
    guard passes(.forward, &packet) else { return keep(frame, packet, isNew) }
    let isSent = passes(.postrouting, &packet)
    guard isSent else { return keep(frame, packet, isNew) }
    packet.connection.status |= 8
    keep(frame, packet, false)
  }

  private func passes(_ hook: RuleHook, _ packet: inout RulePacket) -> Bool {
    engine.engine.judge(hook, &packet, at: now) == .accept
  }

  /// A new connection that was dropped on its way is not kept.
  private func keep(_ frame: KernelFrame, _ packet: RulePacket, _ isDropped: Bool) {
    guard !isDropped, packet.connection.isTracked else { return }
    flows[frame.flow] = Flow(facts: packet.connection)
  }

  private func track(_ frame: KernelFrame, _ packet: inout RulePacket) {
    let isUntracked = packet.effects.changes.contains(.notrack)
    packet.effects = RuleEffects()
    var facts = flows[frame.flow]?.facts ?? ConnectionFacts()
    let isKnown = facts.isKnown
    if isUntracked {
      facts = ConnectionFacts()
      facts.isKnown = true
      facts.state = 64
      packet.connection = facts
      return
    }
    facts.isKnown = true
    if !isKnown, frame.isReply, packet.summary.transport != IPProtocol.udp {
      // What only answers begins no connection.
      facts.state = 1
      packet.connection = facts
      return
    }
    if !isKnown { begin(&facts, frame, packet) }
    // Against the direction of its first packet that was tracked.
    let isReply = isKnown && reads(packet, facts)
    facts.direction = isReply ? 1 : 0
    if isReply { facts.status |= 2 }
    facts.state = facts.status & 2 != 0 ? 2 : 8
    packet.connection = facts
  }

  private func addresses(_ packet: RulePacket) -> (source: UInt128, destination: UInt128) {
    let isIPv6 = packet.summary.flags.contains(.ipv6)
    let (start, length) = isIPv6 ? (22, 16) : (26, 4)
    func read(_ at: Int) -> UInt128 {
      (at..<at + length).reduce(0) { $0 << 8 | UInt128(unsafe packet.bytes[$1]) }
    }
    return (read(start), read(start + length))
  }

  private func reads(_ packet: RulePacket, _ facts: ConnectionFacts) -> Bool {
    addresses(packet).source != facts.source.0
  }

  private func begin(_ facts: inout ConnectionFacts, _ frame: KernelFrame, _ packet: RulePacket) {
    let (source, destination) = addresses(packet)
    let ports = (packet.summary.sourcePort, packet.summary.destinationPort)
    facts.isIPv6 = packet.summary.flags.contains(.ipv6)
    facts.transport = packet.summary.transport
    facts.source = (source, destination)
    facts.destination = (destination, source)
    facts.sourcePort = (ports.0, ports.1)
    facts.destinationPort = (ports.1, ports.0)
  }
}
