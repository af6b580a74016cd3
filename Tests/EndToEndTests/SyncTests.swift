import Foundation
import Testing

/// Two forwarders, each with its own table, and `dpdkfwd-ctl sync` between them (C25, C40).
@Suite(.enabled("needs root, as the folder of the sockets does", { getuid() == 0 })) struct SyncTests {
  /// Passes datagrams on between a sender and a listener: one in a hundred is lost, and some come late.
  private static let weather = """
    import random, select, socket, sys, time
    listener = ('127.0.0.1', int(sys.argv[2])); chance = random.Random(1); late = []; sender = None
    near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); near.bind(('127.0.0.1', int(sys.argv[1])))
    far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    while True:
        for s in select.select([near, far], [], [], 0.005)[0]:
            data, address = s.recvfrom(65535)
            if s is near: sender = address
            if chance.random() < 0.01: continue
            late.append((time.monotonic() + (0.02 if chance.random() < 0.1 else 0), s is near, data))
        for one in [one for one in late if one[0] <= time.monotonic()]:
            late.remove(one)
            if one[1]: far.sendto(one[2], listener)
            elif sender: near.sendto(one[2], sender)
    """

  @Test func `two forwarders are kept equal across loss and reordering`() async throws {
    func forwarder() throws -> Forwarder {
      try Forwarder(["--duration", "200"]) { _ in ["net_null0,no-rx=1", "net_null1,no-rx=1"] }
    }
    let (here, there) = (try forwarder(), try forwarder())
    // Below those that the kernel gives away by itself.
    let ports = Array((20_000..<32_000).shuffled().prefix(2))
    let lines = (0..<2000).map { number in
      "-A -t 300 -u SEEN_REPLY,ASSURED -s 10.0.\(number >> 8).\(number & 255) -d 192.0.2.1 -p tcp "
        + "--sport \(1000 + number) --dport 80 --state ESTABLISHED"
    }
    let file = here.folder.appending(path: "save")
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file)
    let (tables, ended) = try await here.run { first in
      try await first.metrics { $0.sum("dpdkfwd_ports") == 2 }
      return try await there.runBeside { second in
        try await second.metrics { $0.sum("dpdkfwd_ports") == 2 }
        let relay = Tool(name: "python3", words: ["-c", Self.weather])
        return try await relay.run(["\(ports[0])", "\(ports[1])"], limit: .seconds(200)) { relay in
          let listen = ["-f", there.prefix, "sync", "listen", "--on", "127.0.0.1:\(ports[1])"]
          return try await Tool.ctl.run(listen, limit: .seconds(200)) { listener in
            let send = ["-f", here.prefix, "sync", "send", "--to", "127.0.0.1:\(ports[0])"]
            return try await Tool.ctl.run(send, limit: .seconds(200)) { sender in
              _ = try await here.ctl("conntrack", "-R", file.path)
              _ = try await here.ctl("conntrack", "-D", "-s", "10.0.1.0/24")
              _ = try await here.ctl("conntrack", "-U", "-s", "10.0.2.0/24", "-m", "9")
              let tables = try await Self.equal(here, there)
              for process in [sender, listener, relay] { try process.send(SIGTERM) }
              try first.send(SIGTERM)
              try second.send(SIGTERM)
              return tables
            }.result
          }.result
        }.result
      }.result
    }
    ended.expectClean()
    #expect(tables.0 == tables.1)
    #expect(tables.0.count == 1744 && tables.0.contains { $0.hasSuffix("mark=9 use=1") })
  }

  /// What the two have, once that is the same; timeouts aside.
  private static func equal(_ here: Forwarder, _ there: Forwarder) async throws -> ([String], [String]) {
    var tables: [[String]] = [[], []]
    try await until("the tables are not equal") {
      for (place, forwarder) in [here, there].enumerated() {
        tables[place] = try await forwarder.ctl("conntrack", "-L").output.split(separator: "\n").map { line in
          line.split(separator: " ", omittingEmptySubsequences: true).enumerated()
            .filter { $0.offset != 2 }.map { String($0.element) }.joined(separator: " ")
        }.sorted()
      }
      return tables[0] == tables[1] && tables[0].count == 1744 && tables[0].contains { $0.contains("mark=9 ") }
    }
    return (tables[0], tables[1])
  }
}
