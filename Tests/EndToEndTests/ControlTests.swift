import Foundation
import TestSupport
import Testing

/// What is asked of a real forwarder by its control sockets, while packets cross.
@Suite(.enabled("needs root, as the folder of the sockets does", { getuid() == 0 })) struct ControlTests {
  /// Frames of a few UDP flows that nobody answers, over and over.
  private static func endless(_ frames: [Frame], _ options: [String] = []) throws -> Forwarder {
    try Forwarder(["--duration", "200"] + options) { folder in
      let capture = folder.appending(path: "in.pcap")
      try Capture(frames: frames).write(to: capture)
      return ["net_pcap0,rx_pcap=\(capture.path),infinite_rx=1", "net_null1,no-rx=1"]
    }
  }

  private static let flows = (0..<4).map { number in
    Datagram.ipv4(from: "10.0.0.\(number + 1)", to: "192.0.2.1").udp(from: UInt16(4000 + number), to: 53).frame()
  }

  /// F5: whoever may only look has a socket of his own.
  @Test func `the sockets have their modes while it runs, and are gone afterwards`() async throws {
    let forwarder = try Self.endless(Self.flows)
    let (modes, ended) = try await forwarder.run { running in
      try await running.forwarding()
      let modes = try ["control", "control-ro"].map { name in
        try FileManager.default.attributesOfItem(atPath: "\(forwarder.sockets)/\(name)")[.posixPermissions] as? Int
      }
      try running.send(SIGTERM)
      return modes
    }
    ended.expectClean()
    #expect(modes == [0o600, 0o660])
    #expect(!FileManager.default.fileExists(atPath: forwarder.sockets))
  }

  @Test func `without control there are no sockets, and tools say so`() async throws {
    let forwarder = try Self.endless(Self.flows, ["--control", "off"])
    let (flush, ended) = try await forwarder.run { running in
      try await running.forwarding()
      let flush = try await forwarder.ctl("conntrack", "-F")
      try running.send(SIGTERM)
      return flush
    }
    ended.expectClean()
    #expect(flush.status == .exited(1))
    #expect(flush.errors.contains("--file-prefix"), "\(flush.errors)")
    #expect(!FileManager.default.fileExists(atPath: forwarder.sockets))
  }

  /// C6: packets that may open no connection cross once there is one.
  @Test(arguments: [1, 2]) func `a connection made by request is met by its packets`(workers: Int) async throws {
    let forwarder = try Forwarder(workers: workers, ["--duration", "200", "--new", "drop"]) { folder in
      let capture = folder.appending(path: "in.pcap")
      try Capture(frames: Self.flows).write(to: capture)
      return ["net_pcap0,rx_pcap=\(capture.path),infinite_rx=1", "net_null1,no-rx=1"]
    }
    let (answers, ended) = try await forwarder.run { running in
      let before = try await running.metrics { $0.sum("dpdkfwd_drops_total", ["reason": "new_refused"]) ?? 0 > 1000 }
      #expect(before.sum("dpdkfwd_lcore_tx_packets_total") == 0)
      let words = ["conntrack", "-I", "-s", "10.0.0.2", "-d", "192.0.2.1", "-p", "udp", "--sport", "4001", "--dport"]
      let made = try await Tool.ctl.run(["-f", forwarder.prefix] + words + ["53", "-t", "600", "-m", "7"])
      let again = try await Tool.ctl.run(["-f", forwarder.prefix] + words + ["53", "-t", "600"])
      try await running.metrics { $0.sum("dpdkfwd_lcore_tx_packets_total") ?? 0 > 1000 }
      let listed = try await forwarder.ctl("conntrack", "-L", "-m", "7")
      let deleted = try await forwarder.ctl("conntrack", "-D", "-m", "7")
      try running.send(SIGTERM)
      return [made, again, listed, deleted]
    }
    ended.expectClean()
    #expect(answers.map(\.status) == [.exited(0), .exited(1), .exited(0), .exited(0)], "\(answers)")
    #expect(answers[2].output.contains("src=10.0.0.2 dst=192.0.2.1 sport=4001 dport=53 packets="), "\(answers[2])")
    #expect(answers[3].errors.contains("1 flow entries have been deleted"), "\(answers[3].errors)")
  }

  /// F28: while fragments come. What was held when the family is switched off ends, and is counted.
  @Test func `reassembly is switched off and on while fragments cross`() async throws {
    // Datagrams that are never whole.
    let frames = (0..<64).map { number in
      Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.1", id: UInt16(number))
        .udp(from: 4000, to: 53, payload: [UInt8](repeating: 7, count: 400)).fragments(size: 128)[0].frame()
    }
    let forwarder = try Self.endless(frames, ["--frag-timeout-v4", "60"])
    let (states, ended) = try await forwarder.run { running in
      try await running.metrics { $0.sum("dpdkfwd_frag_fragments_held") ?? 0 == 64 }
      let off = try await forwarder.ctl("dpctl", "ipf-set-disabled", "v4")
      #expect(off.output == "disabling fragmentation reassembly successful\n", "\(off)")
      try await running.metrics {
        $0.sum("dpdkfwd_frag_fragments_held") == 0 && $0.sum("dpdkfwd_lcore_tx_packets_total") ?? 0 > 100
      }
      let status = try await forwarder.ctl("dpctl", "ipf-get-status")
      let on = try await forwarder.ctl("dpctl", "ipf-set-enabled", "v4")
      try await running.metrics { $0.sum("dpdkfwd_frag_fragments_held") ?? 0 == 64 }
      try running.send(SIGTERM)
      return [off, status, on]
    }
    ended.expectClean()
    #expect(states[1].output.contains("v4 enabled: 0\n"), "\(states[1].output)")
    #expect(states[1].output.contains("v4 frags purged: 64\n"), "\(states[1].output)")
    #expect(states[2].output == "enabling fragmentation reassembly successful\n")
  }

  /// X8: garbage and a client that never reads; packets cross, and the end is clean.
  @Test func `hostile clients disturb no packet`() async throws {
    let forwarder = try Self.endless(Self.flows)
    let (answers, ended) = try await forwarder.run { running in
      try await running.forwarding()
      let script = """
        import json, socket, sys
        path = sys.argv[1]
        def client():
            s = socket.socket(socket.AF_UNIX); s.settimeout(120); s.connect(path); return s
        garbage = client(); garbage.sendall(bytes(range(256)) * 64 + b"\\n")
        deep = client(); deep.sendall(b"[" * 100000 + b"\\n")
        long = client()
        try: long.sendall(b" " * (2 << 20))
        except OSError: pass
        silent = client(); silent.sendall(b'{"jsonrpc":"2.0","id":1,"method":"conntrack.list"}\\n' * 2000)
        many = []
        for _ in range(200):
            try: many.append(client())
            except OSError: break
        for s in many: s.close()
        print(json.loads(garbage.makefile().readline())["error"]["code"])
        print(json.loads(deep.makefile().readline())["error"]["code"])
        for s in (garbage, deep, long, silent): s.close()
        """
      let hostile = try await Tool(name: "python3").run(["-c", script, "\(forwarder.sockets)/control-ro"])
      let count = try await forwarder.ctl("conntrack", "-C")
      try running.send(SIGTERM)
      return (hostile, count)
    }
    ended.expectClean()
    #expect(answers.0.output == "-32700\n-32700\n", "\(answers.0)")
    #expect(answers.1.output == "4\n", "\(answers.1)")
  }

  /// What is waited for at the end is told that there is one.
  @Test func `the forwarder ends while clients listen`() async throws {
    let forwarder = try Self.endless(Self.flows)
    let (listener, ended) = try await forwarder.run { running in
      try await running.forwarding()
      async let listener = forwarder.ctl("conntrack", "-E")
      try await until("nobody listens") {
        try await forwarder.stat("show", "events", "--json").output.contains("\"mask\": 7")
      }
      try running.send(SIGTERM)
      return try await listener
    }
    ended.expectClean()
    #expect(ended.lasted < .seconds(180), "it did not end by itself")
    #expect(listener.errors.contains("flow events have been shown"), "\(listener.errors)")
  }
}
