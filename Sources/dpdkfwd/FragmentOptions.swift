import ArgumentParser
import Settings

struct FragmentOptions: ParsableArguments {
  @Option(
    name: .customLong("frag-v4"), help: ArgumentHelp("Put IPv4 fragments together. (default: on)", valueName: "on|off"))
  var fragV4: String?

  @Option(
    name: .customLong("frag-v6"), help: ArgumentHelp("Put IPv6 fragments together. (default: on)", valueName: "on|off"))
  var fragV6: String?

  @Option(
    help: ArgumentHelp(
      "Limits as the kernel or Open vSwitch has them; options below go before it. (default: kernel)",
      valueName: "kernel|ovs"))
  var fragPreset: String?

  @Option(
    name: .customLong("frag-min-v4"),
    help: ArgumentHelp(
      "Smallest IPv4 fragment but the last: 0, or 400 and more. (default: 0; ovs: 1200)", valueName: "bytes"))
  var fragMinV4: String?

  @Option(
    name: .customLong("frag-min-v6"),
    help: ArgumentHelp("The same for IPv6. (default: 0; ovs: 1280)", valueName: "bytes"))
  var fragMinV6: String?

  @Option(
    name: .customLong("frag-timeout-v4"),
    help: ArgumentHelp("Time for all fragments of an IPv4 datagram. (default: 30; ovs: 15)", valueName: "seconds"))
  var fragTimeoutV4: String?

  @Option(
    name: .customLong("frag-timeout-v6"),
    help: ArgumentHelp("The same for IPv6. (default: 60; ovs: 15)", valueName: "seconds"))
  var fragTimeoutV6: String?

  @Option(
    help: ArgumentHelp(
      "Fragments held, by all workers. (default: \(ReassemblySettings.standard), or what --mbufs leaves; ovs: 1000)",
      valueName: "n"))
  var fragMax: String?

  @Option(help: ArgumentHelp("Packet buffers they lie in. (default: one each)", valueName: "n"))
  var fragMbufs: String?

  @Option(help: ArgumentHelp("Bytes of their frames. (default: what the buffers hold)", valueName: "bytes"))
  var fragBytes: String?

  @Option(help: ArgumentHelp("Datagrams in the making. (default: one a fragment)", valueName: "n"))
  var fragDatagrams: String?

  @Option(
    help: ArgumentHelp(
      "Fragments of one datagram, up to 8190. (default: \(defaults.reassembly.perDatagram))", valueName: "n"))
  var fragPerDatagram: String?

  @Option(
    help: ArgumentHelp(
      "Percent of a worker's fragment buffers of one source. (default: \(defaults.reassembly.sourceShare))",
      valueName: "percent"))
  var fragSourceShare: String?

  @Option(
    help: ArgumentHelp(
      "Percent of a limit from which the oldest make room. (default: \(defaults.reassembly.high))",
      valueName: "percent"))
  var fragHighWatermark: String?

  @Option(
    help: ArgumentHelp("Percent down to which they do. (default: \(defaults.reassembly.low))", valueName: "percent"))
  var fragLowWatermark: String?

  var words: [(String, String?)] {
    [
      ("frag-v4", fragV4), ("frag-v6", fragV6), ("frag-preset", fragPreset), ("frag-min-v4", fragMinV4),
      ("frag-min-v6", fragMinV6), ("frag-timeout-v4", fragTimeoutV4), ("frag-timeout-v6", fragTimeoutV6),
      ("frag-max", fragMax), ("frag-mbufs", fragMbufs), ("frag-bytes", fragBytes), ("frag-datagrams", fragDatagrams),
      ("frag-per-datagram", fragPerDatagram), ("frag-source-share", fragSourceShare),
      ("frag-high-watermark", fragHighWatermark), ("frag-low-watermark", fragLowWatermark),
    ]
  }
}
