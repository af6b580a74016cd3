import CSegment
import Foundation
import Segment
import Testing

/// `metrics` is OpenMetrics 1.0, with the names users were promised.
@Suite struct MetricsTests {
  let fixture = Fixture()

  @Test func `the promised names carry the numbers`() throws {
    let writer = try fixture.forwarder()
    let lines = try fixture.run("metrics").lines
    for line in [
      "dpdkfwd_port_rx_packets_total{port=\"eth0\"} 1000", "dpdkfwd_port_tx_packets_total{port=\"eth1\"} 950",
      "dpdkfwd_drops_total{reason=\"ipv4_bad_checksum\"} 52", "dpdkfwd_drops_total{reason=\"tx_full\"} 0",
      "dpdkfwd_invalid_total{reason=\"tcp_short\"} 0", "dpdkfwd_packets_total{kind=\"ipv4\"} 1500",
      "dpdkfwd_lcore_rx_packets_total{lcore=\"1\"} 1000", "dpdkfwd_lcore_held_packets{lcore=\"1\"} 3",
      "dpdkfwd_lcore_stage_cycles_total{lcore=\"2\",stage=\"send\"} 9", "dpdkfwd_mempool_in_use{pool=\"mbufs-0\"} 1024",
      "dpdkfwd_build_info{version=\"0.1-test\"} 1", "dpdkfwd_up 1", "dpdkfwd_port_link_up{port=\"eth0\"} 1",
    ] { #expect(lines.contains(line), "\(line)") }
    withExtendedLifetime(writer) {}
  }

  @Test func `the text is well-formed`() throws {
    let writer = try fixture.forwarder()
    unsafe setText(&writer.port(0).pointee.name, "a\"b\\c\u{1b}")
    let text = try fixture.run("metrics").out
    #expect(OpenMetrics.faults(in: text) == [])
    #expect(text.contains("{port=\"a\\\"b\\\\c\u{fffd}\"}"))
    withExtendedLifetime(writer) {}
  }

  @Test(arguments: [
    "up 1\n# EOF\n", "# TYPE up gauge\nup 1\n", "# TYPE a counter\na 1\n# EOF\n", "# TYPE a gauge\na{b=\"c} 1\n# EOF\n",
    "# TYPE a gauge\n# TYPE a gauge\na 1\n# EOF\n", "# TYPE a gauge\na 1\na 1\n# EOF\n",
    "# TYPE a gauge\n# UNIT a bytes\na 1\n# EOF\n", "# TYPE a gauge\na one\n# EOF\n",
    "# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\na{x=\"y\"} 1\n# EOF\n",
  ])
  func `the checker finds what is not`(text: String) { #expect(OpenMetrics.faults(in: text) != []) }

  @Test func `JSON has the same samples`() throws {
    let writer = try fixture.forwarder()
    let json = try fixture.run("metrics", "--json").json()
    let families = try #require(json["metrics"] as? [[String: Any]])
    let samples = families.reduce(0) { $0 + (($1["samples"] as? [Any])?.count ?? 0) }
    #expect(samples == (try fixture.run("metrics").lines.filter { !$0.hasPrefix("#") }.count))
    withExtendedLifetime(writer) {}
  }
}

/// A small reader of the OpenMetrics text format, as strict as its specification where our output could go wrong.
enum OpenMetrics {
  static func faults(in text: String) -> [String] {
    var faults: [String] = []
    guard text.hasSuffix("# EOF\n") else { return ["it does not end in # EOF"] }
    var types: [String: String] = [:]
    var finished: Set<String> = []
    var current = ""
    var samples: Set<String> = []
    for line in text.dropLast(6).split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
      let words = line.split(separator: " ", maxSplits: 3).map(String.init)
      if line.hasPrefix("# ") {
        guard words.count == 4 else { faults.append("comment: \(line)"); continue }
        if words[2] != current {
          if !finished.insert(words[2]).inserted { faults.append("\(words[2]) comes back") }
          current = words[2]
        }
        switch words[1] {
        case "TYPE":
          if types.updateValue(words[3], forKey: current) != nil { faults.append("\(current) has two types") }
        case "UNIT": if !current.hasSuffix("_" + words[3]) { faults.append("\(current) does not end in its unit") }
        case "HELP": break
        default: faults.append("comment: \(line)")
        }
        continue
      }
      guard let sample = try? /([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (-?[0-9.]+(?:e[-+]?[0-9]+)?)/.wholeMatch(in: line)
      else {
        faults.append("sample: \(line)")
        continue
      }
      let suffix = ["counter": "_total", "gauge": "", "info": "_info"][types[current] ?? ""]
      if suffix.map({ current + $0 }) != String(sample.1) { faults.append("\(sample.1) does not belong to \(current)") }
      if let labels = sample.2,
        (try? #/\{[a-zA-Z_][a-zA-Z0-9_]*="([^"\\\n]|\\["\\n])*"(,[a-zA-Z_][a-zA-Z0-9_]*="([^"\\\n]|\\["\\n])*")*\}/#
          .wholeMatch(in: labels)) == nil
      {
        faults.append("labels: \(labels)")
      }
      if !samples.insert("\(sample.1)\(sample.2 ?? "")").inserted { faults.append("\(line) is there twice") }
    }
    return faults
  }
}
