package import Logging
package import RefundCore

/// The kinds of log lines that tell an operator to act, or that record what a daemon runs with.
///
/// Each is the `MESSAGE_ID` of its lines in the journal. Its entry in `deploy/refundd.catalog` says what to do, and
/// `journalctl -x` shows that entry. Ids never change, since people filter by them. Those of refunds that need attention
/// are in `Attention`.
package enum LogMessageID: String, Sendable, CaseIterable {
    case started = "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d01"
    case reloaded = "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d02"
    case reloadFailed = "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d03"
    case gatewayFailing = "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d09"
    case gatewayMisconfigured = "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d0a"
    case gatewayUnreachable = "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d0b"
    case gatewayProbed = "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d0c"
    case endpointFailing = "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d0d"
    case endpointProbed = "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d0e"
    case urlDisabled = "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d0f"
    case webhookDead = "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d10"
    case databaseFailing = "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d11"
    case databaseLost = "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d12"
    case walGrowing = "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d13"
    case schemaRestored = "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d14"
    case schemaBroken = "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d15"
    case clockSetBack = "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d16"
    case adminUnavailable = "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d17"
    case paused = "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d18"
    case resumed = "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d19"
    case heartbeatStopped = "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d1a"
    case heartbeatNotAccepted = "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d1b"
    case tookOver = "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d1c"
    case takenForDead = "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d1d"
    case snapshotHeld = "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d1e"
    case commitsUnwatched = "1c9e6ac0b1f04c0f8a3a5a0f6f1f5d1f"

    /// The metadata key that carries an id.
    static let key = "message_id"
}

extension Logger.Metadata {
    /// The same metadata with the id of the line's kind.
    package func id(_ id: LogMessageID) -> Logger.Metadata {
        merging([LogMessageID.key: "\(id.rawValue)"]) { $1 }
    }

    /// The metadata of a line about a refund that needs attention.
    package func id(_ attention: Attention) -> Logger.Metadata {
        merging([LogMessageID.key: "\(attention.messageID)"]) { $1 }
    }
}
