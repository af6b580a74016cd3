// dpdkfwd: `dpdkfwd <EAL arguments> -- <application options>`. Wires settings, plan, EAL and forwarder together, in that
// order, and turns what goes wrong into a message and an exit code.
internal import ArgumentParser
internal import Conntrack
internal import Context
internal import DataPlane
internal import Foundation
internal import HookProgram
internal import Logging
internal import Pipeline
internal import Primitives
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
    let rules = rules(plan)
    if settings.dryRun {
      try Forwarder.rehearse(plan, prefix: invocation.filePrefix)
      EAL.end()
      say("dry run: the plan can be carried out; nothing was started", .fine)
    }
    let forwarder = try Forwarder(
      plan: plan, prefix: invocation.filePrefix, version: version, affinity: affinity, rules: rules, log: log)
    try control?.open(forwarder, version: version)
    let outcome = try forwarder.run {
      control?.close()
    } reload: {
      control?.reload(settings)
    }
    EAL.end()
    print(outcome)
    exit((outcome.isClean ? Exit.fine : .software).rawValue)
  }

  /// The rules that a run starts with. Those that are not sound end the program.
  private static func rules(_ plan: Plan) -> RuleKeeper {
    let keeper = RuleKeeper(RuleKeeper.Options(plan))
    keeper.loadObject = { bytes, section throws(RuleFailure) in
      do throws(HookProgramError) {
        return LoadedObject(try LoadedProgram(bytes, section: section))
      } catch {
        throw .unfit(error.description)
      }
    }
    do throws(RuleFailure) {
      let file = plan.settings.rules.file
      let texts: RuleTexts? = if let file { try RuleTexts.read(file) } else { nil }
      try keeper.begin(with: texts, at: Instant(nanoseconds: 0))
      if let file { print("rules\n  \(file): \(keeper.size)") }
      return keeper
    } catch {
      EAL.end()
      // As nft prints them.
      if case .faults = error {
        FileHandle.standardError.write(Data(error.description.utf8))
        exit(Exit.settings.rawValue)
      }
      fail("rules: \(error)", .settings)
    }
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

extension RuleKeeper.Options {
  init(_ plan: Plan) {
    var ports = [String](repeating: "", count: (plan.ports.map(\.id).max() ?? -1) + 1)
    for port in plan.ports { ports[port.id] = port.name }
    let settings = plan.settings
    self.init(
      ports: ports, pairs: Dictionary(uniqueKeysWithValues: plan.ports.map { ($0.id, $0.pair) }),
      workers: plan.workers.count)
    connections = settings.tracking.connections
    failsClosed = settings.rules.fail == .closed
    hasAutoFlowtable = settings.rules.autoFlowtable
    flows = RuleIssue.FlowTimeouts(
      tcp: UInt32(settings.rules.tcpTimeout), udp: UInt32(settings.rules.udpTimeout))
    timeouts = Timeout.allCases.map { UInt32(clamping: settings.tracking.policy.seconds($0) * 1000) }
  }
}

extension LoadedObject {
  fileprivate init(_ loaded: LoadedProgram) {
    let program = loaded.program
    let microseconds = loaded.loadTime / .microseconds(1)
    self.init(
      loaded.call,
      about: "eBPF of section \(program.section), \(program.instructions.count) instructions, "
        + "\(loaded.isCompiled ? "machine code" : "interpreted"), loaded in \(Int(microseconds)) us",
      owner: loaded)
  }
}
