import Foundation
import TestSupport
import Testing

/// Ports that meet the kernel: two hosts, each a network namespace of its own, talk across the forwarder between them.
struct LivePortTests {
  @Test(.enabled("needs root, ip and ping") { await Hosts.canBe() })
  func `two hosts reach each other across net_af_packet ports`() async throws {
    let hosts = try await Hosts()
    try await hosts.connect(0)
    try await hosts.connect(1)
    try await hosts.ping(from: hosts.ends[0], across: ["net_af_packet0,iface=near0", "net_af_packet1,iface=near1"])
    await hosts.leave()
  }

  /// The tap belongs to the forwarder's own host: its driver reads the link's state there.
  @Test(.enabled("needs root, ip and ping") { await Hosts.canBe() })
  func `the forwarder's host reaches another through a net_tap port`() async throws {
    let hosts = try await Hosts()
    try await hosts.connect(1)
    try await hosts.ping(from: hosts.middle, across: ["net_tap0,iface=tap0", "net_af_packet1,iface=near1"]) {
      try await hosts.giveAddress(0, to: "tap0", in: hosts.middle)
    }
    await hosts.leave()
  }
}

/// Three namespaces: two hosts at the ends, and one for the forwarder between them.
struct Hosts {
  let middle: String
  let ends: [String]

  static func canBe() async -> Bool {
    guard getuid() == 0, let hosts = try? await Hosts() else { return false }
    let ping = try? await Tool(name: "ping").run(["-c", "1", "127.0.0.1"])
    await hosts.leave()
    return ping?.status == .exited(0)
  }

  init() async throws {
    let name = "e2e-\(UInt32.random(in: 0...UInt32.max))"
    (middle, ends) = ("\(name)-m", ["\(name)-0", "\(name)-1"])
    for namespace in [middle] + ends { try await Self.ip("netns", "add", namespace) }
  }

  func leave() async {
    for namespace in [middle] + ends { try? await Self.ip("netns", "delete", namespace) }
  }

  static func ip(_ words: String...) async throws {
    let ended = try await Tool.ip.run(words)
    guard ended.status == .exited(0) else { throw Complaint("ip \(words.joined(separator: " ")): \(ended.errors)") }
  }

  /// A cable from the end to the middle, where it is called `near`. The kernel in the middle keeps out of it.
  func connect(_ number: Int) async throws {
    let (near, end) = ("near\(number)", ends[number])
    try await Self.ip("-n", middle, "link", "add", near, "type", "veth", "peer", "name", "far", "netns", end)
    try await Self.ip("-n", middle, "link", "set", near, "up", "arp", "off")
    try await giveAddress(number, to: "far", in: end)
  }

  func giveAddress(_ number: Int, to interface: String, in namespace: String) async throws {
    try await Self.ip("-n", namespace, "address", "add", "10.99.0.\(number + 1)/24", "dev", interface)
    try await Self.ip("-n", namespace, "address", "add", "2001:db8::\(number + 1)/64", "dev", interface, "nodad")
    try await Self.ip("-n", namespace, "link", "set", interface, "up")
  }

  /// Large echoes to the second host by IPv4 and IPv6, with what finds the neighbour first.
  func ping(
    from namespace: String, across vdevs: [String], afterStart: @Sendable () async throws -> Void = {}
  ) async throws {
    let forwarder = try Forwarder(["--duration", "200"], tool: .dpdkfwd.inside(middle)) { _ in vdevs }
    let (_, ended) = try await forwarder.run { running in
      try await running.metrics { $0.sum("dpdkfwd_ports") == 2 }
      try await afterStart()
      for address in ["10.99.0.2", "2001:db8::2"] {
        let ping = try await Tool(name: "ping").inside(namespace)
          .run(["-c", "3", "-i", "0.2", "-w", "60", "-s", "1400", address])
        #expect(ping.status == .exited(0), "\(ping.output)\(ping.errors)")
      }
      try running.send(SIGINT)
    }
    ended.expectClean()
    #expect(try #require(ended.balance).sent >= 12)
  }
}
