import ArgumentParser
import Foundation
import TestSupport

/// What became of a capture's frames.
struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Says which frames of one capture came out in another.",
    discussion: """
      Every frame of OUT must be the next of IN that was not dropped, byte for byte; every frame missing must have a \
      fault in its IP header, and none that has one may have crossed. Fragments leave with their datagram: one behind \
      the other, by their offsets, wherever among the other frames, and none is missing whose datagram is whole. Exit \
      status 0 if so, 1 if not.
      """)

  @Argument(help: "The capture that went in.") var input: String
  @Argument(help: "The capture that came out.") var output: String

  func run() throws {
    let frames = try Capture(reading: input).frames
    let sent = try Capture(reading: output).frames
    let isPiece = frames.map { FragmentPiece($0) != nil }
    let plain = frames.indices.filter { !isPiece[$0] }
    let plainSent = sent.indices.filter { FragmentPiece(sent[$0]) == nil }
    let crossing = Crossing(from: plain.map { frames[$0] }, to: plainSent.map { sent[$0] })
    let missing = Set(crossing.missing.map { plain[$0] })
    var reasons: [String: Int] = [:]
    var wrong: [String] =
      crossing.stray.map { ["frame \(plainSent[$0] + 1) of \(output) is not the next that went in"] } ?? []
    for position in plain {
      switch (frames[position].headerFault, missing.contains(position)) {
      case (let fault?, true): reasons[fault, default: 0] += 1
      case (nil, true): wrong.append("frame \(position + 1) has no fault and is missing")
      case (let fault?, false): wrong.append("frame \(position + 1) crossed in spite of \(fault)")
      case (nil, false): break
      }
    }
    let datagrams = DatagramCrossing(from: frames, to: sent)
    if let stray = datagrams.stray {
      wrong.append("frame \(stray + 1) of \(output) is a fragment apart from its datagram, or was changed")
    }
    wrong += datagrams.lost.map { "frame \($0 + 1) is a fragment of a whole datagram and is missing" }

    print("\(plain.count - missing.count) of \(plain.count) frames came out unchanged and in order.")
    if !reasons.isEmpty {
      print("\(reasons.values.reduce(0, +)) are missing, each with a fault in its IP header: \(listing(reasons)).")
    }
    if plain.count < frames.count {
      print("\(datagrams.crossed) of \(frames.count - plain.count) fragments came out unchanged, with their datagrams.")
    }
    if !datagrams.unfinished.isEmpty {
      print("\(datagrams.unfinished.count) are missing: their datagrams were not whole, or doubtful.")
    }
    for line in wrong.prefix(10) { print("WRONG: \(line).") }
    if wrong.count > 10 { print("WRONG: and \(wrong.count - 10) more.") }
    if !wrong.isEmpty { throw ExitCode(1) }
  }
}
