// dpdkfwd: `dpdkfwd <EAL arguments> -- <application options>`. Wires settings, plan, EAL and forwarder together, in that
// order, and turns what goes wrong into a message and an exit code.
internal import ArgumentParser
internal import DataPlane
internal import Foundation
internal import Logging
internal import Segment
internal import Settings

@main
struct Main {
  static let version = Program.version

  /// Exit codes, as sysexits(3) has them.
  enum Exit: Int32 {
    case fine = 0
    case usage = 64
    case unavailable = 69
    case software = 70
    case settings = 78
  }

  static func main() {
    let invocation = Invocation(Array(CommandLine.arguments.dropFirst()))
    if invocation.asksForHelp { help() }
    if invocation.asksForVersion { say("dpdkfwd \(version)", .fine) }
    guard invocation.refusals.isEmpty else { fail(invocation.refusals.joined(separator: "\n"), .usage) }
    let settings = settings(invocation)
    do {
      try forward(invocation, settings)
    } catch let error as PlanError {
      fail("\(error)", .usage)
    } catch DataPlaneError.arguments(let cause) {
      fail("EAL arguments: \(cause)", .usage)
    } catch {
      fail("\(error)", .unavailable)
    }
  }

  private static func settings(_ invocation: Invocation) -> Settings {
    do {
      return try Options.parse(invocation.application).settings()
    } catch let error as SettingsError {
      fail("\(error)", .settings)
    } catch {
      Options.exit(withError: error)
    }
  }

  // MARK: The run

  private static func forward(_ invocation: Invocation, _ settings: Settings) throws {
    let log = logger(settings)
    let affinity = Affinity()
    StopSignals.block()
    // Its thread keeps the CPUs and the signals that the process has now.
    let control = try ControlSockets(settings, prefix: invocation.filePrefix, log: log)
    try LogBridge.install(log)
    try EAL.start([CommandLine.arguments[0]] + invocation.eal, virtualDevices: invocation.virtualDevices)
    let plan = try Plan.make(settings: settings, ports: EAL.ports(), lcores: EAL.lcores())
    print(plan)
    if settings.dryRun {
      try Forwarder.rehearse(plan, prefix: invocation.filePrefix)
      EAL.end()
      say("dry run: the plan can be carried out; nothing was started", .fine)
    }
    let forwarder = try Forwarder(
      plan: plan, prefix: invocation.filePrefix, version: version, affinity: affinity, log: log)
    try control?.open(forwarder, version: version)
    let outcome = try forwarder.run { control?.close() }
    EAL.end()
    print(outcome)
    exit((outcome.isClean ? Exit.fine : .software).rawValue)
  }

  private static func logger(_ settings: Settings) -> Logger {
    let level = Logger.Level(rawValue: settings.logLevel.rawValue) ?? .info
    LoggingSystem.bootstrap { label in
      var handler = StreamLogHandler.standardError(label: label)
      handler.logLevel = level
      return handler
    }
    return Logger(label: "dpdkfwd")
  }

  // MARK: Ends

  private static func help() -> Never {
    say(
      """
      OVERVIEW: A stateful packet forwarder for DPDK hosts.

      USAGE: dpdkfwd <EAL arguments> -- <application options>

      EAL ARGUMENTS (dpdk-testpmd's and any DPDK program's; those used most):
        -l, --lcores <list>     lcores to use; the first is main, the others poll
        -a, --allow <device>    PCI device to use (default: all that are bound to DPDK)
        --vdev <driver,...>     virtual device, such as net_pcap0,rx_pcap=in.pcap,tx_pcap=out.pcap
        --file-prefix <name>    names this forwarder on the host, for dpdkfwd-stat too (default: rte)
        --no-huge -m <MiB>      run without hugepages, in that much memory
        --no-pci, --in-memory, --huge-unlink, --no-telemetry, --log-level <type:level>

      \(Options.helpMessage(columns: 110))
      """, .fine)
  }

  private static func say(_ text: String, _ code: Exit) -> Never {
    print(text)
    exit(code.rawValue)
  }

  private static func fail(_ text: String, _ code: Exit) -> Never {
    let lines = text.split(separator: "\n").map { "dpdkfwd: \($0)\n" }.joined()
    FileHandle.standardError.write(Data(lines.utf8))
    exit(code.rawValue)
  }
}
