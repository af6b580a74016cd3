import CHook
import Context
import Control
import ControlProtocol
import HookProgram
import JSONText
import Primitives
import TestSupport
import Testing

@Suite struct `Rules changed while packets pass` {
  /// A request's texts, as JSON writes them.
  private static func sources(_ text: String) -> String {
    #""sources": [{"name": "rules", "text": \#(JSON.text(text).line)}]"#
  }

  private static func drops(_ port: Int) -> String {
    """
    table inet f {
      chain forward {
        type filter hook forward priority filter; policy accept;
        udp dport \(port) counter drop
      }
    }
    """
  }

  /// Packets to port 53 that crossed.
  private func crossed(_ bench: ControlBench, _ numbers: Range<Int>) -> Int {
    bench.crew.cables.forgetSent()
    bench.crew.send(Flow.frames(numbers))
    return bench.crew.cables.sent[PortID(rawValue: 1)]?.count ?? 0
  }

  @Test(arguments: [1, 2, 4]) func `all workers go by what was loaded, at once or not at all`(workers: Int) async throws
  {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = workers }
      #expect(crossed(bench, 0..<16) == 16)
      let loaded = try await bench.ask("ruleset.load", "{\(Self.sources(Self.drops(53)))}")
      #expect(loaded["rules"] == .unsigned(1))
      #expect(loaded["generation"] == .unsigned(2))
      // What crossed before is judged anew.
      #expect(crossed(bench, 0..<32) == 0)
      let list = try await bench.ask("ruleset.list")
      #expect(list["text"]?.asText?.contains("udp dport 53 counter packets 32 bytes") == true)
      #expect(list["next"]?.isNull == true)
      _ = try await bench.ask("ruleset.load", "{\(Self.sources(Self.drops(54)))}")
      #expect(crossed(bench, 0..<8) == 8)
      #expect(bench.crew.balances)
    }
  }

  @Test func `faults come back with their places, and nothing is changed`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread)
      _ = try await bench.ask("ruleset.load", "{\(Self.sources(Self.drops(53)))}")
      let text = "table inet f {\n  chain forward {\n    udp dprt 53 drop\n  }\n}\n"
      for method in ["ruleset.load", "ruleset.run"] {
        let refusal = try await bench.refusal(method, "{\(Self.sources(text))}")
        #expect(refusal.code == .invalidParameters)
        #expect(refusal.message.hasPrefix("rules:3:"))
        let fault = try #require(refusal.data?["faults"]?.asArray?.first)
        #expect(fault["file"] == .text("rules"))
        #expect(fault["line"] == .unsigned(3))
        #expect(fault["text"] == .text("    udp dprt 53 drop"))
      }
      #expect(crossed(bench, 0..<4) == 0)
      #expect(try await bench.ask("ruleset.status")["generation"] == .unsigned(2))
    }
  }

  @Test func `a dry run says what there would be`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread)
      let size = try await bench.ask("ruleset.load", #"{\#(Self.sources(Self.drops(53))), "dry_run": true}"#)
      #expect(size["rules"] == .unsigned(1))
      #expect(crossed(bench, 0..<4) == 4)
      #expect(try await bench.ask("ruleset.list")["text"] == .text(""))
      let refusal = try await bench.refusal(
        "ruleset.run", #"{\#(Self.sources("add rule ip x y accept")), "dry_run": true}"#)
      #expect(refusal.code == .invalidParameters)
    }
  }

  @Test func `commands add, delete and print`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread)
      _ = try await bench.ask("ruleset.run", "{\(Self.sources(Self.drops(53)))}")
      #expect(crossed(bench, 0..<4) == 0)
      let echo = try await bench.ask(
        "ruleset.run",
        #"{\#(Self.sources("insert rule inet f forward accept")), "echo": true, "options": {"handles": true}}"#)
      let line = try #require(echo["text"]?.asText)
      let handle = try #require(line.firstMatch(of: /accept # handle ([0-9]+)/)).1
      #expect(crossed(bench, 0..<4) == 4)
      _ = try await bench.ask("ruleset.run", "{\(Self.sources("delete rule inet f forward handle \(handle)"))}")
      #expect(crossed(bench, 0..<4) == 0)
      let reset = try await bench.ask("ruleset.run", "{\(Self.sources("reset rules"))}")
      #expect(reset["text"]?.asText?.contains("packets 8 bytes") == true)
      #expect(try await bench.ask("ruleset.list")["text"]?.asText?.contains("packets 0 bytes 0") == true)
      // What changes something is not listed.
      let refusal = try await bench.refusal("ruleset.list", #"{"command": "flush ruleset"}"#)
      #expect(refusal.code == .invalidParameters)
    }
  }

  @Test func `rules that nobody confirms are taken back in time, and those confirmed stay`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = 2 }
      func load() async throws {
        let loaded = try await bench.ask("ruleset.load", #"{\#(Self.sources(Self.drops(53))), "confirm": 30}"#)
        #expect((loaded["confirm_ms"]?.asUInt64 ?? 0) > 29_000)
        #expect(crossed(bench, 0..<4) == 0)
      }
      try await load()
      #expect(try await bench.refusal("ruleset.load", "{\(Self.sources("flush ruleset"))}").code == .busy)
      bench.crew.advance(.seconds(29))
      for _ in 0..<50 { await thread.letOthersRun() }
      #expect(crossed(bench, 0..<4) == 0)
      bench.crew.advance(.seconds(2))
      for _ in 0..<2000 where crossed(bench, 0..<4) < 4 { await thread.letOthersRun() }
      #expect(crossed(bench, 0..<4) == 4)
      #expect(try await bench.ask("ruleset.status")["confirm_ms"]?.isNull == true)

      try await load()
      _ = try await bench.ask("ruleset.confirm")
      bench.crew.advance(.seconds(60))
      for _ in 0..<50 { await thread.letOthersRun() }
      #expect(crossed(bench, 0..<4) == 0)
      #expect(try await bench.refusal("ruleset.confirm").code == .notFound)

      _ = try await bench.ask("ruleset.load", #"{\#(Self.sources("flush ruleset")), "confirm": 30}"#)
      #expect(crossed(bench, 0..<4) == 4)
      _ = try await bench.ask("ruleset.rollback")
      #expect(crossed(bench, 0..<4) == 0)
      #expect(try await bench.refusal("ruleset.rollback").code == .notFound)
    }
  }

  /// What workers may still use is not freed before all have taken over what comes next.
  @Test func `a load is answered when the last worker goes by it`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = 4 }
      bench.crew.isHalted = true
      let load = thread.start { [bench] in
        _ = try? await bench.ask("ruleset.load", "{\(Self.sources(Self.drops(53)))}")
      }
      for _ in 0..<200 { await thread.letOthersRun() }
      #expect(bench.crew.keeper.generation == 1)
      bench.crew.isHalted = false
      await load.value
      #expect(bench.crew.keeper.generation == 2)
    }
  }

  /// Whoever asks for lists all day keeps nobody from changing rules.
  @Test func `a change comes before questions that came first`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = 2 }
      let done = Done()
      func start(_ what: String, _ parameters: String, _ client: UInt64) -> Task<Void, Never> {
        thread.start { [bench] in
          _ = try? await bench.ask(what, parameters, as: client)
          done.names.append("\(what) \(client)")
        }
      }
      bench.crew.isHalted = true
      var tasks = [start("ruleset.load", "{\(Self.sources(Self.drops(50)))}", 1)]
      for _ in 0..<200 { await thread.letOthersRun() }
      for client in 2...5 as ClosedRange<UInt64> { tasks.append(start("ruleset.list", "{}", client)) }
      for _ in 0..<50 { await thread.letOthersRun() }
      tasks.append(start("ruleset.load", "{\(Self.sources(Self.drops(51)))}", 6))
      for _ in 0..<50 { await thread.letOthersRun() }
      #expect(done.names == [])
      bench.crew.isHalted = false
      for task in tasks { await task.value }
      #expect(
        done.names == ["ruleset.load 1", "ruleset.load 6"] + (2...5).map { "ruleset.list \($0)" })
      #expect(bench.crew.keeper.generation == 3)
    }
  }

  private final class Done: @unchecked Sendable { var names: [String] = [] }

  @Test func `loads at once are done one after the other`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = 2 }
      let tasks = (0..<8).map { number in
        thread.start { [bench] in
          _ = try? await bench.ask(
            "ruleset.load", "{\(Self.sources(Self.drops(50 + number)))}", as: UInt64(number))
        }
      }
      for task in tasks { await task.value }
      #expect(bench.crew.keeper.generation == 9)
      let text = try #require(try await bench.ask("ruleset.list")["text"]?.asText)
      let port = try #require(text.firstMatch(of: /udp dport ([0-9]+)/)).1
      #expect(crossed(bench, 0..<8) == (port == "53" ? 0 : 8))
    }
  }

  @Test func `long texts come in parts, both ways`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread)
      let rules = (0..<20_000).map { "    ip saddr 10.\($0 >> 8).\($0 & 255).1 udp dport \($0) accept" }
      let text = "table ip x {\n  chain y {\n\(rules.joined(separator: "\n"))\n  }\n}\n"
      let json = JSON.object([("sources", .array([.object([("name", .text("f")), ("text", .text(text))])]))]).line
      var rest = json[...]
      while !rest.isEmpty {
        let part = rest.prefix(300_000)
        _ = try await bench.ask("ruleset.stage", #"{"text": \#(JSON.text(String(part)).line)}"#)
        rest = rest[part.endIndex...]
      }
      // Another client has staged nothing.
      #expect(try await bench.refusal("ruleset.load", #"{"staged": true}"#, as: 2).code == .invalidParameters)
      let loaded = try await bench.ask("ruleset.load", #"{"staged": true}"#)
      #expect(loaded["rules"] == .unsigned(20_000))
      var listed = ""
      var pages = 0
      var next = JSON.null
      repeat {
        let from = next.isNull ? "" : #""from": \#(next.line)"#
        let page = try await bench.ask("ruleset.list", "{\(from)}")
        listed += page["text"]?.asText ?? ""
        next = page["next"] ?? .null
        pages += 1
        #expect((page["text"]?.asText?.utf8.count ?? 0) <= 512 << 10)
      } while !next.isNull
      #expect(pages > 1)
      #expect(listed.split(separator: "\n").count { $0.contains("udp dport") } == 20_000)
    }
  }

  @Test func `a packet in words and a frame are explained`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread)
      _ = try await bench.ask("ruleset.load", "{\(Self.sources(Self.drops(53)))}")
      let told = try await bench.ask("ruleset.explain", #"{"words": "iif p0 udp dport 53"}"#)
      #expect(told["decision"] == .text("drop"))
      #expect(told["decided_by"]?["rule"]?.asText?.hasPrefix("udp dport 53") == true)
      let hex = Flow(number: 1).frame.bytes.map { String(Int($0) + 256, radix: 16).suffix(2) }.joined()
      let frame = try await bench.ask("ruleset.explain", #"{"words": "iif p0", "frame": "\#(hex)"}"#)
      #expect(frame["decision"] == .text("drop"))
      #expect(frame["text"]?.asText?.contains("drop: by the rule with handle") == true)
      #expect(try await bench.refusal("ruleset.explain", #"{"words": "iif p9"}"#).code == .invalidParameters)
    }
  }

  @Test func `without rules nothing passes if settings say so`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.failsClosed = true }
      #expect(crossed(bench, 0..<4) == 0)
      let status = try await bench.ask("ruleset.status")
      #expect(status["fail"] == .text("closed") && status["closed"] == .truth(true))
      _ = try await bench.ask("ruleset.load", "{\(Self.sources(Self.drops(54)))}")
      #expect(crossed(bench, 0..<4) == 4)
      _ = try await bench.ask("ruleset.run", "{\(Self.sources("flush ruleset"))}")
      #expect(crossed(bench, 0..<4) == 0)
    }
  }

  /// W3.
  @Test func `flow tables are listed with their ports and figures, and stay while rules refer to them`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = 2 }
      #expect(try await bench.ask("flowtable.list")["flowtables"]?.asArray?.isEmpty == true)
      let text = """
        table inet f {
          flowtable w { hook ingress priority 0; devices = { p0, p1 }; counter; }
          chain c { type filter hook forward priority 0; flow add @w; }
        }
        """
      _ = try await bench.ask("ruleset.load", "{\(Self.sources(text))}")
      bench.crew.breathe()
      let tables = try #require(try await bench.ask("flowtable.list")["flowtables"]?.asArray)
      #expect(tables.count == 1)
      #expect(tables[0]["name"] == .text("w"))
      #expect(tables[0]["devices"] == .array([.text("p0"), .text("p1")]))
      #expect(tables[0]["counter"] == .truth(true))
      #expect(tables[0]["tcp_timeout_ms"] == .unsigned(30_000))
      let busy = try await bench.refusal("ruleset.run", "{\(Self.sources("delete flowtable inet f w"))}")
      #expect(busy.message.contains("Device or resource busy"))
    }
  }

  /// B7, B21, B23.
  @Test func `programs are set, updated, got and dumped`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread)
      let program = #"{"hook": "forward", \#(Self.sources(Self.drops(53)))}"#
      #expect(try await bench.refusal("context.update", program).code == .notFound)
      _ = try await bench.ask("context.set", program)
      #expect(try await bench.refusal("context.set", program).code == .exists)
      #expect(crossed(bench, 0..<4) == 0)
      let dump = try await bench.ask("context.dump", #"{"prefix": "> "}"#)["text"]?.asText
      #expect(dump?.split(separator: "\n").allSatisfy { $0.hasPrefix("> ") } == true)
      #expect(dump?.contains("packets 4 bytes") == true)
      let changed = Self.drops(53).replacing("udp dport 53", with: "meta mark 9 accept\n    udp dport 53")
      _ = try await bench.ask("context.update", #"{"hook": "forward", \#(Self.sources(changed))}"#)
      let got = try await bench.ask("context.get", #"{"hook": "forward", "option": "inet/f/forward"}"#)
      #expect(got["text"]?.asText?.contains("udp dport 53 counter packets 4 bytes") == true)
      #expect(try await bench.refusal("context.get", #"{"hook": "ingress"}"#).code == .notFound)
      bench.methods.close()
      #expect(try await bench.refusal("context.dump").code != .internalError)
    }
  }

  /// A user's program: what it counts is its own, goes on while rules around it come and go, and ends with it.
  @Test func `a program of an object file counts on all workers`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = 2 }
      bench.crew.keeper.loadObject = { _, _ in
        let call = unsafe HookCall(
          chook_program(
            code: { memory in
              let packet = unsafe memory?.assumingMemoryBound(to: dpdkfwd_bpf_packet.self)
              return unsafe packet?.pointee.source_port.isMultiple(of: 2) == true ? 1 : 0
            }, interpret: nil, program: nil))
        return LoadedObject(call, about: "even ports", owner: bench.crew)
      }
      func program() async throws -> JSON {
        let programs = try #require(try await bench.ask("ruleset.status")["programs"]?.asArray)
        #expect(programs.count == 1)
        return programs[0]
      }
      let object = #"{"hook": "forward", "object": "00", "name": "even"}"#
      let set = try await bench.ask("context.set", object)
      #expect(set["programs"]?.asArray?.count == 1)
      #expect(crossed(bench, 0..<32) == 16)
      #expect(
        try await bench.ask("context.dump")["text"]?.asText?.contains(
          "program even: even ports; packets 32 drops 16\n") == true)
      _ = try await bench.ask("ruleset.load", "{\(Self.sources(Self.drops(54)))}")
      #expect(crossed(bench, 0..<32) == 16)
      let got = try await bench.ask("context.get", #"{"hook": "forward", "option": "even"}"#)
      #expect(got["text"] == .text("even: even ports; packets 64 drops 32\n"))
      let json = try await program()
      #expect(json["name"] == .text("even") && json["hook"] == .text("forward") && json["port"]?.isNull == true)
      #expect(json["packets"] == .unsigned(64) && json["drops"] == .unsigned(32))
      _ = try await bench.ask("context.update", object)
      #expect(try await program()["packets"] == .unsigned(0))
      _ = try await bench.ask("context.remove", #"{"hook": "forward", "option": "even"}"#)
      #expect(try await bench.ask("ruleset.status")["programs"]?.asArray?.isEmpty == true)
      #expect(crossed(bench, 0..<32) == 32)
    }
  }

  /// SIGHUP.
  @Test func `rules are loaded anew, and those before stay when they cannot be`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread)
      await bench.methods.reload { .init(Self.drops(53)) }
      #expect(crossed(bench, 0..<4) == 0)
      await bench.methods.reload { .init("table x { chain y { frob } }") }
      #expect(crossed(bench, 0..<4) == 0)
      #expect(try await bench.ask("ruleset.status")["failed_reloads"] == .unsigned(1))
      await bench.methods.reload { .init(Self.drops(54)) }
      #expect(crossed(bench, 0..<4) == 4)
    }
  }
}
