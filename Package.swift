// swift-tools-version: 6.2
//
// The manifest is the architecture: `layers` below lists every module, lowest first, and the loop at the end refuses
// a module that uses one at its own height or above. `Scripts/check` builds with
// `--explicit-target-dependency-import-check error`, so an import that is not written here does not compile.
import Foundation
import PackageDescription

// MARK: Layers

enum Kind { case library, executable, shim, test }

struct Layer {
  let name: String
  var kind = Kind.library
  var path: String?
  var uses: [String] = []
  var products: [Target.Dependency] = []
  /// Files in its folder that are no sources.
  var excludes: [String] = []
}

let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nio = ["NIOCore", "NIOPosix"].map { Target.Dependency.product(name: $0, package: "swift-nio") }
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let toml = Target.Dependency.product(name: "TOMLKit", package: "TOMLKit")

let layers: [Layer] = [
  Layer(name: "CSegment", kind: .shim),
  Layer(name: "CTables", kind: .shim),
  Layer(name: "CHook", kind: .shim),
  Layer(name: "CDPDK", kind: .shim),
  Layer(name: "JSONText"),
  Layer(name: "Primitives"),
  Layer(name: "Wire", uses: ["Primitives"]),
  Layer(name: "Tables", uses: ["Primitives", "CTables"]),
  Layer(name: "Segment", uses: ["Primitives", "CSegment"]),
  Layer(name: "Offload", uses: ["Primitives", "Tables"]),
  Layer(name: "HookProgram", uses: ["Primitives", "Wire", "CHook"]),
  Layer(name: "Inspection", uses: ["Primitives", "CSegment", "Segment", "JSONText"]),
  Layer(name: "Steering", uses: ["Primitives", "Wire"]),
  Layer(name: "Reassembly", uses: ["Primitives", "Wire", "Tables", "Segment", "CSegment"]),
  Layer(name: "Conntrack", uses: ["Primitives", "Wire", "Tables", "Segment", "Offload", "CTables", "CSegment"]),
  Layer(name: "Ruleset", uses: ["JSONText"]),
  Layer(name: "Rules", uses: ["Primitives", "Wire", "Tables", "Ruleset"]),
  Layer(name: "FlowCache", uses: ["Primitives", "Wire", "Conntrack", "CSegment"]),
  Layer(
    name: "Pipeline",
    uses: [
      "Primitives", "Wire", "Tables", "Segment", "Steering", "Reassembly", "Conntrack", "FlowCache", "CSegment",
      "Offload", "HookProgram", "Ruleset", "Rules",
    ]),
  Layer(
    name: "Context", uses: ["Primitives", "Wire", "Conntrack", "HookProgram", "Ruleset", "Rules", "Pipeline"]),
  Layer(name: "Sync", uses: ["Primitives", "Segment", "CSegment"]),
  Layer(name: "Settings", uses: ["Primitives", "Conntrack", "Steering"], products: [toml]),
  Layer(name: "ControlProtocol", uses: ["JSONText"]),
  Layer(name: "ControlClient", uses: ["JSONText", "ControlProtocol"], products: nio),
  Layer(name: "ControlServer", uses: ["JSONText", "ControlProtocol"], products: nio + [logging]),
  Layer(
    name: "Control",
    uses: [
      "Primitives", "CSegment", "Segment", "JSONText", "Inspection", "Steering", "Reassembly", "Conntrack", "Pipeline",
      "Ruleset", "Rules", "Context", "ControlProtocol", "ControlServer",
    ], products: [logging]),
  Layer(
    name: "DataPlane",
    uses: [
      "Primitives", "Wire", "Tables", "Steering", "Reassembly", "Conntrack", "FlowCache", "Rules", "Pipeline",
      "Context", "Segment", "Settings", "Control", "Offload", "HookProgram", "CHook", "CSegment", "CDPDK",
    ],
    products: [logging]),
  Layer(
    name: "dpdkfwd", kind: .executable,
    uses: [
      "Primitives", "Conntrack", "HookProgram", "Pipeline", "Context", "Segment", "Settings", "ControlProtocol",
      "ControlServer", "Control", "DataPlane",
    ],
    products: [arguments, logging]),
  Layer(
    name: "dpdkfwd-stat", kind: .executable, uses: ["Primitives", "Segment", "JSONText", "Inspection"],
    products: [arguments]),
  Layer(
    name: "dpdkfwd-ctl", kind: .executable,
    uses: [
      "Primitives", "CSegment", "JSONText", "Segment", "Inspection", "Sync", "Ruleset", "ControlProtocol",
      "ControlClient",
    ],
    products: nio + [arguments]),

  // What judges them. TestSupport builds packets and checksums on its own and uses none of the above.
  Layer(name: "TestSupport", path: "Tests/TestSupport"),
  Layer(name: "packet-generator", kind: .executable, uses: ["TestSupport"], products: [arguments]),
  // What Linux did with small captures, and the forwarder beside it.
  Layer(
    name: "OracleSupport", path: "Tests/OracleSupport", uses: ["TestSupport"], excludes: ["accepted-differences.txt"]),
  Layer(name: "oracle", kind: .executable, uses: ["OracleSupport"], products: [arguments, subprocess]),
  // Rings of events on memory of their own, and who knows connections from them alone.
  Layer(
    name: "EventSupport", path: "Tests/EventSupport",
    uses: ["Primitives", "CSegment", "Segment", "Conntrack"]),
  // Whole workers on virtual ports, everything from one seed.
  Layer(
    name: "SimulationSupport", path: "Tests/SimulationSupport",
    uses: [
      "Primitives", "Wire", "CSegment", "Segment", "Steering", "Reassembly", "Conntrack", "FlowCache", "Ruleset",
      "Rules", "Pipeline", "Context", "TestSupport", "EventSupport",
    ]),
  Layer(name: "simulate", kind: .executable, uses: ["SimulationSupport"], products: [arguments]),
  Layer(name: "OracleSupportTests", kind: .test, uses: ["OracleSupport", "TestSupport"]),
  Layer(name: "TestSupportTests", kind: .test, uses: ["TestSupport"]),
  Layer(name: "PrimitivesTests", kind: .test, uses: ["Primitives", "TestSupport"]),
  Layer(name: "WireTests", kind: .test, uses: ["Primitives", "Wire", "TestSupport"]),
  Layer(
    name: "ConntrackTests", kind: .test,
    uses: [
      "Primitives", "Wire", "Tables", "CSegment", "Segment", "Offload", "Conntrack", "TestSupport", "EventSupport",
    ]),
  Layer(
    name: "ReassemblyTests", kind: .test,
    uses: ["Primitives", "Wire", "Tables", "CSegment", "Segment", "Reassembly", "TestSupport"]),
  Layer(name: "RulesetTests", kind: .test, uses: ["JSONText", "Ruleset", "TestSupport"]),
  Layer(
    name: "RulesTests", kind: .test, uses: ["Primitives", "Wire", "Tables", "Ruleset", "Rules", "TestSupport"]),
  Layer(name: "TablesTests", kind: .test, uses: ["Primitives", "Tables", "TestSupport"]),
  Layer(name: "OffloadTests", kind: .test, uses: ["Primitives", "Tables", "Offload", "TestSupport"]),
  Layer(
    name: "HookProgramTests", kind: .test, uses: ["Primitives", "Wire", "CHook", "HookProgram", "TestSupport"]),
  Layer(name: "SteeringTests", kind: .test, uses: ["Primitives", "Wire", "Steering", "TestSupport"]),
  Layer(name: "SegmentTests", kind: .test, uses: ["Primitives", "CSegment", "Segment", "TestSupport"]),
  Layer(
    name: "SyncTests", kind: .test, uses: ["Primitives", "CSegment", "Segment", "Sync", "TestSupport"]),
  Layer(
    name: "PipelineTests", kind: .test,
    uses: [
      "Primitives", "Wire", "Tables", "CSegment", "Segment", "Steering", "Reassembly", "Conntrack", "FlowCache",
      "Pipeline", "TestSupport", "OracleSupport", "EventSupport", "Ruleset", "Rules", "CHook", "HookProgram",
    ]),
  Layer(
    name: "ContextTests", kind: .test,
    uses: ["Primitives", "Wire", "Conntrack", "Ruleset", "Rules", "Pipeline", "Context", "TestSupport"]),
  Layer(
    name: "SettingsTests", kind: .test, uses: ["Primitives", "Conntrack", "Steering", "Settings", "TestSupport"]),
  Layer(
    name: "DataPlaneTests", kind: .test,
    uses: ["Primitives", "Wire", "CSegment", "Segment", "Offload", "HookProgram", "DataPlane", "TestSupport"],
    products: [logging]),
  Layer(name: "OptionsTests", kind: .test, uses: ["Settings", "dpdkfwd"], products: [arguments]),
  Layer(
    name: "InspectionTests", kind: .test,
    uses: ["JSONText", "Primitives", "CSegment", "Segment", "Inspection", "TestSupport"]),
  Layer(
    name: "StatTests", kind: .test,
    uses: ["JSONText", "CSegment", "Segment", "Inspection", "dpdkfwd-stat", "TestSupport"], products: [arguments]),
  Layer(
    name: "CtlTests", kind: .test,
    uses: [
      "Primitives", "CSegment", "JSONText", "Segment", "Inspection", "Sync", "Ruleset", "ControlProtocol",
      "ControlClient", "dpdkfwd-ctl", "TestSupport",
    ],
    products: [arguments]),
  Layer(name: "JSONTextTests", kind: .test, uses: ["JSONText", "TestSupport"]),
  Layer(
    name: "ControlTests", kind: .test,
    uses: ["JSONText", "ControlProtocol", "ControlClient", "ControlServer", "TestSupport"],
    products: nio + [nioEmbedded, logging]),
  Layer(
    name: "ControlMethodTests", kind: .test,
    uses: [
      "JSONText", "Primitives", "Wire", "CSegment", "Segment", "Inspection", "Steering", "Reassembly", "Conntrack",
      "FlowCache", "Rules", "Ruleset", "Pipeline", "Context", "ControlProtocol", "ControlServer", "Control",
      "TestSupport", "CHook", "HookProgram",
    ], products: [logging]),
  Layer(
    name: "SimulationTests", kind: .test,
    uses: ["Primitives", "Wire", "Pipeline", "TestSupport", "SimulationSupport"]),
  Layer(
    name: "EndToEndTests", kind: .test,
    uses: ["TestSupport", "OracleSupport", "JSONText", "ControlProtocol", "ControlClient"], products: [subprocess]),
]

