import Control
import ControlProtocol
import ControlServer
import JSONText
import Testing

@Suite struct `Parameters` {
  /// F5.
  @Test func `what only looks is open to readers, what changes is not`() async throws {
    try await onOneThread { thread in
      let methods = try ControlBench(thread).methods
      let reading = [
        "version", "conntrack.list", "conntrack.get", "conntrack.count", "conntrack.buckets", "events.subscribe",
        "events.acknowledge", "events.read", "tracking.get", "limits.get", "fragments.get",
        "ruleset.list", "ruleset.explain", "ruleset.status", "flowtable.list", "context.dump", "context.get",
      ]
      let writing = [
        "conntrack.create", "conntrack.update", "conntrack.delete", "conntrack.flush", "conntrack.apply",
        "tracking.set", "limits.set", "limits.delete", "fragments.set",
        "ruleset.stage", "ruleset.load", "ruleset.confirm", "ruleset.rollback", "ruleset.run", "context.set",
        "context.update",
      ]
      for method in reading { #expect(methods.access(of: method) == .read, "\(method)") }
      for method in writing { #expect(methods.access(of: method) == .write, "\(method)") }
      for method in ["", "conntrack", "conntrack.List", "conntrack.list ", "shutdown"] {
        #expect(methods.access(of: method) == nil)
        await #expect(throws: ControlError.self) {
          try await methods.answer(method, .null, ControlBench.client(1))
        }
      }
    }
  }

  /// Whatever is wrong is named; nothing that was said is left out of account.
  @Test(arguments: [
    ("version", #"{"a": 1}"#, "a"), ("version", "[1]", "by name"), ("version", "7", "by name"),
    ("conntrack.count", #"{"filter": {}}"#, "filter"), ("tracking.get", #"{"zone": 1}"#, "zone"),
    ("fragments.get", #"{"v4": {}}"#, "v4"),
    ("ruleset.load", "{}", "sources"), ("ruleset.load", #"{"sources": {}}"#, "sources"),
    ("ruleset.load", #"{"sources": [{"name": "f"}]}"#, "sources.text"),
    ("ruleset.load", #"{"sources": [{"name": "f", "text": "", "path": "/etc"}]}"#, "sources.path"),
    ("ruleset.load", #"{"sources": [], "includes": []}"#, "includes"),
    ("ruleset.load", #"{"sources": [], "confirm": 0}"#, "confirm"),
    ("ruleset.load", #"{"staged": true}"#, "staged"), ("ruleset.stage", "{}", "text"),
    ("ruleset.run", #"{"sources": [], "options": {"handle": true}}"#, "options.handle"),
    ("ruleset.list", #"{"command": 7}"#, "command"), ("ruleset.list", #"{"from": -1}"#, "from"),
    ("ruleset.explain", #"{"frame": "0"}"#, "frame"), ("ruleset.explain", #"{"frame": "xx"}"#, "frame"),
    ("context.get", "{}", "hook"), ("context.get", #"{"hook": "output"}"#, "hook"),
    ("context.get", #"{"hook": "forward", "option": "a/b"}"#, "option"),
    ("context.set", #"{"hook": "forward"}"#, "sources"),
    ("conntrack.list", "[]", "by name"), ("conntrack.list", #""text""#, "by name"),
    ("conntrack.list", #"{"limit": 0}"#, "limit"), ("conntrack.list", #"{"limit": 1001}"#, "limit"),
    ("conntrack.list", #"{"limit": -1}"#, "limit"), ("conntrack.list", #"{"limit": 1.0}"#, "limit"),
    ("conntrack.list", #"{"limit": "5"}"#, "limit"), ("conntrack.list", #"{"limit": true}"#, "limit"),
    ("conntrack.list", #"{"cursor": "x"}"#, "cursor"), ("conntrack.list", #"{"cursor": -1}"#, "cursor"),
    ("conntrack.list", #"{"cursor": 0}"#, "cursor"), ("conntrack.list", #"{"table": 7}"#, "table"),
    ("conntrack.list", #"{"table": "expect"}"#, "table"), ("conntrack.list", #"{"filter": null}"#, "filter"),
    ("conntrack.list", #"{"filter": []}"#, "filter"), ("conntrack.list", #"{"filter": {"marc": 1}}"#, "marc"),
    ("conntrack.list", #"{"filter": {"mark": 4294967296}}"#, "mark"),
    ("conntrack.list", #"{"filter": {"id": -1}}"#, "id"), ("conntrack.list", #"{"filter": {"zone": 65536}}"#, "zone"),
    ("conntrack.list", #"{"filter": {"orig": {"sport": 5}}}"#, "orig.sport"),
    ("conntrack.list", #"{"filter": {"l4": "tcp", "orig": {"src": "10.0.0.0/33"}}}"#, "orig.src"),
    ("conntrack.get", "null", "orig"), ("conntrack.get", "{}", "l4"), ("conntrack.get", "[1]", "orig"),
    ("conntrack.get", #"{"id": "1"}"#, "id"), ("conntrack.get", #"{"id": null}"#, "id"),
    ("conntrack.get", #"{"id": 18446744073709551615, "mark": 1}"#, "mark"),
    ("conntrack.get", #"{"l4": "udp", "orig": {"src": "10.0.0.1"}}"#, "orig.dst"),
    ("conntrack.buckets", #"{"worker": 256}"#, "worker"), ("conntrack.buckets", #"{"bucket": 4294967296}"#, "bucket"),
    ("conntrack.update", "{}", "change"), ("conntrack.update", #"{"change": {}}"#, "change"),
    ("conntrack.update", #"{"change": null}"#, "change"), ("conntrack.update", #"{"change": {"zone": 1}}"#, "zone"),
    ("conntrack.update", #"{"change": {"mark": "1/2/3"}}"#, "mark"),
    ("conntrack.update", #"{"change": {"mark": 1}, "filter": null}"#, "filter"),
    ("conntrack.update", #"{"change": {"mark": 1}, "limit": 0}"#, "limit"),
    ("conntrack.delete", #"{"filter": null}"#, "filter"), ("conntrack.delete", #"{"filter": "all"}"#, "filter"),
    ("conntrack.delete", #"{"filters": {}}"#, "filters"),
    ("conntrack.delete", #"{"cursor": 18446744073709551615}"#, "cursor"),
    ("conntrack.flush", #"{"filter": null}"#, "filter"), ("conntrack.flush", #"{"zone": 1}"#, "zone"),
    ("events.subscribe", #"{"kinds": "new"}"#, "kinds"), ("events.subscribe", #"{"kinds": ["NEW"]}"#, "kinds"),
    ("events.subscribe", #"{"kinds": [1]}"#, "kinds"), ("events.subscribe", #"{"zones": [65536]}"#, "zones"),
    ("events.subscribe", #"{"zones": [-1]}"#, "zones"), ("events.subscribe", #"{"keeps": 1}"#, "keeps"),
    ("events.acknowledge", "{}", "subscription"), ("events.acknowledge", #"{"subscription": 1}"#, "events"),
    ("events.acknowledge", #"{"subscription": "1", "events": []}"#, "subscription"),
    ("events.acknowledge", #"{"subscription": 1, "events": 5}"#, "events"),
    ("events.acknowledge", #"{"subscription": 1, "events": [-1]}"#, "events"),
    ("events.read", #"{"events": 5}"#, "events"), ("events.read", #"{"fragments": ["1"]}"#, "fragments"),
    ("events.read", #"{"limit": 1001}"#, "limit"),
    ("tracking.set", #"{"connections_limit": 4294967295}"#, "connections_limit"),
    ("tracking.set", #"{"tcp_seq_chk": 1}"#, "tcp_seq_chk"),
    ("tracking.set", #"{"sweep_interval_ms": 99}"#, "sweep_interval_ms"),
    ("tracking.set", #"{"sweep_interval_ms": 600001}"#, "sweep_interval_ms"),
    ("limits.get", #"{"zones": [65536]}"#, "zones"), ("limits.get", #"{"zones": 1}"#, "zones"),
    ("limits.set", #"{"default": 4294967295}"#, "default"), ("limits.set", #"{"zones": [1]}"#, "zones"),
    ("limits.set", #"{"zones": [{"zone": 65536, "limit": 1}]}"#, "zones.zone"),
    ("limits.set", #"{"zones": [{"zone": 1}]}"#, "zones.limit"),
    ("limits.set", #"{"zones": [{"zone": 1, "limit": null}]}"#, "zones.limit"),
    ("limits.set", #"{"zones": [{"zone": 1, "limit": 1, "burst": 2}]}"#, "zones.burst"),
    ("limits.delete", #"{"default": 1}"#, "default"), ("limits.delete", #"{"zones": [{}]}"#, "zones"),
    ("fragments.set", #"{"v4": 1}"#, "v4"), ("fragments.set", #"{"v4": {"enable": true}}"#, "v4.enable"),
    ("fragments.set", #"{"v6": {"min_size": 65536}}"#, "v6.min_size"),
    ("fragments.set", #"{"v6": {"min_size": 1}}"#, "v6.min_size"),
    ("fragments.set", #"{"max_fragments": 0}"#, "max_fragments"),
    ("fragments.set", #"{"v5": {}}"#, "v5"),
  ])
  func `what is wrong is named`(method: String, parameters: String, word: String) async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = 2 }
      bench.crew.send(Flow.frames(0..<5))
      let refused = try await bench.refusal(method, parameters)
      #expect(refused.code == .invalidParameters)
      #expect(
        refused.message.hasPrefix(word) || refused.message.hasPrefix("there is no parameter \(word)")
          || (word == "by name" && refused.message.contains(word)), "\(refused.message)")
      #expect(bench.crew.count == 5)
    }
  }

  @Test func `a parameter that is null is none, but for a filter`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread) { $0.workers = 2 }
      bench.crew.send(Flow.frames(0..<5))
      let plain = try await bench.ask("conntrack.list")
      let nulls = try await bench.ask("conntrack.list", #"{"limit": null, "cursor": null, "table": null}"#)
      #expect(plain["entries"]?.asArray?.ids == nulls["entries"]?.asArray?.ids)
      _ = try await bench.ask("tracking.set", #"{"connections_limit": null, "tcp_seq_chk": null}"#)
      _ = try await bench.ask("limits.set", #"{"default": null, "zones": null}"#)
      _ = try await bench.ask("fragments.set", #"{"v4": null, "v6": {"enabled": null}, "max_fragments": null}"#)
      _ = try await bench.ask("events.read", #"{"events": null}"#)
      #expect(try await bench.ask("conntrack.flush", "{}")["count"] == .unsigned(5))
    }
  }
}
