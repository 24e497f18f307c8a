// swift-tools-version: 6.2

import PackageDescription

let swiftSettings: [SwiftSetting] = [
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0458-strict-memory-safety.md
    .strictMemorySafety(),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0480-swiftpm-warning-control.md
    .treatAllWarnings(as: .error),
    // A misspelt feature name below would otherwise be accepted without a word.
    .treatWarning("StrictLanguageFeatures", as: .error),
    // Every public type says whether it is Sendable.
    .treatWarning("ExplicitSendable", as: .error),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0335-existential-any.md
    .enableUpcomingFeature("ExistentialAny"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0409-access-level-on-imports.md
    .enableUpcomingFeature("InternalImportsByDefault"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0444-member-import-visibility.md
    .enableUpcomingFeature("MemberImportVisibility"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0461-async-function-isolation.md
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0470-isolated-conformances.md
    .enableUpcomingFeature("InferIsolatedConformances"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0481-weak-let.md
    .enableUpcomingFeature("ImmutableWeakCaptures"),
]

let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let sqlite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let hummingbirdTLS: Target.Dependency = .product(name: "HummingbirdTLS", package: "hummingbird")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")

/// A Swift target under `Sources` with the settings that every target shares.
func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

/// A program under `Sources`.
///
/// Nothing loads code into a program, so a release exports no symbols: Swift's static library otherwise exports all of
/// its own, and the daemon would keep their tables in memory. Identical functions are merged, and relocations packed,
/// for the same reason. Packed relocations need glibc 2.36.
func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name,
        dependencies: dependencies,
        swiftSettings: swiftSettings,
        linkerSettings: [
            .unsafeFlags(
                [
                    "-use-ld=lld", "-Xlinker", "--no-export-dynamic", "-Xlinker", "--icf=safe", "-Xlinker", "-z",
                    "-Xlinker", "pack-relative-relocs",
                ],
                .when(configuration: .release)
            )
        ]
    )
}

func tests(
    _ name: String,
    _ dependencies: [Target.Dependency],
    exclude: [String] = [],
    resources: [Resource] = []
) -> Target {
    .testTarget(
        name: name,
        dependencies: dependencies + ["RefundTestSupport"],
        exclude: exclude,
        resources: resources,
        swiftSettings: swiftSettings
    )
}

let package = Package(
    name: "refundd",
    products: [
        .executable(name: "refundd", targets: ["refundd"]),
        .executable(name: "refund-gateway-simulator", targets: ["refund-gateway-simulator"]),
    ],
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
        // What Hummingbird's own interface is made of.
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        // C libraries of the distribution.
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        // What the C library offers to C alone.
        .systemLibrary(name: "CLinux"),
        // libpq, loaded by whoever has a queue on PostgreSQL.
        .target(name: "CPostgres", publicHeadersPath: "."),

        // The pure core: decides, and never reads a clock, a file, a socket or a random source.
        module("RefundCore", []),

        // What the edges stand on.
        module("TOML", []),
        module("RefundCrypto", ["COpenSSL"]),
        module("RefundHTTP", ["CCurl", "RefundCore"]),
        module("RefundPostgres", ["CLinux", "CPostgres"]),

        // The edges: each does one thing to the outside world, none knows another.
        module("RefundConfiguration", ["RefundCore", "TOML"]),
        module("RefundStore", ["CLinux", "RefundCore"]),
        module("RefundStoreSQL", ["RefundCore", "RefundStore"]),
        module(
            "RefundStoreSQLite",
            ["CLinux", "CSQLite", "RefundCore", "RefundStore", "RefundStoreSQL", grdb, sqlite]
        ),
        module("RefundStorePostgres", ["RefundCore", "RefundStore", "RefundStoreSQL", "RefundPostgres"]),
        module("RefundScheduler", ["RefundCore", "RefundStore"]),
        module("RefundPayCloud", ["RefundCore", "RefundCrypto", "RefundHTTP"]),
        module("RefundWebhooks", ["RefundCore", "RefundCrypto", "RefundHTTP"]),
        module("RefundAdmin", ["CLinux", "RefundCore", "RefundStore", metrics, logging]),

        // The composition root, and the command line over it.
        module(
            "RefundDaemon",
            [
                "CLinux", "RefundCore", "RefundCrypto", "RefundHTTP", "RefundConfiguration", "RefundStore",
                "RefundStorePostgres", "RefundStoreSQLite", "RefundScheduler", "RefundPayCloud", "RefundWebhooks",
                "RefundAdmin", logging, metrics,
            ]
        ),
        program(
            "refundd",
            [
                "RefundCore", "RefundConfiguration", "RefundStore", "RefundScheduler", "RefundAdmin", "RefundDaemon",
                "CLinux", arguments,
            ]
        ),

        // The gateway's side of the protocol, for trying refundd and testing an integration.
        module(
            "RefundSimulator",
            [
                "RefundCore", "RefundConfiguration", "RefundCrypto", "RefundPayCloud", "TOML", "COpenSSL", hummingbird,
                hummingbirdCore, hummingbirdTLS, nioCore,
                nioPosix, nioSSL, lifecycle, unixSignals, logging,
            ]
        ),
        program("refund-gateway-simulator", ["RefundCore", "RefundSimulator", arguments]),

        // Tests.
        .target(
            name: "RefundTestSupport",
            dependencies: ["RefundCore", "RefundCrypto", "RefundPayCloud"],
            path: "Tests/RefundTestSupport",
            resources: [.copy("Fixtures")],
            swiftSettings: swiftSettings
        ),
        // What every store does, over a fixture.
        .target(
            name: "RefundStoreConformance",
            dependencies: ["RefundCore", "RefundStore", "RefundTestSupport"],
            path: "Tests/RefundStoreConformance",
            swiftSettings: swiftSettings
        ),
        // A server of the tests' own.
        .target(
            name: "RefundPostgresSupport",
            dependencies: ["RefundPostgres", "RefundTestSupport"],
            path: "Tests/RefundPostgresSupport",
            swiftSettings: swiftSettings
        ),
        // A SQLite queue and an application beside it.
        .target(
            name: "RefundStoreSQLiteSupport",
            dependencies: [
                "RefundCore", "RefundStore", "RefundStoreConformance", "RefundStoreSQLite", "RefundTestSupport", grdb,
            ],
            path: "Tests/RefundStoreSQLiteSupport",
            swiftSettings: swiftSettings
        ),
        // A PostgreSQL queue and an application beside it.
        .target(
            name: "RefundStorePostgresSupport",
            dependencies: [
                "RefundCore", "RefundPostgres", "RefundPostgresSupport", "RefundStore", "RefundStoreConformance",
                "RefundStorePostgres",
            ],
            path: "Tests/RefundStorePostgresSupport",
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "refund-benchmark-schedules",
            dependencies: ["RefundCore", "RefundTestSupport", arguments],
            path: "Tests/Benchmarks/Schedules",
            swiftSettings: swiftSettings
        ),
        tests("RefundCoreTests", ["RefundCore"]),
        tests("RefundCryptoTests", ["RefundCore", "RefundCrypto", "RefundPayCloud"]),
        tests("RefundHTTPTests", ["RefundHTTP"]),
        tests("RefundPostgresTests", ["RefundPostgres", "RefundPostgresSupport"]),
        tests("TOMLTests", ["TOML"]),
        tests("RefundConfigurationTests", ["RefundCore", "RefundConfiguration"], exclude: ["messages.txt"]),
        tests(
            "RefundStoreSQLiteTests",
            [
                "RefundCore", "RefundStore", "RefundStoreConformance", "RefundStoreSQLite", "RefundStoreSQLiteSupport",
                grdb, sqlite,
            ],
            resources: [.copy("Fixtures")]
        ),
        tests(
            "RefundStorePostgresTests",
            [
                "RefundCore", "RefundPostgres", "RefundPostgresSupport", "RefundStore", "RefundStoreConformance",
                "RefundStorePostgres", "RefundStorePostgresSupport", "RefundStoreSQL",
            ],
            resources: [.copy("Fixtures")]
        ),
        tests(
            "RefundSchedulerTests",
            [
                "RefundCore", "RefundStore", "RefundStoreConformance", "RefundStorePostgresSupport",
                "RefundStoreSQLiteSupport", "RefundScheduler",
            ]
        ),
        tests("RefundPayCloudTests", ["RefundCore", "RefundCrypto", "RefundHTTP", "RefundPayCloud"]),
        tests(
            "ToyGatewayTests",
            [
                "RefundCore", "RefundConfiguration", "RefundCrypto", "RefundHTTP", "RefundScheduler", "RefundStore",
                "RefundStoreConformance", "RefundStoreSQLiteSupport", "RefundDaemon",
            ]
        ),
        tests("RefundWebhooksTests", ["RefundCore", "RefundCrypto", "RefundHTTP", "RefundWebhooks"]),
        tests("RefundAdminTests", ["RefundCore", "RefundStore", "RefundAdmin", metrics, logging]),
        tests(
            "RefundDaemonTests",
            [
                "RefundCore", "RefundConfiguration", "RefundStore", "RefundStoreSQLite", "RefundScheduler",
                "RefundAdmin",
                "RefundDaemon", grdb, logging,
            ]
        ),
        tests(
            "RefunddTests",
            ["RefundCore", "RefundStore", "RefundStoreSQLite", "RefundDaemon", "refundd", arguments]
        ),
        tests(
            "SimulationTests",
            [
                "RefundCore", "RefundCrypto", "RefundHTTP", "RefundStore", "RefundStoreConformance",
                "RefundStorePostgres", "RefundStorePostgresSupport", "RefundStoreSQLite", "RefundStoreSQLiteSupport",
                "RefundScheduler", "RefundPayCloud", "RefundWebhooks", grdb,
            ]
        ),
        tests("RefundSimulatorTests", ["RefundCore", "RefundCrypto", "RefundPayCloud", "RefundSimulator"]),
        tests(
            "EndToEndTests",
            ["RefundCore", "RefundCrypto", "RefundPayCloud", "RefundPostgres", "RefundPostgresSupport", "RefundStore"],
            resources: [.copy("Fixtures")]
        ),
        tests(
            "SoakTests",
            [
                "RefundCore", "RefundStore", "RefundStoreSQLite", "RefundScheduler", "RefundAdmin", "RefundDaemon",
                logging,
            ]
        ),
        tests(
            "FuzzingTests",
            [
                "RefundCore", "RefundCrypto", "RefundHTTP", "RefundConfiguration", "RefundPayCloud", "RefundWebhooks",
                "TOML",
            ],
            exclude: ["fuzz"],
            resources: [.copy("Corpus"), .copy("Fixtures")]
        ),

        // What the benchmarks run beside refundd.
        .executableTarget(
            name: "refund-benchmark-peer",
            dependencies: [
                "RefundCore", "RefundCrypto", "RefundPayCloud", nioCore, nioPosix, nioHTTP1, nioSSL, arguments,
            ],
            path: "Tests/Benchmarks/Peer",
            swiftSettings: swiftSettings
        ),
    ],
    swiftLanguageModes: [.v6]
)
