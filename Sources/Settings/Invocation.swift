/// The words of the command line: EAL's up to the first `--`, the application's after it.
public struct Invocation: Equatable, Sendable {
  public let eal: [String]
  public let application: [String]
  /// What names this forwarder among others of the host: EAL's `--file-prefix`, "rte" unless given.
  public private(set) var filePrefix = "rte"
  public private(set) var inMemory = false
  /// The names of virtual devices asked for with `--vdev`, such as net_pcap0.
  public private(set) var virtualDevices: [String] = []
  public private(set) var asksForHelp = false
  public private(set) var asksForVersion = false
  /// What is wrong with EAL's words as far as we can tell before EAL looks at them; a sentence each.
  public private(set) var refusals: [String] = []

  /// - Parameter words: without the program's own name.
  public init(_ words: [String]) {
    let split = words.firstIndex(of: "--") ?? words.endIndex
    eal = Array(words[..<split])
    application = Array(words[split...].dropFirst())
    var rest = eal[...]
    while let word = rest.popFirst() {
      word.hasPrefix("--") ? readLong(word.dropFirst(2), &rest) : readShort(word, &rest)
    }
  }

  /// Reads a long option as getopt_long(3) does: any unambiguous beginning of its name, its argument behind an equals
  /// sign or in the next word.
  private mutating func readLong(_ text: Substring, _ rest: inout ArraySlice<String>) {
    let name = String(text.prefix { $0 != "=" })
    guard let option = EALOption.named(name) else {
      if name == "version" {
        asksForVersion = true
      } else if Settings.optionNames.contains(name) || name == "config" {
        refusals.append("--\(name) is an option of dpdkfwd, not of EAL: write it after --")
      }
      return
    }
    var argument: String?
    if text.contains("=") {
      argument = String(text.drop { $0 != "=" }.dropFirst())
    } else if option.takes == .argument {
      argument = rest.popFirst()
    }
    switch (option.name, argument) {
    case ("help", _): asksForHelp = true
    case ("in-memory", _): inMemory = true
    case ("file-prefix", let prefix?): setFilePrefix(prefix)
    case ("vdev", let device?): virtualDevices.append(String(device.prefix { $0 != "," }))
    case ("proc-type", let type?) where type.lowercased() == "secondary":
      refusals.append("--proc-type secondary: dpdkfwd owns its ports and cannot run as a secondary process")
    default: break
    }
  }

  /// Reads a group of short options: one that takes an argument takes the rest of the word, or the next one.
  private mutating func readShort(_ word: String, _ rest: inout ArraySlice<String>) {
    guard word.hasPrefix("-") else { return }
    for (index, letter) in word.dropFirst().enumerated() {
      if EALOption.shortWithArgument.contains(letter) {
        if index + 2 == word.count { _ = rest.popFirst() }
        return
      }
      if letter == "h" { asksForHelp = true }
    }
  }

  private mutating func setFilePrefix(_ prefix: String) {
    filePrefix = prefix
    // It becomes the name of a folder in /dev/shm.
    if prefix.isEmpty || prefix.hasPrefix(".") || prefix.contains("/") || prefix.utf8.count > 63 {
      refusals.append("--file-prefix \(prefix): expected 1 to 63 bytes, no slash, no dot in front")
    }
  }
}

/// A long option of EAL, as DPDK 22.11 knows them.
struct EALOption {
  enum Takes { case nothing, argument, argumentOnlyBehindEquals }
  let name: String
  let takes: Takes

  static let shortWithArgument: Set<Character> = ["a", "b", "c", "d", "l", "m", "n", "r", "s", "S"]

  static let all: [EALOption] =
    [
      "allow", "base-virtaddr", "block", "file-prefix", "force-max-simd-bitwidth", "huge-dir", "iova-mode", "lcores",
      "log-level", "main-lcore", "mbuf-pool-ops-name", "proc-type", "socket-limit", "socket-mem", "syslog", "trace",
      "trace-bufsz", "trace-dir", "trace-mode", "vdev", "vfio-intr", "vfio-vf-token",
    ].map { EALOption(name: $0, takes: .argument) }
    + [
      "create-uio-dev", "help", "in-memory", "legacy-mem", "match-allocations", "no-hpet", "no-huge", "no-pci",
      "no-shconf", "no-telemetry", "single-file-segments", "telemetry", "vmware-tsc-map",
    ].map { EALOption(name: $0, takes: .nothing) }
    + ["huge-unlink", "huge-worker-stack"].map { EALOption(name: $0, takes: .argumentOnlyBehindEquals) }

  /// The option of that name, or the only one that begins with it.
  static func named(_ name: String) -> EALOption? {
    if let exact = all.first(where: { $0.name == name }) { return exact }
    let candidates = all.filter { $0.name.hasPrefix(name) }
    return candidates.count == 1 ? candidates[0] : nil
  }
}
