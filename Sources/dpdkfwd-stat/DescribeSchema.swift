internal import ArgumentParser
internal import Inspection
internal import JSONText
internal import Segment

/// `schema`: what the segment holds, as it describes itself.
struct DescribeSchema: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema", abstract: "Describe every kind and field of the segment.")

  enum Format: String, CaseIterable, ExpressibleByArgument { case text, json, c }

  @OptionGroup var options: Options

  @Option(help: "How to print it: text, json or c.")
  var format: Format?

  func run() throws {
    try exitingWithStatus { () throws(SegmentError) in
      let reader = try options.attach()
      let schema = SchemaText(schema: reader.schema)
      switch format ?? (options.json ? .json : .text) {
      case .text: print(schema.text, terminator: "")
      case .json: print(JSON.object(try Heading(reader).members + schema.json))
      case .c: print(schema.c, terminator: "")
      }
    }
  }
}
