import Foundation
import TestSupport

/// Writes inputs for `fuzz-summary` into a folder: every sample packet of the tests, and packets of the captures.
///
///     write-seeds FOLDER [CAPTURE...]
@main
enum WriteSeeds {
  static let fromEachCapture = 60
  static let longest = 2048  // bytes

  static func main() throws {
    let folder = URL(filePath: CommandLine.arguments[1], directoryHint: .isDirectory)
    var seeds = samples.map(\.frame)
    for path in CommandLine.arguments.dropFirst(2) {
      seeds += try Capture(contentsOf: URL(filePath: path)).frames.prefix(fromEachCapture)
    }
    for (number, seed) in Set(seeds).enumerated() where seed.count <= longest {
      // All of the frame is at hand; the fuzzer tries less.
      try Data([255] + seed.bytes).write(to: folder.appending(path: "seed-\(number)"))
    }
  }
}