// MARK: Flags

/// The DPDK include folders, from pkg-config where it is there and as Debian lays them out where it is not.
/// (SwiftPM's own `pkgConfig:` cannot parse Debian's libdpdk.pc and would refuse its `-march`.)
func dpdkIncludes() -> [String] {
  let fallback = ["-I/usr/include/dpdk", "-I/usr/include/x86_64-linux-gnu/dpdk"]
  let ask = Process()
  ask.executableURL = URL(fileURLWithPath: "/usr/bin/pkg-config")
  ask.arguments = ["--cflags-only-I", "libdpdk"]
  let answer = Pipe()
  ask.standardOutput = answer
  ask.standardError = FileHandle.nullDevice
  guard (try? ask.run()) != nil else { return fallback }
  let words = String(decoding: answer.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  ask.waitUntilExit()
  let folders = words.split(whereSeparator: \.isWhitespace).map(String.init)
  return ask.terminationStatus == 0 && !folders.isEmpty ? folders : fallback
}

// DPDK's headers need SSE4.2; the flag also drives Swift's own code generation in the modules that see the shim.
let dpdkFlags = dpdkIncludes() + ["-march=corei7"]

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("ExistentialAny"),
  .enableExperimentalFeature("Lifetimes"),
  // Without it a packet's journey through the modules costs four times the instructions (docs/decisions).
  .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
]

