import Foundation
import TestSupport
import Testing

/// Flow tables and users' programs on a real forwarder.
@Suite(.serialized, .enabled("needs root, as the folder of the sockets does", { getuid() == 0 }))
struct FlowtableTests {
  private static func segment(_ flags: TCPFlags, seq: UInt32, ack: UInt32 = 0, length: Int = 0) -> Datagram {
    .ipv4(from: "10.0.0.1", to: "192.0.2.80").tcp(
      from: 4000, to: 80, flags: flags, seq: seq, ack: ack, payload: [UInt8](repeating: 1, count: length))
  }

  private static let question = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.53").udp(from: 4000, to: 53, payload: [1])

  /// A handshake and some data, and a question with its answer: all come by one port, in their order.
  private static let frames: [Frame] =
    [
      segment(.syn, seq: 1000), segment([.syn, .ack], seq: 5000, ack: 1001).reversed,
      segment(.ack, seq: 1001, ack: 5001), question, question.reversed,
    ].map { $0.frame() }
    + (0..<5).map { segment([.ack, .psh], seq: 1001 + 10 * UInt32($0), ack: 5001, length: 10).frame() }

  private static func forwarder(_ rules: String, frames: [Frame], loops: Bool = false) throws -> Forwarder {
    try Forwarder(["--duration", "200", "--udp-timeout", "300", "--port-names", "0=eth0,1=eth1"]) { folder in
      let capture = folder.appending(path: "in.pcap")
      try Capture(frames: frames).write(to: capture)
      try Data(rules.utf8).write(to: folder.appending(path: "rules.nft"))
      return [
        "net_pcap0,rx_pcap=\(capture.path)" + (loops ? ",infinite_rx=1" : ",tx_pcap=\(folder.path)/back.pcap"),
        "net_null1,no-rx=1",
      ]
    }
  }

  /// W7, W31, W33: TCP alone is offloaded; its line has neither timeout nor state. W42: what no port can do is asked for
  /// all the same, and the listing says who refused it and why.
  @Test func `an offloaded connection is listed as one, and a port that cannot says why`() async throws {
    let forwarder = try Self.forwarder(
      """
      table ip x {
        flowtable w { hook ingress priority -100; devices = { eth0, eth1 }; counter; flags offload; }
        chain y { type filter hook forward priority 0; policy accept; ip protocol tcp flow offload @w }
      }
      """, frames: Self.frames)
    let rules = ["--rules", "\(forwarder.folder.path)/rules.nft"]
    let (_, ended) = try await forwarder.run(adding: rules) { running in
      try await running.metrics { $0.sum("dpdkfwd_port_rx_packets_total") == Self.frames.count }
      let listed = try await forwarder.ctl("conntrack", "-L", "-u", "OFFLOAD")
      #expect(
        listed.output.wholeMatch(
          of:
            /tcp +6 src=10\.0\.0\.1 dst=192\.0\.2\.80 sport=4000 dport=80 packets=7 bytes=\d+ src=192\.0\.2\.80 dst=10\.0\.0\.1 sport=80 dport=4000 packets=1 bytes=\d+ \[OFFLOAD\] mark=0 use=1\n/
        ) != nil, "\(listed.output)")
      let all = try await forwarder.ctl("conntrack", "-L")
      #expect(all.output.split(separator: "\n").count == 2 && all.output.contains("udp      17 "))
      try await running.metrics { $0.sum("dpdkfwd_port_offload_refused_total") ?? 0 > 0 }
      let shown = try await forwarder.stat("show", "flowtable")
      #expect(shown.output.contains("ip/x/w") && shown.output.contains("counter,offload"))
      #expect(shown.output.contains(/eth0 +0 +[1-9]\d* +Function not [i]mplemented/), "\(shown.output)")
      let dumped = try await forwarder.stat("dump", "flowtable")
      #expect(dumped.output.contains("flowtable=ip/x/w"), "\(dumped.output)")
      try running.send(SIGTERM)
    }
    ended.expectClean()
  }

  @Test func `the way of a traced packet is told step by step`() async throws {
    let forwarder = try Self.forwarder(
      """
      table inet f {
        chain c { type filter hook forward priority 0; policy accept; udp dport 53 meta nftrace set 1; udp dport 53 drop; }
      }
      """, frames: [Self.question.frame()], loops: true)
    let rules = ["--rules", "\(forwarder.folder.path)/rules.nft"]
    let (told, ended) = try await forwarder.run(adding: rules) { running in
      try await running.forwarding()
      let words =
        "exec timeout -s INT 120 \(Tool.folder)/dpdkfwd-ctl -f \(forwarder.prefix) ruleset monitor trace | head -n 40"
      let told = try await Tool(name: "sh", words: ["-c", words]).run([])
      try running.send(SIGTERM)
      return told
    }
    ended.expectClean()
    #expect(told.output.contains(/trace id 0[0-9a-f]{7} inet f c packet: iif "eth0" oif "eth1" ip saddr 10\.0\.0\.1/))
    #expect(told.output.contains(/inet f c rule udp dport 53 drop \(verdict drop\)/), "\(told.output) \(told.errors)")
  }

  /// B5-B8, B22: a user's eBPF object on a hook; what it says is done, and counted under a reason of its own.
  @Test(.enabled("needs a clang that makes eBPF", { Clang.path != nil }))
  func `a user's program drops what it says`() async throws {
    let telnet = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.1").tcp(from: 4000, to: 23, flags: .syn)
    let forwarder = try Self.forwarder("", frames: [telnet, Self.question].map { $0.frame() }, loops: true)
    let object = forwarder.folder.appending(path: "guard.o")
    try Data(try Clang.compile("docs/examples/guard.c")).write(to: object)
    let (_, ended) = try await forwarder.run { running in
      try await running.forwarding()
      let set = try await forwarder.ctl("context", "set", "forward", object.path)
      #expect(set.status == .exited(0), "\(set.errors)")
      try await running.metrics { $0.sum("dpdkfwd_drops_total", ["reason": "hook_program"]) ?? 0 > 100 }
      let again = try await forwarder.ctl("context", "set", "forward", object.path)
      #expect(again.status == .exited(1) && again.errors == "Error: the program guard exists\n")
      #expect(try await forwarder.ctl("context", "update", "forward", object.path).status == .exited(0))
      let dump = try await forwarder.ctl("context", "dump", "--prefix", "| ")
      #expect(dump.output.split(separator: "\n").allSatisfy { $0.hasPrefix("| ") })
      #expect(dump.output.contains(/program guard: eBPF of section filter.*; packets \d+ drops \d+\n/))
      #expect(try await forwarder.ctl("context", "remove", "forward:guard").status == .exited(0))
      #expect(try await forwarder.ctl("context", "get", "forward:guard").status == .exited(1))
      // What is no program is refused with its cause, and nothing happens.
      let bad = forwarder.folder.appending(path: "bad.o")
      try Data(try Data(contentsOf: object).prefix(200)).write(to: bad)
      let refused = try await forwarder.ctl("context", "set", "forward", bad.path)
      #expect(refused.status == .exited(1) && refused.errors.hasPrefix("Error: not a usable eBPF object: "))
      try running.send(SIGTERM)
    }
    ended.expectClean()
  }
}
