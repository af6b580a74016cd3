// benchmarks: what parts of the forwarder cost, away from DPDK and its ports.
//
//   swift run -c release benchmarks              nanoseconds, stage by stage
//   benchmarks breathe N                         N breaths of each kind of traffic, for Scripts/instructions
//   benchmarks table N                           N connections: what a table of them costs, how long breaths take
//   benchmarks rules                             1 to 10,000 rules: what judging a packet costs, how long they compile
import Glibc
import Pipeline

@main
enum Benchmarks {
  static func main() throws {
    let words = CommandLine.arguments.dropFirst()
    if words.count == 2, let number = words.last.flatMap({ Int($0) }), number > 0 {
      switch words.first {
      case "breathe": return count(number)
      case "table": return LargeTable.show(connections: number)
      default: break
      }
    }
    if words.isEmpty {
      try table()
    } else if words.elementsEqual(["rules"]) {
      try RuleStages.show()
    } else {
      print("usage: benchmarks [breathe N | table N | rules]")
      exit(64)
    }
  }

  private static func table() throws {
    print("ns of CPU time: fastest, median")
    for stage in try Stage.all() {
      let padding = String(repeating: " ", count: max(1, 34 - stage.name.count))
      print("\(stage.name)\(padding)\(rounded(stage.timing.fastest))\(rounded(stage.timing.median))  a \(stage.unit)")
    }
  }

  /// One measured call for each kind of traffic, in the order of the lines printed.
  private static func count(_ breaths: Int) {
    for traffic in Traffic.all { count(breaths, traffic.name, traffic.bench(breaths: breaths)) }
    // What owners cost, with no tracking behind them.
    for traffic in Traffic.all where ["ipv4-udp", "ipv6-udp"].contains(traffic.name) {
      count(breaths, "\(traffic.name)-own", traffic.bench(in: .owner(isKeyed: true)))
      count(breaths, "\(traffic.name)-spread", traffic.bench(in: .owner(isKeyed: false)))
      count(breaths, "\(traffic.name)-given", traffic.bench(in: .giver))
      count(breaths, "\(traffic.name)-taken", traffic.bench(in: .taker))
    }
  }

  private static func count(_ breaths: Int, _ name: String, _ bench: borrowing Bench) {
    bench.measure(times: breaths)
    print("\(name) \(breaths * Journey.burst)")
  }

  /// Two digits behind the point, in a column of nine.
  static func rounded(_ number: Double) -> String {
    let hundredths = String(Int((number * 100).rounded()))
    let digits = String(repeating: "0", count: max(0, 3 - hundredths.count)) + hundredths
    let text = "\(digits.dropLast(2)).\(digits.suffix(2))"
    return String(repeating: " ", count: max(1, 9 - text.count)) + text
  }
}
