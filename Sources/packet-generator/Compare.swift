import ArgumentParser
import Foundation
import TestSupport

/// What became of a capture's frames.
struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Says which frames of one capture came out in another.",
    discussion: """
      Every frame of OUT must be the next of IN that was not dropped, byte for byte; every frame missing must have a \
      fault in its IP header, and none that has one may have crossed. Exit status 0 if so, 1 if not.
      """)

  @Argument(help: "The capture that went in.") var input: String
  @Argument(help: "The capture that came out.") var output: String

  func run() throws {
    let frames = try Capture(reading: input).frames
    let crossing = Crossing(from: frames, to: try Capture(reading: output).frames)
    let missing = Set(crossing.missing)
    var reasons: [String: Int] = [:]
    var wrong: [String] = crossing.stray.map { ["frame \($0 + 1) of \(output) is not the next that went in"] } ?? []
    for (position, frame) in frames.enumerated() {
      switch (frame.headerFault, missing.contains(position)) {
      case (let fault?, true): reasons[fault, default: 0] += 1
      case (nil, true): wrong.append("frame \(position + 1) has no fault and is missing")
      case (let fault?, false): wrong.append("frame \(position + 1) crossed in spite of \(fault)")
      case (nil, false): break
      }
    }

    print("\(frames.count - missing.count) of \(frames.count) frames came out unchanged and in order.")
    if !reasons.isEmpty {
      print("\(reasons.values.reduce(0, +)) are missing, each with a fault in its IP header: \(listing(reasons)).")
    }
    for line in wrong.prefix(10) { print("WRONG: \(line).") }
    if wrong.count > 10 { print("WRONG: and \(wrong.count - 10) more.") }
    if !wrong.isEmpty { throw ExitCode(1) }
  }
}
