import Ruleset

// `Wire` and `TestSupport` have types of these names, too.
typealias PacketField = Field
typealias ExtensionHeaderKind = ExtensionHeader