let seesDPDK: [SwiftSetting] = [.unsafeFlags(dpdkFlags.flatMap { ["-Xcc", $0] })]

// MARK: Targets

func target(for layer: Layer, above lower: Set<String>) -> Target {
  for used in layer.uses where !lower.contains(used) {
    fatalError("\(layer.name) uses \(used), which is not below it: see `layers` in Package.swift")
  }
  let dependencies = layer.uses.map { Target.Dependency(stringLiteral: $0) } + layer.products
  // DataPlane and what stands on it read CDPDK's headers, if only through DataPlane's module file.
  let swift =
    strict + (["DataPlane", "DataPlaneTests", "dpdkfwd", "OptionsTests"].contains(layer.name) ? seesDPDK : [])
  switch layer.kind {
  case .shim where layer.name == "CDPDK":
    return .target(
      name: layer.name, path: "CShims/\(layer.name)", cSettings: [.unsafeFlags(dpdkFlags)],
      linkerSettings: ["bpf", "eal", "ethdev", "mbuf", "mempool", "ring", "telemetry"].map {
        .linkedLibrary("rte_\($0)")
      })
  case .shim: return .target(name: layer.name, path: "CShims/\(layer.name)")
  case .executable: return .executableTarget(name: layer.name, dependencies: dependencies, swiftSettings: swift)
  case .library:
    return .target(
      name: layer.name, dependencies: dependencies, path: layer.path, exclude: layer.excludes, swiftSettings: swift)
  case .test: return .testTarget(name: layer.name, dependencies: dependencies, swiftSettings: swift)
  }
}

var seen: Set<String> = []
var targets: [Target] = []
for layer in layers {
  targets.append(target(for: layer, above: seen))
  seen.insert(layer.name)
}

let package = Package(
  name: "dpdkfwd",
  platforms: [.macOS(.v26)],
  products: [
    .executable(name: "dpdkfwd", targets: ["dpdkfwd"]),
    .executable(name: "dpdkfwd-stat", targets: ["dpdkfwd-stat"]),
    .executable(name: "dpdkfwd-ctl", targets: ["dpdkfwd-ctl"]),
    // For the package in Benchmarks only.
    .library(
      name: "Parts",
      targets: [
        "CSegment", "CTables", "Primitives", "Wire", "Tables", "Steering", "Segment", "Reassembly", "Conntrack",
        "Ruleset", "Rules", "FlowCache", "Pipeline", "TestSupport",
      ]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
  ],
  targets: targets
)
