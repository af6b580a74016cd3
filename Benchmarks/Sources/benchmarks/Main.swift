// benchmarks: what parts of the forwarder cost, away from DPDK and its ports.
//
//   swift run -c release benchmarks              nanoseconds, stage by stage
//   benchmarks breathe N                         N breaths of each kind of traffic, for Scripts/instructions
import Glibc
import Pipeline

@main
enum Benchmarks {
  static func main() throws {
    let words = CommandLine.arguments.dropFirst()
    if words.first == "breathe", words.count == 2, let breaths = words.last.flatMap({ Int($0) }) {
      count(breaths)
    } else if words.isEmpty {
      try table()
    } else {
      print("usage: benchmarks [breathe N]")
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
    for traffic in Traffic.all { count(breaths, traffic, traffic.name, .alone) }
    for traffic in Traffic.all where ["ipv4-udp", "ipv6-udp"].contains(traffic.name) {
      count(breaths, traffic, "\(traffic.name)-own", .owner(isKeyed: true))
      count(breaths, traffic, "\(traffic.name)-spread", .owner(isKeyed: false))
      count(breaths, traffic, "\(traffic.name)-given", .giver)
      count(breaths, traffic, "\(traffic.name)-taken", .taker)
    }
  }

  private static func count(_ breaths: Int, _ traffic: Traffic, _ name: String, _ role: Role) {
    let bench = Bench(FrameStore(traffic.frames, copies: Journey.burst), role: role)
    bench.breathe(times: 1)
    bench.measure(times: breaths)
    print("\(name) \(breaths * Journey.burst)")
  }

  /// Two digits behind the point, in a column of nine.
  private static func rounded(_ number: Double) -> String {
    let hundredths = String(Int((number * 100).rounded()))
    let digits = String(repeating: "0", count: max(0, 3 - hundredths.count)) + hundredths
    let text = "\(digits.dropLast(2)).\(digits.suffix(2))"
    return String(repeating: " ", count: max(1, 9 - text.count)) + text
  }
}
