import ArgumentParser
import Foundation
import TestSupport

/// Traffic of many kinds in a few thousand packets.
struct Demo: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "A few thousand packets of many kinds, some of them damaged.",
    discussion: "The same seed gives the same file, byte for byte.")

  @Option(help: "Where chance starts.") var seed: UInt64 = 1
  @Option(help: ArgumentHelp("Also write what must be dropped, by reason, as JSON.", valueName: "file"))
  var expect: String?
  @Argument(help: "The capture to write (classic pcap).") var output: String

  func run() throws {
    let traffic = DemoTraffic(seed: seed)
    try Capture(frames: traffic.frames).write(to: URL(filePath: output))
    if let expect { try JSONEncoder.stable.encode(Expectation(traffic)).write(to: URL(filePath: expect)) }

    let expectation = Expectation(traffic)
    let tags = traffic.frames.map { $0.tags.count }
    print("\(expectation.frames) frames: \(listing(traffic.kinds)).")
    print("\(tags.count { $0 == 1 }) of them are in a VLAN, \(tags.count { $0 == 2 }) in QinQ.")
    print("\(expectation.drops.values.reduce(0, +)) must be dropped: \(listing(expectation.drops)).")
    print("\(expectation.invalid) are invalid above IP; they cross unless `--invalid drop` says otherwise.")
  }
}

/// What a stateless bridge must make of a capture.
struct Expectation: Codable {
  let frames: Int
  let drops: [String: Int]
  let invalid: Int

  init(_ traffic: DemoTraffic) {
    (frames, drops, invalid) = (traffic.packets.count, traffic.drops, traffic.count(of: .invalid))
  }
}

extension JSONEncoder {
  static var stable: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    return encoder
  }
}
