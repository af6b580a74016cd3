/// The samples of an OpenMetrics text, as `dpdkfwd-stat metrics` prints it.
struct Metrics: Sendable {
  private let samples: [(name: String, labels: [String: String], value: Double)]

  init(_ ended: Ended) throws {
    guard ended.status == .exited(0) else { throw Complaint("dpdkfwd-stat metrics: \(ended.status) \(ended.errors)") }
    let lines = ended.output.split(separator: "\n")
    guard lines.last == "# EOF" else { throw Complaint("the metrics do not end with # EOF") }
    samples = try lines.filter { !$0.hasPrefix("#") }.map { line in
      guard let match = line.wholeMatch(of: /([a-z_]+)(?:\{(.*)\})? (\S+)/), let value = Double(match.3) else {
        throw Complaint("no sample: \(line)")
      }
      let labels = (match.2 ?? "").matches(of: /([a-z_]+)="([^"]*)"/).map { (String($0.1), String($0.2)) }
      return (String(match.1), Dictionary(uniqueKeysWithValues: labels), value)
    }
  }

  /// Over all samples of that name with those labels; `nil` if there is none.
  func sum(_ name: String, _ labels: [String: String] = [:]) -> Int? {
    let found = samples.filter { sample in
      sample.name == name && labels.allSatisfy { sample.labels[$0.key] == $0.value }
    }
    return found.isEmpty ? nil : Int(found.reduce(0) { $0 + $1.value })
  }

  /// The counters of one name that are not zero, by what `label` says.
  func counts(_ name: String, by label: String) -> [String: Int] {
    samples.filter { $0.name == name && $0.value != 0 }.reduce(into: [:]) { counts, sample in
      counts[sample.labels[label] ?? "", default: 0] += Int(sample.value)
    }
  }

  /// Packets dropped, by reason.
  var drops: [String: Int] { counts("dpdkfwd_drops_total", by: "reason") }
}
